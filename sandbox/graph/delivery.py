"""Delivering what lies in the outbox, in the background.

One POST at a time for each subscription and address; what is queued in the meantime goes along
with the next one. Anything but a 2xx is tried again, ever more slowly, for 4 hours
(microsoft-graph-docs-contrib concepts/change-notifications-delivery-webhooks.md). What is due is
told by the sandbox's clock.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import httpx

from sandbox.clock import Clock
from sandbox.graph import outbox, subscriptions
from sandbox.graph.outbox import SERVICE
from sandbox.graph.webhooks import client
from sandbox.store import Row
from sandbox.world import World

GIVEN_UP = timedelta(hours=4)
_BATCH = 100
_LONGEST_WAIT = timedelta(minutes=10)
_WARNED_BEFORE = timedelta(minutes=60)
_Route = tuple[str, str]
"""A subscription's id, and the address of its notifications or that of its lifecycle events."""


@asynccontextmanager
async def delivering(world: World) -> AsyncIterator[None]:
    """Delivers in the running event loop while the block runs; what is left then stays queued."""
    async with client() as http:
        task = asyncio.create_task(_Postman(world, http).work())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


class _Postman:
    def __init__(self, world: World, http: httpx.AsyncClient) -> None:
        self._world = world
        self._store = world.store
        self._http = http
        self._call = asyncio.Event()
        self._away: dict[_Route, tuple[list[str], asyncio.Task[None]]] = {}

    async def work(self) -> None:
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(self._call.set)

        ends = [self._store.watch(SERVICE, t, wake) for t in ("outbox", "subscriptions")]
        if isinstance(self._world.clock, Clock):
            ends.append(self._world.clock.watch(wake))
        try:
            while True:
                self._call.clear()
                wait = self._round()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._call.wait(), wait)
        finally:
            for end in ends:
                end()
            for _, task in self._away.values():
                task.cancel()

    def _round(self) -> float | None:
        """Sends out all that is due; gives the seconds until something else is."""
        now = self._world.clock()
        seconds = now.timestamp()
        times = self._look_after_subscriptions(now)
        waiting = dict(self._store.items(SERVICE, "outbox"))
        for carried, task in list(self._away.values()):
            if not waiting.keys() & set(carried):
                task.cancel()
        due: defaultdict[_Route, list[Row]] = defaultdict(list)
        for row in waiting.values():
            route = (row["subscription"], row["url"])
            if route in self._away:
                continue
            if row["due"] <= seconds:
                due[route].append(row)
            else:
                times.append(row["due"])
        for route, rows in due.items():
            self._send_out(route, sorted(rows, key=lambda row: (row["due"], row["id"]))[:_BATCH])
        return max(0.0, min(times) - seconds) if times else None

    def _look_after_subscriptions(self, now: datetime) -> list[float]:
        """Ends those that have expired and warns those that soon will; gives when to look again."""
        times = []
        for row in self._store.all(SERVICE, "subscriptions"):
            expires = datetime.fromisoformat(row["expires"])
            if expires <= now:
                subscriptions.remove(self._store, row["id"])
                continue
            warning = expires - _warned_before(row, expires)
            if row["warned"]:
                times.append(expires.timestamp())
            elif warning > now:
                times.append(warning.timestamp())
            else:
                with self._store.transaction():
                    outbox.lifecycle(self._store, row, "reauthorizationRequired", now)
                    warned = {**row, "warned": True}
                    self._store.put(SERVICE, "subscriptions", row["id"], warned)
        return times

    def _send_out(self, route: _Route, rows: Sequence[Row]) -> None:
        task = asyncio.create_task(self._carry(route, rows))
        self._away[route] = [row["id"] for row in rows], task
        task.add_done_callback(lambda _: self._back(route))

    def _back(self, route: _Route) -> None:
        self._away.pop(route, None)
        self._call.set()

    async def _carry(self, route: _Route, rows: Sequence[Row]) -> None:
        body = {"value": [row["told"] for row in rows]}
        patience = outbox.mischief(self._store).patience
        try:
            answer = await self._http.post(route[1], json=body, timeout=patience)
            taken = answer.is_success
        except httpx.HTTPError:
            taken = False
        with self._store.transaction():
            for row in rows:
                if self._store.get(SERVICE, "outbox", row["id"]) is not None:
                    self._note(row, taken)

    def _note(self, row: Row, taken: bool) -> None:
        now = self._world.clock()
        if taken:
            self._store.delete(SERVICE, "outbox", row["id"])
            outbox.count(self._store, "sent")
        elif now.timestamp() - row["first"] >= GIVEN_UP.total_seconds():
            self._store.delete(SERVICE, "outbox", row["id"])
            outbox.count(self._store, "failed")
            self._tell_of_loss(row, now)
        else:
            due = now + self._wait(row["attempts"])
            later = {**row, "due": due.timestamp(), "attempts": row["attempts"] + 1}
            self._store.put(SERVICE, "outbox", row["id"], later)

    def _wait(self, attempts: int) -> timedelta:
        seconds = outbox.mischief(self._store).backoff * 2.0 ** min(attempts, 20)
        return min(timedelta(seconds=seconds), _LONGEST_WAIT)

    def _tell_of_loss(self, lost: Row, now: datetime) -> None:
        """`missed`, once for all that is lost until it is delivered."""
        subscription = self._store.get(SERVICE, "subscriptions", lost["subscription"])
        told = {
            row["told"].get("lifecycleEvent")
            for row in self._store.all(SERVICE, "outbox")
            if row["subscription"] == lost["subscription"]
        }
        if subscription and "lifecycleEvent" not in lost["told"] and "missed" not in told:
            outbox.lifecycle(self._store, subscription, "missed", now)


def _warned_before(row: Row, expires: datetime) -> timedelta:
    """An hour ahead, or a quarter of a shorter life."""
    return min(_WARNED_BEFORE, (expires - datetime.fromisoformat(row["since"])) / 4)
