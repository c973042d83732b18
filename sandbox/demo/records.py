"""What the demo asks of a CRM itself, past the app."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Record:
    type: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One activity on a record's timeline."""

    id: str
    type: str
    subject: str
    created: str
    completed: bool


class Timelines(Protocol):
    """A CRM as one user sees it."""

    def two_records(self, addresses: Iterable[str]) -> tuple[Record, Record]:
        """An account, and an opportunity of it: of someone among the addresses if possible.

        Raises LookupError where the user sees none.
        """
        ...

    def timeline(self, record: Record) -> list[Entry]:
        """The newest first."""
        ...

    def meeting(self, id_: str) -> tuple[datetime, bool]:
        """When the meeting with that record begins, and whether it is cancelled."""
        ...
