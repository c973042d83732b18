"""Who takes part in an item, whatever the CRM. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from shared.domain import Item, Participant, RecordRef, Role, address_key
from shared.errors import FieldError, InvalidRequest
from shared.truncation import one_line

_RANK: Final = {
    Role.SENDER: 0,
    Role.ORGANIZER: 1,
    Role.TO: 2,
    Role.REQUIRED: 3,
    Role.CC: 4,
    Role.OPTIONAL: 5,
    Role.RESOURCE: 5,
    Role.BCC: 6,
}


def party_key(participant: Participant) -> str:
    """The participant's address as `LookUp.parties` has it."""
    return address_key(one_line(participant.address))


def distinct(item: Item) -> tuple[Participant, ...]:
    """Sender or organiser first, then the others by role; each address once in each role."""
    found: dict[tuple[int, str], Participant] = {}
    for participant in item.participants:
        key = party_key(participant)
        if key:
            found.setdefault((_RANK[participant.role], key), participant)
    return tuple(sorted(found.values(), key=lambda p: _RANK[p.role]))


def is_outgoing(item: Item, known: Mapping[str, Sequence[RecordRef]]) -> bool:
    """Whether a user or queue of the CRM sent it, in whoever's mailbox it lies."""
    records = (known.get(party_key(p), ()) for p in distinct(item) if p.role is Role.SENDER)
    return any(record.type in ("user", "queue") for found in records for record in found)


def outsiders(
    item: Item, known: Mapping[str, Sequence[RecordRef]], own: Iterable[str]
) -> tuple[str, ...]:
    """The addresses of those who are neither users nor queues of the CRM, nor of `own`, nor in the
    domain of such a one: unless that is a provider's, where anyone may be."""
    from shared.mail_domains import is_free  # takes 60 ms, and no click needs it

    insiders = [
        *own,
        *(
            p.address
            for p in item.participants
            if any(record.type in ("user", "queue") for record in known.get(party_key(p), ()))
        ),
    ]
    keys = {address_key(address) for address in insiders}
    others = (p.address for p in item.participants if address_key(p.address) not in keys)
    return strangers(others, (a for a in insiders if not is_free(domain(a))))


def strangers(addresses: Iterable[str], own: Iterable[str]) -> tuple[str, ...]:
    """Each address once, without those in the domains of `own`: a colleague without a licence has
    no record in the CRM either, and is no stranger."""
    domains = {domain(address) for address in own} - {""}
    found = {address_key(a): a for a in addresses if a and domain(a) not in domains}
    return tuple(found.values())


def domain(address: str) -> str:
    return address_key(address).rpartition("@")[2] if "@" in address else ""


def check_contacts(contacts: Sequence[RecordRef]) -> None:
    """Raises `InvalidRequest` naming each of the records to relate that is no contact."""
    wrong = tuple(
        FieldError(f"contacts.{place}.type", "Must be contact.")
        for place, ref in enumerate(contacts)
        if ref.type != "contact"
    )
    if wrong:
        raise InvalidRequest("Only contacts can be related.", errors=wrong)
