"""The process that polls queues and timers: it lives and dies with its host."""

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from sandbox.host.pipe import Closed, Failed, Handler, Pipe, opened
from tests.sandbox.host.host_process import HERE, RunningHost, StartHost, wait_until

APP = HERE / "app"


def listener_of(host: RunningHost) -> int:
    """The id of the process."""
    (child,) = _children(host.process)
    return child


def _children(process: subprocess.Popen[str]) -> list[int]:
    return [
        int(stat.parent.name)
        for stat in Path("/proc").glob("[0-9]*/stat")
        if _parent(stat) == process.pid
    ]


def _parent(stat: Path) -> int | None:
    try:
        state, parent = stat.read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return None
    return None if state == "Z" else int(parent)


def alive(process: int) -> bool:
    return _parent(Path("/proc", str(process), "stat")) is not None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_it_ends_with_its_host(start_host: StartHost, number: int) -> None:
    host = start_host(APP)
    listener = listener_of(host)
    host.stop(number)
    wait_until(lambda: not alive(listener))


def test_a_signal_to_it_alone_does_not_keep_the_host_from_ending_in_order(
    start_host: StartHost,
) -> None:
    host = start_host(APP)
    wait_until(lambda: httpx.post(f"{host.url}/api/enqueue/jobs", content=b"{}").is_success)
    os.kill(listener_of(host), signal.SIGTERM)
    assert httpx.post(f"{host.url}/api/enqueue/jobs", content=b"{}").status_code == 202
    assert host.stop() == 0


def test_a_host_that_lost_it_ends_and_says_so(start_host: StartHost) -> None:
    host = start_host(APP)
    os.kill(listener_of(host), signal.SIGKILL)
    assert host.process.wait(30) == 1
    assert "polls queues and timers has ended" in host.log.read_text()


@asynccontextmanager
async def two_ends(
    one: Mapping[str, Handler], other: Mapping[str, Handler]
) -> AsyncIterator[tuple[Pipe, Pipe]]:
    left, right = socket.socketpair()
    ends = await opened(left, one), await opened(right, other)
    serving = [asyncio.create_task(end.serve()) for end in ends]
    yield ends
    for end in ends:
        end.close()
    await asyncio.gather(*serving)


async def test_both_ends_ask_at_the_same_time() -> None:
    heard: list[str] = []

    async def note(text: str) -> None:
        await asyncio.sleep(0)
        heard.append(text)

    async with two_ends({"note": note}, {"note": note}) as ends:
        texts = [f"{number}ü" * 20_000 for number in range(6)]
        await asyncio.gather(*(ends[i % 2].ask("note", text=t) for i, t in enumerate(texts)))
    assert sorted(heard) == sorted(texts)


async def test_a_failure_and_an_end_are_told_apart(caplog: pytest.LogCaptureFixture) -> None:
    async def refuse() -> None:
        raise Failed("because")

    async def slow() -> None:
        await asyncio.sleep(30)

    async with two_ends({}, {"refuse": refuse, "slow": slow}) as (one, other):
        with pytest.raises(Failed, match="because"):
            await one.ask("refuse")
        assert not caplog.text
        with pytest.raises(Failed, match="KeyError"):
            await one.ask("unknown")
        assert "KeyError" in caplog.text
        waiting = asyncio.create_task(one.ask("slow"))
        await asyncio.sleep(0.01)
        other.close()
        with pytest.raises(Closed):
            await waiting
        with pytest.raises(Closed):
            await one.ask("slow")
