"""`python -m bench.throughput [--saves N]`: saves per second with 32 in flight, and CPU per save.

Set against the floor, the same minimal calls by bare httpx with ready payloads. The app's CPU time
includes its Functions host; the floor's is that of this process while it sends. All share one
machine with the sandbox, which is what limits both: the CPU figure says more than the rate.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from bench.stack import app, cpu_seconds, sandbox
from bench.ways import ByTheBarestCalls, ThroughTheApp, deliver

IN_FLIGHT = 32

_Job = TypeVar("_Job")


async def _together(save: Callable[[_Job], Awaitable[None]], jobs: Sequence[_Job]) -> float:
    """Seconds for all of them, 32 at a time."""
    left = iter(jobs)

    async def worker() -> None:
        for job in left:
            await save(job)

    begin = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(worker())
    return time.perf_counter() - begin


async def _run(saves: int) -> None:
    with sandbox() as handles, app(handles) as running:
        ours, floor = ThroughTheApp(handles, running), ByTheBarestCalls(handles)
        await ours.save(deliver(handles))
        ready = [await floor.prepare(deliver(handles)) for _ in range(saves)]
        ids = [deliver(handles) for _ in range(saves)]
        cpu = cpu_seconds(os.getpid())
        floor_time = await _together(floor.save, ready)
        floor_cpu = cpu_seconds(os.getpid()) - cpu
        cpu = cpu_seconds(running.pid)
        our_time = await _together(ours.save, ids)
        our_cpu = cpu_seconds(running.pid) - cpu
    print(f"{saves} saves of 5 participants and 3 files, {IN_FLIGHT} in flight")
    print(f"  app    {saves / our_time:6.1f} saves/s   {our_cpu / saves * 1000:6.1f} ms CPU a save")
    print(f"  floor  {saves / floor_time:6.1f} saves/s   {floor_cpu / saves * 1000:6.1f} ms CPU")
    print(
        f"app / floor: {floor_time / our_time:.2f} of the rate, {our_cpu / floor_cpu:.2f} x the CPU"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.throughput", description=__doc__)
    parser.add_argument("--saves", type=int, default=300)
    asyncio.run(_run(parser.parse_args().saves))


if __name__ == "__main__":
    main()
