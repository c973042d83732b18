"""What Salesforce answered about the clues of an item, in our words. Pure."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from shared.crm.salesforce import moments, notes
from shared.crm.salesforce.candidate_queries import ADDRESS_FIELDS
from shared.crm.salesforce.described import Described
from shared.crm.salesforce.objects import (
    EMAIL_MESSAGE,
    LINK,
    ActivityObject,
    neutral_name,
    object_of,
)
from shared.crm.salesforce.replies import reference, url
from shared.domain import RecordRef, address_key
from shared.domains import is_at, website_host
from shared.suggestions import Account, Clues, Contact, Filed, Record, User

Row = Mapping[str, Any]

_BETWEEN: Final = re.compile(r"[;,\s]+")
_RELATIONS: Final = "EmailMessageRelations"


def user(row: Row, root: str) -> User:
    return User(reference(row, "User", root, row["Email"]), (address_key(row["Email"]),))


def contacts(rows: Iterable[Row], fields: Sequence[str], root: str) -> tuple[Contact, ...]:
    found = {
        row["Id"]: Contact(
            ref=reference(row, "Contact", root, _first(row, fields)),
            addresses=_addresses(row, fields),
            account_id=row.get("AccountId"),
        )
        for row in rows
    }
    return tuple(found.values())


def account(row: Row, fields: Sequence[str], root: str) -> Account:
    addresses = _addresses(row, fields)
    hosts = [website_host(row.get("Website") or ""), *map(_host, addresses)]
    return Account(
        ref=reference(row, "Account", root, _first(row, fields)),
        domains=tuple(dict.fromkeys(host for host in hosts if "." in host)),
        parent_id=row.get("ParentId"),
        addresses=addresses,
    )


def is_meant(account: Account, clues: Clues) -> bool:
    """Whether the clues point at it; LIKE finds others too."""
    return bool(set(account.addresses) & set(clues.outsiders)) or any(
        is_at(host, domain) for host in account.domains for domain in clues.domains
    )


def staffed(
    rows: Iterable[Row], fields: Sequence[str], domains: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """The hosts, at one of the domains, of the people of each account."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for host in map(_host, _addresses(row, fields)):
            if any(is_at(host, domain) for domain in domains):
                found.setdefault(row["AccountId"], {})[host] = None
    return {id_: tuple(hosts) for id_, hosts in found.items()}


def with_hosts(account: Account, hosts: Sequence[str]) -> Account:
    return replace(account, domains=tuple(dict.fromkeys((*account.domains, *hosts))))


def employers(rows: Iterable[Row]) -> Iterator[str]:
    """The ids of the accounts of people, and of the parents of those accounts."""
    for row in rows:
        for id_ in (row.get("AccountId"), (row.get("Account") or {}).get("ParentId")):
            if id_:
                yield id_


def opportunity(row: Row, root: str) -> Record:
    roles = (row.get("OpportunityContactRoles") or {}).get("records") or ()
    first = min(roles, key=lambda role: not role.get("IsPrimary"), default=None)
    return Record(
        ref=reference(row, "Opportunity", root),
        contact_id=first["ContactId"] if first else None,
        **_deal(row),
    )


def case(row: Row, root: str) -> Record:
    number = row.get("CaseNumber") or ""
    id_, name = row["Id"], row.get("Subject") or number
    return Record(
        ref=RecordRef("case", id_, name, url(root, "Case", id_)),
        number=number,
        contact_id=row.get("ContactId"),
        **_deal(row),
    )


def _deal(row: Row) -> dict[str, Any]:
    return {
        "description": row.get("Description") or "",
        "account_id": row.get("AccountId"),
        "owner_id": row.get("OwnerId"),
        "open": not row.get("IsClosed"),
        "modified_at": _time(row, "LastModifiedDate"),
    }


def lead(row: Row, fields: Sequence[str], root: str) -> Record:
    """A lead has no topic: it goes by its person's name."""
    return Record(
        ref=reference(row, "Lead", root, _first(row, fields)),
        description=row.get("Description") or "",
        owner_id=row.get("OwnerId"),
        open=not row.get("IsConverted"),
        modified_at=_time(row, "LastModifiedDate"),
        addresses=_addresses(row, fields),
        person=row.get("Name") or "",
        company=row.get("Company") or "",
    )


def other(row: Row, described: Described, root: str) -> Record:
    name = str(row.get(described.name_field) or "")
    return Record(ref=_ref(described.name, row["Id"], {"Name": name}, root))


def filed(
    row: Row, object_: ActivityObject, root: str, *, same_conversation: bool
) -> tuple[str, Filed] | None:
    """The activity's id, and what it is linked to: from its own row, or from that of a person who
    is related to it. None for one that is linked to nothing after all."""
    activity: Row = row.get(object_.name) or row
    record = _linked(activity, object_, root)
    if record is None:
        return None
    return str(activity["Id"]), Filed(
        record=record,
        at=moments.read(
            activity.get("MessageDate") or activity.get("StartDateTime") or activity["CreatedDate"]
        ),
        same_conversation=same_conversation,
        addresses=tuple(dict.fromkeys(filter(None, map(address_key, _parties(row, activity))))),
    )


def _linked(activity: Row, object_: ActivityObject, root: str) -> RecordRef | None:
    person = activity.get(LINK)
    if person:
        return _ref(object_of(person), person, {}, root)
    id_ = activity.get(object_.what)
    if id_:
        record = activity.get(object_.what_relationship) or {}
        return _ref(record.get("Type") or object_of(id_), id_, record, root)
    case_id = activity.get("ParentId") if object_ is EMAIL_MESSAGE else None
    return _ref("Case", case_id, {}, root) if case_id else None


def _ref(object_: str, id_: str, row: Row, root: str) -> RecordRef:
    return RecordRef(neutral_name(object_), id_, row.get("Name") or "", url(root, object_, id_))


def _parties(row: Row, activity: Row) -> Iterator[str]:
    yield row.get("RelationAddress") or ""
    for related in ("Relation", "Who"):
        yield (row.get(related) or {}).get("Email") or ""
    for name in (_RELATIONS, "EventWhoRelations", "TaskWhoRelations"):
        for relation in (activity.get(name) or {}).get("records") or ():
            yield relation.get("RelationAddress") or ""
            yield (relation.get("Relation") or {}).get("Email") or ""
    for name in ADDRESS_FIELDS:
        yield from _BETWEEN.split(activity.get(name) or "")
    yield from notes.others_of(activity.get("Description") or "")


def takes_part(filed: Filed, clues: Clues) -> bool:
    """Whether one of the outsiders, or somebody at one of the domains, is a party."""
    return bool(set(filed.addresses) & set(clues.outsiders)) or any(
        is_at(_host(address), domain) for address in filed.addresses for domain in clues.domains
    )


def _addresses(row: Row, fields: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address_key(row[name]) for name in fields if row.get(name)))


def _first(row: Row, fields: Iterable[str]) -> str:
    return next((str(row[name]) for name in fields if row.get(name)), "")


def _host(address: str) -> str:
    return address.rpartition("@")[2]


def _time(row: Row, name: str) -> datetime | None:
    return moments.read(row[name]) if row.get(name) else None
