"""What to ask Dataverse for the clues of an item. Pure; paths are percent-encoded.

Domains are looked for by `contains` and `endswith`: SQL finds a little too much by them (a website
`harbourline.example.org` contains `harbourline.example`), so that the answers need a look at each.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from shared.crm.dataverse import keys
from shared.crm.dataverse.payloads import moment
from shared.crm.dataverse.queries import LONGEST_FILTER, PARTY_COLUMNS, encoded, literal
from shared.crm.dataverse.tables import STANDARD, Table
from shared.domains import topmost
from shared.global_ids import occurrence_ends

MOST_FILED: Final = 100
MOST_RECORDS: Final = 500
"""Opportunities and cases, each."""

_MOST_CONDITIONS: Final = 120
"""Dataverse takes 500 in a query, and a condition here may have four parts."""

_CATCH: Final = "250"
"""Rows of a query by address, name or domain."""

_ACCOUNT_COLUMNS: Final = ",".join(
    ("accountid", "name", "websiteurl", *PARTY_COLUMNS["account"], "_parentaccountid_value")
)
_WITH_PARENT: Final = (
    f"$select={_ACCOUNT_COLUMNS}&$expand=parentaccountid($select={_ACCOUNT_COLUMNS})"
)
_CONTACT: Final = (
    f"$select=contactid,fullname,{','.join(PARTY_COLUMNS['contact'])},_parentcustomerid_value"
    f"&$expand=parentcustomerid_account($select={_ACCOUNT_COLUMNS};"
    f"$expand=parentaccountid($select={_ACCOUNT_COLUMNS}))"
)
_LEAD: Final = (
    f"$select=leadid,fullname,subject,companyname,description,{','.join(PARTY_COLUMNS['lead'])},"
    "statecode,modifiedon,_ownerid_value"
)
RECORD_COLUMNS: Final = {
    "opportunity": "$select=opportunityid,name,description,statecode,modifiedon,"
    "_ownerid_value,_customerid_value,_parentaccountid_value,_parentcontactid_value",
    "incident": "$select=incidentid,title,ticketnumber,description,statecode,modifiedon,"
    "_ownerid_value,_customerid_value,_primarycontactid_value",
    "lead": _LEAD,
}
_OWNERS: Final = {
    "opportunity": (
        ("_customerid_value", "_parentaccountid_value"),
        ("_customerid_value", "_parentcontactid_value"),
    ),
    "incident": (("_customerid_value",), ("_customerid_value", "_primarycontactid_value")),
}
"""The columns with the customer: the account, the contact."""
_FILED: Final = "$select=activityid,createdon,sortdate,_regardingobjectid_value"
_PARTIES: Final = "$expand={name}_activity_parties($select=addressused)"


def contacts(addresses: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    """With the account of each, and that one's parent."""
    conditions = [*_by_address("contact", addresses), *_equal("fullname", names)]
    return _lists("contact", _CONTACT, conditions, "statecode eq 0")


