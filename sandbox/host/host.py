"""One running host: its HTTP server, its listeners, and how they begin and end."""

import asyncio
import functools
import importlib
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.host import http
from sandbox.host.bindings import encode, messages
from sandbox.host.config import HostConfig, expand
from sandbox.host.functions import Binding, Function
from sandbox.host.invocation import Invoker
from sandbox.host.keys import Keys

if TYPE_CHECKING:
    from sandbox.host.queues import QueueListener
    from sandbox.host.storage import Queues
    from sandbox.host.timers import TimerListener

_log = logging.getLogger("host")


@dataclass(frozen=True, slots=True)
class Options:
    """`state` is a folder of this host's own. `drain` is in seconds: how long functions that run
    at the end may go on. `keys` None admits every caller. `lease` is in seconds: how long the
    messages of a host that was killed stay hidden."""

    folder: Path
    state: Path
    port: int
    drain: float
    keys: Keys | None
    lease: float


class PortTaken(Exception):
    """Someone else listens there."""


class Host:
    """Serves HTTP first; storage and timers, whose libraries load slowly, come up behind it."""

    def __init__(
        self, functions: tuple[Function, ...], config: HostConfig, options: Options
    ) -> None:
        self._functions = functions
        self._config = config
        self._options = options
        count = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT")
        self._invoker = Invoker(
            options.folder,
            timeout=config.function_timeout,
            threads=ThreadPoolExecutor(int(count) if count else None, "function"),
            publish=self._publish,
        )
        routes = http.router(functions, config.route_prefix)
        self._runner = web.AppRunner(
            http.application(routes, self._invoker, options.keys),
            access_log=None,
            auto_decompress=False,
            shutdown_timeout=options.drain,
        )
        self._opening = asyncio.Lock()
        self._queues: Queues | None = None
        self._listeners: list[QueueListener | TimerListener] = []

    async def start(self) -> int:
        """Listens, and returns the port. Raises PortTaken."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._options.port)
        try:
            await site.start()
        except OSError as fault:
            raise PortTaken(f"Port {self._options.port} can't be used: {fault}") from None
        port: int = self._runner.addresses[0][1]
        return port

    async def run(self) -> None:
        """Runs the listeners until cancelled. Raises ConfigError for a wrong trigger."""
        for function in self._functions:
            if function.trigger.type == "queueTrigger":
                self._listeners.append(await self._queue_listener(function))
            elif function.trigger.type == "timerTrigger":
                self._listeners.append(await self._timer_listener(function))
        async with asyncio.TaskGroup() as group:
            for listener in self._listeners:
                group.create_task(listener.run())
            await asyncio.get_running_loop().create_future()

    async def stop(self) -> bool:
        """Takes nothing new, and lets what runs come to its end for `drain` seconds at most.

        False where something still runs: on a thread it can't be stopped.
        """
        drained = asyncio.gather(self._runner.cleanup(), *(one.drain() for one in self._listeners))
        try:
            async with asyncio.timeout(self._options.drain):
                await drained
        except TimeoutError:
            _log.warning("Functions still ran after %s s and were cut off", self._options.drain)
            return False
        if self._queues is not None:
            await self._queues.close()
        return True

    async def _publish(self, binding: Binding, value: Any) -> None:
        queue = expand(binding.fields["queueName"], os.environ)
        contents = [
            encode(body, base64_text=self._config.queues.base64) for body in messages(value)
        ]
        queues = await self._storage()
        await queues.send(binding.fields["connection"], queue, contents)

    async def _storage(self) -> "Queues":
        async with self._opening:
            if self._queues is None:
                module = await _load("sandbox.host.storage")
                self._queues = module.Queues(os.environ)
        return self._queues

    async def _queue_listener(self, function: Function) -> "QueueListener":
        module = await _load("sandbox.host.queues")
        listener: QueueListener = module.QueueListener(
            function,
            expand(function.trigger.fields["queueName"], os.environ),
            queues=await self._storage(),
            options=self._config.queues,
            invoker=self._invoker,
            lease=self._options.lease,
        )
        return listener

    async def _timer_listener(self, function: Function) -> "TimerListener":
        module = await _load("sandbox.host.timers")
        listener: TimerListener = module.TimerListener(
            function,
            module.Schedule(expand(function.trigger.fields["schedule"], os.environ)),
            status_file=self._options.state / "timers" / f"{function.name}.json",
            invoker=self._invoker,
        )
        return listener


async def _load(module: str) -> Any:
    """Imports off the event loop, which serves meanwhile."""
    load = functools.partial(importlib.import_module, module)
    return await asyncio.get_running_loop().run_in_executor(None, load)
