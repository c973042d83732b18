"""What we ask Salesforce about one person, and what we write of a new contact. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from simple_salesforce.format import format_soql

from shared.contacts import NewContact, Stranger
from shared.crm.salesforce import candidate_queries, keys, queries
from shared.crm.salesforce.composite import MADE_ID, unreferenced
from shared.crm.salesforce.conditions import any_of, equal
from shared.crm.salesforce.knowledge import Shape
from shared.crm.salesforce.objects import KEY
from shared.crm.salesforce.session import not_there
from shared.suggestions import Clues

CONTACT: Final = "Contact"
_MOST: Final = 5
_OPTIONAL: Final = ("FirstName", "LastName", "Title", "Phone", KEY)


def about(shape: Shape, stranger: Stranger) -> Iterator[tuple[str, str]]:
    """Purpose and statement of each query."""
    for soql in queries.by_address("User", ("Email",), stranger.present):
        yield "User", soql
    if CONTACT in shape.objects:
        for condition in _carrying(shape, stranger.address):
            yield CONTACT, _listed(shape, condition)
        for soql in candidate_queries.staff(shape, stranger.domains):
            yield "staff", soql
    if "Account" in shape.objects:
        for soql in candidate_queries.accounts(shape, Clues(domains=stranger.domains)):
            yield "Account", soql


def of_address(shape: Shape, address: str, key: str | None) -> str:
    """The contacts that carry the address, or that key of ours; oldest first."""
    ours = () if key is None else (format_soql(f"{KEY} = {{}}", key),)
    return _listed(shape, " OR ".join((*_carrying(shape, address), *ours)))


def made(shape: Shape) -> str:
    """The contact that was just made in the same transaction."""
    return _selected(shape, f"Id = '{MADE_ID}'")


def row(contact: NewContact) -> Mapping[str, Any]:
    """Raises `NotFound` for an account's id that is none."""
    values = {
        "FirstName": contact.first_name,
        "LastName": contact.last_name,
        "Title": contact.job_title,
        "Phone": contact.phone,
        "Email": contact.address,
    }
    written: dict[str, Any] = {k: unreferenced(value) for k, value in values.items() if value}
    if contact.account is not None:
        id_ = keys.record_id(contact.account.id)
        if id_ is None:
            raise not_there()
        written["AccountId"] = id_
    return written


def _carrying(shape: Shape, address: str) -> tuple[str, ...]:
    return tuple(any_of(equal(shape.of(CONTACT).addresses, (address,))))


def _listed(shape: Shape, condition: str) -> str:
    return f"{_selected(shape, condition)} ORDER BY CreatedDate LIMIT {_MOST}"


def _selected(shape: Shape, condition: str) -> str:
    fields = shape.of(CONTACT)
    names = ["Id", "Name", *(name for name in _OPTIONAL if name in fields.names)]
    if "AccountId" in fields.names:
        names += ["AccountId", "Account.Name"]
    columns = ", ".join(dict.fromkeys((*names, *fields.addresses)))
    # names of fields that were described, and values that `format_soql` quoted
    return f"SELECT {columns} FROM {CONTACT} WHERE {condition}"  # noqa: S608
