"""A feed of changes in memory that keeps every promise of `shared.ports.ChangeFeed`."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from shared.errors import Forbidden, NoMailbox, NotFound, ThreadlineError
from shared.following import ChangeKind, Changes

SHORTEST = timedelta(minutes=45)


@dataclass(frozen=True, slots=True)
class Subscribed:
    mailbox: str
    kind: ChangeKind
    secret: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class _Event:
    mailbox: str
    kind: ChangeKind
    item: str
    gone: bool
    when: datetime


@dataclass
class FakeChangeFeed:
    """Tests say what `happened`; `subscriptions` are those that were made and not ended, by id.

    `address` is where it tells. `missing` are mailboxes that there are none of, `forbidden` those
    that may not be read. `failures` are raised by the next call of the method they are filed under;
    `calls` counts what was asked, by method. Of each call to `changes`, at most `most` changes are
    told.
    """

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    address: str = "here"
    missing: set[str] = field(default_factory=set)
    forbidden: set[str] = field(default_factory=set)
    failures: dict[str, ThreadlineError] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    subscriptions: dict[str, Subscribed] = field(default_factory=dict)
    most: int = 1000
    _log: list[_Event] = field(default_factory=list)
    _generation: int = 1
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def happened(self, mailbox: str, kind: ChangeKind, item: str, *, gone: bool = False) -> None:
        """`item` is the series' for an occurrence; `gone` says that it was removed."""
        self._log.append(_Event(mailbox, kind, item, gone, self.now()))

    def forget_positions(self) -> None:
        """No position of before is known any more."""
        self._generation += 1

    async def subscribe(
        self, mailbox: str, kind: ChangeKind, secret: str, until: datetime
    ) -> tuple[str, datetime]:
        await self._called("subscribe", mailbox)
        id_ = f"subscription-{next(self._numbers)}"
        made = Subscribed(mailbox, kind, secret, max(until, self.now() + SHORTEST))
        self.subscriptions[id_] = made
        return id_, made.expires

    async def renew(self, id: str, until: datetime) -> datetime:
        await self._called("renew")
        known = self.subscriptions.get(id)
        if known is None or known.expires <= self.now():
            raise NotFound("There is no such subscription.", code="record_not_found")
        renewed = replace(known, expires=max(until, self.now() + SHORTEST))
        self.subscriptions[id] = renewed
        return renewed.expires

    async def end(self, id: str) -> None:
        await self._called("end")
        self.subscriptions.pop(id, None)

    async def changes(
        self, mailbox: str, kind: ChangeKind, position: Mapping[str, str], since: datetime
    ) -> Changes:
        await self._called("changes", mailbox)
        place = self._place(position)
        first = place or 0
        told: list[str] = []
        at = len(self._log)
        for number, event in enumerate(self._log[first:], first):
            if len(told) == self.most:
                at = number
                break
            mine = (event.mailbox, event.kind) == (mailbox, kind)
            removed = event.gone and (kind == "email" or place is None)
            if mine and not removed and (place is not None or event.when >= since):
                told.append(event.item)
        return Changes(
            items=tuple(dict.fromkeys(told)),
            position={"log": f"{self._generation}/{at}"},
            anew=place is None,
            more=at < len(self._log),
        )

    def _place(self, position: Mapping[str, str]) -> int | None:
        generation, _, number = position.get("log", "").partition("/")
        known = generation == str(self._generation) and number.isdecimal()
        return int(number) if known else None

    async def _called(self, method: str, mailbox: str = "") -> None:
        self.calls.append(method)
        await asyncio.sleep(0)
        if method in self.failures:
            raise self.failures.pop(method)
        if mailbox in self.missing:
            raise NoMailbox("There is no such mailbox.")
        if mailbox in self.forbidden:
            raise Forbidden("This app may not read that mailbox.")
