"""What the contract suite needs from whoever runs it against one CRM."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from sandbox.company import Company
from shared.domain import ActivityKind, CategoryValue, Item, Limits, RecordRef
from shared.policy import CategoryField
from shared.ports import Crm


@dataclass(frozen=True, slots=True)
class Traits:
    """Where CRMs may differ; everything else is the same for all of them."""

    name: str
    id_survives_edit: bool
    """False where an edit has to replace the record."""
    adds_strangers_to_meetings: bool
    """Whether a contact who takes no part may be related to a meeting (where that would make the
    CRM invite them, it may not)."""
    meeting_body_limit: int
    """The longest meeting body, in UTF-16 code units of HTML."""
    categories: Mapping[ActivityKind, tuple[CategoryField, ...]]
    """Category fields that exist in the sample CRM; `Harness.crm` is configured with them."""
    category_values: Mapping[str, CategoryValue]
    """One valid value for each of those fields, by field name."""
    steps: int
    """At how many places `Harness.interrupted` can stop a save with one large file."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A meeting's record as the CRM shows it to somebody in one time zone. `days` are the first and
    the last day of an all-day meeting; `start` and `end` are None then."""

    subject: str
    body: str
    location: str
    start: datetime | None
    end: datetime | None
    days: tuple[date, date] | None
    cancelled: bool


class Harness(Protocol):
    """One CRM filled with the sample company, fresh for every test."""

    traits: Traits
    company: Company

    def crm(self, address: str) -> Crm:
        """The CRM as the employee with that address sees it."""
        ...

    def ref(self, type_: str, sample_id: str) -> RecordRef:
        """The CRM's own reference to a record of the sample company, without name or URL; one to
        nothing where the sample has no such record."""
        ...

    async def plant_copy(self, item: Item, link: RecordRef | None = None) -> str:
        """Saves the item as another tool would; the id of that record."""
        ...

    async def count(self, kind: ActivityKind) -> int:
        """How many activity records of this kind were added since the harness was made, complete
        or not, whoever made them."""
        ...

    async def shown(self, id: str, zone: str) -> Shown:
        """A meeting's record as people in that time zone see it in the CRM."""
        ...

    async def version(self, id: str) -> object:
        """Something that differs whenever a meeting's record was written to."""
        ...

    async def set_limits(self, limits: Limits) -> None:
        """Changes what the CRM takes as an attachment. Adapters may notice within five minutes;
        a `Crm` made by this harness afterwards knows at once."""
        ...

    def interrupted(self, step: int) -> AbstractContextManager[None]:
        """Within it, a save with one large file breaks off with `Unavailable` right after its
        `step`-th piece of work (from 1 to `traits.steps`), as if the process had died there."""
        ...
