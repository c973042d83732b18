"""Queue storage, as Azure or Azurite has it. Importing this costs half a second, so only
the process of the listeners does it."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from sandbox import azurite
from sandbox.host.config import ConfigError

_DEVELOPMENT = azurite.connection_string({"blob": 10000, "queue": 10001, "table": 10002})


class Queues:
    """All queues of one host, by the name of the setting that holds their connection string."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._services: dict[str, QueueServiceClient] = {}
        self._creating = asyncio.Lock()
        self._created: set[tuple[str, str]] = set()
        self._sent: dict[tuple[str, str], asyncio.Event] = {}

    def client(self, connection: str, queue: str) -> QueueClient:
        """Raises ConfigError where the connection isn't set."""
        if connection not in self._services:
            text = connection_string(connection, self._environ)
            # The SDK would wait 15 s and more between tries; a function waits for the outcome here.
            self._services[connection] = QueueServiceClient.from_connection_string(
                text, retry_total=2, initial_backoff=0.2, increment_base=1
            )
        return self._services[connection].get_queue_client(queue)

    def sent(self, connection: str, queue: str) -> asyncio.Event:
        """Set whenever this host puts a message there, so that its listener need not wait."""
        return self._sent.setdefault((connection, queue), asyncio.Event())

    async def send(self, connection: str, queue: str, contents: Sequence[str]) -> None:
        """In order; makes the queue first where it isn't there. Raises azure.core errors."""
        client = self.client(connection, queue)
        await self._make(connection, queue, client)
        for content in contents:
            try:
                await client.send_message(content)
            except ResourceNotFoundError:
                self._created.discard((connection, queue))
                await self._make(connection, queue, client)
                await client.send_message(content)
        self.sent(connection, queue).set()

    async def close(self) -> None:
        for service in self._services.values():
            await service.close()

    async def _make(self, connection: str, queue: str, client: QueueClient) -> None:
        async with self._creating:
            if (connection, queue) not in self._created:
                with suppress(ResourceExistsError):
                    await client.create_queue()
                self._created.add((connection, queue))


def connection_string(name: str, environ: Mapping[str, str]) -> str:
    """What the setting `name`, or else `AzureWebJobs<name>`, holds. Raises ConfigError."""
    text = environ.get(name) or environ.get(f"AzureWebJobs{name}")
    if not text:
        raise ConfigError(f"application setting {name} is not set: no storage connection")
    return _DEVELOPMENT if text.strip().rstrip(";") == "UseDevelopmentStorage=true" else text
