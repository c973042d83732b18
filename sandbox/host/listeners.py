"""The host's side of its listeners: a process of their own that polls queues and watches the clock.

Azure's host is another process than the worker that runs the functions; here it is only the part
whose libraries load slowly. So that work competes with no request for the worker's interpreter.
"""

import asyncio
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from sandbox.host.config import ConfigError, QueueOptions
from sandbox.host.pipe import Closed, Failed, Handler, Pipe, opened
from sandbox.host.triggers import Trigger

_ROOT = Path(__file__).parents[2]

_LAST_WAIT = 5.0
"""Seconds for the process to end by itself once there is nothing left for it to do."""


class ListenersEnded(Exception):
    """Their process has ended by itself; what it said is in the log."""


class Listeners:
    """One running process of listeners. It ends when this one ends, however that happens."""

    def __init__(self, process: subprocess.Popen[bytes], pipe: Pipe) -> None:
        self._process = process
        self._pipe = pipe
        self._serving = asyncio.create_task(pipe.serve())

    async def listen(
        self,
        triggers: Sequence[Trigger],
        options: QueueOptions,
        status_folder: Path,
        lease: float,
    ) -> None:
        """Polls and ticks until cancelled. Raises ConfigError for a wrong trigger, ListenersEnded.

        Being cancelled changes nothing for the process; `drain` is what stops it.
        """
        try:
            await self._pipe.ask(
                "listen",
                triggers=[asdict(trigger) for trigger in triggers],
                options=asdict(options),
                status_folder=str(status_folder),
                lease=lease,
            )
            await asyncio.shield(self._serving)
        except Failed as fault:
            raise ConfigError(str(fault)) from None
        except Closed:
            pass
        raise ListenersEnded("The process that polls queues and timers has ended.")

    async def send(self, connection: str, queue: str, contents: Sequence[str]) -> None:
        """Puts messages on a queue, in order. Raises pipe.Failed, pipe.Closed."""
        await self._pipe.ask("send", connection=connection, queue=queue, contents=list(contents))

    async def drain(self) -> None:
        """Takes no further messages, and waits for the functions that run because of one."""
        try:
            await self._pipe.ask("drain")
        except Closed:
            return

    async def close(self) -> None:
        self._pipe.close()
        self._serving.cancel()
        try:
            await asyncio.to_thread(self._process.wait, _LAST_WAIT)
        except subprocess.TimeoutExpired:
            self._process.kill()


async def start(
    handlers: Mapping[str, Handler], python: str, environ: Mapping[str, str]
) -> Listeners:
    """Starts the process with the interpreter `python` and returns at once; it needs half a second
    until it listens. `handlers` are what it may ask for."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = _started(theirs, python, environ)
    return Listeners(process, await opened(ours, handlers))


def _started(
    end: socket.socket, python: str, environ: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [python, "-m", "sandbox.host.listener_process", str(end.fileno())],
        cwd=_ROOT,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        pass_fds=[end.fileno()],
        start_new_session=True,  # Ctrl-C is for the host, which lets this end in order
    )
