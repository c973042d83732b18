"""Subscriptions live on while the clock jumps, and Graph forgets, refuses or is away.

The caretaker with the real feed of changes, over the wire with the sandbox's Graph.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from itertools import count

import pytest

from graph_notifications.caretaking import Caretaker
from sandbox.entra import tokens
from sandbox.graph import ids
from sandbox.graph.ids import ItemKey
from sandbox.graph.messages import find_message
from sandbox.running import Running
from shared.errors import ThreadlineError
from shared.following import THREAD_FOLLOWED, Filed, FollowedThread
from shared.notifications import CaughtUp, ItemChanged, LookAfter, Message
from shared.outbound import Sender
from shared.outlook.subscriptions import GraphChangeFeed
from tests.contract.mailbox_items import Mail
from tests.fakes.followings import FakeFollowings
from tests.fakes.subscriptions import FakeSubscriptions
from tests.following.running_app import ANNA, path_of
from tests.sandbox.graph.receiver import Receiver, receiving

_HOUR = timedelta(hours=1)
_TRIES = 12


@dataclass
class Watch:
    """Anna's mailbox, in which something is followed. `known` are the ids of the messages that were
    told of or found."""

    sandbox: Running
    receiver: Receiver
    followings: FakeFollowings = field(default_factory=FakeFollowings)
    subscriptions: FakeSubscriptions = field(default_factory=FakeSubscriptions)
    sender: Sender = field(default_factory=lambda: Sender(sleep=_at_once))
    found: set[str] = field(default_factory=set)
    arrived: set[str] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def path(self) -> str:
        return path_of(ANNA, self.sandbox)

    async def begin(self) -> None:
        now = self.sandbox.world.clock()
        until = now + THREAD_FOLLOWED
        await self.followings.put_thread(
            FollowedThread(self.path, "t", self.path, Filed(), frozenset(), "r", now, until)
        )
        await self.look_after()

    async def look_after(self, *, renew: bool = False) -> None:
        """A round of the timer, and all that it queues; what fails comes back, as on the queue."""
        now = self.sandbox.world.clock()
        queue: list[Message] = [LookAfter(mailbox=self.path, kind="email", at=now, renew=renew)]
        failures = 0
        while queue:
            message = queue.pop(0)
            if isinstance(message, ItemChanged):
                self.found.add(message.item)
                continue
            try:
                done = await self._work(message)
            except ThreadlineError:
                failures += 1
                assert failures < _TRIES
                queue.append(message)
            else:
                queue += done

    async def _work(self, message: LookAfter | CaughtUp) -> tuple[Message, ...]:
        caretaker = Caretaker(
            self.feed(), self.followings, self.subscriptions, self.sandbox.world.clock()
        )
        if isinstance(message, CaughtUp):
            return (await caretaker.caught_up(message)).messages
        return (await caretaker.look_after(message)).messages

    def feed(self) -> GraphChangeFeed:
        async def token() -> str:
            return tokens.issue_app(self.sandbox.world, "graph")

        return GraphChangeFeed(
            self.sender,
            self.sender.errand(20),
            f"{self.sandbox.url}/graph/v1.0",
            token,
            f"{self.receiver.url}/api",
            self.sandbox.world.clock,
        )

    def mail(self) -> None:
        now = format_datetime(self.sandbox.world.clock())
        mail = Mail(message_id=f"<{next(self._numbers)}@customer.example>")
        source = f"Received: from mx.example; {now}\r\n".encode() + mail.source()
        found = find_message(
            self.sandbox.world.store, None, self.sandbox.deliver_mail(source, ANNA)
        )
        assert found is not None
        self.arrived.add(ids.immutable_id(ANNA, ItemKey(found[0]["key"])))

    def pass_time(self, span: timedelta) -> None:
        self.sandbox.advance_clock(span.total_seconds())

    @property
    def live(self) -> list[str]:
        """Graph's subscriptions to the mailbox that have not ended."""
        now = self.sandbox.world.clock().isoformat()
        rows = self.sandbox.world.store.all("graph", "subscriptions")
        return [row["id"] for row in rows if row["mailbox"] == ANNA and row["expires"] > now]

    def check(self) -> None:
        """One subscription lives, the one that we know, and it isn't about to end; all mail that
        came is known."""
        (row,) = self.subscriptions.kept.values()
        assert self.live == [row.id]
        assert row.expires - self.sandbox.world.clock() > timedelta(days=2)
        self.sandbox.notifications(wait=60)
        told = {one["resourceData"]["id"] for one in self.receiver.told if "resourceData" in one}
        assert self.arrived <= self.found | told

    def drop_all(self) -> None:
        """No notification comes any more, so that all is to be found."""
        self.sandbox.make_mischief(drop=1.0)


