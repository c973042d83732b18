"""`python -m bench.notifications [--seconds N]`: how fast Graph's notifications are taken.

First 200 a second are offered, each at its moment whether those before it were answered or not, and
the time counts from that moment. Then as many as it takes with 32 on the way, one and a hundred in
a POST. Two floors, on the same host and asked the same way: an app that puts whatever it is sent on
a queue, and a hello-world that doesn't. The worker that looks at what is queued is switched off: it
has a measurement of its own. Host, Azurite and this process share the machine.
"""

import argparse
import asyncio
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import aiohttp

from bench.following import follow, secret
from bench.mail import SELLER
from bench.stack import ROOT, App, app, cpu_seconds, sandbox, storage

OFFERED = 200
"""A second."""

LONGEST = 3.0
"""Seconds after which Graph takes an app for slow."""

IN_FLIGHT = 32
_BATCH = 100
_OFF = {"AzureWebJobs.follow_change.Disabled": "true"}


@dataclass(frozen=True, slots=True)
class Target:
    """Where to POST, and how many notifications each carries."""

    url: str
    state: str = ""
    batch: int = 1

    def body(self) -> bytes:
        """New items every time, or none where there is no state to send."""
        if not self.state:
            return b""
        return json.dumps(
            {"value": [_notification(self.state) for _ in range(self.batch)]}
        ).encode()


def _notification(state: str) -> dict[str, Any]:
    id_ = f"AAMk{uuid4().hex}{uuid4().hex}="
    path = f"Users/{SELLER.oid}/Messages/{id_}"
    return {
        "subscriptionId": str(uuid4()),
        "subscriptionExpirationDateTime": "2027-01-05T09:00:00.0000000Z",
        "clientState": state,
        "tenantId": str(uuid4()),
        "changeType": "created",
        "resource": path,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.id": path,
            "@odata.etag": 'W/"CQAAABYAAAB"',
            "id": id_,
        },
    }


async def _post(http: aiohttp.ClientSession, url: str, body: bytes) -> None:
    async with http.post(url, data=body) as answer:
        await answer.read()
        if not answer.ok:
            raise RuntimeError(f"{url} answered {answer.status}")


async def offered(http: aiohttp.ClientSession, target: Target, seconds: float) -> list[float]:
    """How long each took, in seconds, with `OFFERED` of them beginning every second."""
    bodies = [target.body() for _ in range(int(OFFERED * seconds))]
    begin = time.perf_counter() + 0.1

    async def one(number: int, body: bytes) -> float:
        due = begin + number / OFFERED
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await _post(http, target.url, body)
        return time.perf_counter() - due

    return await asyncio.gather(*(one(*each) for each in enumerate(bodies)))


async def most(http: aiohttp.ClientSession, target: Target, seconds: float) -> float:
    """Notifications a second with `IN_FLIGHT` POSTs on the way."""
    bodies = [target.body() for _ in range(200)]
    begin, sent = time.perf_counter(), 0

    async def send() -> None:
        nonlocal sent
        while time.perf_counter() - begin < seconds:
            await _post(http, target.url, bodies[sent % len(bodies)])
            sent += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(send())
    return sent * target.batch / (time.perf_counter() - begin)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of them that so large a share of them all doesn't exceed."""
    return sorted(values)[math.ceil(len(values) * share) - 1]


async def _run(seconds: float) -> None:
    folder = ROOT / "bench"
    with storage() as kept, sandbox() as handles:
        with app(handles, storage=kept) as follower:
            follow(handles, follower)
            state = await secret(kept)
        own = {"AzureWebJobsStorage": kept}
        with (
            app(handles, storage=kept, settings=_OFF) as ours,
            app(None, folder=folder / "enqueue", settings=own) as floor,
            app(None, folder=folder / "hello") as hello,
        ):
            targets = {
                "app": Target(f"{ours.api}/graph/notifications", state),
                "enqueue": Target(f"{floor.api}/enqueue", state),
                "hello": Target(f"{hello.api}/hello"),
            }
            await _measure(ours, targets, seconds)


async def _measure(ours: App, targets: Mapping[str, Target], seconds: float) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        for target in targets.values():
            await most(http, target, 1)
        cpu = cpu_seconds(ours.pid)
        taken = {"app": await offered(http, targets["app"], seconds)}
        cpu = (cpu_seconds(ours.pid) - cpu) / len(taken["app"])
        for name in ("enqueue", "hello"):
            taken[name] = await offered(http, targets[name], seconds)
        rates = {name: await most(http, target, seconds) for name, target in targets.items()}
        hundred = await most(http, replace(targets["app"], batch=_BATCH), seconds)
    print(f"{OFFERED} notifications a second for {seconds:.0f} s, one a POST, one worker")
    for name, times in taken.items():
        told = "   ".join(f"p{n} {percentile(times, n / 100) * 1000:7.1f} ms" for n in (50, 90, 99))
        print(f"  {name:8} {told}   longest {max(times) * 1000:7.1f} ms")
    slowest = percentile(taken["app"], 0.99)
    print(f"  p99 is {LONGEST / slowest:.0f} times below the {LONGEST:.0f} s that Graph allows")
    print(f"  the worker's CPU: {cpu * 1000:.2f} ms each, without its host's part")
    print(f"as many as it takes, {IN_FLIGHT} POSTs on the way")
    for name, rate in rates.items():
        print(f"  {name:8} {rate:7.0f} a second, one a POST")
    print(f"  {'app':8} {hundred:7.0f} a second, {_BATCH} a POST")
    print(f"app / enqueue: {rates['app'] / rates['enqueue']:.2f} of the rate")
    print(f"app / hello: {rates['app'] / rates['hello']:.2f} of the rate")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.notifications", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    asyncio.run(_run(parser.parse_args().seconds))


if __name__ == "__main__":
    main()
