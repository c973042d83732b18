"""What every ChangeFeed must do.

A feed's test is a subclass named `Test…` with one fixture, `harness`, that gives a
`ChangeFeedHarness`, fresh for every test.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

import pytest

from shared.errors import Forbidden, NoMailbox, NotFound
from shared.following import ChangeKind, Changes
from shared.ports import ChangeFeed
from tests.contract.mailbox_harness import ANNA, BERND

SECRET = "s3cret-" + "x" * 100
KINDS: tuple[ChangeKind, ...] = ("email", "meeting")
Folder = Literal["inbox", "sentitems", "archive"]


class ChangeFeedHarness(Protocol):
    """The sample company's mailboxes and calendars. All ids are those that last."""

    def feed(self, *, allowed: bool = True) -> ChangeFeed:
        """The app's, with the permissions it needs or without them."""
        ...

    async def deliver(self, address: str, folder: Folder = "inbox") -> str: ...

    async def schedule(self, address: str, weeks: int = 1) -> str:
        """A meeting this month, or a series of so many weeks."""
        ...

    async def reschedule(self, address: str, meeting: str) -> None:
        """Changes the meeting, or one occurrence of the series."""
        ...

    async def call_off(self, address: str, meeting: str) -> None:
        """Takes the meeting, or one occurrence of the series, out of the calendar."""
        ...

    async def remove(self, address: str, meeting: str) -> None:
        """Takes the meeting, or the whole series, out of the calendar."""
        ...

    def forget_positions(self) -> None: ...


@dataclass
class Follower:
    """Asks on from where the last answer ended."""

    feed: ChangeFeed
    kind: ChangeKind
    since: datetime
    position: Mapping[str, str]

    async def changes(self, mailbox: str = ANNA) -> Changes:
        found = await self.feed.changes(mailbox, self.kind, self.position, self.since)
        self.position = found.position
        return found

    async def told(self) -> set[str]:
        return set((await self.changes()).items)


