"""Who takes part in an activity, as Dataverse keeps it: `activityparty` rows. Pure.

Source: Microsoft Learn "ActivityParty entity", and the reference of the email and appointment
tables for which mask takes whom. A party without a record is an unresolved address.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from shared.crm.dataverse.tables import MASKS, STANDARD, Table, logical_name
from shared.domain import Item, Participant, RecordRef, address_key
from shared.participants import distinct, party_key
from shared.truncation import cut_text, one_line

MOST: Final = 1000
"""Participants kept on a record. Exchange Online itself sends to 1000 recipients at most."""
ADDRESS_LIMIT: Final = 200
"""`addressused` as the Common Data Model has it; newer organisations take 320."""


@dataclass(frozen=True, slots=True)
class Party:
    """`logical` and `id` name the record, None where the address is unresolved."""

    mask: int
    address: str
    logical: str | None = None
    id: str | None = None


def participants(item: Item) -> tuple[Participant, ...]:
    """Those that are kept: the first `MOST`."""
    return distinct(item)[:MOST]


def dropped(item: Item) -> int:
    """How many participants are too many."""
    return max(0, len(distinct(item)) - MOST)


def addresses(item: Item) -> tuple[str, ...]:
    """What to look up, as keys: the distinct addresses of the participants that are kept. No
    record carries one that is longer than a party's may be."""
    keys = dict.fromkeys(party_key(p) for p in participants(item))
    return tuple(key for key in keys if len(key) <= ADDRESS_LIMIT)


def resolved(
    item: Item, known: Mapping[str, Sequence[RecordRef]], present: Sequence[Party] = ()
) -> tuple[Party, ...]:
    """The parties to store. `known` maps an `address_key` to its records, best first; an address
    that is `present` stays what it is there."""
    stored = {address_key(p.address): p for p in sorted(present, key=lambda p: p.id is not None)}
    in_role = {(p.mask, address_key(p.address)): p for p in present}
    found: dict[tuple[int, str], Party] = {}
    for participant in participants(item):
        party = _party(item, participant, known)
        key = address_key(party.address)
        if stays := in_role.get((party.mask, key)) or stored.get(key):
            party = replace(stays, mask=party.mask)
        found.setdefault((party.mask, party.id or key), party)
    return tuple(found.values())


def _party(item: Item, participant: Participant, known: Mapping[str, Sequence[RecordRef]]) -> Party:
    mask = MASKS[participant.role]
    address = cut_text(one_line(participant.address), ADDRESS_LIMIT)
    for record in known.get(party_key(participant), ()):
        # Queues take no part in appointments: their party columns don't target that table.
        if item.kind == "meeting" and record.type == "queue":
            continue
        return Party(mask, address, logical_name(record.type), record.id)
    return Party(mask, address)


def row(party: Party, tables: Mapping[str, Table] = STANDARD) -> dict[str, Any]:
    """One entry of a deep insert or of a replacement of all parties.

    The address goes along with a record too: the message may have been sent to its second one.
    """
    entry: dict[str, Any] = {"participationtypemask": party.mask}
    if party.address:
        entry["addressused"] = party.address
    if party.logical is not None:
        table = tables[party.logical]
        entry[f"partyid_{party.logical}@odata.bind"] = f"/{table.entity_set}({party.id})"
    return entry
