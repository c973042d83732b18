"""Changing a saved record: an edit, or filling in what an adopted one lacks."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.crm.dataverse import categories, editing, keys, queries, replies
from shared.crm.dataverse.batch import Get, Reply
from shared.crm.dataverse.editing import Contact
from shared.crm.dataverse.faults import fault
from shared.crm.dataverse.parties import Party
from shared.crm.dataverse.replies import Record
from shared.crm.dataverse.session import Session, not_there
from shared.crm.dataverse.tables import STANDARD, ActivityTable, Table, activity_table
from shared.domain import Activity, ActivityKind, Change, Filing, RecordRef
from shared.errors import Conflict, InvalidRequest, Upstream
from shared.participants import check_contacts


@dataclass(frozen=True, slots=True)
class _Plan:
    """A change, checked against the organisation; None leaves a part as it is."""

    link: tuple[Table, str] | None = None
    changes_link: bool = False
    columns: Mapping[str, Any] | None = None
    contact_ids: tuple[str, ...] | None = None


async def edit(session: Session, kind: ActivityKind, id_: str, change: Change) -> Activity:
    """As `Crm.edit` promises. Two round trips."""
    table, id_ = activity_table(kind), _checked(id_)
    plan = await _plan(session, table, change)

    async def once() -> Activity | None:
        record, contacts = await _read(session, table, id_, plan)
        columns = {**(plan.columns or {})}
        if plan.changes_link:
            columns |= editing.link_columns(record, plan.link, table)
        parties = None
        if contacts is not None:
            parties = editing.rewritten(record.parties, contacts, table)
        return await _write(session, table, record, columns, parties)

    return await _twice(once)


async def fill(session: Session, kind: ActivityKind, id_: str, filing: Filing) -> Activity:
    """Adds link and categories where the record has none; overwrites nothing."""
    table = activity_table(kind)

    async def once() -> Activity | None:
        record = session.read(await session.wire.get(session.activity_path(table, id_)), table)
        has = record.activity
        values = {
            name: value
            for name, value in filing.categories.items()
            if value is not None and not has.categories.get(name)
        }
        columns = await categories.columns(session, table, values)
        if filing.link is not None and not has.links:
            target = await _target(session, filing.link)
            columns |= editing.link_columns(record, target, table)
        return await _write(session, table, record, columns, None)

    return await _twice(once)


async def _twice(once: Callable[[], Awaitable[Activity | None]]) -> Activity:
    """Reads and writes again where the record changed between the two."""
    for _ in range(2):
        activity = await once()
        if activity is not None:
            return activity
    raise Conflict("Someone else is changing this record; try again.")


async def _plan(session: Session, table: ActivityTable, change: Change) -> _Plan:
    link, columns, contact_ids = None, None, None
    if change.links is not None:
        if len(change.links) > 1:
            raise InvalidRequest(
                "An activity can be connected to one record at most.", code="too_many_links"
            )
        for ref in change.links:
            link = await _target(session, ref)
    if change.categories is not None:
        columns = await categories.columns(session, table, change.categories)
    if change.contacts is not None:
        contact_ids = _contact_ids(change.contacts)
    return _Plan(link, change.links is not None, columns, contact_ids)


async def _target(session: Session, ref: RecordRef) -> tuple[Table, str]:
    table = await session.connectable(ref.type)
    id_ = keys.guid(ref.id)
    if id_ is None:
        raise not_there()
    return table, id_


def _contact_ids(contacts: Sequence[RecordRef]) -> tuple[str, ...]:
    check_contacts(contacts)
    return tuple(dict.fromkeys(_checked(ref.id) for ref in contacts))


def _checked(id_: str) -> str:
    checked = keys.guid(id_)
    if checked is None:
        raise not_there()
    return checked


async def _read(
    session: Session, table: ActivityTable, id_: str, plan: _Plan
) -> tuple[Record, list[Contact] | None]:
    """The record and the contacts to relate; makes sure that the link is there."""
    paths = [session.activity_path(table, id_)]
    paths += [queries.contact(contact) for contact in plan.contact_ids or ()]
    paths += [queries.record(*plan.link)] if plan.link else []
    answers = await session.wire.ask(paths)
    for reply in answers[1:]:
        if not reply.ok:
            raise not_there() if reply.status in (403, 404) else fault(reply)
    record = session.read(answers[0], table)
    if plan.contact_ids is None:
        return record, None
    found = zip(plan.contact_ids, answers[1:], strict=False)
    return record, [
        Contact(contact, replies.contact_addresses(reply.json)) for contact, reply in found
    ]


async def _write(
    session: Session,
    table: ActivityTable,
    record: Record,
    columns: Mapping[str, Any],
    parties: Sequence[Party] | None,
) -> Activity | None:
    """The record afterwards, or None where it was not the same any more as when it was read."""
    tables = await tables_of(session, parties or ())
    change = editing.changeset(record, table, columns, parties, tables)
    if change is None:
        return record.activity
    path = session.activity_path(table, record.activity.id)
    *written, now = (await session.wire.batch([change, Get(path)])).replies
    refused = next((reply for reply in written if not reply.ok), None)
    if refused is None:
        return session.read(now, table).activity
    if _is_stale(refused):
        return None
    raise fault(refused)


def _is_stale(refused: Reply) -> bool:
    return isinstance(fault(refused), Conflict)


async def tables_of(session: Session, parties: Sequence[Party]) -> Mapping[str, Table]:
    """The tables of all who take part, which other tools may have added to."""
    tables = dict(STANDARD)
    for logical in {party.logical for party in parties if party.logical} - tables.keys():
        table = await session.table(logical)
        if table is None:
            raise Upstream("A participant of this record is of an unknown type.")
        tables[logical] = table
    return tables
