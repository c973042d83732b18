"""Whose a notification's secret is, remembered for a while: the same few come all day."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from shared.following import ChangeKind, Subscription

_Value = TypeVar("_Value")

KEPT = 300.0
"""Seconds that a known secret is remembered."""

KEPT_UNKNOWN = 60.0
"""Seconds that a secret is remembered as nobody's."""

MOST = 10_000
"""Secrets remembered of each sort, so that forged ones drive out no real one."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The mailbox and what of it a secret stands for."""

    mailbox: str
    kind: ChangeKind


class KnownSecrets:
    """`now` gives seconds that never go back. Only digests are kept and compared, so that how long
    a look takes says nothing of a secret."""

    def __init__(self, now: Callable[[], float], most: int = MOST) -> None:
        self._now = now
        self._most = most
        self._known: dict[bytes, tuple[float, Watched]] = {}
        self._unknown: dict[bytes, float] = {}

    def is_remembered(self, secret: str) -> bool:
        """Whether `whose` answers without asking."""
        digest = _digest(secret)
        return self._fresh(digest) is not None or self._is_unknown(digest)

    async def whose(
        self, secret: str, find: Callable[[str], Awaitable[Subscription | None]]
    ) -> Watched | None:
        """None for a forged one. Raises what `find` raises."""
        digest = _digest(secret)
        watched = self._fresh(digest)
        if watched is not None:
            return watched
        if self._is_unknown(digest):
            return None
        found = await find(secret)
        if found is None:
            _keep(self._unknown, digest, self._now() + KEPT_UNKNOWN, self._most)
            return None
        watched = Watched(found.mailbox, found.kind)
        _keep(self._known, digest, (self._now() + KEPT, watched), self._most)
        return watched

    def _fresh(self, digest: bytes) -> Watched | None:
        until, watched = self._known.get(digest, (0.0, None))
        return watched if until > self._now() else None

    def _is_unknown(self, digest: bytes) -> bool:
        return self._unknown.get(digest, 0.0) > self._now()


def _keep(kept: dict[bytes, _Value], digest: bytes, value: _Value, most: int) -> None:
    """The oldest one goes where there are too many."""
    kept.pop(digest, None)
    kept[digest] = value
    if len(kept) > most:
        del kept[next(iter(kept))]


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()
