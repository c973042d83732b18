"""The fake keeps the promises that the real one keeps."""

from itertools import count

import pytest

from shared.errors import Unavailable
from tests.contract.change_feed_contract import (
    SECRET,
    ChangeFeedContract,
    Folder,
    follower,
    in_days,
)
from tests.contract.mailbox_harness import ANNA, BERND
from tests.fakes.change_feed import FakeChangeFeed


class FakeChangeFeedHarness:
    def __init__(self) -> None:
        nobody = {
            "nobody@contoso.example",
            "o'nobody#ext#@contoso.example",
            "o'nobody@contoso.example",
            "…",
        }
        self.feed_ = FakeChangeFeed(missing=nobody, most=20)
        self._ids = count(1)

    def feed(self, *, allowed: bool = True) -> FakeChangeFeed:
        self.feed_.forbidden = set() if allowed else {ANNA, BERND}
        return self.feed_

    async def deliver(self, address: str, folder: Folder = "inbox") -> str:
        id_ = f"message-{next(self._ids)}"
        self.feed_.happened(address, "email", id_)
        return id_

    async def schedule(self, address: str, weeks: int = 1) -> str:
        id_ = f"meeting-{next(self._ids)}"
        self.feed_.happened(address, "meeting", id_)
        return id_

    async def reschedule(self, address: str, meeting: str) -> None:
        self.feed_.happened(address, "meeting", meeting)

    async def call_off(self, address: str, meeting: str) -> None:
        self.feed_.happened(address, "meeting", meeting)

    async def remove(self, address: str, meeting: str) -> None:
        self.feed_.happened(address, "meeting", meeting, gone=True)

    def forget_positions(self) -> None:
        self.feed_.forget_positions()


class TestFakeChangeFeed(ChangeFeedContract):
    @pytest.fixture
    def harness(self) -> FakeChangeFeedHarness:
        return FakeChangeFeedHarness()


async def test_the_fake_fails_as_told_and_counts() -> None:
    feed = FakeChangeFeedHarness().feed()
    feed.failures["subscribe"] = Unavailable("Outlook is down.")
    with pytest.raises(Unavailable):
        await feed.subscribe(ANNA, "email", SECRET, in_days(1))
    await feed.subscribe(ANNA, "email", SECRET, in_days(1))
    assert feed.calls == ["subscribe", "subscribe"]
    assert [one.secret for one in feed.subscriptions.values()] == [SECRET]


async def test_the_fake_tells_large_changes_in_parts() -> None:
    harness = FakeChangeFeedHarness()
    mail = follower(harness, "email")
    delivered = [await harness.deliver(ANNA) for _ in range(25)]
    first, second = await mail.changes(), await mail.changes()
    assert (first.more, second.more) == (True, False)
    assert [*first.items, *second.items] == delivered
