"""The fake keeps the promises that the real ones keep, so that a test over it can be believed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from sandbox.company import Company
from shared.domain import ActivityKind, Item, Limits, RecordRef
from shared.policy import CategoryField
from tests.contract.crm_contract import CrmContract
from tests.contract.harness import Shown, Traits
from tests.fakes.crm import STEPS, CrmWorld, FakeCrm
from tests.fakes.crm_activities import MEETING_BODY_LIMIT

_CATEGORIES: dict[ActivityKind, tuple[CategoryField, ...]] = {
    "email": (
        CategoryField(name="topic", type="choice"),
        CategoryField(name="hot", type="boolean"),
    ),
    "meeting": (CategoryField(name="note", type="multiline"),),
}


class FakeHarness:
    traits = Traits(
        name="fake",
        id_survives_edit=True,
        adds_strangers_to_meetings=True,
        meeting_body_limit=MEETING_BODY_LIMIT,
        categories=_CATEGORIES,
        category_values={"topic": 3, "hot": True, "note": "a\nb"},
        steps=STEPS,
    )

    def __init__(self) -> None:
        self._world = CrmWorld(categories=_CATEGORIES)

    @property
    def company(self) -> Company:
        return self._world.company

    def crm(self, address: str) -> FakeCrm:
        return FakeCrm(self._world, address)

    def ref(self, type_: str, sample_id: str) -> RecordRef:
        return RecordRef(type_, sample_id)

    async def plant_copy(self, item: Item, link: RecordRef | None = None) -> str:
        owner = next(e for e in self.company.employees if e.crm_user and e.crm_read == "all")
        return self._world.plant(item, owner, link)

    async def count(self, kind: ActivityKind) -> int:
        return sum(record.kind == kind for record in self._world.records.values())

    async def shown(self, id: str, zone: str) -> Shown:
        record = self._world.records[id]
        held = record.appointment
        assert held is not None
        last = held.end.astimezone(ZoneInfo(zone)) - timedelta(microseconds=1)
        return Shown(
            subject=record.subject,
            body=record.body,
            location=held.location,
            start=None if held.all_day else held.start,
            end=None if held.all_day else held.end,
            days=(
                (held.start.astimezone(ZoneInfo(zone)).date(), last.date())
                if held.all_day
                else None
            ),
            cancelled=held.cancelled,
        )

    async def version(self, id: str) -> object:
        return self._world.written.count(id)

    async def set_limits(self, limits: Limits) -> None:
        self._world.limits = limits

    @contextmanager
    def interrupted(self, step: int) -> Iterator[None]:
        self._world.breaks_after = step
        try:
            yield
        finally:
            self._world.breaks_after = None


class TestFakeCrm(CrmContract):
    @pytest.fixture
    def harness(self) -> FakeHarness:
        return FakeHarness()
