"""Service protection: how much one user may ask for.

Learn, "Service protection API limits": in any 300 seconds 6000 requests and 20 minutes of
execution, and 52 requests at the same time; beyond that 429 with Retry-After. A batch counts as
one request.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from weakref import WeakKeyDictionary

from sandbox.dataverse import errors
from sandbox.store import Store
from sandbox.world import World

WINDOW = 300
MAX_REQUESTS = 6000
MAX_EXECUTION = 1200
MAX_CONCURRENT = 52
_SEARCH_INTERVAL = 1.0
_CONCURRENT_WAIT = 1


@dataclass(slots=True)
class _Usage:
    """`done` holds (start, seconds) of the requests in the window, oldest first."""

    done: deque[tuple[float, float]] = field(default_factory=deque)
    execution: float = 0.0
    running: int = 0
    last_search: float = float("-inf")


class Meter:
    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._users: defaultdict[str, _Usage] = defaultdict(_Usage)

    @contextmanager
    def request(self, user: str) -> Iterator[dict[str, str]]:
        """Around one request; gives the headers that tell what is left. Raises Refused (429)."""
        usage = self._users[user]
        start = self._now()
        self._drop_old(usage, start)
        _check(usage, start)
        usage.running += 1
        try:
            requests_left = MAX_REQUESTS - len(usage.done) - usage.running
            yield {
                "x-ms-ratelimit-burst-remaining-xrm-requests": str(requests_left),
                "x-ms-ratelimit-time-remaining-xrm-requests": (
                    f"{MAX_EXECUTION - usage.execution:.2f}"
                ),
            }
        finally:
            usage.running -= 1
            seconds = self._now() - start
            usage.done.append((start, seconds))
            usage.execution += seconds

    def search(self, user: str) -> None:
        """One search a second. Raises Refused (429)."""
        usage = self._users[user]
        now = self._now()
        if now - usage.last_search < _SEARCH_INTERVAL:
            raise _too_many("0x80072322", "Only one search request a second is allowed.", 1)
        usage.last_search = now

    def _now(self) -> float:
        return self._clock().timestamp()

    def _drop_old(self, usage: _Usage, now: float) -> None:
        while usage.done and usage.done[0][0] <= now - WINDOW:
            usage.execution -= usage.done.popleft()[1]


def _check(usage: _Usage, now: float) -> None:
    if usage.running >= MAX_CONCURRENT:
        raise _too_many(
            "0x80072326",
            f"Number of concurrent requests exceeded the limit of {MAX_CONCURRENT}.",
            _CONCURRENT_WAIT,
        )
    if len(usage.done) + usage.running >= MAX_REQUESTS:
        raise _too_many(
            "0x80072322",
            f"Number of requests exceeded the limit of {MAX_REQUESTS} over time window of "
            f"{WINDOW} seconds.",
            _wait(usage, now),
        )
    if usage.execution >= MAX_EXECUTION:
        raise _too_many(
            "0x80072321",
            "Combined execution time of incoming requests exceeded limit of "
            f"{MAX_EXECUTION * 1000:,} milliseconds over time window of {WINDOW} seconds. "
            "Decrease number of concurrent requests or reduce the duration of requests and try "
            "again later.",
            _wait(usage, now),
        )


def _wait(usage: _Usage, now: float) -> int:
    """Until the oldest request leaves the window."""
    return max(1, ceil(usage.done[0][0] + WINDOW - now)) if usage.done else 1


def _too_many(code: str, message: str, seconds: int) -> errors.Refused:
    return errors.Refused(429, code, message, {"Retry-After": str(seconds)})


_METERS: WeakKeyDictionary[Store, Meter] = WeakKeyDictionary()


def meter_of(world: World) -> Meter:
    """The one meter of a world's store."""
    found = _METERS.get(world.store)
    if found is None:
        found = _METERS[world.store] = Meter(world.clock)
    return found


def forget(world: World) -> None:
    """Starts counting anew."""
    _METERS.pop(world.store, None)
