"""Exchange Online's limit of 4 requests at a time per app and mailbox.

microsoft-graph-docs-contrib concepts/throttling-limits.md, "Outlook service limits". There is one
app here, so the mailbox alone is the key.
"""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sandbox.graph.errors import GraphError

LIMIT = 4


class Gate:
    """Counts the requests of each mailbox that are being worked on at this moment."""

    def __init__(self) -> None:
        self._busy: Counter[str] = Counter()

    @asynccontextmanager
    async def passing(self, mailbox: str) -> AsyncIterator[None]:
        """Raises GraphError 429 where 4 are inside already."""
        if self._busy[mailbox] >= LIMIT:
            raise GraphError(
                429,
                "ApplicationThrottled",
                "Application is over its MailboxConcurrency limit.",
                {"Retry-After": "1"},
            )
        self._busy[mailbox] += 1
        try:
            yield
        finally:
            self._busy[mailbox] -= 1
