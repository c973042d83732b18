"""`python -m sandbox.host.listener_process FD`: polls queues and ticks timers for a host.

Started by `sandbox.host.listeners`, with one end of a socket pair open as file descriptor FD. The
host says what to listen to, and runs the functions. Once it has ended, in order or not, this ends
too: what was being worked on then stays on its queue until its lease is over.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from azure.core.exceptions import AzureError

from sandbox.host.config import ConfigError, QueueOptions
from sandbox.host.pipe import Failed, Pipe, opened
from sandbox.host.queues import QueueListener
from sandbox.host.storage import Queues
from sandbox.host.timers import Schedule, TimerListener
from sandbox.host.triggers import InvocationFailed, Trigger


class _Desk:
    """What the host may ask for."""

    def __init__(self, group: asyncio.TaskGroup, queues: Queues) -> None:
        self._group = group
        self._queues = queues
        self._listeners: list[QueueListener | TimerListener] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.pipe: Pipe

    async def listen(
        self,
        triggers: Sequence[Mapping[str, Any]],
        options: Mapping[str, Any],
        status_folder: str,
        lease: float,
    ) -> None:
        """Raises pipe.Failed for a wrong trigger."""
        make = partial(self._listener, QueueOptions(**options), Path(status_folder), lease)
        try:
            self._listeners = [make(Trigger(**one)) for one in triggers]
        except ConfigError as fault:
            raise Failed(str(fault)) from None
        self._tasks = [self._group.create_task(one.run()) for one in self._listeners]

    async def send(self, connection: str, queue: str, contents: Sequence[str]) -> None:
        """Raises pipe.Failed."""
        try:
            await self._queues.send(connection, queue, contents)
        except (AzureError, ConfigError) as fault:
            raise Failed(f"{type(fault).__name__}: {fault}") from None

    async def drain(self) -> None:
        self.stop()
        await asyncio.gather(*(one.drain() for one in self._listeners))

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _listener(
        self, options: QueueOptions, status_folder: Path, lease: float, trigger: Trigger
    ) -> QueueListener | TimerListener:
        """Raises ConfigError."""
        run = partial(self._run, trigger.function)
        if trigger.type == "queueTrigger":
            return QueueListener(
                trigger, queues=self._queues, options=options, run=run, lease=lease
            )
        schedule = Schedule(trigger.fields["schedule"])
        status_file = status_folder / f"{trigger.function}.json"
        return TimerListener(trigger, schedule, status_file=status_file, run=run)

    async def _run(self, function: str, given: Mapping[str, Any]) -> None:
        try:
            await self.pipe.ask("run", function=function, given=given)
        except Failed as fault:
            raise InvocationFailed(str(fault)) from None


async def _serve(end: socket.socket) -> None:
    queues = Queues(os.environ)
    async with asyncio.TaskGroup() as group:
        desk = _Desk(group, queues)
        desk.pipe = await opened(
            end, {"listen": desk.listen, "send": desk.send, "drain": desk.drain}
        )
        await desk.pipe.serve()
        desk.stop()
    await queues.close()


def main() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the host gets it as well, and lets this end
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("azure").setLevel(logging.WARNING)
    asyncio.run(_serve(socket.socket(fileno=int(sys.argv[1]))))


if __name__ == "__main__":
    main()
