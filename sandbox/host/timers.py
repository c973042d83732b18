"""Timer triggers: NCRONTAB schedules in UTC, with the schedule's status kept between runs.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer
"""

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from croniter import CroniterBadCronError, CroniterBadDateError, croniter

from sandbox.host.config import ConfigError
from sandbox.host.pipe import Closed
from sandbox.host.triggers import InvocationFailed, Run, Trigger

_NOT_NCRONTAB = re.compile(r"#|\bL", re.IGNORECASE)

_MONITORED = timedelta(minutes=1)
"""The status of a more frequent schedule isn't kept, so it is never past due."""


class Schedule:
    """`expression` has six fields, the first for seconds, or five. Raises ConfigError."""

    def __init__(self, expression: str) -> None:
        fields = expression.split()
        try:
            if len(fields) not in (5, 6) or _NOT_NCRONTAB.search(expression):
                raise CroniterBadCronError("not an NCRONTAB expression")
            croniter.expand(expression, second_at_beginning=True)
        except CroniterBadCronError as fault:
            raise ConfigError(f"schedule {expression!r}: {fault}") from None
        self._expression = expression

    def after(self, time: datetime) -> datetime:
        """The first occurrence later than `time`. A day and a weekday must both fit."""
        dates = croniter(self._expression, time, second_at_beginning=True, day_or=False)
        try:
            following: datetime = dates.get_next(datetime)
        except CroniterBadDateError:
            raise ConfigError(f"schedule {self._expression!r} never comes due") from None
        return following

    def monitored(self, now: datetime) -> bool:
        first = self.after(now)
        return self.after(first) - first >= _MONITORED


@dataclass(frozen=True, slots=True)
class Status:
    """When the timer last ran (None: never), and when it is to run next."""

    last: datetime | None
    next: datetime


def read_status(path: Path) -> Status | None:
    """None where nothing was kept."""
    try:
        kept = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    last = kept["Last"]
    return Status(
        datetime.fromisoformat(last) if last else None, datetime.fromisoformat(kept["Next"])
    )


def write_status(path: Path, status: Status) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    last = status.last.isoformat() if status.last else None
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"Last": last, "Next": status.next.isoformat()}))
    fresh.replace(path)


class TimerListener:
    """Runs one function by its schedule, never twice at a time.

    `status_file` keeps the status between two lives of this host.
    """

    def __init__(
        self,
        trigger: Trigger,
        schedule: Schedule,
        *,
        status_file: Path,
        run: Run,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._at_start = bool(trigger.fields.get("runOnStartup"))
        self._schedule = schedule
        self._run = run
        self._clock = clock
        self._file = status_file
        monitor = trigger.fields.get("useMonitor") is not False
        self._monitored = monitor and schedule.monitored(clock())
        self._running: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Until cancelled; a run that has begun goes on, see `drain`."""
        status = self._first()
        if status.next <= self._clock():
            status = await self._tick(status, past_due=True)
        elif self._at_start:
            status = await self._tick(status, past_due=False)
        while True:
            wait = (status.next - self._clock()).total_seconds()
            if wait > 0:
                await asyncio.sleep(wait)
                continue
            status = await self._tick(status, past_due=False)

    async def drain(self) -> None:
        if self._running is not None:
            await asyncio.wait([self._running])

    def _first(self) -> Status:
        """The kept status, unless the schedule has been changed since."""
        now = self._clock()
        kept = read_status(self._file) if self._monitored else None
        if kept is not None and self._schedule.after(kept.next - timedelta(seconds=1)) == kept.next:
            return kept
        status = Status(kept.last if kept else None, self._schedule.after(now))
        self._keep(status)
        return status

    async def _tick(self, status: Status, *, past_due: bool) -> Status:
        begun = self._clock()
        self._running = asyncio.create_task(self._invoke(status, past_due=past_due))
        await asyncio.shield(self._running)
        self._running = None
        following = Status(begun, self._schedule.after(max(begun, status.next)))
        self._keep(following)
        return following

    async def _invoke(self, status: Status, *, past_due: bool) -> None:
        """A failure is in the log; the schedule goes on."""
        last = (status.last or datetime.min.replace(tzinfo=UTC)).isoformat()
        told = {"Last": last, "Next": status.next.isoformat(), "LastUpdated": last}
        with suppress(InvocationFailed, Closed):
            await self._run({"pastDue": past_due, "status": told})

    def _keep(self, status: Status) -> None:
        if self._monitored:
            write_status(self._file, status)
