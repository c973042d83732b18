"""Timer triggers: the listener with a clock of its own, then a running host."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient, TextBase64DecodePolicy

from sandbox.host.timers import Schedule, Status, TimerListener, read_status, write_status
from sandbox.host.triggers import InvocationFailed, Trigger
from tests.sandbox.host.host_process import HERE, StartHost, wait_until

NOW = datetime(2026, 1, 5, 9, 0, 30, tzinfo=UTC)
HOURLY = "0 0 * * * *"


class Runs:
    """Runs nothing, and keeps what the listener told of each occasion."""

    def __init__(self, *, fails: bool = False) -> None:
        self.seen: list[Mapping[str, Any]] = []
        self._fails = fails

    async def __call__(self, given: Mapping[str, Any]) -> None:
        self.seen.append(given)
        if self._fails:
            raise InvocationFailed("failed")

    @property
    def past_due(self) -> list[bool]:
        return [one["pastDue"] for one in self.seen]


async def live(
    runs: Runs, path: Path, schedule: str = HOURLY, *, seconds: float = 0.05, **fields: object
) -> None:
    """One life of a listener that begins at NOW."""
    begun = datetime.now(UTC)
    listener = TimerListener(
        Trigger("f", "timerTrigger", fields),
        Schedule(schedule),
        status_file=path,
        run=runs,
        clock=lambda: NOW + (datetime.now(UTC) - begun),
    )
    task = asyncio.create_task(listener.run())
    await asyncio.sleep(seconds)
    task.cancel()
    await listener.drain()


async def test_a_new_timer_waits_for_its_time_and_keeps_it(tmp_path: Path) -> None:
    runs = Runs()
    await live(runs, tmp_path / "f.json")
    assert runs.seen == []
    assert read_status(tmp_path / "f.json") == Status(None, datetime(2026, 1, 5, 10, tzinfo=UTC))


async def test_run_on_startup(tmp_path: Path) -> None:
    runs = Runs()
    await live(runs, tmp_path / "f.json", runOnStartup=True)
    assert runs.past_due == [False]


async def test_a_time_that_was_missed_is_past_due_and_run_once(tmp_path: Path) -> None:
    runs = Runs()
    missed = datetime(2026, 1, 5, 6, tzinfo=UTC)
    write_status(tmp_path / "f.json", Status(missed - timedelta(hours=1), missed))
    await live(runs, tmp_path / "f.json", runOnStartup=True)
    assert runs.past_due == [True]
    assert runs.seen[0]["status"]["Next"] == missed.isoformat()
    status = read_status(tmp_path / "f.json")
    assert status is not None
    assert status.next == datetime(2026, 1, 5, 10, tzinfo=UTC)
    assert status.last is not None
    assert status.last >= NOW


async def test_a_changed_schedule_is_not_past_due(tmp_path: Path) -> None:
    runs = Runs()
    write_status(tmp_path / "f.json", Status(None, datetime(2026, 1, 5, 6, tzinfo=UTC)))
    await live(runs, tmp_path / "f.json", "0 30 * * * *")
    assert runs.seen == []


async def test_a_timer_without_monitor_keeps_nothing(tmp_path: Path) -> None:
    runs = Runs()
    write_status(tmp_path / "f.json", Status(None, datetime(2026, 1, 5, 6, tzinfo=UTC)))
    await live(runs, tmp_path / "f.json", useMonitor=False)
    assert runs.seen == []


async def test_a_schedule_goes_on_after_a_failure(tmp_path: Path) -> None:
    runs = Runs(fails=True)
    await live(runs, tmp_path / "f.json", "* * * * * *", seconds=2.2)
    assert len(runs.seen) >= 2
    assert not any(runs.past_due)
    assert not (tmp_path / "f.json").exists()


def test_timers_of_a_running_host(start_host: StartHost, storage: str, tmp_path: Path) -> None:
    ticks = QueueClient.from_connection_string(
        storage, "ticks", message_decode_policy=TextBase64DecodePolicy()
    )
    (tmp_path / "timers").mkdir()
    write_status(tmp_path / "timers/yearly.json", Status(None, datetime(2025, 1, 1, tzinfo=UTC)))
    host = start_host(HERE / "timer_app", "--state", str(tmp_path), YEARLY="0 0 0 1 1 *")
    seen: list[dict[str, Any]] = []

    def gathered() -> bool:
        try:
            seen.extend(json.loads(m.content) for m in ticks.receive_messages(max_messages=10))
        except ResourceNotFoundError:
            return False
        return sum(one["timer"] == "tick" for one in seen) >= 2

    wait_until(gathered)
    assert host.stop() == 0
    yearly = [one for one in seen if one["timer"] == "yearly"]
    assert yearly == [{"timer": "yearly", "pastDue": True}]
    status = read_status(tmp_path / "timers/yearly.json")
    assert status is not None
    assert status.next > datetime.now(UTC)
