"""Making the one record of an item, or finishing it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from shared.crm.salesforce import categories, changing, composite, keys, payloads, queries, uploads
from shared.crm.salesforce.composite import MADE, MADE_ID, MOST, Part
from shared.crm.salesforce.faults import DUPLICATE_VALUE, code, fault
from shared.crm.salesforce.knowledge import Shape
from shared.crm.salesforce.looking import object_for
from shared.crm.salesforce.objects import EMAIL_MESSAGE, KEY
from shared.crm.salesforce.payloads import Draft, Target
from shared.crm.salesforce.replies import Record
from shared.crm.salesforce.session import Session
from shared.crm.salesforce.wire import Answered
from shared.domain import Activity, File, Filing, Item, LookUp, Notice, Saved
from shared.errors import Conflict, Forbidden, ThreadlineError, Unsupported

ALONG: Final = 4 * 1024 * 1024
"""Bytes of files that go along with the record itself, in one round trip."""

_LONG_BODY: Final = 65_536
_TRIES: Final = 3
_OTHER_PARTS: Final = 7
"""Of a composite beside files: the record, up to four collections, closing and reading it."""
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
    shape = await session.shape()
    object_ = object_for(item, shape)
    link = None if filing.link is None else session.target(filing.link, object_, shape)
    columns = categories.columns(object_, session.fields(object_), filing.categories, shape)
    draft = await _draft(item, known, link, shape)
    if existing is not None:
        record = await session.reread(object_, existing.activity.id, shape)
        activity = await _finish(session, draft, files, record, shape)
        return Saved(activity, created=False)
    return await _create(session, item, replace(draft, row={**draft.row, **columns}), files, shape)


async def _draft(item: Item, known: LookUp, link: Target | None, shape: Shape) -> Draft:
    """A long body takes its time to make safe, and holds nobody else up meanwhile."""
    if len(item.body.content) > _LONG_BODY:
        return await asyncio.to_thread(payloads.draft, item, known, link, shape)
    return payloads.draft(item, known, link, shape)


async def _create(
    session: Session, item: Item, draft: Draft, files: Sequence[File], shape: Shape
) -> Saved:
    """One round trip where all files are small: all of it, or nothing, happens there."""
    object_ = draft.object
    along, later = payloads.fitting(files, ALONG, MOST - _OTHER_PARTS)
    parts = [
        composite.create(MADE, object_.name, _row(draft, whole=not later)),
        *composite.creations("relations", draft.relations),
        *await _file_parts(along, None, shape),
        *_closing(draft, MADE_ID, whole=not later),
        session.reading(object_, MADE_ID, shape),
    ]
    answered = await session.wire.transact(parts, once=not shape.keyed(object_))
    refused = answered.refusal
    if refused is None:
        record = session.read(answered["now"], object_)
        activity = record.activity
        if later:
            activity = await _finish(session, draft, files, record, shape)
        return Saved(replace(activity, notices=draft.notices), created=True)
    if not _is_there_already(answered):
        raise fault(refused)
    first = await _first(session, item, draft, shape)
    if first.whole:
        # An unanswered try before this one may have made it just now.
        notices = draft.notices if answered.repeated else ()
        return Saved(replace(first.activity, notices=notices), created=False)
    return Saved(await _finish(session, draft, files, first, shape), created=False)


def _row(draft: Draft, *, whole: bool) -> Mapping[str, Any]:
    """An event or task that needs no further step is whole from the beginning."""
    return {**draft.row, **draft.closing} if whole and not _is_closed_last(draft) else draft.row


def _closing(draft: Draft, id_: str, *, whole: bool) -> list[Part]:
    if not whole or not _is_closed_last(draft):
        return []
    return [composite.update("closed", draft.object.name, id_, draft.closing)]


def _is_closed_last(draft: Draft) -> bool:
    """An e-mail's relations and files can be added to a draft only."""
    return draft.object is EMAIL_MESSAGE


def _is_there_already(answered: Answered) -> bool:
    """Whether the database refused the record for its key, rather than for a unique field of the
    organisation's own."""
    made = answered[MADE]
    return code(made) == DUPLICATE_VALUE and any(
        KEY in str(error.get("message")) for error in made.errors
    )


async def _first(session: Session, item: Item, draft: Draft, shape: Shape) -> Record:
    """The record that another save made."""
    object_ = draft.object
    soql = queries.of_key(object_, keys.activity_key(item), shape, session.fields(object_))
    answers = await session.wire.ask([composite.query("now", soql)])
    if answers["now"].ok and not answers["now"].rows:
        raise Forbidden("It is in Salesforce already, and you may not see it.")
    return session.read(answers["now"], object_)


async def _finish(
    session: Session, draft: Draft, files: Sequence[File], record: Record, shape: Shape
) -> Activity:
    """Adds the files that the record lacks and completes it.

    Several callers may do so at once: what one of them stored is refused to the others by its key,
    and as soon as the record is whole, whoever made it so, it is what all of them return.
    """
    object_, id_ = record.object, record.activity.id
    for _ in range(_TRIES):
        missing = [f for f in files if keys.file_digest(f.key) not in record.digests]
        along, later = payloads.fitting(missing, ALONG, MOST - _OTHER_PARTS)
        try:
            for file in later:
                await uploads.store(session, file, id_, shape)
        except ThreadlineError:
            record = await session.reread(object_, id_, shape)
            if record.whole:
                break
            raise
        parts = await _file_parts(along, id_, shape)
        if draft.closing:
            parts.append(composite.update("closed", object_.name, id_, draft.closing))
        answered = await session.wire.transact([*parts, session.reading(object_, id_, shape)])
        refused = answered.refusal
        if refused is None:
            record = session.read(answered["now"], object_)
            break
        record = await session.reread(object_, id_, shape)
        if record.whole:
            break
        if code(refused) != DUPLICATE_VALUE:
            raise fault(refused)
    if not record.whole:
        raise Conflict("It is being saved by someone else at this moment; try again.")
    return replace(record.activity, notices=draft.notices)


async def _file_parts(files: Sequence[File], owner: str | None, shape: Shape) -> list[Part]:
    parts = []
    for number, file in enumerate(files):
        content = payloads.encoded(await file.read())
        row = {**payloads.file_row(file, owner, shape), "VersionData": content}
        parts.append(composite.create(f"file{number}", "ContentVersion", row))
    return parts
