"""Times as people in their own zones see them, across both switches of the clocks, whatever the
CRM."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.domain import Meeting, identity
from tests.contract import items
from tests.contract.harness import Harness
from tests.contract.people import Cast
from tests.contract.refreshing import refresh
from tests.contract.saving import save

ZONES = ("Europe/Berlin", "America/New_York", "UTC", "Asia/Kolkata", "Pacific/Auckland")
SWITCHES = (
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
)
"""Days on which clocks are moved there."""

every_switch = pytest.mark.parametrize(("zone", "day"), SWITCHES)


def timed(zone: str, start: datetime, end: datetime, **fields: object) -> Meeting:
    """A meeting between two wall-clock times of a zone."""
    there = ZoneInfo(zone)
    return _between(zone, start.replace(tzinfo=there), end.replace(tzinfo=there), **fields)


def whole(zone: str, first: date, days: int, **fields: object) -> Meeting:
    """An all-day meeting."""
    midnights = (
        datetime.combine(day, time(0), ZoneInfo(zone))
        for day in (first, first + timedelta(days=days))
    )
    return replace(_between(zone, *midnights, **fields), all_day=True)


def _between(zone: str, start: datetime, end: datetime, **fields: object) -> Meeting:
    utc = ZoneInfo("UTC")
    plain = items.meeting(**fields)  # type: ignore[arg-type]
    return replace(plain, start=start.astimezone(utc), end=end.astimezone(utc), time_zone=zone)


class Timing:
    @every_switch
    async def test_a_meeting_across_the_switch(
        self, harness: Harness, people: Cast, zone: str, day: date
    ) -> None:
        crm = harness.crm(people.caller.address)
        night = datetime.combine(day, time(0))
        meet = timed(zone, night + timedelta(minutes=30), night + timedelta(hours=4, minutes=30))
        hours = (meet.end - meet.start) / timedelta(hours=1)
        assert hours in (3, 5)
        saved = (await save(crm, meet)).activity
        shown = await harness.shown(saved.id, zone)
        assert (shown.start, shown.end) == (meet.start, meet.end)
        later = timed(zone, night + timedelta(days=1, hours=9), night + timedelta(days=1, hours=10))
        await refresh(crm, later)
        shown = await harness.shown(saved.id, zone)
        assert shown.start is not None
        assert shown.end is not None
        assert shown.end - shown.start == timedelta(hours=1)
        assert shown.start.astimezone(ZoneInfo(zone)).time().hour == 9

    @every_switch
    async def test_a_weekly_series_keeps_its_hour_on_both_sides(
        self, harness: Harness, people: Cast, zone: str, day: date
    ) -> None:
        crm = harness.crm(people.caller.address)
        ids = set()
        for week in (-1, 0, 1):
            nine = datetime.combine(day + timedelta(weeks=week), time(0).replace(hour=9))
            plain = timed(zone, nine, nine + timedelta(hours=1), ical_uid=f"week {week}")
            meet = replace(plain, occurrence=plain.start)
            saved = (await save(crm, meet)).activity
            ids.add(saved.id)
            await refresh(crm, replace(meet, subject=f"Week {week}"))
            shown = await harness.shown(saved.id, zone)
            assert shown.start is not None
            assert shown.start.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == nine
            assert shown.subject == f"Week {week}"
        assert len(ids) == 3
        assert await harness.count("meeting") == 3

    @every_switch
    @pytest.mark.parametrize("before", [0, 1])
    @pytest.mark.parametrize("days", [1, 2, 5])
    async def test_whole_days_are_those_of_the_meetings_own_zone(
        self, harness: Harness, people: Cast, zone: str, day: date, before: int, days: int
    ) -> None:
        crm = harness.crm(people.caller.address)
        first = day - timedelta(days=before)
        saved = (await save(crm, whole(zone, first, days))).activity
        shown = await harness.shown(saved.id, zone)
        assert shown.days == (first, first + timedelta(days=days - 1))
        await refresh(crm, whole(zone, first + timedelta(days=1), days))
        shown = await harness.shown(saved.id, zone)
        assert shown.days == (first + timedelta(days=1), first + timedelta(days=days))

    @pytest.mark.parametrize("zone", ZONES)
    async def test_hours_become_a_day_and_hours_again(
        self, harness: Harness, people: Cast, zone: str
    ) -> None:
        crm = harness.crm(people.caller.address)
        nine = datetime.combine(date(2026, 6, 1), time(9))
        meet = timed(zone, nine, nine + timedelta(hours=1))
        saved = (await save(crm, meet)).activity
        await refresh(crm, whole(zone, nine.date(), 1))
        shown = await harness.shown(saved.id, zone)
        assert shown.days == (nine.date(), nine.date())
        version = await harness.version(saved.id)
        await refresh(crm, whole(zone, nine.date(), 1))
        assert await harness.version(saved.id) == version
        await refresh(crm, meet)
        shown = await harness.shown(saved.id, zone)
        assert (shown.days, shown.start, shown.end) == (None, meet.start, meet.end)

    async def test_an_exception_moved_to_another_day_stays_itself(
        self, harness: Harness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        zone, nine = "Europe/Berlin", datetime.combine(date(2026, 3, 23), time(9))
        weeks = [
            timed(zone, start, start + timedelta(hours=1), ical_uid=f"week {week}")
            for week, start in enumerate((nine, nine + timedelta(weeks=1)))
        ]
        first, second = (replace(meet, occurrence=meet.start) for meet in weeks)
        one, two = [(await save(crm, meet)).activity for meet in (first, second)]
        assert one.id != two.id
        # to the very day of the other one, beyond the switch
        moved = replace(first, start=second.start, end=second.end)
        assert identity(moved) == identity(first)
        assert (await refresh(crm, moved)).id == one.id
        assert (await harness.shown(one.id, zone)).start == second.start
        for meet, record in ((moved, one), (second, two)):
            found = await crm.find(meet)
            assert found is not None
            assert found.id == record.id
        await crm.cancel(one.id)
        assert not (await harness.shown(two.id, zone)).cancelled
        assert not (await save(crm, moved)).created
        assert await harness.count("meeting") == 2
