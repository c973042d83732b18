"""The sample company as this organisation's CRM knows it."""

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.company import Case, Company, Contact, Employee, Lead, Opportunity
from sandbox.salesforce.access import INTEGRATION_ADDRESS, ORGANIZATION, user_id
from sandbox.salesforce.ids import derive_id
from sandbox.salesforce.org import Org, org_of
from sandbox.salesforce.queries import forget_locators
from sandbox.salesforce.rows import Rows, forget, rows_of, stamp
from sandbox.salesforce.rules.sales import CLOSED, LOST, WON
from sandbox.salesforce.schema import FEATURES, schema
from sandbox.salesforce.values import parse_datetime
from sandbox.world import World

CAMPAIGNS = ("Spring Trade Fair", "Cold Chain Webinar", "Newsletter")
PROJECTS = ("Harbour extension", "Website relaunch", "Plant retrofit")
PRICE_RULES = ("Volume discount", "Loyal customers")
_PREFIXES = {"account": "001", "contact": "003", "opportunity": "006", "case": "500", "lead": "00Q"}
_STAGES = {"open": "Proposal/Price Quote", "won": WON, "lost": LOST}
_CLOSE_DATE = "2026-12-31"


def record_id(kind: str, sample_id: str) -> str:
    """The id of the record made of the company's account, contact, opportunity, case or lead."""
    return derive_id(_PREFIXES[kind], sample_id)


def campaign_id(name: str) -> str:
    return derive_id("701", name)


def project_id(name: str) -> str:
    return derive_id("a01", name)


def seed(world: World) -> None:
    """Fills the empty store. What was remembered about former rows is forgotten."""
    forget(world)
    forget_locators(world)
    rows = rows_of(world)
    now = stamp(rows.now())
    with world.store.transaction():
        for object_, row in _rows(world.company):
            _put(rows, object_, row, now)


def apply(world: World) -> None:
    """Brings the users in line with the organisation's switches."""
    org, rows = org_of(world), rows_of(world)
    for person in world.company.employees:
        row = rows.get("User", user_id(person.address))
        if row is not None:
            rows.put("User", {**row, **_login(person.address, org)})


def _put(rows: Rows, object_: str, row: Mapping[str, Any], now: str) -> None:
    declared = schema(FEATURES).objects[object_]
    by = user_id(INTEGRATION_ADDRESS)
    audit = {
        "IsDeleted": False,
        "OwnerId": by,
        "CreatedDate": now,
        "CreatedById": by,
        "LastModifiedDate": now,
        "LastModifiedById": by,
        "SystemModstamp": now,
    }
    defaults = {f.name: f.default for f in declared.fields.values() if f.default is not None}
    whole = {**audit, **defaults, **row}
    rows.put(object_, {name: v for name, v in whole.items() if name in declared.fields})


def _rows(company: Company) -> Iterable[tuple[str, dict[str, Any]]]:
    yield (
        "Organization",
        {
            "Id": ORGANIZATION,
            "Name": "Contoso",
            "OrganizationType": "Enterprise Edition",
            "IsSandbox": True,
            "LanguageLocaleKey": "en_US",
        },
    )
    yield "User", _integration_user()
    for person in company.employees:
        if person.crm_user:
            yield "User", _user(person)
    for queue in company.queues:
        row = {"Name": queue.name, "Type": "Queue", "Email": queue.address}
        yield "Group", {"Id": derive_id("00G", queue.id), **row}
    for account in company.accounts:
        yield (
            "Account",
            {
                "Id": record_id("account", account.id),
                "Name": account.name,
                "Website": account.website,
                "Email__c": account.email,
                "ParentId": account.parent and record_id("account", account.parent),
                "OwnerId": user_id(account.owner),
            },
        )
    for contact in company.contacts:
        yield "Contact", _contact(contact)
    for opportunity in company.opportunities:
        yield from _opportunity(opportunity)
    for case in company.cases:
        yield "Case", _case(case)
    for lead in company.leads:
        yield "Lead", _lead(lead)
    yield from _custom(company)


