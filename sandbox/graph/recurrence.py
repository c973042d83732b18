"""Series: which occurrences there are, and their pattern as Graph writes it.

Pattern shape: microsoft-graph-docs-contrib resources/patternedrecurrence.md.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from dateutil.rrule import rrule, rruleset, rrulestr

from sandbox.graph import zones
from sandbox.store import Row

_DAYS = {
    "MO": "monday",
    "TU": "tuesday",
    "WE": "wednesday",
    "TH": "thursday",
    "FR": "friday",
    "SA": "saturday",
    "SU": "sunday",
}
_INDEX = {1: "first", 2: "second", 3: "third", 4: "fourth", -1: "last"}


def instant(wall: datetime, zone: str, all_day: bool) -> datetime:
    """The moment of a wall-clock time; an all-day event's midnight counts as UTC."""
    return wall.replace(tzinfo=UTC if all_day else zones.zone(zone)).astimezone(UTC)


def wall_clock(epoch: int, zone: str, all_day: bool) -> datetime:
    there = UTC if all_day else zones.zone(zone)
    return datetime.fromtimestamp(epoch, there).replace(tzinfo=None)


def starts_between(master: Row, after: datetime, before: datetime) -> Iterator[int]:
    """The original starts, in seconds since 1970, that lie in the closed span, oldest first.

    `after` and `before` are aware. Excluded dates are left out; exceptions are not known here.
    """
    zone, all_day = master["zone"], master["allDay"]
    excluded = set(master["excluded"])
    margin = timedelta(days=1)
    span = (wall_clock(int(when.timestamp()), zone, all_day) for when in (after, before))
    low, high = span
    for wall in _rules(master).between(low - margin, high + margin, inc=True):
        when = instant(wall, zone, all_day)
        epoch = int(when.timestamp())
        if after <= when <= before and epoch not in excluded:
            yield epoch


def is_start(master: Row, epoch: int) -> bool:
    """Whether the series has an occurrence that originally starts at this second."""
    try:
        when = datetime.fromtimestamp(epoch, UTC)
    except (OverflowError, ValueError, OSError):
        return False
    return epoch in starts_between(master, when, when)


def _rules(master: Row) -> rruleset:
    start = datetime.fromisoformat(master["start"])
    found = rruleset(cache=True)
    found.rdate(start)
    for text in master["rules"]:
        found.rrule(_rule(text, start))
    for text in master["added"]:
        found.rdate(datetime.fromisoformat(text))
    return found


def _rule(text: str, start: datetime) -> rrule:
    rule = rrulestr(text, dtstart=start)
    if not isinstance(rule, rrule):
        raise TypeError("one RRULE expected")
    return rule


def pattern_json(master: Row) -> dict[str, Any] | None:
    """Graph's `recurrence`; None without an RRULE (a series of single dates)."""
    if not master["rules"]:
        return None
    rule = dict(part.split("=", 1) for part in master["rules"][0].split(";"))
    start = datetime.fromisoformat(master["start"])
    return {
        "pattern": _pattern(rule, start),
        "range": _range(rule, start, zones.windows_name(master["zone"])),
    }


def _pattern(rule: dict[str, str], start: datetime) -> dict[str, Any]:
    days = [part for part in rule.get("BYDAY", "").split(",") if part]
    names = [_DAYS[day[-2:]] for day in days]
    index = _INDEX.get(int(rule.get("BYSETPOS") or _position(days) or 1), "first")
    month = int(rule.get("BYMONTH", "0").split(",")[0])
    pattern: dict[str, Any] = {
        "type": _type(rule["FREQ"], bool(days)),
        "interval": int(rule.get("INTERVAL", "1")),
        "month": month or (start.month if rule["FREQ"] == "YEARLY" else 0),
        "dayOfMonth": 0,
        "firstDayOfWeek": _DAYS[rule.get("WKST", "SU")],
        "index": index,
    }
    if rule["FREQ"] == "WEEKLY":
        pattern["daysOfWeek"] = names or [list(_DAYS.values())[start.weekday()]]
    elif days:
        pattern["daysOfWeek"] = names
    elif rule["FREQ"] in ("MONTHLY", "YEARLY"):
        pattern["dayOfMonth"] = int(rule.get("BYMONTHDAY", str(start.day)).split(",")[0])
    return pattern


def _type(frequency: str, by_day: bool) -> str:
    if frequency in ("MONTHLY", "YEARLY"):
        return ("relative" if by_day else "absolute") + frequency.title()
    return frequency.lower()


def _position(days: Sequence[str]) -> str:
    """The 2 of `2TU`."""
    return days[0][:-2] if days else ""


def _range(rule: dict[str, str], start: datetime, time_zone: str) -> dict[str, Any]:
    until = rule.get("UNTIL", "")
    count = int(rule.get("COUNT", "0"))
    kind = "endDate" if until else "numbered" if count else "noEnd"
    end = f"{until[:4]}-{until[4:6]}-{until[6:8]}" if until else "0001-01-01"
    return {
        "type": kind,
        "startDate": f"{start:%Y-%m-%d}",
        "endDate": end,
        "recurrenceTimeZone": time_zone,
        "numberOfOccurrences": count,
    }
