"""One running host: its HTTP server, its listeners, and how they begin and end."""

import asyncio
import logging
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from sandbox.host import http, listeners
from sandbox.host.bindings import argument, messages
from sandbox.host.config import HostConfig, expand
from sandbox.host.encoding import encode
from sandbox.host.functions import Binding, Function
from sandbox.host.invocation import Invoker, trace_of
from sandbox.host.keys import Keys
from sandbox.host.listeners import Listeners
from sandbox.host.pipe import Failed
from sandbox.host.triggers import InvocationFailed, Trigger

_log = logging.getLogger("host")


@dataclass(frozen=True, slots=True)
class Options:
    """`state` is a folder of this host's own. `drain` is in seconds: how long functions that run
    at the end may go on. `keys` None admits every caller. `lease` is in seconds: how long the
    messages of a host that was killed stay hidden. `listener_python` is the interpreter that polls
    queues and timers; what that takes needn't be installed where the functions run."""

    folder: Path
    state: Path
    port: int
    drain: float
    keys: Keys | None
    lease: float
    listener_python: str


class PortTaken(Exception):
    """Someone else listens there."""


class Host:
    """Runs the functions and serves HTTP; queues and timers are listened to by another process."""

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
        self._listeners: Listeners | None = None

    async def start(self) -> int:
        """Listens, and returns the port. Raises PortTaken."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._options.port)
        try:
            await site.start()
        except OSError as fault:
            raise PortTaken(f"Port {self._options.port} can't be used: {fault}") from None
        if any(map(_needs_storage_or_clock, self._functions)):
            self._listeners = await listeners.start(
                {"run": self._run}, self._options.listener_python, os.environ
            )
        port: int = self._runner.addresses[0][1]
        return port

    async def run(self) -> None:
        """Runs the listeners until cancelled. Raises ConfigError for a wrong trigger,
        ListenersEnded."""
        if self._listeners is None:
            await asyncio.get_running_loop().create_future()
            return
        await self._listeners.listen(
            [trigger for function in self._functions if (trigger := _listened_for(function))],
            self._config.queues,
            self._options.state / "timers",
            self._options.lease,
        )

    async def stop(self) -> bool:
        """Takes nothing new, and lets what runs come to its end for `drain` seconds at most.

        False where something still runs: on a thread it can't be stopped.
        """
        drained = [self._runner.cleanup()]
        if self._listeners:
            drained.append(self._listeners.drain())
        try:
            async with asyncio.timeout(self._options.drain):
                await asyncio.gather(*drained)
        except TimeoutError:
            _log.warning("Functions still ran after %s s and were cut off", self._options.drain)
            return False
        if self._listeners:
            await self._listeners.close()
        return True

    async def _run(self, function: str, given: Mapping[str, Any]) -> None:
        """What a listener asks for. Raises pipe.Failed."""
        found = next(one for one in self._functions if one.name == function)
        taken = argument(found.trigger.type, given)
        try:
            await self._invoker.run(found, taken, trace_of(None, None))
        except InvocationFailed as fault:
            raise Failed(str(fault)) from None

    async def _publish(self, binding: Binding, value: Any) -> None:
        queue = expand(binding.fields["queueName"], os.environ)
        contents = [
            encode(body, base64_text=self._config.queues.base64) for body in messages(value)
        ]
        assert self._listeners, "started for any function that has such an output"
        await self._listeners.send(binding.fields["connection"], queue, contents)


def _needs_storage_or_clock(function: Function) -> bool:
    return function.trigger.type != "httpTrigger" or any(
        output.type == "queue" for output in function.outputs
    )


def _listened_for(function: Function) -> Trigger | None:
    """Raises ConfigError where an application setting that the trigger names isn't set."""
    binding = function.trigger
    if binding.type == "httpTrigger":
        return None
    named = "queueName" if binding.type == "queueTrigger" else "schedule"
    fields = {**binding.fields, named: expand(binding.fields[named], os.environ)}
    return Trigger(function.name, binding.type, fields)