def _integration_user() -> dict[str, Any]:
    return {
        "Id": user_id(INTEGRATION_ADDRESS),
        "LastName": "Threadline",
        "Name": "Threadline",
        "Email": INTEGRATION_ADDRESS,
        "UserType": "Standard",
        **_login(INTEGRATION_ADDRESS, Org()),
    }


def _user(person: Employee) -> dict[str, Any]:
    first, _, last = person.name.rpartition(" ")
    return {
        "Id": user_id(person.address),
        "FirstName": first,
        "LastName": last,
        "Name": person.name,
        "Email": person.address,
        "FederationIdentifier": person.oid,
        "UserType": "Standard",
        "TimeZoneSidKey": "GMT",
        **_login(person.address, Org()),
    }


def _login(address: str, org: Org) -> dict[str, Any]:
    return {
        "Username": org.usernames.get(address, address),
        "LanguageLocaleKey": org.languages.get(address, "en_US"),
        "IsActive": address not in org.inactive_users,
    }


def _contact(contact: Contact) -> dict[str, Any]:
    return {
        "Id": record_id("contact", contact.id),
        "FirstName": contact.first_name,
        "LastName": contact.last_name,
        "Name": f"{contact.first_name} {contact.last_name}".strip(),
        "Title": contact.job_title or None,
        "Email": contact.email,
        "Second_Email__c": contact.email2 or None,
        "AccountId": record_id("account", contact.account),
        "OwnerId": user_id(contact.owner),
    }


def _opportunity(opportunity: Opportunity) -> Iterable[tuple[str, dict[str, Any]]]:
    id_ = record_id("opportunity", opportunity.id)
    yield (
        "Opportunity",
        {
            "Id": id_,
            "Name": opportunity.name,
            "Description": opportunity.description,
            "AccountId": record_id("account", opportunity.account),
            "StageName": _STAGES[opportunity.state],
            "IsClosed": opportunity.state != "open",
            "IsWon": opportunity.state == "won",
            "CloseDate": _CLOSE_DATE,
            **_dates(opportunity.created, opportunity.modified),
            "OwnerId": user_id(opportunity.owner),
        },
    )
    if opportunity.contact:
        row = {
            "Id": derive_id("00K", opportunity.id),
            "OpportunityId": id_,
            "ContactId": record_id("contact", opportunity.contact),
            "IsPrimary": True,
        }
        yield "OpportunityContactRole", row


def _case(case: Case) -> dict[str, Any]:
    closed = case.state == "resolved"
    return {
        "Id": record_id("case", case.id),
        "CaseNumber": case.number,
        "Subject": case.title,
        "Description": case.description,
        "Status": CLOSED if closed else "New",
        "IsClosed": closed,
        "Origin": "Email",
        "AccountId": record_id("account", case.account),
        "ContactId": case.contact and record_id("contact", case.contact),
        **_dates(case.created, case.modified),
        "OwnerId": user_id(case.owner),
    }


def _lead(lead: Lead) -> dict[str, Any]:
    return {
        "Id": record_id("lead", lead.id),
        "FirstName": lead.first_name,
        "LastName": lead.last_name,
        "Name": f"{lead.first_name} {lead.last_name}".strip(),
        "Company": lead.company,
        "Email": lead.email,
        "Description": lead.topic,
        "OwnerId": user_id(lead.owner),
    }


def _custom(company: Company) -> Iterable[tuple[str, dict[str, Any]]]:
    for name in CAMPAIGNS:
        yield "Campaign", {"Id": campaign_id(name), "Name": name, "IsActive": True}
    for name, account in zip(PROJECTS, company.accounts, strict=False):
        row = {"Id": project_id(name), "Name": name, "OwnerId": user_id(account.owner)}
        yield "Project__c", row | {"Account__c": record_id("account", account.id)}
    for name in PRICE_RULES:
        yield "Price_Rule__c", {"Id": derive_id("a02", name), "Name": name, "Percent__c": 5.0}


def _dates(created: str, modified: str) -> dict[str, str]:
    moments = {"CreatedDate": created, "LastModifiedDate": modified, "SystemModstamp": modified}
    parsed = {name: parse_datetime(text) for name, text in moments.items()}
    return {name: stamp(moment) for name, moment in parsed.items() if moment}
