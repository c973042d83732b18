"""Adding people to a CRM: who is looked for, what is known of them, what is made. Frozen values."""

from dataclasses import dataclass, replace

from shared.domain import Notice, RecordRef
from shared.errors import FieldError, InvalidRequest
from shared.suggestions import Account
from shared.truncation import cut_text, one_line, units


@dataclass(frozen=True, slots=True)
class Stranger:
    """Whom a CRM is asked about. `address` is theirs; `present` are the `address_key`s of everyone
    who takes part in the item; `domains` is their mail host with its parents down to the
    registrable domain, empty for a free-mail provider's."""

    address: str
    present: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewContact:
    """A contact to make. Only the address and the last name are never empty; `account` needs its
    id alone."""

    address: str
    last_name: str
    first_name: str = ""
    job_title: str = ""
    phone: str = ""
    account: RecordRef | None = None


@dataclass(frozen=True, slots=True)
class KnownContact:
    """A contact as the CRM has it. `ref.email` is the address that it was found or made by."""

    ref: RecordRef
    first_name: str = ""
    last_name: str = ""
    job_title: str = ""
    phone: str = ""
    account: RecordRef | None = None


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """What this caller sees of a stranger in the CRM: active contacts that carry the address in any
    of their address fields, oldest first; the addresses of the users and queues who are present;
    the accounts with a website or e-mail address at one of the domains or below it."""

    contacts: tuple[KnownContact, ...] = ()
    colleagues: tuple[str, ...] = ()
    accounts: tuple[Account, ...] = ()


@dataclass(frozen=True, slots=True)
class Added:
    """`created` is False where the contact was there already."""

    contact: KnownContact
    created: bool
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Room:
    """How much a CRM's contact holds, in UTF-16 units."""

    first_name: int
    last_name: int
    job_title: int
    phone: int
    address: int


def fitting(contact: NewContact, room: Room) -> tuple[NewContact, tuple[Notice, ...]]:
    """The contact as the CRM can hold it, in texts of one line each, and what had to be cut.

    A phone number is left out rather than cut, since a part of one is another one. Raises
    `InvalidRequest` where no last name is left.
    """
    phone = one_line(contact.phone)
    kept = replace(
        contact,
        first_name=_cut(contact.first_name, room.first_name),
        last_name=_cut(contact.last_name, room.last_name),
        job_title=_cut(contact.job_title, room.job_title),
        phone=phone if units(phone) <= room.phone else "",
    )
    if not kept.last_name:
        raise InvalidRequest(
            "A contact needs a last name.", errors=(FieldError("lastName", "Required."),)
        )
    lost = [
        word
        for word, whole, text in (
            ("first name", contact.first_name, kept.first_name),
            ("last name", contact.last_name, kept.last_name),
            ("job title", contact.job_title, kept.job_title),
            ("phone", contact.phone, kept.phone),
        )
        if one_line(whole) != text
    ]
    text = f"Too long for the CRM, so not kept whole: {', '.join(lost)}."
    return kept, (Notice("contact_truncated", text),) if lost else ()


def _cut(text: str, limit: int) -> str:
    return cut_text(one_line(text), limit).strip()
