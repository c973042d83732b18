"""A pipe between two processes, over which each asks things of the other, in JSON.

Each frame is its length in four bytes, then one JSON object.
"""

import asyncio
import itertools
import json
import logging
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

_log = logging.getLogger("host")

_LENGTH = struct.Struct("!I")

Handler = Callable[..., Awaitable[None]]
"""Does what it is asked, or raises Failed with what the other side shall be told."""


class Failed(Exception):
    """The other side could not do it; the message says why."""


class Closed(Exception):
    """The other side has ended."""


class Pipe:
    """One end. Nothing is taken in before `serve` runs; `ask` may be called earlier."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        handlers: Mapping[str, Handler],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._handlers = handlers
        self._numbers = itertools.count()
        self._asked: dict[int, asyncio.Future[None]] = {}
        self._doing: set[asyncio.Task[None]] = set()
        self._closed = False

    async def ask(self, what: str, **arguments: Any) -> None:
        """Raises Failed, Closed."""
        if self._closed:
            raise Closed
        number = next(self._numbers)
        done = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            self._send({"ask": what, "number": number, "with": arguments})
            await done
        finally:
            del self._asked[number]

    async def serve(self) -> None:
        """Until the other side has ended, or `close` is called."""
        try:
            while True:
                (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
                self._take(json.loads(await self._reader.readexactly(length)))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.close()

    def close(self) -> None:
        self._closed = True
        self._writer.close()
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(Closed())

    def _take(self, frame: dict[str, Any]) -> None:
        if "ask" in frame:
            task = asyncio.create_task(self._do(**frame))
            self._doing.add(task)
            task.add_done_callback(self._doing.discard)
            return
        waiting = self._asked.get(frame["number"])
        if waiting is None or waiting.done():
            return
        if frame["failed"] is None:
            waiting.set_result(None)
        else:
            waiting.set_exception(Failed(frame["failed"]))

    async def _do(self, ask: str, number: int, **frame: dict[str, Any]) -> None:
        failed = None
        try:
            await self._handlers[ask](**frame["with"])
        except Failed as fault:
            failed = str(fault)
        except Exception as fault:  # the outermost frame: logged whole, and told to who waits
            _log.error("A listener's request failed: %s", ask, exc_info=fault)
            failed = type(fault).__name__
        if not self._closed:
            self._send({"number": number, "failed": failed})

    def _send(self, frame: dict[str, Any]) -> None:
        content = json.dumps(frame).encode()
        self._writer.write(_LENGTH.pack(len(content)) + content)


async def opened(end: socket.socket, handlers: Mapping[str, Handler]) -> Pipe:
    """`end` is one of a `socket.socketpair()`."""
    reader, writer = await asyncio.open_unix_connection(sock=end)
    return Pipe(reader, writer, handlers)
