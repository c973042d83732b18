"""How a saved record is changed: what to write, worked out from what is there. Pure.

Of an e-mail that is no draft, Salesforce lets nobody change more than custom fields (Object
Reference, EmailMessage, "Special Access Rules"). Its link and its people are changed by making a
copy with the change in place of the old one, in one transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.crm.salesforce import composite, notes, people
from shared.crm.salesforce.composite import MADE, MADE_ID, Part, of_type, unreferenced
from shared.crm.salesforce.knowledge import Shape
from shared.crm.salesforce.objects import (
    DRAFT,
    EMAIL_MESSAGE,
    KEY,
    LINK,
    SAVED_AT,
    SAVED_BY,
    object_of,
)
from shared.crm.salesforce.payloads import Target, link_fields, relatable
from shared.crm.salesforce.people import OTHER, Party
from shared.crm.salesforce.replies import Record
from shared.domain import address_key

_NOT_COPIED: Final = frozenset(
    # Lists of what is copied as records, what Salesforce derives, and what belongs to sending.
    {"ActivityId", "AttachmentIds", "ContentDocumentIds", "ValidatedFromAddress", KEY}
)


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact to relate, with all its addresses, the first one first."""

    id: str
    addresses: tuple[str, ...]


def link_of(record: Record) -> Target | None:
    for ref in record.activity.links:
        return Target(object_of(ref.id) or ref.type, ref.id)
    return None


def rewritten(present: Sequence[Party], contacts: Sequence[Contact]) -> tuple[Party, ...]:
    """The parties of an e-mail with exactly these contacts among them; all others stay.

    A contact that goes leaves its address behind; one that comes takes the place of its address
    where that takes part, and else is added as "other".
    """
    wanted = {contact.id: contact for contact in contacts}
    kept = [p for party in present if (p := _without_other_contacts(party, wanted)) is not None]
    missing = wanted.keys() - {party.id for party in kept}
    by_address = {
        address_key(address): contact.id
        for contact in reversed(contacts)
        if contact.id in missing
        for address in contact.addresses
    }
    resolved = [_with_contact(party, by_address) for party in kept]
    there = {party.id for party in resolved}
    added = [
        Party(OTHER, next(iter(contact.addresses), ""), "Contact", contact.id)
        for contact in wanted.values()
        if contact.id not in there
    ]
    return tuple(resolved + added)


def _without_other_contacts(party: Party, wanted: Mapping[str, Contact]) -> Party | None:
    if party.object != "Contact" or party.id in wanted:
        return party
    if party.role == OTHER or not party.address:
        return None
    return Party(party.role, party.address)


def _with_contact(party: Party, by_address: Mapping[str, str]) -> Party:
    id_ = "" if party.id else by_address.get(address_key(party.address), "")
    return Party(party.role, party.address, "Contact", id_) if id_ else party


def replacement(
    old: Mapping[str, Any],
    record: Record,
    parties: Sequence[Party],
    link: Target | None,
    changed: Mapping[str, Any],
    shape: Shape,
) -> list[Part]:
    """Makes the copy, takes the files over, deletes the old record, and then only gives the copy
    the unique key and its final state. `old` are all fields of the record as it is.

    The files are linked before the old record goes, as long as the caller may see them by it.
    """
    columns = people.columns(parties)
    row = {
        **_copied(old, shape),
        **_provenance(old, shape),
        "Status": DRAFT,
        **columns.fields,
        EMAIL_MESSAGE.what: None,
        **({LINK: None} if shape.has(EMAIL_MESSAGE.name, LINK) else {}),
        **(link_fields(EMAIL_MESSAGE, link, shape) if link else {}),
        **changed,
    }
    records = [*columns.relations, *(_file_link(file.id) for file in record.activity.files)]
    if link is not None and link.is_person and link.id not in {p.id for p in parties}:
        records.append(people.person_relation(link.id))
    final = {KEY: record.key} if record.key else {}
    if old["Status"] != DRAFT:
        final["Status"] = old["Status"]
    return [
        composite.create(MADE, EMAIL_MESSAGE.name, row),
        *composite.creations("records", records),
        composite.delete("old", EMAIL_MESSAGE.name, record.activity.id),
        *([composite.update("closed", EMAIL_MESSAGE.name, MADE_ID, final)] if final else []),
    ]


