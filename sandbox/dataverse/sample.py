"""The sample company as this organisation's CRM knows it."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sandbox.company import Case, Company, Contact, Employee, Lead, Opportunity
from sandbox.dataverse import limits
from sandbox.dataverse.rows import Rows, forget, rows_of
from sandbox.dataverse.schema import SCHEMA
from sandbox.entra.tokens import APP_OID
from sandbox.world import CLIENT_ID, World

BLOCKED = (
    "ade;adp;app;asa;ashx;asmx;asp;bas;bat;cdx;cer;chm;class;cmd;com;config;cpl;crt;csh;dll;exe;"
    "fxp;hlp;hta;htr;htw;ida;idc;idq;inf;ins;isp;its;jar;js;jse;ksh;lnk;mad;maf;mag;mam;maq;mar;"
    "mas;mat;mau;mav;maw;mda;mdb;mde;mdt;mdw;mdz;msc;msh;msh1;msh1xml;msh2;msh2xml;mshxml;msi;"
    "msp;mst;ops;pcd;pif;prf;prg;printer;pst;reg;rem;scf;scr;sct;shb;shs;shtm;shtml;soap;stm;tmp;"
    "url;vb;vbe;vbs;vsmacros;vss;vst;vsw;ws;wsc;wsf;wsh;svg"
)
"""The default list of a real organisation; Learn, "Files and images overview"."""

SETTINGS = (
    "<OrgSettings><DistinctPhysicalAndLogicalDeletesForExchangeSync>false"
    "</DistinctPhysicalAndLogicalDeletesForExchangeSync></OrgSettings>"
)
DEFAULT_MAX_UPLOAD = 5_242_880
REGIONS = ("North", "South", "East", "West")
PROJECTS = ("Harbour extension", "Website relaunch", "Plant retrofit")


def fixed_id(kind: str, name: str) -> str:
    """The same id for the same thing on every machine."""
    return str(uuid5(NAMESPACE_URL, f"sandbox/dataverse/{kind}/{name}"))


BUSINESS_UNIT = fixed_id("businessunit", "root")
ORGANIZATION = fixed_id("organization", "root")
APPLICATION_USER = fixed_id("systemuser", "application")


def user_id(address: str) -> str:
    """The systemuserid of the person with this address."""
    return fixed_id("systemuser", address.casefold())


def seed(world: World) -> None:
    """Fills the empty store. What was remembered about former rows and callers is forgotten."""
    forget(world)
    limits.forget(world)
    rows = rows_of(world)
    with world.store.transaction():
        for table, row in _rows(world.company):
            _put(rows, table, row)


def _put(rows: Rows, table: str, row: Mapping[str, Any]) -> None:
    declared = SCHEMA.tables[table]
    now = rows.now()
    whole = {
        **{c.name: c.default for c in declared.columns.values() if c.default is not None},
        "createdon": now,
        "modifiedon": now,
        "createdby": ["systemuser", APPLICATION_USER],
        "modifiedby": ["systemuser", APPLICATION_USER],
        **row,
    }
    if declared.owned:
        whole["owninguser"] = whole["ownerid"]
        whole["owningbusinessunit"] = ["businessunit", BUSINESS_UNIT]
    rows.put(table, row[declared.key], {k: v for k, v in whole.items() if k in declared.columns})


def _rows(company: Company) -> Iterable[tuple[str, dict[str, Any]]]:
    yield "businessunit", {"businessunitid": BUSINESS_UNIT, "name": "contoso"}
    yield "organization", _organization()
    yield "systemuser", _application_user()
    for person in company.employees:
        if person.crm_user:
            yield "systemuser", _user(person)
    for queue in company.queues:
        row = {"queueid": queue.id, "name": queue.name, "emailaddress": queue.address}
        yield "queue", row
    for account in company.accounts:
        yield (
            "account",
            {
                "accountid": account.id,
                "name": account.name,
                "websiteurl": account.website,
                "emailaddress1": account.email,
                "parentaccountid": _link("account", account.parent),
                "ownerid": _owner(account.owner),
            },
        )
    for contact in company.contacts:
        yield "contact", _contact(contact)
    for opportunity in company.opportunities:
        yield "opportunity", _opportunity(opportunity)
    for case in company.cases:
        yield "incident", _case(case)
    for lead in company.leads:
        yield "lead", _lead(lead)
    yield from _custom(company)


def _organization() -> dict[str, Any]:
    return {
        "organizationid": ORGANIZATION,
        "name": "contoso",
        "maxuploadfilesize": DEFAULT_MAX_UPLOAD,
        "blockedattachments": BLOCKED,
        "orgdborgsettings": SETTINGS,
        "languagecode": 1033,
    }


def _application_user() -> dict[str, Any]:
    return {
        "systemuserid": APPLICATION_USER,
        "fullname": "# Threadline",
        "domainname": f"{APPLICATION_USER}@app",
        "azureactivedirectoryobjectid": APP_OID,
        "applicationid": CLIENT_ID,
        "isdisabled": False,
        "accessmode": 4,
        "businessunitid": ["businessunit", BUSINESS_UNIT],
    }


def _user(person: Employee) -> dict[str, Any]:
    first, _, last = person.name.partition(" ")
    return {
        "systemuserid": user_id(person.address),
        "fullname": person.name,
        "firstname": first,
        "lastname": last,
        "internalemailaddress": person.address,
        "domainname": person.address,
        "azureactivedirectoryobjectid": person.oid.lower(),
        "isdisabled": False,
        "accessmode": 0,
        "businessunitid": ["businessunit", BUSINESS_UNIT],
    }


def _contact(contact: Contact) -> dict[str, Any]:
    return {
        "contactid": contact.id,
        "fullname": f"{contact.first_name} {contact.last_name}".strip(),
        "firstname": contact.first_name,
        "lastname": contact.last_name,
        "jobtitle": contact.job_title or None,
        "emailaddress1": contact.email,
        "emailaddress2": contact.email2 or None,
        "parentcustomerid": _link("account", contact.account),
        "ownerid": _owner(contact.owner),
    }


_OPPORTUNITY_STATES = {"open": (0, 1), "won": (1, 3), "lost": (2, 5)}


def _opportunity(opportunity: Opportunity) -> dict[str, Any]:
    state, status = _OPPORTUNITY_STATES[opportunity.state]
    return {
        "opportunityid": opportunity.id,
        "name": opportunity.name,
        "description": opportunity.description,
        "customerid": _link("account", opportunity.account),
        "parentaccountid": _link("account", opportunity.account),
        "parentcontactid": _link("contact", opportunity.contact),
        "statecode": state,
        "statuscode": status,
        "createdon": opportunity.created,
        "modifiedon": opportunity.modified,
        "ownerid": _owner(opportunity.owner),
    }


def _case(case: Case) -> dict[str, Any]:
    state, status = (0, 1) if case.state == "open" else (1, 5)
    return {
        "incidentid": case.id,
        "title": case.title,
        "ticketnumber": case.number,
        "description": case.description,
        "customerid": _link("account", case.account),
        "primarycontactid": _link("contact", case.contact),
        "statecode": state,
        "statuscode": status,
        "createdon": case.created,
        "modifiedon": case.modified,
        "ownerid": _owner(case.owner),
    }


def _lead(lead: Lead) -> dict[str, Any]:
    return {
        "leadid": lead.id,
        "subject": lead.topic,
        "fullname": f"{lead.first_name} {lead.last_name}".strip(),
        "firstname": lead.first_name,
        "lastname": lead.last_name,
        "companyname": lead.company,
        "emailaddress1": lead.email,
        "ownerid": _owner(lead.owner),
    }


def _custom(company: Company) -> Iterable[tuple[str, dict[str, Any]]]:
    for name in REGIONS:
        yield "new_region", {"new_regionid": fixed_id("new_region", name), "new_name": name}
    owners = [p.address for p in company.employees if p.crm_user]
    for i, name in enumerate(PROJECTS):
        account = company.accounts[i].id if i < len(company.accounts) else None
        row = {"new_projectid": fixed_id("new_project", name), "new_name": name}
        yield (
            "new_project",
            row
            | {
                "new_account": _link("account", account),
                "ownerid": _owner(owners[i % len(owners)]),
            },
        )


def _link(table: str, id_: str | None) -> list[str] | None:
    return [table, id_] if id_ else None


def _owner(address: str) -> list[str]:
    return ["systemuser", user_id(address)]
