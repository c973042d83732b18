"""The business tables: who and what activities are about."""

from sandbox.dataverse.schema.columns import (
    columns,
    custom,
    fixed,
    flag,
    key,
    lookup,
    memo,
    owned,
    states,
    text,
    tracked,
    when,
    whole,
)
from sandbox.dataverse.schema.model import Column, Table, Target

ACTIVE = ({0: "Active", 1: "Inactive"}, ((1, "Active", 0), (2, "Inactive", 1)))

_ADDRESSES = ("emailaddress1", "emailaddress2", "emailaddress3")


def _emails() -> tuple[Column, ...]:
    return tuple(text(name, 100, f"Email {name[-1]}") for name in _ADDRESSES)


def _customer(table: str, collection: str) -> Column:
    return lookup(
        "customerid",
        Target("account", "customerid_account", f"{collection}_customer_accounts", "cascade"),
        Target("contact", "customerid_contact", f"{collection}_customer_contacts", "cascade"),
        label="Potential Customer" if table == "opportunity" else "Customer",
    )


SYSTEMUSER = Table(
    "systemuser",
    "systemusers",
    "systemuserid",
    "fullname",
    "User",
    8,
    columns(
        key("systemuserid", "User"),
        text("fullname", 200, "Full Name"),
        text("firstname", 256, "First Name"),
        text("lastname", 256, "Last Name"),
        text("internalemailaddress", 100, "Primary Email"),
        text("domainname", 1024, "User Name"),
        Column("azureactivedirectoryobjectid", "guid", "Azure AD Object ID"),
        Column("applicationid", "guid", "Application ID"),
        flag("isdisabled", "Status"),
        text("title", 128, "Title"),
        whole("accessmode", "Access Mode"),
        lookup("businessunitid", Target("businessunit", "businessunitid"), label="Business Unit"),
        tracked(),
    ),
    is_party=True,
    owned=False,
    addresses=("internalemailaddress",),
    schema_name="SystemUser",
)

BUSINESSUNIT = Table(
    "businessunit",
    "businessunits",
    "businessunitid",
    "name",
    "Business Unit",
    10,
    columns(key("businessunitid"), text("name", 160, "Name"), tracked()),
    owned=False,
    schema_name="BusinessUnit",
)

QUEUE = Table(
    "queue",
    "queues",
    "queueid",
    "name",
    "Queue",
    2020,
    columns(
        key("queueid", "Queue"),
        text("name", 200, "Name"),
        text("emailaddress", 100, "Incoming Email"),
        memo("description", 2000, "Description"),
        states("queue", *ACTIVE),
        tracked(),
    ),
    is_party=True,
    owned=False,
    addresses=("emailaddress",),
    schema_name="Queue",
)

ORGANIZATION = Table(
    "organization",
    "organizations",
    "organizationid",
    "name",
    "Organization",
    1019,
    columns(
        key("organizationid", "Organization"),
        text("name", 160, "Name"),
        whole("maxuploadfilesize", "Max Upload File Size", 0, 131_072_000),
        memo("blockedattachments", 1_073_741_823, "Block Attachments"),
        memo("orgdborgsettings", 1_073_741_823, "Organization Database Organization Settings"),
        whole("languagecode", "Language"),
        tracked(),
    ),
    owned=False,
    schema_name="Organization",
)

ACCOUNT = Table(
    "account",
    "accounts",
    "accountid",
    "name",
    "Account",
    1,
    columns(
        key("accountid", "Account"),
        text("name", 160, "Account Name", required=True),
        text("accountnumber", 20, "Account Number"),
        text("websiteurl", 200, "Website"),
        text("telephone1", 50, "Main Phone"),
        text("address1_city", 80, "Address 1: City"),
        memo("description", 2000, "Description"),
        whole("numberofemployees", "Number of Employees", 0, 1_000_000_000),
        flag("creditonhold", "Credit Hold"),
        _emails(),
        lookup("parentaccountid", Target("account", "parentaccountid", "account_parent_account")),
        lookup(
            "primarycontactid", Target("contact", "primarycontactid", "account_primary_contact")
        ),
        states("account", *ACTIVE),
        owned(),
    ),
    has_activities=True,
    is_party=True,
    addresses=_ADDRESSES,
    schema_name="Account",
)

CONTACT = Table(
    "contact",
    "contacts",
    "contactid",
    "fullname",
    "Contact",
    2,
    columns(
        key("contactid", "Contact"),
        fixed(text("fullname", 160, "Full Name")),
        text("firstname", 50, "First Name"),
        text("lastname", 50, "Last Name", required=True),
        text("jobtitle", 100, "Job Title"),
        text("telephone1", 50, "Business Phone"),
        text("mobilephone", 50, "Mobile Phone"),
        memo("description", 2000, "Description"),
        _emails(),
        lookup(
            "parentcustomerid",
            Target("account", "parentcustomerid_account", "contact_customer_accounts", "cascade"),
            Target("contact", "parentcustomerid_contact", "contact_customer_contacts", "cascade"),
            label="Company Name",
        ),
        states("contact", *ACTIVE),
        owned(),
    ),
    has_activities=True,
    is_party=True,
    addresses=_ADDRESSES,
    schema_name="Contact",
)

