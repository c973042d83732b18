"""Runs one function once, with its outputs; the part that all triggers share."""

import asyncio
import logging
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from sandbox.host.context import Context, Output, TraceContext
from sandbox.host.functions import Binding, Function
from sandbox.host.triggers import InvocationFailed

_log = logging.getLogger("host")

Publish = Callable[[Binding, Any], Awaitable[None]]


class Invoker:
    """`timeout` is in seconds. `publish` writes one output value to where its binding points."""

    def __init__(
        self, folder: Path, *, timeout: float | None, threads: Executor, publish: Publish
    ) -> None:
        self._folder = str(folder)
        self._timeout = timeout
        self._threads = threads
        self._publish = publish

    async def run(self, function: Function, argument: object, trace: TraceContext) -> Any:
        """The function's return value, once its outputs are written. Raises InvocationFailed.

        Like the real host, it doesn't undo anything where an output fails after the function ran.
        """
        invocation = str(uuid.uuid4())
        started = time.perf_counter()
        _log.info("Executing 'Functions.%s' (Id=%s)", function.name, invocation)
        limit = asyncio.timeout(self._timeout)
        try:
            async with limit:
                result = await self._call(function, argument, invocation, trace)
        except Exception as fault:
            late = f"Timeout value of {self._timeout} s was exceeded" if limit.expired() else ""
            self._failed(function, invocation, started, fault, late)
            raise InvocationFailed(late or type(fault).__name__) from fault
        _log.info(
            "Executed 'Functions.%s' (Succeeded, Id=%s, Duration=%dms)",
            function.name,
            invocation,
            (time.perf_counter() - started) * 1000,
        )
        return result

    async def _call(
        self, function: Function, argument: object, invocation: str, trace: TraceContext
    ) -> Any:
        outputs = {o.name: Output() for o in function.outputs if o.name != "$return"}
        arguments: dict[str, Any] = {function.trigger.name: argument, **outputs}
        if function.wants_context:
            arguments["context"] = Context(invocation, function.name, self._folder, trace)
        if function.is_async:
            result = await function.call(**arguments)
        else:
            loop = asyncio.get_running_loop()
            result = await loop.run_in_executor(self._threads, lambda: function.call(**arguments))
        returns = any(output.name == "$return" for output in function.outputs)
        if result is not None and not returns:
            raise TypeError(f"{function.name} has no $return binding, but returned a value")
        for output in function.outputs:
            value = result if output.name == "$return" else outputs[output.name].get()
            if value is not None and output.type != "http":
                await self._publish(output, value)
        return result

    def _failed(
        self, function: Function, invocation: str, started: float, fault: Exception, why: str
    ) -> None:
        _log.error(
            "Executed 'Functions.%s' (Failed, Id=%s, Duration=%dms) %s",
            function.name,
            invocation,
            (time.perf_counter() - started) * 1000,
            why,
            exc_info=fault,
        )


def trace_of(parent: str | None, state: str | None) -> TraceContext:
    """The caller's W3C trace context, or the start of a new trace."""
    new = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
    return TraceContext(parent or new, state or "")
