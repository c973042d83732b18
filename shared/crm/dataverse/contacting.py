"""People: who is known at an address, and adding somebody.

A contact is made under a version 5 UUID of its address, so that a second one of the same address
meets "Cannot insert duplicate key" and the first is read instead (see keys.py).
"""

from collections.abc import Mapping
from typing import Any, Final

from shared.contacts import (
    Acquaintance,
    Added,
    KnownContact,
    NewContact,
    Room,
    Stranger,
    fitting,
)
from shared.crm.dataverse import candidate_queries, candidate_rows, keys, queries
from shared.crm.dataverse.batch import Changeset, Get, Reply, Write
from shared.crm.dataverse.faults import DUPLICATE_KEY, code, fault
from shared.crm.dataverse.looking import rows_of
from shared.crm.dataverse.queries import PARTY_COLUMNS, encoded, literal
from shared.crm.dataverse.replies import contact_addresses, reference, url
from shared.crm.dataverse.session import Session, not_there
from shared.crm.dataverse.tables import OPEN, STANDARD
from shared.domain import RecordRef, address_key
from shared.errors import Conflict, FieldError, Forbidden, InvalidRequest
from shared.suggestions import Clues
from shared.truncation import units

ROOM: Final = Room(first_name=50, last_name=50, job_title=100, phone=50, address=100)
"""Microsoft Learn, "Contact table/entity reference", and as the Common Data Model has it."""

_TURNS: Final = 4
_MOST: Final = 5
_HELD_BACK: Final = (403, 404)
_CONTACT: Final = (
    "$select=contactid,fullname,firstname,lastname,jobtitle,telephone1,statecode,"
    f"{','.join(PARTY_COLUMNS['contact'])}&$expand=parentcustomerid_account($select=accountid,name)"
)


async def acquaintance(session: Session, stranger: Stranger) -> Acquaintance:
    """As `Crm.acquaintance` promises. A table that the caller may not read is an empty one."""
    root, clues = session.knowledge.root, Clues(domains=stranger.domains)
    asked = [("contact", _carrying(stranger.address))]
    for logical in ("systemuser", "queue"):
        asked += [(logical, path) for path in queries.by_address(logical, stranger.present)]
    asked += [("account", path) for path in candidate_queries.accounts((), stranger.domains)]
    rows: dict[str, list[Mapping[str, Any]]] = {}
    replies = await session.wire.ask([path for _, path in asked])
    for (purpose, _), reply in zip(asked, replies, strict=True):
        rows.setdefault(purpose, []).extend(rows_of([reply]))
    return Acquaintance(
        contacts=tuple(_contact(row, stranger.address, root) for row in rows["contact"]),
        colleagues=tuple(
            address_key(row[column])
            for logical in ("systemuser", "queue")
            for row in rows.get(logical, ())
            for column in PARTY_COLUMNS[logical]
        ),
        accounts=tuple(
            account
            for account in candidate_rows.accounts((), rows.get("account", ()), clues, root)
            if candidate_rows.is_meant(account, clues)
        ),
    )


async def add(session: Session, contact: NewContact) -> Added:
    """As `Crm.add_contact` promises."""
    if units(contact.address) > ROOM.address:
        raise InvalidRequest(
            f"Dynamics 365 takes no e-mail address of more than {ROOM.address} characters.",
            errors=(FieldError("address", "Too long."),),
        )
    kept, notices = fitting(contact, ROOM)
    row, root = _row(kept), session.knowledge.root
    for turn in range(_TURNS):
        id_ = keys.contact_id(contact.address, turn)
        post = Write("POST", "contacts", {"contactid": id_, **row})
        answers = await session.wire.batch([Changeset((post,)), Get(f"contacts({id_})?{_CONTACT}")])
        *written, now = answers.replies
        refused = next((reply for reply in written if not reply.ok), None)
        if refused is None:
            made = _contact(_read(now), contact.address, root)
            return Added(made, created=True, notices=notices)
        if code(refused) != DUPLICATE_KEY:
            raise fault(refused)
        if now.status in _HELD_BACK:
            raise Forbidden("This contact is in Dynamics 365 already, and you may not see it.")
        first = _read(now)
        if first.get("statecode") == OPEN and _carries(first, contact.address):
            # An unanswered try before this one may have made it just now.
            told = notices if answers.repeated else ()
            return Added(_contact(first, contact.address, root), created=False, notices=told)
        # Somebody deactivated it, or gave it another address: it is no contact of this one now.
    raise Conflict("Contacts of this address were made and changed again too often.")


def _row(contact: NewContact) -> dict[str, Any]:
    values = {
        "firstname": contact.first_name,
        "lastname": contact.last_name,
        "jobtitle": contact.job_title,
        "telephone1": contact.phone,
        "emailaddress1": contact.address,
    }
    row: dict[str, Any] = {name: value for name, value in values.items() if value}
    if contact.account is not None:
        id_ = keys.guid(contact.account.id)
        if id_ is None:
            raise not_there()
        row["parentcustomerid_account@odata.bind"] = f"/accounts({id_})"
    return row


def _read(now: Reply) -> Mapping[str, Any]:
    if not now.ok:
        raise fault(now)
    return now.json


def _carrying(address: str) -> str:
    value = literal(address)
    condition = " or ".join(f"{column} eq {value}" for column in PARTY_COLUMNS["contact"])
    wanted = encoded(f"statecode eq 0 and ({condition})")
    return f"contacts?{_CONTACT}&$filter={wanted}&$orderby=createdon%20asc&$top={_MOST}"


def _carries(row: Mapping[str, Any], address: str) -> bool:
    return address_key(address) in map(address_key, contact_addresses(row))


def _contact(row: Mapping[str, Any], address: str, root: str) -> KnownContact:
    account = row.get("parentcustomerid_account")
    return KnownContact(
        ref=reference(row, STANDARD["contact"], root, email=address),
        first_name=row.get("firstname") or "",
        last_name=row.get("lastname") or "",
        job_title=row.get("jobtitle") or "",
        phone=row.get("telephone1") or "",
        account=_account(account, root) if account else None,
    )


def _account(row: Mapping[str, Any], root: str) -> RecordRef:
    id_ = str(row["accountid"])
    return RecordRef("account", id_, row.get("name") or "", url(root, "account", id_))
