"""The real ChangeFeed keeps the contract, over the wire with the sandbox's Graph."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from typing import Any

import pytest

from sandbox.entra import tokens
from sandbox.graph import subscriptions
from sandbox.running import Running
from shared.domain import ItemRef
from shared.errors import NotFound, Throttled, Unavailable
from shared.outbound import Sender
from shared.outlook.client import GraphMailbox
from shared.outlook.subscriptions import GraphChangeFeed
from tests.contract.change_feed_contract import (
    SECRET,
    ChangeFeedContract,
    Folder,
    follower,
    in_days,
)
from tests.contract.mailbox_harness import ANNA
from tests.contract.mailbox_items import Appointment, Mail
from tests.sandbox.graph.receiver import Receiver, receiving


class GraphFeedHarness:
    def __init__(self, sandbox: Running, callback: str) -> None:
        self._sandbox = sandbox
        self._callback = callback
        self._sender = Sender(jitter=lambda: 0.0)
        self._root = f"{sandbox.url}/graph/v1.0"
        self._numbers = count(1)

    def feed(self, *, allowed: bool = True, now: datetime | None = None) -> GraphChangeFeed:
        roles = None if allowed else ["User.Read.All"]

        async def token() -> str:
            return tokens.issue_app(self._sandbox.world, "graph", roles=roles)

        errand = self._sender.errand(20)
        return GraphChangeFeed(
            self._sender, errand, self._root, token, self._callback, lambda: now or in_days(0)
        )

    async def deliver(self, address: str, folder: Folder = "inbox") -> str:
        mail = Mail(message_id=f"<{next(self._numbers)}@customer.example>")
        dated = _dated(mail.source())
        return await self._lasting("email", address, self._deliver(dated, address, folder))

    async def schedule(self, address: str, weeks: int = 1, days: int = 3) -> str:
        start = in_days(days).replace(tzinfo=None, microsecond=0)
        uid = f"meeting-{next(self._numbers)}@customer.example"
        calendar = Appointment(uid=uid, start=start, weeks=weeks).calendar()
        id_ = self._sandbox.deliver_meeting(calendar, address)
        return await self._lasting("meeting", address, id_)

    async def reschedule(self, address: str, meeting: str) -> None:
        one = await self._one_of(address, meeting)
        self._sandbox.change_event(one, location={"displayName": f"Room {next(self._numbers)}"})

    async def call_off(self, address: str, meeting: str) -> None:
        self._sandbox.delete_event(await self._one_of(address, meeting))

    async def remove(self, address: str, meeting: str) -> None:
        self._sandbox.delete_event(meeting)

    def forget_positions(self) -> None:
        self._sandbox.forget_delta_tokens()

    def mailbox(self, address: str) -> GraphMailbox:
        async def token() -> str:
            return self._sandbox.token(address, "graph")

        return GraphMailbox(self._sender, self._sender.errand(20), self._root, token)

    def _deliver(self, raw: bytes, address: str, folder: Folder) -> str:
        return self._sandbox.deliver_mail(raw, address, folder)

    async def _lasting(self, kind: str, address: str, id_: str) -> str:
        ref = ItemRef("email" if kind == "email" else "meeting", "me", id_)
        return (await self.mailbox(address).identify(ref)).ref.id

    async def _one_of(self, address: str, meeting: str) -> str:
        """The second occurrence of a series; the meeting itself where it is a single one."""
        mailbox, ref = self.mailbox(address), ItemRef("meeting", "me", meeting)
        item = await mailbox.identify(ref)
        if not getattr(item, "is_series", False):
            return meeting
        return (await mailbox.occurrences(ref, in_days(0), in_days(90), 10))[1].ref.id


def _dated(source: bytes) -> bytes:
    """As received at this moment."""
    now = format_datetime(datetime.now(UTC)).encode()
    return b"Received: from customer.example by contoso.example; " + now + b"\r\n" + source


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


@pytest.fixture
def graph(fresh_sandbox: Running, receiver: Receiver) -> GraphFeedHarness:
    return GraphFeedHarness(fresh_sandbox, f"{receiver.url}/api")


class TestGraphChangeFeed(ChangeFeedContract):
    @pytest.fixture
    def harness(self, graph: GraphFeedHarness) -> GraphFeedHarness:
        return graph


async def test_notifications_come_to_us_with_the_secret_and_lasting_ids(
    graph: GraphFeedHarness, fresh_sandbox: Running, receiver: Receiver
) -> None:
    await graph.feed().subscribe(ANNA, "email", SECRET, in_days(1))
    await graph.feed().subscribe(ANNA, "meeting", SECRET, in_days(1))
    assert receiver.asked == ["/api/graph/notifications", "/api/graph/lifecycle"] * 2
    message = await graph.deliver(ANNA)
    series = await graph.schedule(ANNA, weeks=3)
    await graph.reschedule(ANNA, series)
    fresh_sandbox.lifecycle("missed")
    fresh_sandbox.notifications(wait=60)
    told = [one for one in receiver.told if "resourceData" in one]
    assert {one["clientState"] for one in receiver.told} == {SECRET}
    assert sorted((one["changeType"], one["resourceData"]["id"]) for one in told) == sorted(
        [("created", message), ("updated", series)]
    )
    assert sum(one.get("lifecycleEvent") == "missed" for one in receiver.told) == 2


async def test_a_renewed_subscription_goes_on_and_an_ended_one_is_silent(
    graph: GraphFeedHarness, fresh_sandbox: Running, receiver: Receiver
) -> None:
    feed = graph.feed()
    id_, _ = await feed.subscribe(ANNA, "email", SECRET, in_days(1))
    assert await feed.renew(id_, in_days(6)) > in_days(5)
    fresh_sandbox.advance_clock(timedelta(days=2).total_seconds())
    await graph.deliver(ANNA)
    fresh_sandbox.notifications(wait=60)
    assert len(receiver.told) == 1
    await feed.end(id_)
    await graph.deliver(ANNA)
    fresh_sandbox.notifications(wait=60)
    assert len(receiver.told) == 1


async def test_a_full_mailbox_asks_to_wait(
    graph: GraphFeedHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "MOST_PER_MAILBOX", 1)
    await graph.feed().subscribe(ANNA, "email", SECRET, in_days(1))
    with pytest.raises(Throttled) as full:
        await graph.feed().subscribe(ANNA, "meeting", SECRET, in_days(1))
    assert full.value.retry_after >= 600


async def test_an_address_that_does_not_prove_itself_may_do_so_later(
    graph: GraphFeedHarness, receiver: Receiver
) -> None:
    receiver.proof_status = 500
    with pytest.raises(Unavailable):
        await graph.feed().subscribe(ANNA, "email", SECRET, in_days(1))
    receiver.proof_status = 200
    assert await graph.feed().subscribe(ANNA, "email", SECRET, in_days(1))


async def test_a_quiet_hour_costs_three_calls_for_mail_and_one_for_the_calendar(
    graph: GraphFeedHarness, fresh_sandbox: Running
) -> None:
    mail, calendar = follower(graph, "email"), follower(graph, "meeting")
    await mail.changes()
    await calendar.changes()
    before = len(fresh_sandbox.requests("graph"))
    await mail.changes()
    assert len(fresh_sandbox.requests("graph")) - before == 3
    before = len(fresh_sandbox.requests("graph"))
    await calendar.changes()
    assert len(fresh_sandbox.requests("graph")) - before == 1


async def test_the_calendars_year_moves_on_every_month(graph: GraphFeedHarness) -> None:
    calendar = follower(graph, "meeting")
    await calendar.changes()
    for days, anew in ((10, False), (30, False), (32, True), (40, False), (64, True)):
        calendar.feed = graph.feed(now=in_days(days))
        assert (await calendar.changes()).anew is anew
        assert len(calendar.position) == 1


async def test_a_meeting_that_comes_within_the_year_is_followed_from_then_on(
    graph: GraphFeedHarness,
) -> None:
    calendar = follower(graph, "meeting")
    far = await graph.schedule(ANNA, days=390)
    await calendar.changes()
    calendar.feed = graph.feed(now=in_days(35))
    await calendar.changes()
    await graph.remove(ANNA, far)
    assert far in await calendar.told()


@pytest.mark.parametrize("drop", ["before", "after"])
async def test_a_subscription_that_was_cut_off_is_not_made_twice(
    drop: str, graph: GraphFeedHarness, fresh_sandbox: Running
) -> None:
    """It may be there, and then tells with our secret until it ends by itself."""
    fresh_sandbox.fault(service="graph", method="POST", path="/subscriptions$", drop=drop, times=1)
    with pytest.raises(Unavailable):
        await graph.feed().subscribe(ANNA, "email", SECRET, in_days(1))
    posts = [c for c in fresh_sandbox.requests("graph") if c["path"].endswith("/subscriptions")]
    assert len(posts) == 1


FAULTS = (
    {"status": 429, "headers": {"Retry-After": "0"}},
    {"status": 503},
    {"drop": "before"},
    {"drop": "after"},
)


@pytest.mark.parametrize("fault", FAULTS, ids=["429", "503", "cut before", "cut after"])
@pytest.mark.parametrize("number", [1, 2, 3])
async def test_each_call_of_a_round_is_tried_again(
    number: int, fault: dict[str, Any], graph: GraphFeedHarness, fresh_sandbox: Running
) -> None:
    mail, calendar = follower(graph, "email"), follower(graph, "meeting")
    for one in (mail, calendar):
        await one.changes()
    message, meeting = await graph.deliver(ANNA, "archive"), await graph.schedule(ANNA)
    path = {1: "inbox", 2: "sentitems", 3: r"/messages\?"}[number]
    fresh_sandbox.fault(service="graph", path=path, times=1, **fault)
    fresh_sandbox.fault(service="graph", path="calendarView", times=1, **fault)
    assert message in await mail.told()
    assert meeting in await calendar.told()


@pytest.mark.parametrize("fault", FAULTS, ids=["429", "503", "cut before", "cut after"])
async def test_renewing_and_ending_are_tried_again(
    fault: dict[str, Any], graph: GraphFeedHarness, fresh_sandbox: Running
) -> None:
    feed = graph.feed()
    id_, _ = await feed.subscribe(ANNA, "email", SECRET, in_days(1))
    fresh_sandbox.fault(service="graph", path="/subscriptions/", times=1, **fault)
    assert await feed.renew(id_, in_days(3)) > in_days(2)
    fresh_sandbox.fault(service="graph", path="/subscriptions/", times=1, **fault)
    await feed.end(id_)
    with pytest.raises(NotFound):
        await feed.renew(id_, in_days(3))


async def test_a_round_that_fails_leaves_the_position_good(
    graph: GraphFeedHarness, fresh_sandbox: Running
) -> None:
    mail = follower(graph, "email")
    await mail.changes()
    message = await graph.deliver(ANNA)
    fresh_sandbox.fault(service="graph", path="sentitems", status=500, times=1)
    with pytest.raises(Unavailable):
        await mail.changes()
    assert message in await mail.told()
