"""Health is told cheaply and without secrets."""

import asyncio

from service_info.logic import FRESH, HealthMonitor
from shared.errors import Unavailable


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Checked:
    """A part that can break; `looks` counts how often it was asked."""

    def __init__(self) -> None:
        self.looks = 0
        self.broken = False

    async def check(self) -> None:
        self.looks += 1
        await asyncio.sleep(0)
        if self.broken:
            raise Unavailable("The CRM did not answer.")


async def test_all_is_well_when_every_check_passes() -> None:
    part = Checked()
    health = await HealthMonitor({"crm": part.check, "policy": Checked().check}).health()
    assert health.status == "ok"
    assert health.checks == {"crm": "ok", "policy": "ok"}


async def test_one_failing_check_is_named_and_the_others_still_told() -> None:
    part = Checked()
    part.broken = True
    health = await HealthMonitor({"crm": part.check, "policy": Checked().check}).health()
    assert health.status == "failing"
    assert health.checks == {"crm": "The CRM did not answer.", "policy": "ok"}


async def test_it_looks_again_only_after_some_seconds() -> None:
    part, clock = Checked(), Clock()
    monitor = HealthMonitor({"crm": part.check}, clock=clock)
    for _ in range(3):
        await monitor.health()
    assert part.looks == 1
    part.broken = True
    clock.now += FRESH - 0.1
    assert (await monitor.health()).status == "ok"
    clock.now += 0.1
    assert (await monitor.health()).status == "failing"
    assert part.looks == 2


async def test_many_asking_at_once_share_one_look() -> None:
    part = Checked()
    monitor = HealthMonitor({"crm": part.check})
    found = await asyncio.gather(*(monitor.health() for _ in range(20)))
    assert part.looks == 1
    assert {health.status for health in found} == {"ok"}


async def test_one_who_leaves_does_not_spoil_it_for_the_others() -> None:
    part = Checked()
    monitor = HealthMonitor({"crm": part.check})
    leaving = asyncio.ensure_future(monitor.health())
    staying = asyncio.ensure_future(monitor.health())
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).status == "ok"


async def test_a_check_that_hangs_is_ended() -> None:
    async def hangs() -> None:
        await asyncio.sleep(3600)

    loop = asyncio.get_running_loop()
    started = loop.time()
    monitor = HealthMonitor({"crm": hangs}, patience=0.01)
    assert (await monitor.health()).checks == {"crm": "It did not answer in time."}
    assert loop.time() - started < 5


async def test_a_remark_degrades_and_fails_nothing() -> None:
    async def remarks() -> str:
        return "The document is wrong."

    health = await HealthMonitor({"policy": remarks, "crm": Checked().check}).health()
    assert health.status == "degraded"
    assert not health.failing
    assert health.checks == {"policy": "The document is wrong.", "crm": "ok"}
