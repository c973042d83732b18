"""Event and its relations. Object Reference, Event and EventRelation."""

from datetime import date, datetime, time, timedelta
from typing import Any

from sandbox.salesforce import errors
from sandbox.salesforce.drafts import Draft, touch
from sandbox.salesforce.rows import stamp
from sandbox.salesforce.rules import whos
from sandbox.salesforce.rules.model import Rule
from sandbox.salesforce.session import Session
from sandbox.salesforce.values import parse_datetime
from sandbox.store import Row

WHO_LIST = "EventWhoIds"
MAX_DURATION = timedelta(days=14)
MAX_INVITEES = 1000
_RELATION = "EventRelation"
_DAY = timedelta(days=1)
_TIMES = frozenset(
    ("StartDateTime", "EndDateTime", "DurationInMinutes", "ActivityDate", "IsAllDayEvent")
)


def _before(session: Session, draft: Draft) -> None:
    if draft.row.get("IsRecurrence"):
        raise errors.unsupported("recurring events")
    if draft.old is None or draft.given & _TIMES:
        _settle_times(draft)
    whos.choose(draft, WHO_LIST)
    whos.derive_account(session, draft.row)


def _settle_times(draft: Draft) -> None:
    row = draft.row
    start = _moment(row.get("StartDateTime"))
    if draft.old is not None and "ActivityDate" in draft.given:
        start = None if "StartDateTime" not in draft.given else start
    if row.get("IsAllDayEvent"):
        begin, length = _whole_days(draft, start)
        end = begin + length - _DAY
    else:
        begin, length = _hours(draft, start)
        end = begin + length
    if length < timedelta(0):
        raise errors.integrity("Event duration can not be negative", "DurationInMinutes")
    if length > MAX_DURATION:
        raise errors.integrity("Events can't last longer than 14 days.", "DurationInMinutes")
    _agree(draft, begin, end)
    row["StartDateTime"], row["EndDateTime"] = stamp(begin), stamp(end)
    row["DurationInMinutes"] = int(length / timedelta(minutes=1))
    row["ActivityDate"] = begin.date().isoformat()
    row["EndDate"] = end.date().isoformat()


def _agree(draft: Draft, begin: datetime, end: datetime) -> None:
    """Object Reference, Event: ActivityDate "and StartDateTime must match, or one of them must be
    null"; EndDateTime and DurationInMinutes may both be given where they "add up to the same amount
    of time"."""
    row, given = draft.row, draft.given
    day = row.get("ActivityDate") if "ActivityDate" in given else None
    if "StartDateTime" in given and day not in (None, begin.date().isoformat()):
        raise errors.integrity("The due date and the start don't match.", "ActivityDate")
    named = _moment(row.get("EndDateTime")) if "EndDateTime" in given else None
    if "DurationInMinutes" in given and named not in (None, end):
        raise errors.integrity("The duration and the end don't match.", "DurationInMinutes")


def _hours(draft: Draft, start: datetime | None) -> tuple[datetime, timedelta]:
    if start is None:
        raise errors.missing(["StartDateTime", "DurationInMinutes"])
    length = _length(draft)
    if length is not None:
        return start, length
    end = _moment(draft.row.get("EndDateTime"))
    if end is None:
        raise errors.missing(["DurationInMinutes"])
    return start, end - start


def _whole_days(draft: Draft, start: datetime | None) -> tuple[datetime, timedelta]:
    """The times of an all-day event are midnights in UTC; the end is that of the last day."""
    if start is None:
        day = draft.row.get("ActivityDate")
        if day is None:
            raise errors.missing(["ActivityDate", "DurationInMinutes"])
        start = parse_datetime(f"{date.fromisoformat(day)}T00:00:00Z")
    if start is None or start.time() != time(0):
        raise errors.integrity("An all-day event starts at midnight UTC.", "StartDateTime")
    length = _length(draft)
    end = _moment(draft.row.get("EndDateTime"))
    if length is None:
        length = _DAY if end is None else end - start + _DAY
    if length % _DAY:
        raise errors.integrity("An all-day event lasts whole days.", "DurationInMinutes")
    return start, length


def _length(draft: Draft) -> timedelta | None:
    """The duration that the client gave, or the one kept when only the start moves."""
    minutes = draft.row.get("DurationInMinutes")
    ends = "EndDateTime" in draft.given and draft.row.get("EndDateTime")
    if minutes is None or (ends and "DurationInMinutes" not in draft.given):
        return None
    return timedelta(minutes=minutes)


def _moment(value: str | None) -> datetime | None:
    return parse_datetime(value) if value else None


def _after(session: Session, draft: Draft) -> None:
    if draft.old is None or draft.lists or draft.given & {"WhoId", "WhatId"}:
        whos.relate(session, draft, WHO_LIST, _RELATION)


def _removing(session: Session, event: Row) -> None:
    whos.drop(session, event, _RELATION, "EventId")


def _before_relation(session: Session, draft: Draft) -> None:
    row = draft.row
    if draft.old is not None or not row.get("EventId") or not row.get("RelationId"):
        return
    others = session.rows.pointing(_RELATION, "EventId", row["EventId"])
    if any(other["RelationId"] == row["RelationId"] for other in others):
        raise errors.duplicate_value("<unknown>", "<unknown>")
    row["IsParent"] = bool(row.get("IsParent"))
    if not row["IsParent"]:
        row["IsInvitee"] = True
    if row.get("IsInvitee") and sum(bool(o.get("IsInvitee")) for o in others) >= MAX_INVITEES:
        raise errors.integrity(f"An event can have up to {MAX_INVITEES} invitees.")


def _after_relation(session: Session, draft: Draft) -> None:
    _mark_group(session, draft.row)


def _removing_relation(session: Session, relation: Row) -> None:
    event = session.rows.live("Event", relation["EventId"])
    if event is not None and event.get("WhoId") == relation["RelationId"]:
        raise errors.integrity("The primary contact of an event can't be removed here.")
    _mark_group(session, relation, gone=relation["Id"])


def _mark_group(session: Session, relation: Row | dict[str, Any], gone: str = "") -> None:
    others = session.rows.pointing(_RELATION, "EventId", relation["EventId"])
    invited = any(o.get("IsInvitee") and o["Id"] != gone for o in others)
    group = {"IsGroupEvent": invited, "GroupEventType": "1" if invited else "0"}
    touch(session, "Event", relation["EventId"], **group)


RULES = {
    "Event": Rule(before=_before, after=_after, removing=_removing),
    _RELATION: Rule(before=_before_relation, after=_after_relation, removing=_removing_relation),
}
