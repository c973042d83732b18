"""What happens to a followed meeting reaches its record, however it is told."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from graph_notifications.work import Done
from shared.domain import ItemRef, Meeting, Sensitivity, identity
from shared.errors import Conflict, InvalidRequest, Unavailable
from shared.following import MEETING_FOLLOWED, SERIES_AHEAD, FollowedMeeting, digest
from shared.policy import Policy
from tests.contract import items
from tests.fakes.crm_activities import Appointment
from tests.graph_notifications.office import Office

DOWN = Unavailable("down")


def followed(office: Office) -> list[FollowedMeeting]:
    every = office.followings.followed.values()
    return [one for one in every if isinstance(one, FollowedMeeting)]


def appointment(office: Office, meeting: Meeting) -> Appointment:
    record = office.record(meeting)
    assert record is not None
    assert record.appointment is not None
    return record.appointment


def moved(office: Office, meeting: Meeting, by: timedelta = timedelta(hours=3)) -> Meeting:
    there: Meeting = office.deliver(
        replace(meeting, start=meeting.start + by, end=meeting.end + by, location="Room 9")
    )
    return there


async def test_a_new_time_and_place_reach_the_record(office: Office) -> None:
    meeting = office.meet(office.customer)
    await office.follow(meeting)
    later = moved(office, meeting)
    assert await office.happens(later) == "refreshed"
    assert appointment(office, meeting).start == later.start
    assert appointment(office, meeting).location == "Room 9"


async def test_it_is_followed_for_longer_where_it_is_later(office: Office) -> None:
    meeting = office.meet(office.customer)
    await office.follow(meeting)
    later = moved(office, meeting, timedelta(days=60))
    await office.happens(later)
    office.now += timedelta(days=59)
    assert await office.happens(moved(office, later)) == "refreshed"
    office.now += MEETING_FOLLOWED + timedelta(days=10)
    assert await office.happens(moved(office, later)) == "not_followed"


async def test_it_costs_one_call_to_the_mailbox_and_two_to_the_crm(office: Office) -> None:
    meeting = office.meet(office.customer)
    await office.follow(meeting)
    office.mailboxes.calls.clear()
    office.crm.calls.clear()
    await office.happens(moved(office, meeting))
    assert office.mailboxes.calls == ["fetch"]
    assert office.crm.calls == ["look_up", "refresh"]


async def test_other_meetings_cost_nothing(office: Office) -> None:
    await office.follow(office.meet(office.customer))
    office.mailboxes.calls.clear()
    assert await office.happens(office.meet(office.customer)) == "not_followed"
    assert office.mailboxes.calls == []


async def test_a_cancelled_meeting_is_marked_so(office: Office) -> None:
    meeting = office.meet(office.customer)
    await office.follow(meeting)
    assert await office.happens(office.deliver(replace(meeting, cancelled=True))) == "cancelled"
    assert appointment(office, meeting).cancelled


async def test_the_organizers_own_is_gone_so_it_does_not_take_place(office: Office) -> None:
    meeting = office.meet(office.customer)
    await office.follow(meeting)
    office.mailboxes.remove(office.me.address, meeting.ref.id)
    assert await office.happens(meeting) == "cancelled"
    assert appointment(office, meeting).cancelled
    assert followed(office) == []


async def test_an_attendee_who_removes_it_cancels_nothing(office: Office) -> None:
    meeting = office.meet(office.customer, is_organizer=False)
    await office.follow(meeting)
    office.mailboxes.remove(office.me.address, meeting.ref.id)
    assert await office.happens(meeting) == "gone"
    assert not appointment(office, meeting).cancelled
    assert followed(office) == []


async def test_told_as_gone_but_there_it_is_there(office: Office) -> None:
    meeting = office.meet(office.customer)
    await office.follow(meeting)
    assert await office.happens(moved(office, meeting)) == "refreshed"


@pytest.mark.parametrize("gone", [False, True])
async def test_a_record_that_a_person_deleted_is_never_made_again(
    office: Office, gone: bool
) -> None:
    meeting = office.meet(office.customer)
    record = await office.follow(meeting)
    del office.crm.records[record.id]
    if gone:
        office.mailboxes.remove(office.me.address, meeting.ref.id)
    assert await office.happens(moved(office, meeting) if not gone else meeting) == "deleted"
    assert office.crm.records == {}
    assert followed(office) == []


async def test_a_meeting_whose_save_was_put_off_waits_for_it(office: Office) -> None:
    meeting = office.meet(office.customer)
    record = await office.follow(meeting)
    del office.crm.records[record.id]
    (row,) = followed(office)
    await office.followings.put_meeting(replace(row, record=""))
    assert await office.happens(moved(office, meeting)) == "not_saved_yet"
    assert len(followed(office)) == 1
    office.mailboxes.remove(office.me.address, meeting.ref.id)
    assert await office.happens(meeting) == "gone"
    assert followed(office) == []


@pytest.mark.parametrize(
    ("policy", "sensitivity", "outcome"),
    [
        (Policy(save_meetings=False), Sensitivity.NORMAL, "off"),
        (Policy(), Sensitivity.PRIVATE, "label"),
        (Policy.model_validate({"exclusions": {"addresses": ["vip@x.example"]}}), None, "excluded"),
    ],
)
async def test_what_must_not_be_saved_by_itself_does_not_reach_the_record_but_its_end_does(
    office: Office, policy: Policy, sensitivity: Sensitivity | None, outcome: str
) -> None:
    meeting = office.meet(office.customer)
    await office.follow(meeting)
    office.policy = policy
    guests = (*meeting.participants, *items.attendees("vip@x.example"))
    now = replace(
        moved(office, meeting),
        participants=guests,
        sensitivity=sensitivity or Sensitivity.NORMAL,
    )
    assert await office.happens(office.deliver(now)) == outcome
    assert appointment(office, meeting).start == meeting.start
    assert await office.happens(office.deliver(replace(now, cancelled=True))) == "cancelled"
    assert appointment(office, meeting).cancelled


async def test_of_two_workers_the_one_that_saw_the_newer_state_wins(office: Office) -> None:
    """The slow one read the meeting before it was moved, and writes after the fast one did."""
    meeting = office.meet(office.customer)
    await office.follow(meeting)
    slow = office.crm_of(office.me.oid)
    look_up = slow.look_up
    later: list[Meeting] = []

    async def held_up(item: Any, link: Any) -> Any:
        if not later:
            later.append(moved(office, meeting))
            fast = await office.work(office.told(meeting))
            assert fast.outcome == "refreshed"
        return await look_up(item, link)

    slow.look_up = held_up  # type: ignore[method-assign]
    real = office.crm_of
    turns = iter([slow])
    office.crm_of = lambda owner: next(turns, None) or real(owner)  # type: ignore[method-assign]
    assert (await office.work(office.told(meeting))).outcome == "refreshed"
    assert appointment(office, meeting).start == later[0].start


@pytest.mark.parametrize("method", ["look_up", "refresh"])
async def test_a_crm_that_is_down_loses_nothing(office: Office, method: str) -> None:
    meeting = office.meet(office.customer)
    await office.follow(meeting)
    later = moved(office, meeting)
    office.crm.failures[method] = DOWN
    with pytest.raises(Unavailable):
        await office.happens(later)
    assert await office.happens(later) == "refreshed"


async def test_a_record_that_changes_at_the_same_moment_is_looked_up_again(office: Office) -> None:
    meeting = office.meet(office.customer)
    await office.follow(meeting)
    office.crm.failures["refresh"] = Conflict("now")
    assert await office.happens(moved(office, meeting)) == "refreshed"


async def test_what_the_crm_refuses_for_good_ends_and_the_admin_is_told(office: Office) -> None:
    meeting = office.meet(office.customer)
    await office.follow(meeting)
    office.crm.failures["refresh"] = InvalidRequest("another tool's")
    done = await office.work(office.told(moved(office, meeting)))
    assert done == Done("refused", alarm="change_refused", code="invalid")


async def test_a_meeting_that_became_a_series_is_not_followed_any_more(office: Office) -> None:
    meeting = office.meet(office.customer)
    await office.follow(meeting)
    assert await office.happens(office.deliver(replace(meeting, is_series=True))) == "became_series"
    assert followed(office) == []


# Series


class Series:
    """A weekly meeting that I organise, its occurrences in my mailbox."""

    def __init__(self, office: Office, weeks: int) -> None:
        self.office = office
        self.master = office.meet(office.customer, is_series=True)
        self.occurrences = [self.occurrence(week) for week in range(weeks)]

    def occurrence(self, week: int, **fields: Any) -> Meeting:
        start = self.master.start + timedelta(weeks=week)
        made = replace(
            self.master,
            ref=ItemRef("meeting", "me", f"{self.master.ref.id}/{start:%Y%m%d}"),
            is_series=False,
            series_master_id=self.master.ref.id,
            start=start,
            end=start + timedelta(hours=1),
            occurrence=start,
        )
        found: Meeting = self.office.deliver(replace(made, **fields))
        return found

    async def follow(self) -> None:
        """As a save of the whole series does."""
        for one in self.occurrences:
            await self.office.follow(one)
        await self.office.followings.put_meeting(
            FollowedMeeting(
                mailbox=self.office.me.oid,
                item=self.master.ref.id,
                watched=self.master.ref.id,
                scope="series",
                identity=identity(self.master),
                owner=self.office.me.oid,
                record="",
                organizer=True,
                filed=next(iter(followed(self.office))).filed,
                until=self.office.now + SERIES_AHEAD + MEETING_FOLLOWED,
                seen=frozenset(digest(identity(one)) for one in self.occurrences),
            )
        )


@pytest.fixture
async def series(office: Office) -> Series:
    made = Series(office, weeks=4)
    await made.follow()
    await office.drain()
    return made


async def test_what_is_told_of_a_series_reaches_each_of_its_records(
    office: Office, series: Series
) -> None:
    for one in series.occurrences:
        moved(office, one)
    office.queue.append(office.told(series.master))
    outcomes = await office.drain()
    assert sorted(outcomes) == ["known", *["refreshed"] * 4]
    assert {appointment(office, one).location for one in series.occurrences} == {"Room 9"}


async def test_an_exception_reaches_its_own_record_only(office: Office, series: Series) -> None:
    moved(office, series.occurrences[1])
    office.crm.written.clear()
    office.queue.append(office.told(series.master))
    await office.drain()
    record = office.record(series.occurrences[1])
    assert record is not None
    assert office.crm.written == [record.id]


async def test_a_single_occurrence_that_is_followed_is_found_by_its_series(office: Office) -> None:
    series = Series(office, weeks=3)
    await office.follow(series.occurrences[1])
    moved(office, series.occurrences[1])
    office.queue.append(office.told(series.master))
    assert await office.drain() == ["fanned_out", "refreshed"]
    assert len(office.crm.records) == 1


async def test_occurrences_that_come_near_are_saved_and_followed(
    office: Office, series: Series
) -> None:
    new = series.occurrence(4)
    office.queue.append(office.told(series.master))
    assert "occurrences_saved" in await office.drain()
    record = office.record(new)
    assert record is not None
    assert office.reason(new) == "series"
    assert office.reason(series.occurrences[0]) is None
    moved(office, new)
    office.queue.append(office.told(series.master))
    await office.drain()
    assert appointment(office, new).location == "Room 9"
    assert len(office.crm.records) == 5


async def test_they_come_near_without_anything_being_told(office: Office, series: Series) -> None:
    far = series.occurrence(14)
    office.queue.append(office.told(series.master))
    await office.drain()
    assert office.record(far) is None
    office.now += timedelta(weeks=2)
    for _ in range(24):
        office.now += timedelta(hours=1)
        await office.look_after("meeting")
    assert office.record(far) is not None


async def test_a_series_is_gone_through_once_a_day(office: Office, series: Series) -> None:
    looked = 0
    for _ in range(24):
        office.now += timedelta(hours=1)
        office.mailboxes.calls.clear()
        await office.look_after("meeting")
        looked += office.mailboxes.calls.count("occurrences")
    assert looked == 1


async def test_an_occurrence_that_a_person_removed_from_the_crm_is_not_made_again(
    office: Office, series: Series
) -> None:
    record = office.record(series.occurrences[2])
    assert record is not None
    del office.crm.records[record.id]
    for _ in range(3):
        office.queue.append(office.told(series.master))
        await office.drain()
    assert office.record(series.occurrences[2]) is None
    assert len(office.crm.records) == 3


async def test_occurrences_that_were_taken_out_are_cancelled(
    office: Office, series: Series
) -> None:
    out = series.occurrences[3]
    office.mailboxes.remove(office.me.address, out.ref.id)
    office.queue.append(office.told(series.master))
    await office.drain()
    assert appointment(office, out).cancelled
    assert not any(appointment(office, one).cancelled for one in series.occurrences[:3])


async def test_a_series_that_is_removed_cancels_what_was_to_come(
    office: Office, series: Series
) -> None:
    for one in (*series.occurrences, series.master):
        office.mailboxes.remove(office.me.address, one.ref.id)
    office.queue.append(office.told(series.master))
    await office.drain()
    assert all(appointment(office, one).cancelled for one in series.occurrences)
    assert followed(office) == []


async def test_a_new_day_of_the_week_ends_the_old_ones_and_brings_new_ones(
    office: Office, series: Series
) -> None:
    for one in series.occurrences:
        office.mailboxes.remove(office.me.address, one.ref.id)
    series.master = replace(series.master, start=series.master.start + timedelta(days=1))
    others = [series.occurrence(week) for week in range(4)]
    office.queue.append(office.told(series.master))
    await office.drain()
    assert all(appointment(office, one).cancelled for one in series.occurrences)
    assert [appointment(office, one).cancelled for one in others] == [False] * 4


@pytest.mark.parametrize("ids_stay", [True, False])
async def test_another_hour_for_the_whole_series_reaches_the_same_records(
    office: Office, ids_stay: bool
) -> None:
    series = Series(office, weeks=0)
    series.occurrences = [dated(series, week) for week in range(4)]
    await series.follow()
    series.master = replace(series.master, start=series.master.start + timedelta(hours=2))
    for week, old in enumerate(series.occurrences):
        there = dated(series, week)
        if ids_stay:
            office.deliver(replace(there, ref=old.ref))
        office.mailboxes.remove(office.me.address, (there if ids_stay else old).ref.id)
    for _ in range(2):
        office.queue.append(office.told(series.master))
        await office.drain()
    assert len(office.crm.records) == 4
    for old in series.occurrences:
        found = appointment(office, old)
        assert found.start == old.start + timedelta(hours=2)
        assert not found.cancelled
    assert len([one for one in followed(office) if one.scope == "occurrence"]) == 4


def dated(series: Series, week: int) -> Meeting:
    """An occurrence whose mailbox tells its day."""
    start = series.master.start + timedelta(weeks=week)
    id_ = f"{series.master.ref.id}/{start:%Y%m%dT%H%M}"
    return series.occurrence(week, day=start.date(), ref=ItemRef("meeting", "me", id_))


async def test_an_interrupted_round_is_finished_by_the_next(office: Office, series: Series) -> None:
    new = [series.occurrence(week) for week in (4, 5, 6)]
    office.crm.failures["save"] = DOWN
    with pytest.raises(Unavailable):
        await office.happens(series.master)
    office.queue.clear()
    await office.happens(series.master)
    assert all(office.record(one) for one in new)
    assert len(office.crm.records) == 7


async def test_what_has_been_seen_does_not_grow_with_the_years(office: Office) -> None:
    series = Series(office, weeks=1)
    await series.follow()
    for week in range(1, 60):
        series.occurrence(week)
    for _ in range(40):
        office.now += timedelta(weeks=1)
        office.queue.append(office.told(series.master))
        await office.drain()
    (row,) = [one for one in followed(office) if one.scope == "series"]
    assert len(row.seen) <= 14
    assert row.until > office.now + SERIES_AHEAD
    assert len({record.identity for record in office.crm.records.values()}) == len(
        office.crm.records
    )