def _copied(old: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    """All that may be written of it, fields of the organisation's own included."""
    names = shape.of(EMAIL_MESSAGE.name).createable - _NOT_COPIED
    return {name: _copy(name, old[name]) for name in names if old.get(name) is not None}


def _copy(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return value.replace("@{", "&#64;{") if name == "HtmlBody" else unreferenced(value)


def _provenance(old: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    """Who saved it and when: Salesforce would name whoever edits it."""
    if not shape.has(EMAIL_MESSAGE.name, SAVED_AT):
        return {}
    return {
        SAVED_BY: old.get(SAVED_BY) or old["CreatedById"],
        SAVED_AT: old.get(SAVED_AT) or old["CreatedDate"],
    }


def _file_link(document: str) -> dict[str, Any]:
    values = {"LinkedEntityId": MADE_ID, "ContentDocumentId": document, "ShareType": "V"}
    return of_type("ContentDocumentLink", values)


def without_link_person(record: Record) -> tuple[Party, ...]:
    """The parties of an e-mail without the one that it is linked to and who takes no part."""
    link = link_of(record)
    linked = link.id if link is not None and link.is_person else None
    return tuple(p for p in record.parties if not (p.role == OTHER and p.id == linked))


def update(
    record: Record,
    link: Target | None,
    contacts: Sequence[Contact] | None,
    columns: Mapping[str, Any],
    shape: Shape,
) -> dict[str, Any]:
    """What to write into an event or task; nothing where nothing changes.

    `link` is what it shall be about; `contacts` (None: as they are) whom it relates to besides.
    """
    object_ = record.object
    before = link_of(record)
    written = dict(columns)
    if link != before:
        written[object_.what] = None
        if shape.has(object_.name, LINK):
            written[LINK] = None
        written |= link_fields(object_, link, shape) if link else {}
    addresses = dict(record.whos)
    others = list(notes.others_of(record.description))
    added = list(notes.added_of(record.description))
    if contacts is not None:
        addresses = _with_contacts(record.whos, contacts, link)
        left = [*others, *_left_behind(record, contacts)]
        added = _added(record, contacts, left)
        others = _others(contacts, left)
    related = relatable(addresses, link, several=shape.lists(object_))
    written |= who_changes(record, related, shape)
    others += [address for id_, address in addresses.items() if id_ not in related and address]
    return written | _noted(record, others, added)


def who_changes(record: Record, related: Sequence[str], shape: Shape) -> dict[str, Any]:
    """What to write so that an event or task relates to these people, the primary one first."""
    object_ = record.object
    if set(related) == set(record.whos) and tuple(related[:1]) == tuple(record.whos)[:1]:
        return {}
    lists = {object_.who_list: list(related)} if shape.lists(object_) else {}
    return {"WhoId": related[0] if related else None, **lists}


def is_added(id_: str, address: str, added: Iterable[str]) -> bool:
    """Whether the notes tell that an edit related this person, who takes no part."""
    return (address_key(address) or id_) in map(_mark, added)


def _mark(noted: str) -> str:
    return noted if object_of(noted) == "Contact" else address_key(noted)


def _with_contacts(
    present: Mapping[str, str], contacts: Sequence[Contact], link: Target | None
) -> dict[str, str]:
    """The people to relate, by id with their addresses."""
    kept = {
        id_: address
        for id_, address in present.items()
        if object_of(id_) != "Contact" or (link is not None and id_ == link.id)
    }
    return kept | {c.id: next(iter(c.addresses), "") for c in contacts}


def _left_behind(record: Record, contacts: Sequence[Contact]) -> list[str]:
    """The addresses of contacts that go; one that took no part leaves nothing behind."""
    wanted = {contact.id for contact in contacts}
    added = notes.added_of(record.description)
    return [
        address
        for id_, address in record.whos.items()
        if object_of(id_) == "Contact" and id_ not in wanted and address
        if not is_added(id_, address, added)
    ]


def _added(record: Record, contacts: Sequence[Contact], vacant: Iterable[str]) -> list[str]:
    """The contacts that take no part: those who were added before, and those who come and take the
    place of no address."""
    before, places = notes.added_of(record.description), set(map(address_key, vacant))
    return [
        next(iter(contact.addresses), contact.id)
        for contact in contacts
        if (
            is_added(contact.id, record.whos[contact.id], before)
            if contact.id in record.whos
            else not places & set(map(address_key, contact.addresses))
        )
    ]


def _others(contacts: Sequence[Contact], left: Iterable[str]) -> list[str]:
    """The addresses without a record: those of contacts that come are left out."""
    taken = {address_key(address) for contact in contacts for address in contact.addresses}
    return [address for address in dict.fromkeys(left) if address_key(address) not in taken]


def _noted(record: Record, others: Sequence[str], added: Sequence[str]) -> dict[str, str]:
    before = notes.others_of(record.description), notes.added_of(record.description)
    if (tuple(others), tuple(added)) == before:
        return {}
    text = notes.text_of(record.description)
    item = notes.item_of(record.description)
    noted = notes.noted(text, others, item, record.object.body_limit, added)
    return {"Description": unreferenced(noted.text)}
