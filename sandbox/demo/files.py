"""What the demo reads of a .eml or .ics file: the subject, and who takes part."""

from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.utils import getaddresses
from pathlib import Path
from typing import Any, Literal

import icalendar

_HEADERS = ("from", "to", "cc", "bcc")


@dataclass(frozen=True, slots=True)
class ItemFile:
    """`addresses` are in lower case, the sender's or organizer's first."""

    kind: Literal["email", "meeting"]
    path: Path
    raw: bytes
    addresses: tuple[str, ...]


def read_eml(path: Path) -> ItemFile:
    """Raises OSError."""
    raw = path.read_bytes()
    message = message_from_bytes(raw, policy=policy.compat32)
    written = [str(value) for name in _HEADERS for value in message.get_all(name, [])]
    return ItemFile("email", path, raw, _distinct(address for _, address in getaddresses(written)))


def read_ics(path: Path) -> ItemFile:
    """Raises OSError, ValueError where it is no calendar."""
    raw = path.read_bytes()
    calendar: Any = icalendar.Calendar.from_ical(raw)
    people: list[str] = []
    for event in calendar.walk("VEVENT"):
        for name in ("ORGANIZER", "ATTENDEE"):
            found = event.get(name, [])
            people += [str(one) for one in (found if isinstance(found, list) else [found])]
    return ItemFile(
        "meeting", path, raw, _distinct(p.lower().removeprefix("mailto:") for p in people)
    )


def _distinct(addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(a.strip().lower() for a in addresses if "@" in a))
