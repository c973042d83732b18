"""A meeting's record follows the meeting: brought in line with it, or marked as cancelled."""

from dataclasses import replace
from typing import Final

from shared.crm.dataverse import changing, editing, keys, queries, refreshed
from shared.crm.dataverse.batch import Changeset, Get
from shared.crm.dataverse.deleting import check_tie
from shared.crm.dataverse.faults import fault
from shared.crm.dataverse.looking import organization
from shared.crm.dataverse.payloads import Draft
from shared.crm.dataverse.replies import Record
from shared.crm.dataverse.saving import drafted
from shared.crm.dataverse.session import Session, not_there
from shared.crm.dataverse.tables import APPOINTMENT, CANCELED, STANDARD
from shared.domain import Activity, Existing, LookUp, Meeting
from shared.errors import Conflict, NotFound

_TRIES: Final = 2


async def refresh(session: Session, meeting: Meeting, known: LookUp) -> Activity:
    """As `Crm.refresh` promises."""
    if known.existing is None:
        raise not_there()
    if not known.existing.complete:
        raise Conflict("It is being saved by someone else at this moment; try again.")
    record = await _seen(session, known.existing)
    draft = await drafted(meeting, known)
    activity = await _write(session, record, meeting, known, draft)
    return replace(activity, notices=draft.notices)


async def _seen(session: Session, existing: Existing) -> Record:
    if isinstance(existing.seen, Record):
        return existing.seen
    path = session.activity_path(APPOINTMENT, existing.activity.id, body=True)
    return session.read(await session.wire.get(path), APPOINTMENT)


async def _write(
    session: Session, record: Record, meeting: Meeting, known: LookUp, draft: Draft
) -> Activity:
    change = await _change(session, record, meeting, known, draft)
    if change is None:
        return record.activity
    path = session.activity_path(APPOINTMENT, record.activity.id, body=True)
    *written, now = (await session.wire.batch([change, Get(path)])).replies
    refused = next((reply for reply in written if not reply.ok), None)
    if refused is None:
        return session.read(now, APPOINTMENT).activity
    problem = fault(refused)
    if isinstance(problem, NotFound) and now.ok:
        raise Conflict("Somebody who takes part was removed meanwhile; try again.")
    if not isinstance(problem, Conflict):
        raise problem
    current = session.read(now, APPOINTMENT)
    # An unanswered try before this one, or another worker with the same news, did it already.
    if await _change(session, current, meeting, known, draft) is not None:
        raise problem
    return current.activity


async def _change(
    session: Session, record: Record, meeting: Meeting, known: LookUp, draft: Draft
) -> Changeset | None:
    """None where the record is in line with the meeting."""
    final = refreshed.state(record, draft)
    if final != record.state and final == CANCELED:
        settings = organization(session, ())
        check_tie(record.activity.id, record.row.get(APPOINTMENT.item_column), settings)
    parties = refreshed.attendees(record, meeting, known.parties)
    tables = await changing.tables_of(session, parties)
    columns = refreshed.columns(record, draft)
    return editing.changeset(record, APPOINTMENT, columns, parties, tables, final)


async def cancel(session: Session, id_: str) -> None:
    """As `Crm.cancel` promises. Two round trips; one where it is cancelled already."""
    checked = keys.guid(id_)
    if checked is None:
        raise not_there()
    for _ in range(_TRIES):
        if await _cancelled(session, checked):
            return
    raise Conflict("Someone else is changing this record; try again.")


async def _cancelled(session: Session, id_: str) -> bool:
    """False where the record was not the same any more as when it was read."""
    paths = [session.activity_path(APPOINTMENT, id_)]
    if session.knowledge.organization is None:
        paths.append(queries.ORGANIZATION)
    row, *rest = await session.wire.ask(paths)
    record = session.read(row, APPOINTMENT)
    final = record.state if refreshed.is_cancelled(record) else CANCELED
    columns = refreshed.detached(record)
    change = editing.changeset(record, APPOINTMENT, columns, None, STANDARD, final)
    if change is None:
        return True
    check_tie(id_, record.row.get(APPOINTMENT.item_column), organization(session, rest))
    answer = await session.wire.batch([change])
    refused = next((reply for reply in answer.replies if not reply.ok), None)
    if refused is None:
        return True
    problem = fault(refused)
    if not isinstance(problem, Conflict):
        raise problem
    return False
