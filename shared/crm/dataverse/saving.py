"""Making the one record of an item, or finishing it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from shared.crm.dataverse import categories, changing, keys, payloads, uploads
from shared.crm.dataverse.batch import Changeset, Get, Part, Reply, Write, patch
from shared.crm.dataverse.faults import BLOCKED, DUPLICATE_KEY, TOO_BIG, code, fault
from shared.crm.dataverse.payloads import Draft
from shared.crm.dataverse.replies import Record
from shared.crm.dataverse.session import Session, not_there
from shared.crm.dataverse.tables import ActivityTable, activity_table
from shared.domain import Activity, File, Filing, Item, LookUp, Notice, Saved
from shared.errors import (
    Conflict,
    Forbidden,
    ThreadlineError,
    Throttled,
    TooLarge,
    Unavailable,
    Unsupported,
)

ALONG: Final = 4 * 1024 * 1024
"""Bytes of files that go along with the record itself, in one round trip."""

_LONG_BODY: Final = 65_536
_TRIES: Final = 3
_ADOPTED: Final = Notice("adopted", "Another tool had saved it already; that record is used.")


async def save(
    session: Session, item: Item, filing: Filing, known: LookUp, files: Sequence[File]
) -> Saved:
    """As `Crm.save` promises."""
    if item.kind == "meeting" and item.is_series:
        raise Unsupported("A whole series can't be saved yet; save one occurrence.")
    existing = known.existing
    if existing is not None and existing.adopted:
        activity = await changing.fill(session, item.kind, existing.activity.id, filing)
        return Saved(replace(activity, notices=(_ADOPTED,)), created=False)
    if existing is not None and existing.complete:
        return Saved(existing.activity, created=False)
    draft = await drafted(item, known)
    if existing is not None:
        activity = await _finish(session, item, draft, files, existing.activity)
        return Saved(activity, created=False)
    return await _create(session, item, filing, draft, files)


async def drafted(item: Item, known: LookUp) -> Draft:
    """As `payloads.draft`. A long body takes its time to make safe, and holds nobody else up
    meanwhile."""
    if len(item.body.content) > _LONG_BODY:
        return await asyncio.to_thread(payloads.draft, item, known)
    return payloads.draft(item, known)


async def _create(
    session: Session, item: Item, filing: Filing, draft: Draft, files: Sequence[File]
) -> Saved:
    """One round trip where all files are small: all of it, or nothing, happens there."""
    table, id_ = activity_table(item.kind), draft.row["activityid"]
    row = {**draft.row, **await _filed(session, table, filing)}
    along, later = payloads.fitting(files, ALONG)
    writes = [Write("POST", table.entity_set, row), *await _posts(along, id_, table)]
    if not later:
        writes.append(_closing(table, id_, draft))
    refused, now = await _write(session, table, id_, writes)
    if refused is None:
        record = session.read(now, table)
        activity = record.activity
        if later:
            activity = await _finish(session, item, draft, files, activity)
        return Saved(replace(activity, notices=draft.notices), created=True)
    if code(refused) != DUPLICATE_KEY:
        raise _fault(session, refused)
    first = _first(session, now, table)
    if first.whole:
        return Saved(first.activity, created=False)
    return Saved(await _finish(session, item, draft, files, first.activity), created=False)


async def _finish(
    session: Session, item: Item, draft: Draft, files: Sequence[File], activity: Activity
) -> Activity:
    """Adds the files that `activity` lacks and closes the record.

    Several callers may do so at once: what one of them stored the others find stored, and as soon
    as the record is whole, whoever made it so, it is what all of them return.
    """
    table, id_ = activity_table(item.kind), activity.id
    for _ in range(_TRIES):
        stored = {file.id for file in activity.files}
        missing = [f for f in files if keys.attachment_id(id_, f.key) not in stored]
        along, later = payloads.fitting(missing, ALONG)
        whole = await _upload(session, later, id_, table)
        if whole is not None:
            return replace(whole.activity, notices=draft.notices)
        writes = [*await _posts(along, id_, table), _closing(table, id_, draft)]
        refused, now = await _write(session, table, id_, writes)
        record = _still(session, now, table)
        if record.whole:
            return replace(record.activity, notices=draft.notices)
        if refused is not None and code(refused) != DUPLICATE_KEY:
            raise _fault(session, refused)
        activity = record.activity
    raise Conflict("It is being saved by someone else at this moment; try again.")


async def _upload(
    session: Session, files: Sequence[File], id_: str, table: ActivityTable
) -> Record | None:
    """Stores large files. A failure may mean that someone else has closed the record: then that
    one is whole, and returned."""
    try:
        for file in files:
            await uploads.store(session.wire, file, id_, table)
    except (Throttled, Unavailable):
        raise
    except ThreadlineError as problem:
        if isinstance(problem, TooLarge):
            session.knowledge.forget_limits()
        now = await session.wire.get(session.activity_path(table, id_))
        record = _still(session, now, table)
        if not record.whole:
            raise
        return record
    return None


async def _filed(session: Session, table: ActivityTable, filing: Filing) -> Mapping[str, Any]:
    columns = await categories.columns(session, table, filing.categories)
    if filing.link is None:
        return columns
    target, id_ = await session.connectable(filing.link.type), keys.guid(filing.link.id)
    if id_ is None:
        raise not_there()
    return {**columns, **payloads.link(table, target, id_)}


async def _posts(files: Sequence[File], id_: str, table: ActivityTable) -> list[Write]:
    return [
        Write("POST", "activitymimeattachments", payloads.file_row(f, await f.read(), id_, table))
        for f in files
    ]


def _closing(table: ActivityTable, id_: str, draft: Draft) -> Write:
    return patch(f"{table.entity_set}({id_})", payloads.state(draft.final))


async def _write(
    session: Session, table: ActivityTable, id_: str, writes: Sequence[Write]
) -> tuple[Reply | None, Reply]:
    """The refusal, if there was one, and the record as it is afterwards, in one round trip."""
    parts: list[Part] = [Changeset(tuple(writes)), Get(session.activity_path(table, id_))]
    *written, now = (await session.wire.batch(parts)).replies
    return next((reply for reply in written if not reply.ok), None), now


def _first(session: Session, now: Reply, table: ActivityTable) -> Record:
    """The record that another save made."""
    if now.status in (403, 404):
        raise Forbidden("It is in Dynamics 365 already, and you may not see it.")
    return session.read(now, table)


def _still(session: Session, now: Reply, table: ActivityTable) -> Record:
    """The record that we found unfinished, as it is now."""
    if now.status == 404:
        raise Conflict("It was removed while it was being saved; try again.")
    return session.read(now, table)


def _fault(session: Session, refused: Reply) -> ThreadlineError:
    if code(refused) in (TOO_BIG, BLOCKED):
        session.knowledge.forget_limits()
    return fault(refused)
