"""Queue triggers: polls one queue and runs its function for each message.

How and when is as in the WebJobs SDK: batches, leases, poison queue.
https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger
"""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue import QueueMessage

from sandbox.host.config import QueueOptions
from sandbox.host.encoding import UndecodableMessage, decode
from sandbox.host.pipe import Closed
from sandbox.host.storage import Queues
from sandbox.host.triggers import InvocationFailed, Run, Trigger

_log = logging.getLogger("host")

_SHORTEST_PAUSE = 0.1


class QueueListener:
    """At most `batch_size + new_batch_threshold` messages of the queue are worked on at a time.

    `lease` is how many seconds a message stays hidden while its function runs; at half time it is
    renewed.
    """

    def __init__(
        self,
        trigger: Trigger,
        *,
        queues: Queues,
        options: QueueOptions,
        run: Run,
        lease: float,
    ) -> None:
        """Raises ConfigError where the queue's connection isn't set."""
        self._connection = trigger.fields["connection"]
        self._queue = trigger.fields["queueName"]
        self._queues = queues
        self._client = queues.client(self._connection, self._queue)
        self._options = options
        self._run = run
        self._lease = lease
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled; what runs then goes on, see `drain`."""
        wake = self._queues.sent(self._connection, self._queue)
        pause = _SHORTEST_PAUSE
        while True:
            wake.clear()
            if await self._start_batch():
                pause = _SHORTEST_PAUSE
                await self._wait_for_room()
                continue
            try:
                async with asyncio.timeout(pause):
                    await wake.wait()
                pause = _SHORTEST_PAUSE
            except TimeoutError:
                pause = min(pause * 2, self._options.max_polling_interval)

    async def drain(self) -> None:
        """Waits for the functions that are running."""
        while self._running:
            await asyncio.wait(self._running)

    async def _start_batch(self) -> int:
        """How many messages came. A queue that isn't there, or doesn't answer, is an empty one."""
        started = 0
        try:
            async for message in self._client.receive_messages(
                messages_per_page=self._options.batch_size,
                max_messages=self._options.batch_size,
                visibility_timeout=int(self._lease),
            ):
                task = asyncio.create_task(self._work(message))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
                started += 1
        except ResourceNotFoundError:
            pass
        except AzureError as fault:
            _log.warning("Queue %s can't be read: %s", self._queue, type(fault).__name__)
        return started

    async def _wait_for_room(self) -> None:
        while len(self._running) > self._options.new_batch_threshold:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)

    async def _work(self, message: QueueMessage) -> None:
        """A storage fault here is only logged: the message comes back when its lease ends, as it
        does where the host has ended in the middle of it."""
        try:
            await self._process(message)
        except Closed:
            return
        except AzureError as fault:
            _log.error("Message %s of %s: %s", message.id, self._queue, type(fault).__name__)

    async def _process(self, message: QueueMessage) -> None:
        tries = message.dequeue_count or 1
        if tries > self._options.max_dequeue_count:
            await self._poison(message)
            return
        try:
            body = decode(message.content, base64_text=self._options.base64)
        except UndecodableMessage:
            await self._poison(message)
            return
        try:
            async with self._leased(message):
                await self._run(_argument(message, body))
        except InvocationFailed:
            if tries >= self._options.max_dequeue_count:
                await self._poison(message)
            else:
                await self._release(message)
            return
        await self._client.delete_message(message)

    @asynccontextmanager
    async def _leased(self, message: QueueMessage) -> AsyncIterator[None]:
        """Keeps the message hidden from others; each renewal changes its pop receipt."""
        done = asyncio.Event()
        renewal = asyncio.create_task(self._renew(message, done))
        try:
            yield
        finally:
            done.set()
            await renewal

    async def _renew(self, message: QueueMessage, done: asyncio.Event) -> None:
        while True:
            try:
                async with asyncio.timeout(self._lease / 2):
                    await done.wait()
                return
            except TimeoutError:
                try:
                    await self._hide(message, self._lease)
                except AzureError as fault:
                    _log.warning("Message %s: no renewal: %s", message.id, type(fault).__name__)

    async def _release(self, message: QueueMessage) -> None:
        await self._hide(message, self._options.visibility_timeout)
        if not self._options.visibility_timeout:
            self._queues.sent(self._connection, self._queue).set()

    async def _hide(self, message: QueueMessage, seconds: float) -> None:
        renewed = await self._client.update_message(message, visibility_timeout=int(seconds))
        message.pop_receipt = renewed.pop_receipt

    async def _poison(self, message: QueueMessage) -> None:
        poison = f"{self._queue}-poison"
        _log.error("Message %s goes to %s", message.id, poison)
        await self._queues.send(self._connection, poison, [message.content])
        await self._client.delete_message(message)


def _argument(message: QueueMessage, body: bytes) -> dict[str, Any]:
    return {
        "id": message.id,
        "body": base64.b64encode(body).decode(),
        "dequeueCount": message.dequeue_count,
        "expirationTime": _text(message.expires_on),
        "insertionTime": _text(message.inserted_on),
        "timeNextVisible": _text(message.next_visible_on),
        "popReceipt": message.pop_receipt,
    }


def _text(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
