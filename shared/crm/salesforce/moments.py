"""Salesforce's times. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.domain import Meeting

LONGEST: Final = timedelta(days=14)
"""Of an event (Object Reference, Event.DurationInMinutes)."""
_DAY: Final = timedelta(days=1)


def moment(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def exact(time: datetime) -> str:
    """To the millisecond."""
    utc = time.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03}Z"


def read(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def times(meeting: Meeting) -> tuple[datetime, datetime, bool]:
    """Start, end, and whether the end was brought forward to what an event may last.

    An all-day event has no time zone: it goes from midnight UTC of its first day to midnight UTC of
    its last (Object Reference, Event.IsAllDayEvent).
    """
    start = meeting.start.astimezone(UTC)
    end = max(start, meeting.end.astimezone(UTC))
    latest = start + LONGEST
    if meeting.all_day:
        zone = _zone(meeting.time_zone)
        last = (max(start, end - timedelta(seconds=1))).astimezone(zone).date()
        start = datetime.combine(start.astimezone(zone).date(), datetime.min.time(), UTC)
        end = datetime.combine(last, datetime.min.time(), UTC)
        latest = start + LONGEST - _DAY
    return start, min(end, latest), end > latest


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
