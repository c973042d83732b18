"""Looks whether this deployment works, at most once in some seconds however often it is asked."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Literal

from shared.errors import ThreadlineError

FRESH = 10.0
"""Seconds for which a finding is told again instead of looking."""

PATIENCE = 8.0
"""Seconds that one check may take."""

Check = Callable[[], Awaitable[str | None]]
"""Passes with nothing to say, or with a remark for the admin; fails by a `ThreadlineError`."""


@dataclass(frozen=True, slots=True)
class Health:
    """`checks` maps a name to "ok" or to what is wrong. `failing` are those of them that keep the
    app from working."""

    checks: Mapping[str, str]
    failing: frozenset[str] = frozenset()

    @property
    def status(self) -> Literal["ok", "degraded", "failing"]:
        if self.failing:
            return "failing"
        return "ok" if all(found == "ok" for found in self.checks.values()) else "degraded"


class HealthMonitor:
    """Remembers the last finding."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        *,
        clock: Callable[[], float] = monotonic,
        patience: float = PATIENCE,
    ) -> None:
        self._checks = checks
        self._clock = clock
        self._patience = patience
        self._last: tuple[float, Health] | None = None
        self._looking: asyncio.Task[Health] | None = None

    async def health(self) -> Health:
        """The finding, not older than `FRESH` seconds; those who ask meanwhile share one look."""
        if self._last and self._clock() - self._last[0] < FRESH:
            return self._last[1]
        if self._looking is None:
            self._looking = asyncio.ensure_future(self._look())
            self._looking.add_done_callback(self._looked)
        return await asyncio.shield(self._looking)

    def _looked(self, _: object) -> None:
        self._looking = None

    async def _look(self) -> Health:
        findings = await asyncio.gather(
            *(_finding(check, self._patience) for check in self._checks.values())
        )
        by_name = dict(zip(self._checks, findings, strict=True))
        health = Health(
            checks={name: finding.text for name, finding in by_name.items()},
            failing=frozenset(name for name, finding in by_name.items() if finding.failed),
        )
        self._last = (self._clock(), health)
        return health


@dataclass(frozen=True, slots=True)
class _Finding:
    text: str
    failed: bool = False


async def _finding(check: Check, patience: float) -> _Finding:
    try:
        async with asyncio.timeout(patience):
            remark = await check()
    except ThreadlineError as error:
        return _Finding(error.detail, failed=True)
    except TimeoutError:
        return _Finding("It did not answer in time.", failed=True)
    return _Finding(remark or "ok")
