"""Origins in memory, with every promise of `shared.ports.Origins`; see test_fake_followings.py."""

import asyncio

from shared.errors import ThreadlineError
from shared.following import Origin


class FakeOrigins:
    """Tests may look into `kept`. `failures` are raised by the next call of the method they are
    filed under."""

    def __init__(self) -> None:
        self.kept: dict[str, Origin] = {}
        self.failures: dict[str, ThreadlineError] = {}

    async def add(self, origin: Origin) -> None:
        await self._called("add")
        self.kept.setdefault(origin.identity, origin)

    async def find(self, identity: str) -> Origin | None:
        await self._called("find")
        return self.kept.get(identity)

    async def _called(self, method: str) -> None:
        await asyncio.sleep(0)
        if method in self.failures:
            raise self.failures.pop(method)