def in_days(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def follower(harness: ChangeFeedHarness, kind: ChangeKind) -> Follower:
    return Follower(harness.feed(), kind, in_days(0), {})


class ChangeFeedContract:
    @pytest.mark.parametrize("kind", KINDS)
    async def test_a_subscription_lasts_as_long_as_asked(
        self, kind: ChangeKind, harness: ChangeFeedHarness
    ) -> None:
        feed = harness.feed()
        id_, ends = await feed.subscribe(ANNA, kind, SECRET, in_days(2))
        assert abs(ends - in_days(2)) < timedelta(minutes=1)
        assert ends.utcoffset() == timedelta(0)
        renewed = await feed.renew(id_, in_days(5))
        assert abs(renewed - in_days(5)) < timedelta(minutes=1)
        assert renewed.utcoffset() == timedelta(0)

    async def test_what_is_asked_for_shortly_may_last_longer(
        self, harness: ChangeFeedHarness
    ) -> None:
        soon = datetime.now(UTC) + timedelta(minutes=5)
        _, ends = await harness.feed().subscribe(ANNA, "email", SECRET, soon)
        assert ends > soon - timedelta(seconds=2)

    async def test_each_subscription_is_another_one(self, harness: ChangeFeedHarness) -> None:
        feed = harness.feed()
        made = [await feed.subscribe(ANNA, "email", SECRET, in_days(1)) for _ in range(3)]
        assert len({id_ for id_, _ in made}) == 3

    async def test_what_was_ended_is_not_there(self, harness: ChangeFeedHarness) -> None:
        feed = harness.feed()
        id_, _ = await feed.subscribe(ANNA, "email", SECRET, in_days(1))
        other, _ = await feed.subscribe(ANNA, "email", SECRET, in_days(1))
        for _ in range(2):
            await feed.end(id_)
        with pytest.raises(NotFound) as missing:
            await feed.renew(id_, in_days(1))
        assert missing.value.code == "record_not_found"
        assert await feed.renew(other, in_days(1))

    @pytest.mark.parametrize("id_", ["1b4e28ba-2fa1-11d2-883f-0016d3cca427", "no such ä'#%?"])
    async def test_what_never_was_is_not_there(self, id_: str, harness: ChangeFeedHarness) -> None:
        await harness.feed().end(id_)
        with pytest.raises(NotFound) as missing:
            await harness.feed().renew(id_, in_days(1))
        assert missing.value.code == "record_not_found"

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize(
        "mailbox",
        [
            "nobody@contoso.example",
            "o'nobody#ext#@contoso.example",
            "o'nobody@contoso.example",
            "…",
        ],
    )
    async def test_a_mailbox_that_is_none_is_not_found(
        self, mailbox: str, kind: ChangeKind, harness: ChangeFeedHarness
    ) -> None:
        feed = harness.feed()
        with pytest.raises(NoMailbox) as missing:
            await feed.subscribe(mailbox, kind, SECRET, in_days(1))
        assert missing.value.code == "item_not_found"
        with pytest.raises(NoMailbox) as missing:
            await feed.changes(mailbox, kind, {}, in_days(0))
        assert missing.value.code == "item_not_found"

    @pytest.mark.parametrize("kind", KINDS)
    async def test_without_permission_it_is_forbidden(
        self, kind: ChangeKind, harness: ChangeFeedHarness
    ) -> None:
        feed = harness.feed(allowed=False)
        with pytest.raises(Forbidden):
            await feed.subscribe(ANNA, kind, SECRET, in_days(1))
        with pytest.raises(Forbidden):
            await feed.changes(ANNA, kind, {}, in_days(0))

    async def test_mail_of_any_folder_is_told(self, harness: ChangeFeedHarness) -> None:
        mail = follower(harness, "email")
        before = {await harness.deliver(ANNA, f) for f in ("inbox", "sentitems", "archive")}
        await harness.deliver(BERND)
        first = await mail.changes()
        assert before <= set(first.items)
        assert first.anew
        after = {await harness.deliver(ANNA, f) for f in ("inbox", "sentitems", "archive")}
        bernds = await harness.deliver(BERND)
        second = await mail.changes()
        told = set(second.items)
        assert after <= told
        assert bernds not in told
        assert not second.anew

    async def test_many_are_told_in_parts_or_at_once(self, harness: ChangeFeedHarness) -> None:
        mail = follower(harness, "email")
        await mail.changes()
        delivered = {await harness.deliver(ANNA) for _ in range(30)}
        told: set[str] = set()
        more = True
        while more:
            found = await mail.changes()
            told |= set(found.items)
            more = found.more
        assert delivered <= told

    async def test_changed_meetings_are_told(self, harness: ChangeFeedHarness) -> None:
        calendar = follower(harness, "meeting")
        early = await harness.schedule(ANNA)
        assert early in await calendar.told()
        meeting = await harness.schedule(ANNA)
        bernds = await harness.schedule(BERND)
        told = await calendar.told()
        assert meeting in told
        assert bernds not in told
        await harness.reschedule(ANNA, meeting)
        assert meeting in await calendar.told()

    async def test_removed_meetings_are_told(self, harness: ChangeFeedHarness) -> None:
        calendar = follower(harness, "meeting")
        one, series = await harness.schedule(ANNA), await harness.schedule(ANNA, weeks=3)
        await calendar.told()
        await harness.remove(ANNA, one)
        await harness.remove(ANNA, series)
        assert {one, series} <= await calendar.told()

    async def test_what_happens_to_an_occurrence_is_told_of_its_series(
        self, harness: ChangeFeedHarness
    ) -> None:
        calendar = follower(harness, "meeting")
        series = await harness.schedule(ANNA, weeks=3)
        await calendar.told()
        await harness.reschedule(ANNA, series)
        assert series in await calendar.told()
        await harness.call_off(ANNA, series)
        assert series in await calendar.told()

    @pytest.mark.parametrize("kind", KINDS)
    async def test_a_lost_position_is_begun_anew(
        self, kind: ChangeKind, harness: ChangeFeedHarness
    ) -> None:
        one = follower(harness, kind)
        await one.changes()
        make = harness.deliver if kind == "email" else harness.schedule
        missed = {await make(ANNA) for _ in range(2)}
        harness.forget_positions()
        found = await one.changes()
        assert found.anew
        assert missed <= set(found.items)
        again = await one.changes()
        assert not again.anew

    @pytest.mark.parametrize("kind", KINDS)
    async def test_what_is_no_position_is_begun_anew(
        self, kind: ChangeKind, harness: ChangeFeedHarness
    ) -> None:
        one = follower(harness, kind)
        make = harness.deliver if kind == "email" else harness.schedule
        made = await make(ANNA)
        places = [*(await one.changes()).position, "inbox", "calendar", "calendar/9999-99-99", ""]
        for nonsense in ("", "x", "https://elsewhere.example/v1.0/me", "\r\n", "é"):
            one.position = dict.fromkeys(places, nonsense)
            found = await one.changes()
            assert found.anew
            assert made in found.items

    @pytest.mark.parametrize("kind", KINDS)
    async def test_an_earlier_position_is_as_good(
        self, kind: ChangeKind, harness: ChangeFeedHarness
    ) -> None:
        """Where the work after a call was not finished, it is done again."""
        one = follower(harness, kind)
        start = (await one.changes()).position
        make = harness.deliver if kind == "email" else harness.schedule
        made = await make(ANNA)
        await one.changes()
        one.position = start
        found = await one.changes()
        assert made in found.items
        assert not found.anew
