"""From iCalendar bytes to what Graph says about a meeting. Pure: no ids, no store, no clock."""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from mimetypes import guess_type
from typing import Any
from urllib.parse import unquote

from icalendar import Calendar, Component

from sandbox.graph import zones
from sandbox.graph.mime import ParsedAttachment

_RESPONSES = {
    "ACCEPTED": "accepted",
    "DECLINED": "declined",
    "TENTATIVE": "tentativelyAccepted",
    "NEEDS-ACTION": "none",
}
_SENSITIVITY = {"PRIVATE": "private", "CONFIDENTIAL": "confidential", "PERSONAL": "personal"}
_SHOW_AS = {"FREE": "free", "TENTATIVE": "tentative", "OOF": "oof", "BUSY": "busy"}


class NotACalendar(ValueError):
    """The bytes hold no VEVENT that could be read."""


@dataclass(frozen=True, slots=True)
class ParsedAttendee:
    name: str
    address: str
    type: str
    response: str


@dataclass(frozen=True, slots=True)
class ParsedEvent:
    """`start` and `end` are wall-clock times in `zone` (IANA); an all-day event's are midnights.

    `recurrence_id` and `excluded` are original starts in seconds since 1970, for an all-day event
    those of midnight UTC. `rules` are RRULE texts whose UNTIL is wall-clock time.
    """

    uid: str
    recurrence_id: int | None
    start: datetime
    end: datetime
    zone: str
    all_day: bool
    rules: tuple[str, ...]
    added: tuple[datetime, ...]
    excluded: tuple[int, ...]
    subject: str
    body: str
    body_type: str
    location: str
    organizer: tuple[str, str] | None
    attendees: tuple[ParsedAttendee, ...]
    sensitivity: str
    importance: str
    show_as: str
    cancelled: bool
    draft: bool
    categories: tuple[str, ...]
    attachments: tuple[ParsedAttachment, ...] = field(default=())


def parse_calendar(raw: bytes) -> list[ParsedEvent]:
    """The events of a calendar file, a series before its exceptions. Raises NotACalendar."""
    try:
        calendar = Calendar.from_ical(raw)
    except ValueError as error:
        raise NotACalendar("not a calendar") from error
    cancel = str(calendar.get("METHOD", "")).upper() == "CANCEL"
    home = _home_zone(calendar)
    events = [
        _event(found, cancel, home) for found in calendar.walk("VEVENT") if _when(found, "DTSTART")
    ]
    if not events:
        raise NotACalendar("no event in the calendar")
    return sorted(events, key=lambda event: event.recurrence_id is not None)


def _event(found: Component, cancel: bool, home: str) -> ParsedEvent:
    begin = _when(found, "DTSTART")
    all_day = not isinstance(begin, datetime)
    zone = home if all_day else _zone_of(found, begin, home)
    start = _wall(begin, zone)
    end = _end(found, start, zone, all_day)
    html = str(found.get("X-ALT-DESC", ""))
    replaced = _when(found, "RECURRENCE-ID")
    return ParsedEvent(
        uid=str(found.get("UID", "")),
        recurrence_id=_epoch(replaced, zone) if replaced else None,
        start=start,
        end=end,
        zone=zone,
        all_day=all_day or _yes(found, "X-MICROSOFT-CDO-ALLDAYEVENT"),
        rules=tuple(_rule(rule, zone) for rule in _all(found, "RRULE")),
        added=tuple(_wall(value, zone) for value in _dates(found, "RDATE")),
        excluded=tuple(_epoch(value, zone) for value in _dates(found, "EXDATE")),
        subject=str(found.get("SUMMARY", "")),
        body=html or str(found.get("DESCRIPTION", "")),
        body_type="html" if html else "text",
        location=str(found.get("LOCATION", "")),
        organizer=_person(found["ORGANIZER"]) if "ORGANIZER" in found else None,
        attendees=tuple(_attendee(value) for value in _all(found, "ATTENDEE")),
        sensitivity=_SENSITIVITY.get(str(found.get("CLASS", "")).upper(), "normal"),
        importance=_importance(str(found.get("PRIORITY", ""))),
        show_as=_show_as(found),
        cancelled=cancel or str(found.get("STATUS", "")).upper() == "CANCELLED",
        draft=_yes(found, "X-GRAPH-ISDRAFT"),
        categories=tuple(str(c) for group in _all(found, "CATEGORIES") for c in group.cats),
        attachments=tuple(_attachments(found)),
    )


