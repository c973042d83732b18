"""A ledger in memory that keeps every promise of `shared.ports.Ledger`; see test_fake_ledger.py."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count

from shared.errors import Conflict, ThreadlineError, TooLarge
from shared.receipts import Receipt, first_id

MOST = 700_000


class FakeLedger:
    """Tests may look into `receipts`. `failures` are raised by the next call of the method they
    are filed under."""

    def __init__(self) -> None:
        self.receipts: dict[tuple[str, str], Receipt] = {}
        self.failures: dict[str, ThreadlineError] = {}
        self._versions = count(1)

    async def add(self, receipt: Receipt) -> Receipt:
        await self._called("add")
        return self._kept(receipt)

    async def find(self, owner: str, id: str) -> Receipt | None:
        await self._called("find")
        return self.receipts.get((owner, id))

    async def replace(self, receipt: Receipt) -> Receipt:
        await self._called("replace")
        current = self.receipts.get((receipt.owner, receipt.id))
        if current is None or current.version != receipt.version:
            raise Conflict("The receipt changed meanwhile.")
        return self._kept(receipt)

    async def waiting(self, before: datetime) -> Sequence[Receipt]:
        await self._called("waiting")
        limit = first_id(before)
        return [r for r in self.receipts.values() if r.status == "queued" and r.id < limit]

    async def forget(self, before: datetime) -> int:
        await self._called("forget")
        old = [key for key in self.receipts if key[1] < first_id(before)]
        for key in old:
            del self.receipts[key]
        return len(old)

    async def _called(self, method: str) -> None:
        await asyncio.sleep(0)
        if method in self.failures:
            raise self.failures.pop(method)

    def _kept(self, receipt: Receipt) -> Receipt:
        if len(receipt.asked.encode()) > MOST:
            raise TooLarge("What was asked for is too much to be kept for later.")
        kept = replace(receipt, version=str(next(self._versions)))
        self.receipts[(receipt.owner, receipt.id)] = kept
        return kept