def leads(addresses: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    conditions = [*_by_address("lead", addresses), *_equal("fullname", names)]
    return _lists("lead", _LEAD, conditions)


def accounts(addresses: Sequence[str], domains: Sequence[str]) -> Iterator[str]:
    """With the parent of each."""
    at_home = [
        f"contains(websiteurl,{like(domain)}) or "
        + " or ".join(
            f"endswith({column},{like(mark + domain)})"
            for column in PARTY_COLUMNS["account"]
            for mark in "@."
        )
        for domain in topmost(domains)
    ]
    conditions = [*_by_address("account", addresses), *at_home]
    return _lists("account", _WITH_PARENT, conditions, "statecode eq 0")


def conversation(message_ids: Sequence[str], uid: str | None) -> Iterator[str]:
    """Activities of the same thread: those that carry one of the messages, answer one, or began
    with one; without message ids, the records of a meeting and of its series."""
    threads = [f"conversationtrackingid eq {keys.conversation_id(id_)}" for id_ in message_ids]
    conditions = [*_equal("messageid", message_ids), *_equal("inreplyto", message_ids), *threads]
    yield from _filed("emails", "email", conditions)
    if uid and not message_ids:
        yield from _filed("appointments", "appointment", [_meeting(uid)])


def habits(addresses: Sequence[str], domains: Sequence[str], since: datetime) -> Iterator[str]:
    """The latest activities, linked to something, in which one of these took part."""
    takes_part = [
        *(f"p/addressused eq {literal(address)}" for address in addresses),
        *(
            f"endswith(p/addressused,{like(mark + domain)})"
            for domain in topmost(domains)
            for mark in "@."
        ),
    ]
    for chunk in _chunks(takes_part):
        condition = encoded(
            f"_regardingobjectid_value ne null and createdon ge {moment(since)} and "
            f"activitypointer_activity_parties/any(p:{chunk})"
        )
        yield (
            f"activitypointers?{_FILED}&{_PARTIES.format(name='activitypointer')}"
            f"&$filter={condition}&$orderby=createdon%20desc&$top={MOST_FILED}"
        )


def deals(
    logical: str, accounts: Sequence[str], contacts: Sequence[str], since: datetime
) -> Iterator[str]:
    """Opportunities or cases of these accounts and contacts: open ones, and others that were
    changed after `since`, which comes closest to when they were closed for both tables."""
    of_account, of_contact = _OWNERS[logical]
    conditions = [
        " or ".join(f"{column} eq {id_}" for column in columns)
        for columns, ids in ((of_account, accounts), (of_contact, contacts))
        for id_ in ids
    ]
    alive = f"(statecode eq 0 or modifiedon ge {moment(since)})"
    return _lists(
        logical, RECORD_COLUMNS[logical], conditions, alive, "modifiedon desc", str(MOST_RECORDS)
    )


def by_id(logical: str, ids: Iterable[str]) -> Iterator[str]:
    table = STANDARD[logical]
    conditions = [f"{table.id_column} eq {id_}" for id_ in ids]
    return _lists(logical, RECORD_COLUMNS[logical], conditions, top=str(MOST_RECORDS))


def names(table: Table, ids: Sequence[str]) -> Iterator[str]:
    """Records of any table, by their ids."""
    select = ",".join(filter(None, (table.id_column, table.name_column)))
    for chunk in _chunks([f"{table.id_column} eq {id_}" for id_ in ids]):
        yield f"{table.entity_set}?$select={select}&$filter={encoded(chunk)}&$top={MOST_RECORDS}"


def like(text: str) -> str:
    """A literal for contains, startswith and endswith, whose wildcards are made harmless (Learn,
    "Use wildcard characters in conditions using string values")."""
    return literal(re.sub(r"[\[%_]", r"[\g<0>]", text))


def _by_address(logical: str, addresses: Iterable[str]) -> Iterator[str]:
    for address in addresses:
        value = literal(address)
        yield " or ".join(f"{column} eq {value}" for column in PARTY_COLUMNS[logical])


def _equal(column: str, values: Iterable[str]) -> Iterator[str]:
    return (f"{column} eq {literal(value)}" for value in values)


def _meeting(uid: str) -> str:
    """The meeting's own record, and those of its occurrences, whose ids have a date inside."""
    begin, end = occurrence_ends(uid)
    begins = f"startswith(globalobjectid,{literal(begin)})"
    ends = f"endswith(globalobjectid,{literal(end)})"
    return f"globalobjectid eq {literal(uid)} or ({begins} and {ends})"


def _filed(entity_set: str, name: str, conditions: Sequence[str]) -> Iterator[str]:
    for chunk in _chunks(conditions):
        condition = encoded(f"_regardingobjectid_value ne null and ({chunk})")
        yield (
            f"{entity_set}?{_FILED}&{_PARTIES.format(name=name)}&$filter={condition}"
            f"&$orderby=createdon%20desc&$top={MOST_FILED}"
        )


def _lists(
    logical: str,
    shape: str,
    conditions: Sequence[str],
    also: str = "",
    order: str = "createdon asc",
    top: str = _CATCH,
) -> Iterator[str]:
    for chunk in _chunks(conditions):
        condition = encoded(f"({chunk}) and {also}" if also else chunk)
        yield (
            f"{STANDARD[logical].entity_set}?{shape}&$filter={condition}"
            f"&$orderby={encoded(order)}&$top={top}"
        )


def _chunks(conditions: Sequence[str]) -> Iterator[str]:
    """Joined by `or`, as many as one query takes."""
    chosen: list[str] = []
    length = 0
    for condition in conditions:
        size = len(encoded(condition))
        if chosen and (length + size > LONGEST_FILTER or len(chosen) == _MOST_CONDITIONS):
            yield " or ".join(chosen)
            chosen, length = [], 0
        chosen.append(condition)
        length += size
    if chosen:
        yield " or ".join(chosen)