LEAD = Table(
    "lead",
    "leads",
    "leadid",
    "fullname",
    "Lead",
    4,
    columns(
        key("leadid", "Lead"),
        fixed(text("fullname", 160, "Name")),
        text("subject", 300, "Topic", required=True),
        text("firstname", 50, "First Name"),
        text("lastname", 50, "Last Name", required=True),
        text("companyname", 100, "Company Name"),
        memo("description", 2000, "Description"),
        _emails(),
        states(
            "lead",
            {0: "Open", 1: "Qualified", 2: "Disqualified"},
            ((1, "New", 0), (2, "Contacted", 0), (3, "Qualified", 1), (4, "Lost", 2)),
        ),
        owned(),
    ),
    has_activities=True,
    is_party=True,
    addresses=_ADDRESSES,
    schema_name="Lead",
)

OPPORTUNITY = Table(
    "opportunity",
    "opportunities",
    "opportunityid",
    "name",
    "Opportunity",
    3,
    columns(
        key("opportunityid", "Opportunity"),
        text("name", 300, "Topic", required=True),
        memo("description", 2000, "Description"),
        Column("estimatedvalue", "money", "Est. Revenue"),
        Column("estimatedclosedate", "date", "Est. Close Date"),
        Column("actualclosedate", "date", "Actual Close Date"),
        _customer("opportunity", "opportunity"),
        lookup(
            "parentaccountid",
            Target("account", "parentaccountid", "opportunity_parent_account"),
            label="Account",
        ),
        lookup(
            "parentcontactid",
            Target("contact", "parentcontactid", "opportunity_parent_contact"),
            label="Contact",
        ),
        states(
            "opportunity",
            {0: "Open", 1: "Won", 2: "Lost"},
            (
                (1, "In Progress", 0),
                (2, "On Hold", 0),
                (3, "Won", 1),
                (4, "Canceled", 2),
                (5, "Out-Sold", 2),
            ),
        ),
        owned(),
    ),
    has_activities=True,
    schema_name="Opportunity",
)

INCIDENT = Table(
    "incident",
    "incidents",
    "incidentid",
    "title",
    "Case",
    112,
    columns(
        key("incidentid", "Case"),
        text("title", 200, "Case Title", required=True),
        text("ticketnumber", 100, "Case Number"),
        memo("description", 2000, "Description"),
        _customer("incident", "incident"),
        lookup(
            "primarycontactid",
            Target("contact", "primarycontactid", "contact_as_primary_contact"),
            label="Contact",
        ),
        states(
            "incident",
            {0: "Active", 1: "Resolved", 2: "Canceled"},
            (
                (1, "In Progress", 0),
                (2, "On Hold", 0),
                (3, "Waiting for Details", 0),
                (4, "Researching", 0),
                (5, "Problem Solved", 1),
                (1000, "Information Provided", 1),
                (6, "Canceled", 2),
                (2000, "Merged", 2),
            ),
        ),
        owned(),
    ),
    has_activities=True,
    schema_name="Incident",
)

PROJECT = Table(
    "new_project",
    "new_projects",
    "new_projectid",
    "new_name",
    "Project",
    10112,
    columns(
        key("new_projectid", "Project"),
        custom(text("new_name", 100, required=True), "new_Name", "Name"),
        custom(when("new_startdate"), "new_StartDate", "Start Date"),
        custom(
            lookup("new_account", Target("account", "new_Account", "new_account_new_project")),
            "new_Account",
            "Account",
        ),
        states("new_project", *ACTIVE),
        owned(),
    ),
    has_activities=True,
    custom=True,
    schema_name="new_Project",
)

REGION = Table(
    "new_region",
    "new_regions",
    "new_regionid",
    "new_name",
    "Region",
    10113,
    columns(
        key("new_regionid", "Region"),
        custom(text("new_name", 100, required=True), "new_Name", "Name"),
        states("new_region", *ACTIVE),
        tracked(),
    ),
    owned=False,
    custom=True,
    schema_name="new_Region",
)

RECORDS = (
    SYSTEMUSER,
    BUSINESSUNIT,
    QUEUE,
    ORGANIZATION,
    ACCOUNT,
    CONTACT,
    LEAD,
    OPPORTUNITY,
    INCIDENT,
    PROJECT,
    REGION,
)
