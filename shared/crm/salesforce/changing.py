"""Changing a saved record: an edit, or filling in what an adopted one lacks."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.crm.salesforce import categories, composite, editing, keys, queries
from shared.crm.salesforce.composite import MADE_ID, Part, Reply
from shared.crm.salesforce.editing import Contact
from shared.crm.salesforce.faults import fault
from shared.crm.salesforce.knowledge import Shape
from shared.crm.salesforce.objects import EMAIL_MESSAGE, ActivityObject, activity_object
from shared.crm.salesforce.payloads import Target
from shared.crm.salesforce.replies import Record
from shared.crm.salesforce.session import Session, not_there
from shared.domain import Activity, ActivityKind, Change, Filing, RecordRef
from shared.errors import Conflict, InvalidRequest, NotFound
from shared.participants import check_contacts


@dataclass(frozen=True, slots=True)
class _Plan:
    """A change, checked against the organisation; None leaves a part as it is."""

    changes_link: bool
    link: Target | None
    columns: Mapping[str, Any]
    contact_ids: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class _Found:
    """The record to change, all its fields where a copy of it may be needed, and the contacts."""

    record: Record
    fields: Mapping[str, Any]
    contacts: tuple[Contact, ...] | None


@dataclass(frozen=True, slots=True)
class _Place:
    """How to find the record; `id` is empty where only its key is known."""

    soql: str
    id: str = ""


async def edit(session: Session, kind: ActivityKind, id_: str, change: Change) -> Activity:
    """As `Crm.edit` promises. Two round trips."""
    object_, id_ = _located(kind, id_)
    shape = await session.shape()
    plan = _plan(session, object_, change, shape)

    async def once(place: _Place) -> tuple[Record, Activity | None]:
        found = await _read(session, object_, place, plan, shape)
        return found.record, await _write(session, found, plan, shape)

    return await _twice(session, object_, id_, shape, once)


async def fill(session: Session, kind: ActivityKind, id_: str, filing: Filing) -> Activity:
    """Adds link and categories where the record has none; overwrites nothing."""
    object_, id_ = _located(kind, id_)
    shape = await session.shape()

    async def once(place: _Place) -> tuple[Record, Activity | None]:
        nothing = _Plan(False, None, {}, None)
        wants_link = filing.link is not None
        found = await _read(session, object_, place, nothing, shape, whole=wants_link)
        has = found.record.activity
        values = {
            name: value
            for name, value in filing.categories.items()
            if value is not None and not has.categories.get(name)
        }
        columns = categories.columns(object_, session.fields(object_), values, shape)
        link = None
        if filing.link is not None and not has.links:
            link = session.target(filing.link, object_, shape)
        plan = _Plan(link is not None, link, columns, None)
        return found.record, await _write(session, found, plan, shape)

    return await _twice(session, object_, id_, shape, once)


def _located(kind: ActivityKind, id_: str) -> tuple[ActivityObject, str]:
    checked = keys.record_id(id_)
    object_ = activity_object(kind, checked) if checked else None
    if checked is None or object_ is None:
        raise not_there()
    return object_, checked


async def _twice(
    session: Session,
    object_: ActivityObject,
    id_: str,
    shape: Shape,
    once: Callable[[_Place], Awaitable[tuple[Record, Activity | None]]],
) -> Activity:
    """Reads and writes again where somebody, or an unanswered try of our own, replaced the record
    between the two; its key then leads to what is there now."""
    fields = session.fields(object_)
    record, activity = await once(_Place(queries.activity(object_, id_, shape, fields), id_))
    if activity is None and record.key:
        soql = queries.of_key(object_, record.key, shape, fields)
        record, activity = await once(_Place(soql))
    if activity is None:
        raise Conflict("Someone else is changing this record; try again.")
    return activity


def _plan(session: Session, object_: ActivityObject, change: Change, shape: Shape) -> _Plan:
    if change.links is not None and len(change.links) > 1:
        raise InvalidRequest(
            "An activity can be connected to one record at most.", code="too_many_links"
        )
    links = [session.target(ref, object_, shape) for ref in change.links or ()]
    values = change.categories or {}
    return _Plan(
        changes_link=change.links is not None,
        link=links[0] if links else None,
        columns=categories.columns(object_, session.fields(object_), values, shape),
        contact_ids=None if change.contacts is None else _contact_ids(change.contacts),
    )


def _contact_ids(contacts: Sequence[RecordRef]) -> tuple[str, ...]:
    check_contacts(contacts)
    return tuple(dict.fromkeys(_contact_id(ref.id) for ref in contacts))


def _contact_id(id_: str) -> str:
    checked = keys.record_id(id_)
    if checked is None:
        raise not_there()
    return checked


async def _read(
    session: Session,
    object_: ActivityObject,
    place: _Place,
    plan: _Plan,
    shape: Shape,
    *,
    whole: bool = False,
) -> _Found:
    """The record and the contacts to relate; makes sure that the link is there."""
    parts = [composite.query("now", place.soql)]
    addresses = shape.of("Contact").addresses
    parts += [
        composite.row(f"contact{n}", "Contact", id_, ("Id", *addresses))
        for n, id_ in enumerate(plan.contact_ids or ())
    ]
    if plan.link is not None:
        parts.append(composite.row("link", plan.link.object, plan.link.id, ("Id",)))
    changes = whole or plan.changes_link or plan.contact_ids is not None
    copies = object_ is EMAIL_MESSAGE and changes
    if copies and place.id:
        parts.append(composite.row("whole", object_.name, place.id))
    answers = await session.wire.ask(parts)
    record = session.read(answers.pop("now"), object_)
    for reply in answers.values():
        if not reply.ok:
            raise not_there() if reply.status in (403, 404) else fault(reply)
    fields: Mapping[str, Any] = answers["whole"].row if "whole" in answers else {}
    if copies and not fields:
        fields = await _all_fields(session, record)
    contacts = None
    if plan.contact_ids is not None:
        contacts = tuple(
            Contact(id_, _addresses(answers[f"contact{n}"], addresses))
            for n, id_ in enumerate(plan.contact_ids)
        )
    return _Found(record, fields, contacts)


def _addresses(reply: Reply, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(reply.row[name] for name in names if reply.row.get(name))


async def _all_fields(session: Session, record: Record) -> Mapping[str, Any]:
    id_ = record.activity.id
    answers = await session.wire.ask([composite.row("whole", EMAIL_MESSAGE.name, id_)])
    if not answers["whole"].ok:
        raise fault(answers["whole"])
    return answers["whole"].row


async def _write(session: Session, found: _Found, plan: _Plan, shape: Shape) -> Activity | None:
    """The record afterwards, or None where it was gone in the meantime."""
    record = found.record
    object_, id_ = record.object, record.activity.id
    parts, id_ = (
        _message_parts(found, plan, shape)
        if object_ is EMAIL_MESSAGE
        else _activity_parts(found, plan, shape)
    )
    if not parts:
        return record.activity
    answered = await session.wire.transact([*parts, session.reading(object_, id_, shape)])
    refused = answered.refusal
    if refused is None:
        return session.read(answered["now"], object_).activity
    problem = fault(refused)
    if isinstance(problem, NotFound) and "old" in answered.replies and not answered["old"].ok:
        return None
    raise problem


def _message_parts(found: _Found, plan: _Plan, shape: Shape) -> tuple[list[Part], str]:
    """A copy in place of the record where its link or its people change, and the id to read."""
    record = found.record
    before = editing.link_of(record)
    link = plan.link if plan.changes_link else before
    parties = editing.without_link_person(record)
    changed_parties = parties
    if found.contacts is not None:
        changed_parties = editing.rewritten(parties, found.contacts)
    if link != before or set(changed_parties) != set(parties):
        parts = editing.replacement(
            found.fields, record, changed_parties, link, plan.columns, shape
        )
        return parts, MADE_ID
    id_ = record.activity.id
    if not plan.columns:
        return [], id_
    return [composite.update("changed", EMAIL_MESSAGE.name, id_, plan.columns)], id_


def _activity_parts(found: _Found, plan: _Plan, shape: Shape) -> tuple[list[Part], str]:
    record = found.record
    id_ = record.activity.id
    link = plan.link if plan.changes_link else editing.link_of(record)
    written = editing.update(record, link, found.contacts, plan.columns, shape)
    return ([composite.update("changed", record.object.name, id_, written)] if written else []), id_
