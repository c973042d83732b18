"""People: who is known at an address, and adding somebody.

A contact carries a digest of its address in our own field, which the database keeps unique, so that
a second one of the same address is refused and the first is read instead (see keys.py). Without
that field only the organisation's duplicate rules keep a second one out, and these compare with
what is committed: not with what another transaction is making at the same moment [inferred from
Salesforce Help, "Duplicate Rules"].
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from shared.contacts import (
    Acquaintance,
    Added,
    KnownContact,
    NewContact,
    Room,
    Stranger,
    fitting,
)
from shared.crm.salesforce import candidate_rows, composite, contact_queries, keys
from shared.crm.salesforce.candidate_rows import Row
from shared.crm.salesforce.composite import MADE, Reply
from shared.crm.salesforce.contact_queries import CONTACT
from shared.crm.salesforce.faults import DUPLICATE_VALUE, DUPLICATES_DETECTED, code, fault
from shared.crm.salesforce.knowledge import Shape
from shared.crm.salesforce.objects import KEY
from shared.crm.salesforce.replies import reference
from shared.crm.salesforce.session import Session, not_there
from shared.domain import address_key
from shared.errors import Conflict, FieldError, Forbidden, InvalidRequest
from shared.suggestions import Account, Clues
from shared.truncation import units

ROOM: Final = Room(first_name=40, last_name=80, job_title=128, phone=40, address=80)
"""Object Reference, "Contact"."""

_TURNS: Final = 4
_HIDDEN: Final = (403, 404)


async def acquaintance(session: Session, stranger: Stranger) -> Acquaintance:
    """As `Crm.acquaintance` promises. An object that the caller may not read is an empty one."""
    shape = await session.shape()
    asked = list(contact_queries.about(shape, stranger))
    parts = [composite.query(f"q{n}", soql) for n, (_, soql) in enumerate(asked)]
    replies = await session.wire.ask(parts) if parts else {}
    rows: dict[str, list[Row]] = {}
    for part, (purpose, _) in zip(parts, asked, strict=True):
        rows.setdefault(purpose, []).extend(_rows(replies[part.name]))
    root, queues = session.knowledge.root, session.knowledge.queues or ()
    return Acquaintance(
        contacts=tuple(_contact(row, stranger.address, root) for row in rows.get(CONTACT, ())),
        colleagues=(
            *(address_key(row["Email"]) for row in rows.get("User", ())),
            *(key for one in queues if (key := address_key(one.email)) in stranger.present),
        ),
        accounts=_accounts(rows, shape, stranger.domains, root),
    )


async def add(session: Session, contact: NewContact) -> Added:
    """As `Crm.add_contact` promises."""
    if units(contact.address) > ROOM.address:
        raise InvalidRequest(
            f"Salesforce takes no e-mail address of more than {ROOM.address} characters.",
            errors=(FieldError("address", "Too long."),),
        )
    shape = await session.shape()
    kept, notices = fitting(contact, ROOM)
    row, root = contact_queries.row(kept), session.knowledge.root
    for turn in range(_TURNS):
        key = keys.contact_key(contact.address, turn) if shape.has(CONTACT, KEY) else None
        parts = [
            composite.create(MADE, CONTACT, row if key is None else {**row, KEY: key}),
            composite.query("now", contact_queries.made(shape)),
        ]
        answered = await session.wire.transact(parts, once=key is None)
        refused = answered.refusal
        if refused is None:
            (now,) = _rows(answered["now"]) or (None,)
            if now is None:
                raise not_there()
            return Added(_contact(now, contact.address, root), created=True, notices=notices)
        if not _is_there_already(refused):
            raise fault(refused)
        there = await _there(session, shape, contact.address, key, refused)
        if there is not None:
            # An unanswered try before this one may have made it just now.
            told = notices if answered.repeated else ()
            return Added(_contact(there, contact.address, root), created=False, notices=told)
        # Somebody gave it another address: it is no contact of this one now.
    raise Conflict("Contacts of this address were made and changed again too often.")


def _is_there_already(refused: Reply) -> bool:
    """Refused for our key or by a duplicate rule, rather than for a unique field of theirs."""
    found = code(refused)
    return found == DUPLICATES_DETECTED or (
        found == DUPLICATE_VALUE and any(KEY in str(e.get("message")) for e in refused.errors)
    )


async def _there(
    session: Session, shape: Shape, address: str, key: str | None, refused: Reply
) -> Row | None:
    """The contact of this address; None where the one that has the key is somebody else's by now.

    Raises `Forbidden` where the one that has the key is hidden, and `InvalidRequest` where a rule
    took the contact for a person of another address, or for one who is hidden.
    """
    asked = contact_queries.of_address(shape, address, key)
    answers = await session.wire.ask([composite.query("now", asked)])
    rows, fields = _rows(answers["now"]), shape.of(CONTACT).addresses
    for row in rows:
        if address_key(address) in {address_key(row[one]) for one in fields if row.get(one)}:
            return row
    if code(refused) == DUPLICATES_DETECTED:
        raise InvalidRequest(f"{fault(refused).detail} Look for the person in Salesforce.")
    if not rows:
        raise Forbidden("This contact is in Salesforce already, and you may not see it.")
    return None


def _rows(reply: Reply) -> Sequence[Row]:
    """None from an object that is held back from the caller."""
    if not reply.ok and reply.status not in _HIDDEN:
        raise fault(reply)
    return reply.rows if reply.ok else ()


def _accounts(
    rows: Mapping[str, Iterable[Row]], shape: Shape, domains: Sequence[str], root: str
) -> tuple[Account, ...]:
    """Those that name the domains, and those without a website whose people are there."""
    clues, fields = Clues(domains=tuple(domains)), shape.of("Account").addresses
    read = (candidate_rows.account(row, fields, root) for row in rows.get("Account", ()))
    found = {one.ref.id: one for one in read if candidate_rows.is_meant(one, clues)}
    people = list(rows.get("staff", ()))
    hosts = candidate_rows.staffed(people, shape.of(CONTACT).addresses, domains)
    for row in people:
        id_ = row["AccountId"]
        if id_ in hosts:
            named = {"Id": id_, "Name": (row.get("Account") or {}).get("Name")}
            ref = reference(named, "Account", root)
            found.setdefault(id_, Account(ref, tuple(hosts[id_])))
    return tuple(found.values())


def _contact(row: Row, address: str, root: str) -> KnownContact:
    account = {"Id": row.get("AccountId"), "Name": (row.get("Account") or {}).get("Name")}
    return KnownContact(
        ref=reference(row, CONTACT, root, address),
        first_name=row.get("FirstName") or "",
        last_name=row.get("LastName") or "",
        job_title=row.get("Title") or "",
        phone=row.get("Phone") or "",
        account=reference(account, "Account", root) if account["Id"] else None,
    )
