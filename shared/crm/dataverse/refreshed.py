"""What brings a meeting's record in line with the meeting, worked out from what is there. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from shared.crm.dataverse import keys, parties
from shared.crm.dataverse.parties import Party
from shared.crm.dataverse.payloads import Draft
from shared.crm.dataverse.replies import Record, moment
from shared.crm.dataverse.tables import APPOINTMENT, CANCELED, State
from shared.domain import Meeting, RecordRef

_ITEM: Final = APPOINTMENT.item_column
_TEXTS: Final = ("subject", "description", "location")
_TIMES: Final = ("scheduledstart", "scheduledend")


def columns(record: Record, draft: Draft) -> dict[str, Any]:
    """The columns to write. Which meeting of Exchange another tool's record belongs to is that
    tool's own matter."""
    row, wanted = record.row, draft.row
    written = {name: wanted[name] for name in _TEXTS if (row.get(name) or "") != wanted[name]}
    written |= {name: wanted[name] for name in _TIMES if not _same_moment(row, wanted, name)}
    if bool(row.get("isalldayevent")) != wanted["isalldayevent"]:
        written["isalldayevent"] = wanted["isalldayevent"]
    if "scheduledstart" in written:
        written["sortdate"] = wanted["sortdate"]
    if keys.is_ours(record.activity.id) and row.get(_ITEM) != wanted.get(_ITEM):
        written[_ITEM] = wanted.get(_ITEM)
    return written


def _same_moment(row: Mapping[str, Any], wanted: Mapping[str, Any], name: str) -> bool:
    return bool(row.get(name)) and moment(row[name]) == moment(wanted[name])


def attendees(
    record: Record, meeting: Meeting, known: Mapping[str, Sequence[RecordRef]]
) -> tuple[Party, ...]:
    """Who takes part now. A record without an address belongs to no attendee, so it stays."""
    now = parties.resolved(meeting, known, record.parties)
    there = {party.id for party in now}
    return now + tuple(p for p in record.parties if not p.address and p.id not in there)


def state(record: Record, draft: Draft) -> State:
    """The state to leave the record in. What a person made of it stays (completed, cancelled, out
    of office), but for a meeting that was cancelled; what we cancelled ourselves, and only that has
    lost its Exchange id, comes back with the meeting."""
    if draft.final == CANCELED:
        return record.state if is_cancelled(record) else CANCELED
    revived = is_cancelled(record) and keys.is_ours(record.activity.id)
    return draft.final if revived and not record.row.get(_ITEM) else record.state


def is_cancelled(record: Record) -> bool:
    return record.state.code == CANCELED.code


def detached(record: Record) -> dict[str, None]:
    """What to write before a record is cancelled, so that server-side synchronisation can't cancel
    the meeting for everybody: without its Exchange id it has nothing to synchronise with any more
    [inferred]."""
    ours, tied = keys.is_ours(record.activity.id), record.row.get(_ITEM)
    return {_ITEM: None} if ours and tied and not is_cancelled(record) else {}
