"""`python -m bench.save [--rounds N]`: how long a save takes, and how often it calls out.

Each service answers 40 ms late. The app's time is set against the floor (the same minimal calls by
bare httpx with ready payloads) and against the vendors' own clients used one call at a time. The
three take turns, so that whatever else the machine does meets all of them.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable

from bench.stack import app, sandbox
from bench.ways import ByTheBarestCalls, ByTheBook, ThroughTheApp, deliver
from sandbox.client import Handles

DELAY_MS = 40
_WARM_UP = 3


async def _seconds(work: Awaitable[None]) -> float:
    begin = time.perf_counter()
    await work
    return time.perf_counter() - begin


def _slow(handles: Handles) -> None:
    for service in ("entra", "graph", "dataverse"):
        handles.fault(service=service, delayMs=DELAY_MS)


async def _measure(handles: Handles, ours: ThroughTheApp, rounds: int) -> dict[str, list[float]]:
    floor, book = ByTheBarestCalls(handles), ByTheBook(handles)
    times: dict[str, list[float]] = {"app": [], "floor": [], "book": []}
    with book.dataverse() as dataverse:
        for round_ in range(-_WARM_UP, rounds):
            handles.clear_faults()
            ids = [deliver(handles) for _ in range(3)]
            ready = await floor.prepare(ids[1])
            _slow(handles)
            taken = {
                "app": await _seconds(ours.save(ids[0])),
                "floor": await _seconds(floor.save(ready)),
                "book": await _seconds(book.save(ids[2], dataverse)),
            }
            if round_ >= 0:
                for way, seconds in taken.items():
                    times[way].append(seconds)
    handles.clear_faults()
    return times


async def _calls(handles: Handles, ours: ThroughTheApp) -> dict[str, int]:
    id_ = deliver(handles)
    before = len(handles.requests())
    await ours.save(id_)
    made = handles.requests()[before:]
    return {
        service: sum(call["service"] == service for call in made)
        for service in ("entra", "graph", "dataverse")
    }


async def _run(rounds: int) -> None:
    with sandbox() as handles, app(handles) as running:
        ours = ThroughTheApp(handles, running)
        times = await _measure(handles, ours, rounds)
        calls = await _calls(handles, ours)
    median = {way: statistics.median(seconds) for way, seconds in times.items()}
    print(f"save of 5 participants and 3 files, each service {DELAY_MS} ms late, {rounds} rounds")
    for way, seconds in median.items():
        p90 = statistics.quantiles(times[way], n=10)[-1]
        print(f"  {way:6} median {seconds * 1000:7.1f} ms   p90 {p90 * 1000:7.1f} ms")
    print(f"app / floor: {median['app'] / median['floor']:.2f}   (at most 1.25)")
    print(f"book / app:  {median['book'] / median['app']:.2f}   (at least 3)")
    print(
        f"round trips: Graph {calls['graph']} (at most 2), Dataverse {calls['dataverse']}"
        f" (at most 2), Entra {calls['entra']} (0 when warm)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.save", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    asyncio.run(_run(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
