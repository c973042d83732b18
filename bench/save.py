"""`python -m bench.save [--crm NAME] [--rounds N]`: how long a save takes, how often it calls out.

Each service answers 40 ms late. The app's time is set against the floor (the same minimal calls by
bare httpx with ready payloads) and against the vendors' own clients used one call at a time. The
three take turns, so that whatever else the machine does meets all of them.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable
from importlib import import_module
from typing import Any

from bench.stack import app, sandbox
from bench.ways import ThroughTheApp, deliver
from sandbox.client import Handles

DELAY_MS = 40
MOST_CALLS = {"dataverse": 2, "salesforce": 3}
_WARM_UP = 3


async def _seconds(work: Awaitable[None]) -> float:
    begin = time.perf_counter()
    await work
    return time.perf_counter() - begin


def _slow(handles: Handles, crm: str) -> None:
    for service in ("entra", "graph", crm):
        handles.fault(service=service, delayMs=DELAY_MS)


def _other_ways(handles: Handles, crm: str) -> tuple[Any, Any]:
    """By the barest calls, and by the book."""
    ways = import_module("bench.ways" if crm == "dataverse" else f"bench.ways_{crm}")
    return ways.ByTheBarestCalls(handles), ways.ByTheBook(handles)


async def _measure(
    handles: Handles, ours: ThroughTheApp, rounds: int, crm: str
) -> dict[str, list[float]]:
    floor, book = _other_ways(handles, crm)
    times: dict[str, list[float]] = {"app": [], "floor": [], "book": []}
    with book.crm() as client:
        for round_ in range(-_WARM_UP, rounds):
            handles.clear_faults()
            ids = [deliver(handles) for _ in range(3)]
            ready = await floor.prepare(ids[1])
            _slow(handles, crm)
            taken = {
                "app": await _seconds(ours.save(ids[0])),
                "floor": await _seconds(floor.save(ready)),
                "book": await _seconds(book.save(ids[2], client)),
            }
            if round_ >= 0:
                for way, seconds in taken.items():
                    times[way].append(seconds)
    handles.clear_faults()
    return times


async def _calls(handles: Handles, ours: ThroughTheApp, crm: str) -> dict[str, int]:
    id_ = deliver(handles)
    before = len(handles.requests())
    await ours.save(id_)
    made = handles.requests()[before:]
    return {
        service: sum(call["service"] == service for call in made)
        for service in ("entra", "graph", crm)
    }


async def _run(rounds: int, crm: str) -> None:
    with sandbox() as handles, app(handles, crm=crm) as running:
        ours = ThroughTheApp(handles, running)
        times = await _measure(handles, ours, rounds, crm)
        calls = await _calls(handles, ours, crm)
    median = {way: statistics.median(seconds) for way, seconds in times.items()}
    print(f"save of 5 participants and 3 files, each service {DELAY_MS} ms late, {rounds} rounds")
    for way, seconds in median.items():
        p90 = statistics.quantiles(times[way], n=10)[-1]
        print(f"  {way:6} median {seconds * 1000:7.1f} ms   p90 {p90 * 1000:7.1f} ms")
    print(f"app / floor: {median['app'] / median['floor']:.2f}   (at most 1.25)")
    print(f"book / app:  {median['book'] / median['app']:.2f}   (at least 3)")
    print(
        f"round trips: Graph {calls['graph']} (at most 2), {crm} {calls[crm]}"
        f" (at most {MOST_CALLS[crm]}), Entra {calls['entra']} (0 when warm)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.save", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--crm", choices=tuple(MOST_CALLS), default="dataverse")
    given = parser.parse_args()
    asyncio.run(_run(given.rounds, given.crm))


if __name__ == "__main__":
    main()
