"""What one worker remembers of the organisation, for all callers alike.

Nothing of it depends on who asks: limits, settings and the shape of tables.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from shared.crm.dataverse.replies import Organization
from shared.crm.dataverse.tables import STANDARD, Table
from shared.domain import Limits

if TYPE_CHECKING:
    from shared.crm.dataverse.metadata import TableMetadata

FRESH: Final = 240.0
"""Seconds; a changed limit must be noticed within five minutes."""

DEFAULTS: Final = Organization(Limits(5_242_880 // 4 * 3, frozenset()), spares_calendars=False)
"""What an organisation has that nobody configured; for callers who may not read its settings."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """How a lookup column is written: its navigation property, and the table that it points to."""

    property: str
    target: Table


@dataclass
class Knowledge:
    """`tables` by logical name, `lookups` by the logical names of table and column."""

    root: str
    scope: str
    clock: Callable[[], float] = time.monotonic
    tables: dict[str, Table] = field(default_factory=lambda: dict(STANDARD))
    lookups: dict[tuple[str, str], Lookup] = field(default_factory=dict)
    metadata: "dict[tuple[str, frozenset[str], bool], tuple[float, TableMetadata | None]]" = field(
        default_factory=dict
    )
    unindexed: dict[frozenset[str], float] = field(default_factory=dict)
    _organization: Organization | None = None
    _until: float = 0.0

    @property
    def organization(self) -> Organization | None:
        """None where it is unknown or not fresh any more."""
        return self._organization if self.clock() < self._until else None

    def learn(self, organization: Organization) -> None:
        self._organization = organization
        self._until = self.clock() + FRESH

    def forget_limits(self) -> None:
        """They turned out to be wrong."""
        self._until = 0.0