def _home_zone(calendar: Component) -> str:
    """The calendar's own zone, for all-day and floating times."""
    named = [str(calendar.get("X-WR-TIMEZONE", ""))]
    named += [str(found.get("TZID", "")) for found in calendar.walk("VTIMEZONE")]
    return next((iana for name in named if (iana := zones.iana_name(name))), "UTC")


def _zone_of(found: Component, when: datetime, home: str) -> str:
    """The IANA name of a start's zone; UTC where it is of the file's own making."""
    if when.tzinfo is None:
        return home
    named = str(found["DTSTART"].params.get("TZID", ""))
    return zones.iana_name(named) or zones.name_of(when)


def _wall(value: Any, zone: str) -> datetime:
    """Of a date, a datetime or a period (its start)."""
    if isinstance(value, tuple):
        value = value[0]
    if not isinstance(value, datetime):
        return datetime.combine(value, datetime.min.time())
    if value.tzinfo is None:
        return value
    return value.astimezone(zones.zone(zone)).replace(tzinfo=None)


def _epoch(value: date | datetime, zone: str) -> int:
    if not isinstance(value, datetime):
        return int(datetime.combine(value, datetime.min.time(), UTC).timestamp())
    aware = value if value.tzinfo else value.replace(tzinfo=zones.zone(zone))
    return int(aware.timestamp())


def _end(found: Component, start: datetime, zone: str, all_day: bool) -> datetime:
    end, duration = _when(found, "DTEND"), _when(found, "DURATION")
    if end is not None:
        return _wall(end, zone)
    if isinstance(duration, timedelta):
        return start + duration
    return start + timedelta(days=1) if all_day else start


def _rule(rule: Any, zone: str) -> str:
    """dateutil wants UNTIL without a zone where the start has none."""
    until = rule.get("UNTIL")
    if until:
        rule = rule.copy()
        rule["UNTIL"] = [_wall(until[0], zone)]
    text: str = rule.to_ical().decode()
    return text


def _dates(found: Component, name: str) -> Iterable[Any]:
    return [entry.dt for group in _all(found, name) for entry in group.dts]


def _all(found: Component, name: str) -> list[Any]:
    value = found.get(name)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _when(found: Component, name: str) -> Any:
    """A date, datetime or timedelta; None where the property is missing or unreadable."""
    return getattr(found.get(name), "dt", None)


def _yes(found: Component, name: str) -> bool:
    return str(found.get(name, "")).upper() == "TRUE"


def _person(value: Any) -> tuple[str, str]:
    address = str(value)
    if address[:7].lower() == "mailto:":
        address = unquote(address[7:])
    return str(value.params.get("CN", "")) or address, address


def _attendee(value: Any) -> ParsedAttendee:
    name, address = _person(value)
    kind = str(value.params.get("CUTYPE", "")).upper()
    role = str(value.params.get("ROLE", "")).upper()
    if kind in ("RESOURCE", "ROOM"):
        type_ = "resource"
    else:
        type_ = "optional" if role in ("OPT-PARTICIPANT", "NON-PARTICIPANT") else "required"
    status = str(value.params.get("PARTSTAT", "")).upper()
    return ParsedAttendee(name, address, type_, _RESPONSES.get(status, "none"))


def _importance(priority: str) -> str:
    """RFC 5545 section 3.8.1.9: 1 to 4 high, 5 normal, 6 to 9 low, 0 undefined."""
    if priority in ("1", "2", "3", "4"):
        return "high"
    return "low" if priority in ("6", "7", "8", "9") else "normal"


def _show_as(found: Component) -> str:
    status = str(found.get("X-MICROSOFT-CDO-BUSYSTATUS", "")).upper()
    if status in _SHOW_AS:
        return _SHOW_AS[status]
    return "free" if str(found.get("TRANSP", "")).upper() == "TRANSPARENT" else "busy"


def _attachments(found: Component) -> Iterable[ParsedAttachment]:
    for number, value in enumerate(_all(found, "ATTACH"), 1):
        name = str(value.params.get("FILENAME") or value.params.get("X-FILENAME") or "")
        kind = str(value.params.get("FMTTYPE", "")) or guess_type(name)[0]
        if str(value.params.get("ENCODING", "")).upper() == "BASE64":
            yield ParsedAttachment(
                kind="file",
                name=name or f"ATT{number:05}.bin",
                content_type=kind or "application/octet-stream",
                content=_bytes(value),
            )
        else:
            url = str(value)
            yield ParsedAttachment(
                "reference", name or url.rpartition("/")[2], kind, b"", source_url=url
            )


def _bytes(value: Any) -> bytes:
    text = value.to_ical() if hasattr(value, "to_ical") else str(value).encode()
    try:
        return b64decode(text)
    except Base64Error:
        return b""
