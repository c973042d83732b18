"""A whole series, saved at one click: each meeting of the next weeks a record of its own."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.domain import ItemRef, RecordRef, identity
from shared.errors import Forbidden, InvalidRequest, NotFound, Unavailable
from shared.following import SERIES_AHEAD, SERIES_MOST, digest
from shared.policy import Exclusions
from shared.saving import series
from tests.contract import items
from tests.fakes.mailbox import FakeMailbox
from tests.save_activity.following_office import NOW, Office, codes


@pytest.fixture
def office() -> Office:
    return Office()


async def test_every_meeting_within_the_horizon_is_a_record(office: Office) -> None:
    meetings = office.series(20)
    done = await office.save("S", scope="series", links=office.link())
    within = [one for one in meetings if one.start < NOW + SERIES_AHEAD]
    records = office.crm_world.records.values()
    assert {record.identity for record in records} == {identity(one) for one in within}
    assert {record.link.id for record in records if record.link} == {office.account}
    assert done.saved.created
    first = next(r for r in records if r.identity == identity(meetings[0]))
    assert done.saved.activity.id == first.id
    notice = next(n for n in done.saved.activity.notices if n.code == "series_saved")
    assert f"{len(within)} meetings" in notice.text
    assert within[-1].start.date().isoformat() in notice.text


async def test_whichever_meeting_of_it_is_named_the_series_is_saved(office: Office) -> None:
    office.series(5)
    by_one = await office.save("S-3", scope="series")
    again = await office.save("S", scope="series")
    assert len(office.crm_world.records) == 5
    assert again.saved.activity.id == by_one.saved.activity.id
    assert not again.saved.created


async def test_what_was_saved_singly_stays_the_same_record(office: Office) -> None:
    office.series(3)
    single = await office.save("S-0")
    done = await office.save("S", scope="series")
    assert done.saved.activity.id == single.saved.activity.id
    assert done.saved.created  # two others were made
    assert len(office.crm_world.records) == 3


async def test_cancelled_meetings_and_those_before_today_are_left_out(office: Office) -> None:
    made = office.series(3)
    office.mailboxes.put(office.anna.address, replace(made[1], cancelled=True))
    office.now = NOW + timedelta(weeks=2)
    await office.save("S", scope="series")
    assert [r.identity for r in office.crm_world.records.values()] == [identity(made[2])]


@pytest.mark.parametrize(
    ("zone", "now", "counts"),
    [
        ("America/Los_Angeles", datetime(2026, 1, 6, 7, 0, tzinfo=UTC), True),  # 23:00 that day
        ("America/Los_Angeles", datetime(2026, 1, 6, 8, 30, tzinfo=UTC), False),  # 0:30 after it
        ("Asia/Tokyo", datetime(2026, 1, 5, 14, 0, tzinfo=UTC), True),  # 23:00 that day
        ("Asia/Tokyo", datetime(2026, 1, 5, 15, 30, tzinfo=UTC), False),
    ],
)
async def test_today_is_the_day_where_the_meeting_is(
    office: Office, zone: str, now: datetime, counts: bool
) -> None:
    (one, _) = office.series(2, time_zone=zone)
    nine = datetime(2026, 1, 5, 9, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    office.mailboxes.put(
        office.anna.address, replace(one, start=nine, end=nine + timedelta(hours=1))
    )
    mailbox = FakeMailbox(office.mailboxes, office.anna.address)
    found = await series.upcoming(ItemRef("meeting", "me", "S"), mailbox=mailbox, now=now)
    assert ("S-0" in [meeting.ref.id for meeting in found]) == counts


async def test_there_is_a_limit_to_how_many(office: Office) -> None:
    office.series(SERIES_MOST + 20, every=timedelta(hours=12))
    await office.save("S", scope="series")
    assert len(office.crm_world.records) == SERIES_MOST


async def test_what_is_excluded_is_left_out_and_refused_where_nothing_else_is(
    office: Office,
) -> None:
    made = office.series(3)
    guest = items.attendees("spy@secret.example")
    office.mailboxes.put(
        office.anna.address, replace(made[1], participants=(*made[1].participants, *guest))
    )
    office.policy = office.policy.model_copy(
        update={"exclusions": Exclusions(domains=("secret.example",))}
    )
    await office.save("S", scope="series")
    assert len(office.crm_world.records) == 2
    office.policy = office.policy.model_copy(
        update={"exclusions": Exclusions(domains=("customer.example",))}
    )
    with pytest.raises(InvalidRequest) as refused:
        await office.save("S", scope="series")
    assert refused.value.code == "excluded"


async def test_what_is_no_series_or_nothing_is_told_apart(office: Office) -> None:
    office.meeting()
    with pytest.raises(InvalidRequest) as refused:
        await office.save("M1", scope="series")
    assert [error.field for error in refused.value.errors] == ["scope"]
    with pytest.raises(NotFound) as missing:
        await office.save("M9", scope="series")
    assert missing.value.code == "item_not_found"


async def test_a_series_that_is_over_or_far_ahead_has_nothing_to_save(office: Office) -> None:
    office.series(2)
    office.now = NOW + timedelta(weeks=5)
    with pytest.raises(InvalidRequest) as refused:
        await office.save("S", scope="series")
    assert "90 days" in refused.value.detail


async def test_single_attachments_of_a_series_cant_be_chosen(office: Office) -> None:
    office.series(2)
    with pytest.raises(InvalidRequest) as refused:
        await office.save("S", scope="series", attachments=["A1"])
    assert [error.field for error in refused.value.errors] == ["attachments"]
    await office.save("S", scope="series", attachments=[])


async def test_series_and_meetings_are_followed(office: Office) -> None:
    made = office.series(3)
    done = await office.save("S", scope="series", links=office.link())
    by_item = {one.item: one for one in office.meetings()}
    assert set(by_item) == {"S", "S-0", "S-1", "S-2"}
    whole = by_item["S"]
    assert (whole.scope, whole.watched, whole.record) == ("series", "S", "")
    assert whole.identity == identity(replace(made[0], is_series=True))
    assert whole.filed.link == RecordRef("account", office.account)
    assert whole.until > NOW + SERIES_AHEAD
    assert whole.seen == {digest(identity(one)) for one in made}
    records = {r.identity: r.id for r in office.crm_world.records.values()}
    for n, meeting in enumerate(made):
        single = by_item[f"S-{n}"]
        assert (single.scope, single.watched) == ("occurrence", "S")
        assert single.record == records[identity(meeting)]
    assert codes(done.saved.activity) == ["series", "following", "series_saved"]
    assert "Later ones are saved" in done.saved.activity.notices[-1].text
    assert done.look_after is not None


async def test_following_a_series_again_changes_what_is_chosen_and_forgets_nothing(
    office: Office,
) -> None:
    office.series(3)
    await office.save("S", scope="series", links=office.link())
    office.now = NOW + timedelta(weeks=1, hours=12)
    await office.save("S", scope="series", links=office.link("opportunity"))
    whole = next(one for one in office.meetings() if one.scope == "series")
    assert whole.filed.link == RecordRef("opportunity", office.opportunity)
    assert len(whole.seen) == 3


async def test_without_following_only_what_is_near_is_saved_and_said_so(office: Office) -> None:
    office.series(3)
    office.may_follow = False
    done = await office.save("S", scope="series", follow=True)
    assert len(office.crm_world.records) == 3
    assert office.meetings() == []
    assert codes(done.saved.activity) == ["series", "series_saved", "follow_unavailable"]
    assert "not saved by themselves" in done.saved.activity.notices[1].text


async def test_a_ledger_that_fails_does_not_fail_the_series(office: Office) -> None:
    office.series(3)
    office.break_ledger(Unavailable("x"))
    done = await office.save("S", scope="series")
    assert len(office.crm_world.records) == 3
    assert "follow_unavailable" in codes(done.saved.activity)
    assert done.look_after is not None


async def test_fifty_saves_at_once_make_each_record_once(office: Office) -> None:
    office.series(4)
    answers = await asyncio.gather(
        *(office.save(("S", "S-2")[n % 2], scope="series") for n in range(50))
    )
    assert len(office.crm_world.records) == 4
    assert len({one.saved.activity.id for one in answers}) == 1
    assert len(office.meetings()) == 5


async def test_a_crm_that_goes_away_in_the_middle_leaves_the_rest_to_the_receipt(
    office: Office,
) -> None:
    office.series(10)
    office.crm_world.breaks_after = 2
    later = await office.later("S-4", scope="series", links=office.link())
    assert office.meetings() == []
    office.crm_world.breaks_after = None
    finished = await office.finish(later.receipt)
    assert finished.receipt.status == "saved"
    assert len(office.crm_world.records) == 10
    assert all(record.complete for record in office.crm_world.records.values())
    assert {notice.code for notice in finished.receipt.notices} >= {"series_saved"}
    assert len(office.meetings()) == 11
    assert finished.look_after is not None
    assert len(office.origins.kept) == 10


async def test_a_refusal_is_told_at_once(office: Office) -> None:
    office.series(2)
    office.crm_world.failures["look_up"] = Forbidden("No.")
    with pytest.raises(Forbidden):
        await office.save("S", scope="series")
    assert office.ledger.receipts == {}
