"""A meeting's event follows the meeting: brought in line with it, or marked as cancelled."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from shared.crm.salesforce import composite, keys, queries, refreshed
from shared.crm.salesforce.composite import UNCHANGED, UNCHANGED_ID
from shared.crm.salesforce.faults import code, fault
from shared.crm.salesforce.knowledge import Shape
from shared.crm.salesforce.objects import EVENT, activity_object
from shared.crm.salesforce.refreshed import Refreshed
from shared.crm.salesforce.replies import Record
from shared.crm.salesforce.session import Session, not_there
from shared.domain import Activity, LookUp, Meeting
from shared.errors import Conflict, NotFound

_LONG_BODY: Final = 65_536
_TRIES: Final = 2


async def refresh(session: Session, meeting: Meeting, known: LookUp) -> Activity:
    """As `Crm.refresh` promises."""
    existing = known.existing
    if existing is None:
        raise not_there()
    if not existing.complete:
        raise Conflict("It is being saved by someone else at this moment; try again.")
    shape = await session.shape()
    record = (
        existing.seen
        if isinstance(existing.seen, Record)
        else await session.reread(EVENT, existing.activity.id, shape)
    )
    wanted = await _refreshed(record, meeting, known, shape)
    now = await _write(session, record, wanted.fields, shape)
    if now is None:
        now = await session.reread(EVENT, record.activity.id, shape)
        # An unanswered try before this one, or another worker with the same news, did it already.
        if (await _refreshed(now, meeting, known, shape)).fields:
            raise Conflict("The record was changed meanwhile; try again.")
    return replace(now.activity, notices=wanted.notices)


async def _refreshed(record: Record, meeting: Meeting, known: LookUp, shape: Shape) -> Refreshed:
    """A long body takes its time to read, and holds nobody else up meanwhile."""
    if len(meeting.body.content) > _LONG_BODY:
        return await asyncio.to_thread(refreshed.refreshed, record, meeting, known.parties, shape)
    return refreshed.refreshed(record, meeting, known.parties, shape)


async def cancel(session: Session, id_: str) -> None:
    """As `Crm.cancel` promises. Two round trips; one where it is cancelled already."""
    checked = keys.record_id(id_)
    if checked is None or activity_object("meeting", checked) is None:
        raise not_there()
    shape = await session.shape()
    for _ in range(_TRIES):
        record = await session.reread(EVENT, checked, shape)
        if await _write(session, record, refreshed.cancelled(record), shape) is not None:
            return
    raise Conflict("Someone else is changing this record; try again.")


async def _write(
    session: Session, record: Record, fields: Mapping[str, Any], shape: Shape
) -> Record | None:
    """The record afterwards, or None where it was not the same any more as when it was read, or is
    gone: the update then has no record to refer to, and nothing happens.

    Salesforce counts the versions in seconds, so two changes within one are not told apart.
    """
    if not fields:
        return record
    id_ = record.activity.id
    soql = queries.unchanged(EVENT, id_, str(record.row["SystemModstamp"]))
    parts = [
        composite.query(UNCHANGED, soql),
        composite.update("changed", EVENT.name, UNCHANGED_ID, fields),
        session.reading(EVENT, id_, shape),
    ]
    answered = await session.wire.transact(parts)
    refused = answered.refusal
    if refused is None:
        return session.read(answered["now"], EVENT)
    if not code(refused):
        return None
    problem = fault(refused)
    if isinstance(problem, NotFound):  # the record itself was there
        raise Conflict("Somebody who takes part was removed meanwhile; try again.")
    raise problem