async def _at_once(_: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture
async def watch(fresh_sandbox: Running) -> AsyncIterator[Watch]:
    with receiving() as receiver:
        made = Watch(fresh_sandbox, receiver)
        await made.begin()
        yield made
        await made.sender.aclose()


async def test_by_the_hour_it_is_renewed_long_before_it_ends(watch: Watch) -> None:
    first = watch.live
    for _ in range(30):
        watch.pass_time(12 * _HOUR)
        watch.mail()
        await watch.look_after()
        watch.check()
    assert watch.live == first


@pytest.mark.parametrize("dropped", [False, True], ids=["told", "dropped"])
@pytest.mark.parametrize(
    "jumps",
    [
        [timedelta(weeks=3)],
        [timedelta(days=-1)],
        [-_HOUR, _HOUR, -_HOUR],
        [timedelta(days=6), timedelta(days=-1), timedelta(days=7)],
        [timedelta(days=-1), timedelta(weeks=5), timedelta(days=-1)],
    ],
    ids=["weeks", "back a day", "twice an hour", "about its end", "to and fro"],
)
async def test_a_clock_that_jumps_loses_nothing(
    watch: Watch, jumps: list[timedelta], dropped: bool
) -> None:
    if dropped:
        watch.drop_all()
    for jump in jumps:
        watch.mail()
        watch.pass_time(jump)
        watch.mail()
        await watch.look_after()
        watch.mail()
    watch.pass_time(_HOUR)
    await watch.look_after()
    watch.check()


@pytest.mark.parametrize("event", ["reauthorizationRequired", "subscriptionRemoved", "missed"])
async def test_a_lifecycle_event_is_heeded(watch: Watch, event: str) -> None:
    watch.drop_all()
    watch.mail()
    watch.sandbox.lifecycle(event)
    watch.mail()
    await watch.look_after(renew=event != "missed")
    watch.check()


async def test_a_handshake_that_fails_for_a_while_is_repeated(watch: Watch) -> None:
    watch.drop_all()
    watch.pass_time(timedelta(days=20))
    watch.receiver.proof_status = 503
    for _ in range(3):
        watch.mail()
        with pytest.raises(AssertionError):
            await watch.look_after()
        watch.pass_time(_HOUR)
    assert watch.live == []
    watch.receiver.proof_status = 200
    await watch.look_after()
    watch.check()


def _expired(watch: Watch) -> None:
    watch.pass_time(timedelta(days=20))


def _half_over(watch: Watch) -> None:
    watch.pass_time(timedelta(days=4))


def _removed(watch: Watch) -> None:
    watch.sandbox.lifecycle("subscriptionRemoved")


@pytest.mark.parametrize("before", [_expired, _half_over, _removed])
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "headers": {"Retry-After": "1"}},
        {"status": 500},
        {"status": 503},
        {"drop": "before"},
        {"drop": "after"},
    ],
    ids=["429", "500", "503", "cut before", "cut after"],
)
@pytest.mark.parametrize("path", ["/subscriptions", "/delta"])
async def test_graph_fails_at_any_call(
    watch: Watch,
    before: Callable[[Watch], None],
    fault: dict[str, object],
    path: str,
) -> None:
    """More often than it is tried again by itself.

    Where Graph made a subscription and could not say so there may be a second one: it ends by
    itself, and what it tells is told twice.
    """
    watch.drop_all()
    watch.mail()
    before(watch)
    watch.mail()
    watch.sandbox.fault(service="graph", path=path, times=4, **fault)
    await watch.look_after(renew=True)
    watch.sandbox.clear_faults()
    watch.pass_time(_HOUR)
    await watch.look_after()
    known = {row.id for row in watch.subscriptions.kept.values()}
    assert known <= set(watch.live)
    if "drop" not in fault:
        watch.check()
    assert watch.arrived <= watch.found
