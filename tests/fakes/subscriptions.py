"""Subscriptions in memory, with every promise of `shared.ports.Subscriptions`; see
test_fake_followings.py."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

from shared.errors import Conflict, ThreadlineError
from shared.following import ChangeKind, Subscription, digest


class FakeSubscriptions:
    """Tests may look into `kept`. `failures` are raised by the next call of the method they are
    filed under."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, ChangeKind], Subscription] = {}
        self.failures: dict[str, ThreadlineError] = {}
        self._versions = count(1)

    async def begin(self, mailbox: str, kind: ChangeKind, since: datetime) -> Subscription:
        await self._called("begin")
        found = self.kept.get((mailbox, kind))
        return found or self._put(
            Subscription(
                mailbox=mailbox,
                kind=kind,
                secret=f"{kind}:{digest(mailbox)}:{secrets.token_urlsafe(32)}",
                id="",
                expires=datetime(1970, 1, 1, tzinfo=UTC),
                since=since,
            )
        )

    async def find(self, mailbox: str, kind: ChangeKind) -> Subscription | None:
        await self._called("find")
        return self.kept.get((mailbox, kind))

    async def of_secret(self, secret: str) -> Subscription | None:
        await self._called("of_secret")
        return next((one for one in self.kept.values() if one.secret == secret), None)

    async def replace(self, subscription: Subscription) -> Subscription:
        await self._called("replace")
        current = self.kept.get((subscription.mailbox, subscription.kind))
        if current is None or current.version != subscription.version:
            raise Conflict("The subscription changed meanwhile.")
        return self._put(subscription)

    async def remove(self, subscription: Subscription) -> None:
        await self._called("remove")
        key = (subscription.mailbox, subscription.kind)
        if key in self.kept and self.kept[key].version == subscription.version:
            del self.kept[key]

    async def all(self) -> Sequence[Subscription]:
        await self._called("all")
        return list(self.kept.values())

    async def _called(self, method: str) -> None:
        await asyncio.sleep(0)
        if method in self.failures:
            raise self.failures.pop(method)

    def _put(self, subscription: Subscription) -> Subscription:
        kept = replace(subscription, version=str(next(self._versions)))
        self.kept[(kept.mailbox, kept.kind)] = kept
        return kept
