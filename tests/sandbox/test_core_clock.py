"""The sandbox's clock, and what waits for it and for the store."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.clock import Clock
from sandbox.sample import company
from sandbox.store import Store
from sandbox.world import World


def test_a_moved_clock_goes_on_from_there() -> None:
    clock = Clock()
    heard: list[timedelta] = []
    end = clock.watch(lambda: heard.append(clock.shift))
    clock.move(timedelta(days=2))
    first = clock()
    assert abs(first - datetime.now(UTC) - timedelta(days=2)) < timedelta(seconds=5)
    assert clock() >= first
    end()
    clock.move(timedelta())
    assert heard == [timedelta(days=2)]


def test_the_machines_time_does_not_move_with_it() -> None:
    clock = Clock()
    world = World(Store(None), company(), "https://localhost:1", clock)
    clock.move(timedelta(days=-2))
    assert abs(world.machine_time() - datetime.now(UTC)) < timedelta(seconds=5)
    moment = datetime(2026, 3, 2, tzinfo=UTC)
    fixed = World(Store(None), company(), "https://localhost:1", lambda: moment)
    assert fixed.machine_time() == moment


def test_a_table_is_watched_transaction_by_transaction() -> None:
    store = Store(None)
    heard: list[int] = []
    end = store.watch("s", "t", lambda: heard.append(len(store.all("s", "t"))))
    with store.transaction():
        store.put("s", "t", "1", {})
        store.put("s", "t", "2", {})
        assert heard == []
    store.put("s", "other", "1", {})
    with pytest.raises(LookupError):
        _put_and_fail(store)
    assert heard == [2]
    store.delete("s", "t", "1")
    assert heard == [2, 1]
    end()
    store.put("s", "t", "4", {})
    assert heard == [2, 1]


def _put_and_fail(store: Store) -> None:
    with store.transaction():
        store.put("s", "t", "3", {})
        raise LookupError
