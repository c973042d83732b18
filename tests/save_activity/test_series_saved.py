"""Whole series over the wire: Outlook's occurrences as the CRM's records, at moments of our own."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.running import Running
from save_activity import deferring
from save_activity.payload import SaveRequest
from save_activity.tools import Done, Tools
from shared import composition
from shared.domain import ItemRef, Meeting
from shared.errors import InvalidRequest
from shared.following import SERIES_AHEAD
from shared.saving import finding
from shared.saving.beginning import Follower
from tests.contract.mailbox_items import Appointment
from tests.deployment import deployed

ANNA = "anna.kowalska@contoso.example"
BEFORE_THE_SWITCH = datetime(2026, 3, 20, tzinfo=UTC)
TABLES = {"dataverse": "appointment", "salesforce": "Event"}


class Office:
    """Anna, with the app's real parts, on a day of the test's choice."""

    def __init__(self, sandbox: Running, crm: str) -> None:
        self.sandbox = sandbox
        self.crm = crm
        self.now = BEFORE_THE_SWITCH

    def deliver(self, **fields: Any) -> str:
        return self.sandbox.deliver_meeting(Appointment(**fields).calendar(), ANNA)

    async def tools(self) -> tuple[str, Tools]:
        caller = await composition.caller(f"Bearer {self.sandbox.token(ANNA)}")
        policy = await composition.policy()
        crm, mailbox = composition.crm_for(caller, policy), composition.mailbox_for(caller)
        return caller.oid, Tools(crm, mailbox, policy)

    async def save(self, id_: str, **fields: Any) -> Done:
        owner, tools = await self.tools()
        request = SaveRequest.model_validate({"item": {"kind": "meeting", "id": id_}} | fields)
        follower = Follower(owner, owner, self.now)
        done = await deferring.save_or_defer(request, follower, tools=tools, ledger=None)
        assert isinstance(done, Done)
        return done

    async def find(self, id_: str) -> str | None:
        owner, tools = await self.tools()
        ref = ItemRef("meeting", "me", id_)
        found = await finding.find(
            ref, owner, crm=tools.crm, mailbox=tools.mailbox, books=None, now=self.now
        )
        return found.id if found else None

    async def occurrences(self, id_: str) -> list[Meeting]:
        _, tools = await self.tools()
        ref, end = ItemRef("meeting", "me", id_), self.now + SERIES_AHEAD
        return list(await tools.mailbox.occurrences(ref, self.now, end, 200))

    def rows(self) -> list[Any]:
        return self.sandbox.world.store.all(self.crm, TABLES[self.crm])

    def starts(self) -> list[str]:
        """The first minute of each record in the CRM, as it has it."""
        if self.crm == "dataverse":
            return sorted(row["scheduledstart"][:16] for row in self.rows())
        return sorted(row["StartDateTime"][:16] for row in self.rows())


@pytest.fixture(params=["dataverse", "salesforce"])
async def office(
    request: pytest.FixtureRequest, fresh_sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    async with deployed(fresh_sandbox, monkeypatch, request.param):
        yield Office(fresh_sandbox, request.param)


async def test_every_meeting_is_a_record_at_its_own_hour_on_both_sides_of_the_switch(
    office: Office,
) -> None:
    series = office.deliver(weeks=4)
    done = await office.save(series, scope="series")
    assert done.saved.created
    assert office.starts() == [  # ten o'clock in Warsaw, whose clocks go forward on March 29th
        "2026-03-23T09:00",
        "2026-03-30T08:00",
        "2026-04-06T08:00",
        "2026-04-13T08:00",
    ]


async def test_saving_again_and_one_by_one_gives_the_same_records(office: Office) -> None:
    series = office.deliver(weeks=3)
    first, second, _ = await office.occurrences(series)
    single = await office.save(second.ref.id)
    whole = await office.save(series, scope="series")
    again = await office.save(first.ref.id, scope="series")
    assert len(office.rows()) == 3
    assert (whole.saved.created, again.saved.created) == (True, False)
    assert again.saved.activity.id == whole.saved.activity.id
    assert await office.find(second.ref.id) == single.saved.activity.id
    assert not (await office.save(second.ref.id)).saved.created


async def test_the_series_is_found_by_its_next_saved_meeting(office: Office) -> None:
    series = office.deliver(weeks=5)
    assert await office.find(series) is None
    meetings = await office.occurrences(series)
    third = await office.save(meetings[2].ref.id)
    assert await office.find(series) == third.saved.activity.id
    await office.save(series, scope="series")
    assert await office.find(series) == await office.find(meetings[0].ref.id)
    office.now = meetings[3].start
    assert await office.find(series) == await office.find(meetings[3].ref.id)


async def test_whole_days_stay_whole_days(office: Office) -> None:
    day = datetime(2026, 3, 26)  # noqa: DTZ001  # a day of the calendar's own zone
    series = office.deliver(weeks=3, all_day=True, start=day, length=timedelta(days=1))
    await office.save(series, scope="series")
    column = "isalldayevent" if office.crm == "dataverse" else "IsAllDayEvent"
    assert [row[column] for row in office.rows()] == [True] * 3
    assert (
        office.starts()
        == {
            "dataverse": ["2026-03-25T23:00", "2026-04-01T22:00", "2026-04-08T22:00"],  # midnights
            "salesforce": ["2026-03-26T00:00", "2026-04-02T00:00", "2026-04-09T00:00"],
        }[office.crm]
    )


async def test_a_moved_meeting_is_saved_where_it_is_and_a_removed_one_is_not(
    office: Office,
) -> None:
    series = office.deliver(weeks=4)
    _, moved, removed, _ = await office.occurrences(series)
    there = {"timeZone": "UTC"}
    office.sandbox.change_event(
        moved.ref.id,
        start={"dateTime": "2026-04-01T12:00:00", **there},
        end={"dateTime": "2026-04-01T13:00:00", **there},
    )
    office.sandbox.delete_event(removed.ref.id)
    await office.save(series, scope="series")
    assert office.starts() == ["2026-03-23T09:00", "2026-04-01T12:00", "2026-04-13T08:00"]


async def test_a_meeting_moved_after_it_was_saved_is_still_the_same_record(office: Office) -> None:
    series = office.deliver(weeks=2)
    await office.save(series, scope="series")
    _, moved = await office.occurrences(series)
    there = {"timeZone": "UTC"}
    office.sandbox.change_event(
        moved.ref.id,
        start={"dateTime": "2026-04-02T12:00:00", **there},
        end={"dateTime": "2026-04-02T13:00:00", **there},
    )
    assert not (await office.save(series, scope="series")).saved.created
    assert len(office.rows()) == 2


async def test_fifty_saves_at_once_make_each_record_once(office: Office) -> None:
    series = office.deliver(weeks=3)
    some = [meeting.ref.id for meeting in await office.occurrences(series)]
    answers = await asyncio.gather(
        *(office.save((series, *some)[n % 4], scope="series") for n in range(50))
    )
    assert len({one.saved.activity.id for one in answers}) == 1
    assert len(office.rows()) == 3


async def test_only_what_lies_within_ninety_days_is_saved(office: Office) -> None:
    series = office.deliver(weeks=40)
    done = await office.save(series, scope="series")
    assert len(office.rows()) == len(await office.occurrences(series)) == 13
    (notice,) = done.saved.activity.notices
    assert notice.code == "series_saved"
    assert "13 meetings" in notice.text
    assert "2026-06-15" in notice.text


async def test_a_single_meeting_is_no_series(office: Office) -> None:
    single = office.deliver()
    with pytest.raises(InvalidRequest) as refused:
        await office.save(single, scope="series")
    assert [error.field for error in refused.value.errors] == ["scope"]
    assert (await office.save(single, scope="occurrence")).saved.created
