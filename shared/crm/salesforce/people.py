"""Who takes part in an activity, as Salesforce keeps it. Pure.

An e-mail's people are EmailMessageRelations (contacts, leads and users); the addresses of others
stand in its From, To, Cc and Bcc fields, which is where the Object Reference wants those "that
aren't associated with" a record. Two cases need a relation that holds the address alone: one that
finds no room in its field, under its own type; and one that the CRM knows but can't relate (an
account's, a queue's), under `OtherAddress` besides its field, so that it isn't taken for unknown.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.crm.salesforce.composite import MADE_ID, of_type, unreferenced
from shared.crm.salesforce.objects import object_name
from shared.domain import Item, Participant, RecordRef, Role, address_key
from shared.participants import distinct, party_key
from shared.truncation import cut_text, one_line, units

MOST: Final = 750
"""Participants kept on a record: what four collections hold beside markers (see composite)."""
MOST_ROWS: Final = 800
MOST_WHO: Final = 50
"""Contacts of an event or task (Salesforce Help, "Shared Activities")."""
LONGEST: Final = 254
"""Of an address: RFC 5321 4.5.3.1.3, as corrected by erratum 1690."""

SENDER: Final = "FromAddress"
OTHER: Final = "OtherAddress"
ROLES: Final[Mapping[Role, str]] = {
    Role.SENDER: SENDER,
    Role.TO: "ToAddress",
    Role.CC: "CcAddress",
    Role.BCC: "BccAddress",
}
_LISTS: Final = ("ToAddress", "CcAddress", "BccAddress")
_LIST_LIMIT: Final = 4000
_BETWEEN: Final = "; "
_NAME_LIMIT: Final = 1000
_PLAIN: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+\Z", re.ASCII
)
_RELATED: Final = frozenset({"contact", "lead", "user"})


@dataclass(frozen=True, slots=True)
class Party:
    """One address in one role. `id` names its record of the object `object`, both empty where
    there is none; `known` says that the CRM knows the address and can't relate it."""

    role: str
    address: str
    object: str = ""
    id: str = ""
    known: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """The parties of an item; `left_out` counts those that were too many."""

    parties: tuple[Party, ...]
    left_out: int


def looked_up(item: Item) -> tuple[str, ...]:
    """The addresses to look for. No record carries one that is longer than an address may be."""
    keys = dict.fromkeys(party_key(p) for p in distinct(item)[:MOST])
    return tuple(key for key in keys if len(key) <= LONGEST)


def resolved(item: Item, known: Mapping[str, Sequence[RecordRef]]) -> Kept:
    """The parties to store. `known` maps an `address_key` to its records, best first."""
    present = distinct(item)
    found: dict[tuple[str, str], Party] = {}
    for participant in present[:MOST]:
        party = _party(participant, known.get(party_key(participant), ()))
        found.setdefault((party.role, party.id or address_key(party.address)), party)
    return Kept(tuple(found.values()), max(0, len(present) - MOST))


def _party(participant: Participant, records: Sequence[RecordRef]) -> Party:
    role = ROLES.get(participant.role, OTHER)
    address = unreferenced(cut_text(one_line(participant.address), LONGEST))
    if not records:
        return Party(role, address)
    best = records[0]
    if best.type in _RELATED:
        return Party(role, address, object_name(best.type) or "", best.id)
    return Party(role, address, known=True)


@dataclass(frozen=True, slots=True)
class Columns:
    """An e-mail's parties as fields of it and as relation records of it."""

    fields: Mapping[str, str | None]
    relations: tuple[dict[str, Any], ...]
    left_out: int


def columns(parties: Sequence[Party]) -> Columns:
    fields: dict[str, str | None] = {SENDER: None, **dict.fromkeys(_LISTS)}
    relations: list[dict[str, Any]] = []
    for party in parties:
        shown = _add(fields, party)
        if party.id:
            relations.append(_relation(party.role, party.address, party.id))
        elif not shown and party.role != OTHER:
            relations.append(_relation(party.role, party.address))
        if party.known:
            relations.append(_relation(OTHER, party.address))
    return Columns(fields, tuple(relations[:MOST_ROWS]), max(0, len(relations) - MOST_ROWS))


def _add(fields: dict[str, str | None], party: Party) -> bool:
    """Whether the address stands in its field now. The sender's always does where it can."""
    if not _PLAIN.match(party.address):
        return False
    if party.role == SENDER:
        if fields[SENDER] is None:
            fields[SENDER] = party.address
        return fields[SENDER] == party.address
    if party.id or party.role not in fields:
        return False
    whole = _BETWEEN.join(filter(None, (fields[party.role], party.address)))
    if units(whole) > _LIST_LIMIT:
        return False
    fields[party.role] = whole
    return True


def _relation(role: str, address: str, id_: str = "") -> dict[str, Any]:
    values = {"EmailMessageId": MADE_ID, "RelationType": role, "RelationAddress": address or None}
    if id_:
        values["RelationId"] = id_
    return of_type("EmailMessageRelation", values)


def person_relation(id_: str) -> dict[str, Any]:
    """Relates somebody who takes no part: the person that the e-mail is linked to."""
    values = {"EmailMessageId": MADE_ID, "RelationType": OTHER, "RelationId": id_}
    return of_type("EmailMessageRelation", values)


def sender_name(item: Item) -> str:
    names = (p.name for p in item.participants if p.role is Role.SENDER)
    return unreferenced(cut_text(one_line(next(names, "")), _NAME_LIMIT))


def read(row: Mapping[str, Any], relations: Sequence[Mapping[str, Any]]) -> tuple[Party, ...]:
    """The parties of an e-mail: those of its relations, then the addresses of its fields."""
    found: dict[tuple[str, str], Party] = {}
    named: set[tuple[str, str]] = set()
    marked: set[str] = set()
    for relation in relations:
        role, id_ = str(relation["RelationType"]), relation.get("RelationId") or ""
        address = relation.get("RelationAddress") or ""
        if role == OTHER and not id_:
            marked.add(address_key(address))
            continue
        object_ = (relation.get("RelationObjectType") or "") if id_ else ""
        found.setdefault((role, id_ or address_key(address)), Party(role, address, object_, id_))
        named.add((role, address_key(address)))
    for role in (SENDER, *_LISTS):
        for address in _split(row.get(role)):
            key = (role, address_key(address))
            if key not in named:
                found.setdefault(key, Party(role, address))
    parties = [_marked(party, marked) for party in found.values()]
    return tuple(sorted(parties, key=lambda p: (p.role, address_key(p.address), p.id)))


def _marked(party: Party, marked: set[str]) -> Party:
    if party.id or address_key(party.address) not in marked:
        return party
    return Party(party.role, party.address, known=True)


def _split(text: Any) -> list[str]:
    """The addresses of a field; other tools separate them by commas or spaces too."""
    return [part for part in re.split(r"[;,\s]+", text) if part] if isinstance(text, str) else []
