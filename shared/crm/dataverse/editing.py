"""How a saved record is changed: what to write, worked out from what is there. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.crm.dataverse import parties, payloads
from shared.crm.dataverse.batch import Changeset, Write, patch
from shared.crm.dataverse.parties import Party
from shared.crm.dataverse.replies import Record
from shared.crm.dataverse.tables import (
    LEAVING,
    RELATED_MASK,
    ActivityTable,
    State,
    Table,
    logical_name,
)
from shared.domain import RecordRef, address_key
from shared.errors import Conflict, InvalidRequest


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact to relate, with all its addresses, the first one first."""

    id: str
    addresses: tuple[str, ...]


def rewritten(
    present: Sequence[Party], contacts: Sequence[Contact], table: ActivityTable
) -> tuple[Party, ...]:
    """The parties with exactly these contacts among them; all others stay.

    A contact that goes leaves its address behind; one that comes takes the place of its address
    where that takes part, and else is added as "related".

    Raises `InvalidRequest` for a contact that takes no part in a meeting: appointments know no
    "related", and as an attendee server-side synchronisation would send that person an invitation.
    """
    wanted = {contact.id: contact for contact in contacts}
    kept = tuple(filter(None, (_without_other_contacts(party, wanted) for party in present)))
    missing = wanted.keys() - _contact_ids(kept)
    by_address = {
        address_key(address): contact.id
        for contact in reversed(contacts)
        if contact.id in missing
        for address in contact.addresses
    }
    resolved = tuple(_with_contact(party, by_address) for party in kept)
    strangers = [c for c in contacts if c.id not in _contact_ids(resolved)]
    if strangers and table.kind == "meeting":
        raise InvalidRequest(
            "Only contacts who take part can be related to a meeting; Dynamics 365 would invite "
            "the others. Connect the meeting to the contact instead."
        )
    added = tuple(
        Party(
            RELATED_MASK, contact.addresses[0] if contact.addresses else "", "contact", contact.id
        )
        for contact in dict.fromkeys(strangers)
    )
    return resolved + added


def _contact_ids(present: Sequence[Party]) -> set[str | None]:
    return {party.id for party in present if party.logical == "contact"}


def _without_other_contacts(party: Party, wanted: Mapping[str, Contact]) -> Party | None:
    if party.logical != "contact" or party.id in wanted:
        return party
    if party.mask == RELATED_MASK or not party.address:
        return None
    return Party(party.mask, party.address)


def _with_contact(party: Party, by_address: Mapping[str, str]) -> Party:
    id_ = by_address.get(address_key(party.address)) if party.id is None else None
    return party if id_ is None else Party(party.mask, party.address, "contact", id_)


def link_columns(
    record: Record, target: tuple[Table, str] | None, table: ActivityTable
) -> dict[str, Any]:
    """What to write so that the record is connected to `target` alone, or to nothing."""
    present = record.activity.links[0] if record.activity.links else None
    if target is None:
        return {} if present is None else payloads.no_link(table, _logical(present))
    if present is not None and (_logical(present), present.id) == (target[0].logical, target[1]):
        return {}
    return payloads.link(table, *target)


def changeset(
    record: Record,
    table: ActivityTable,
    columns: Mapping[str, Any],
    new_parties: Sequence[Party] | None,
    tables: Mapping[str, Table],
    final: State | None = None,
) -> Changeset | None:
    """Reopens the record where it is closed, changes it, and leaves it in its `final` state, or as
    it was; None where there is nothing to change. It only succeeds on the version of the record
    that was read.

    Raises `Conflict` for an e-mail on its way out: touching its state could send it again.
    """
    if new_parties is not None and set(new_parties) == set(record.parties):
        new_parties = None
    final = final or record.state
    if not columns and new_parties is None and final == record.state:
        return None
    if table.kind == "email" and record.state in LEAVING:
        raise Conflict("This e-mail is being sent; try again when it is.")
    path = f"{table.entity_set}({record.activity.id})"
    closed = record.state.code not in table.editable
    first = payloads.state(table.reopened if closed else record.state)
    # The first write carries the ETag; it makes a new one, so the others can't.
    writes = [patch(path, first, record.etag)]
    if columns:
        writes.append(patch(path, columns))
    if new_parties is not None:
        rows = [parties.row(party, tables) for party in new_parties]
        writes.append(Write("PUT", f"{path}/{table.parties}", {"value": rows}))
    if closed or final != record.state:
        writes.append(patch(path, payloads.state(final)))
    return Changeset(tuple(writes))


def _logical(ref: RecordRef) -> str:
    return logical_name(ref.type) or ref.type
