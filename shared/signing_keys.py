"""Entra ID's public keys, fetched when needed and never by blocking the event loop."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from shared.errors import Throttled, Unavailable
from shared.outbound import Call, Sender

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_KEPT_FOR = 24 * 3600.0
_BETWEEN_TRIES = 30.0
_PATIENCE = 10.0


class SigningKeys:
    """The keys that one tenant signs with, by key id.

    They are kept for a day, and beyond while Entra can't be reached. An unknown key id makes for a
    new look, as keys roll over without notice, but for one in 30 seconds at most, whatever anybody
    sends (https://learn.microsoft.com/en-us/entra/identity-platform/signing-key-rollover).
    """

    def __init__(
        self, sender: Sender, url: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sender = sender
        self._url = url
        self._clock = clock
        self._keys: Mapping[str, RSAPublicKey] = {}
        self._fetched: float | None = None
        self._tried = 0.0
        self._lock = asyncio.Lock()

    async def get(self, kid: str) -> "RSAPublicKey | None":
        """None where Entra has no such key. Raises `Unavailable` where that can't be told."""
        if self._due(kid):
            async with self._lock:
                if self._due(kid):
                    await self._refresh()
        return self._keys.get(kid)

    def _due(self, kid: str) -> bool:
        if self._fetched is None:
            return True
        if self._clock() - self._tried < _BETWEEN_TRIES:
            return False
        return kid not in self._keys or self._clock() - self._fetched >= _KEPT_FOR

    async def _refresh(self) -> None:
        self._tried = self._clock()
        call = Call("GET", self._url, repeatable=True)  # only reads
        try:
            answer = await self._sender.send(call, self._sender.errand(_PATIENCE))
            if answer.status != 200:
                raise Unavailable("The sign-in service is not available.")
            self._keys = _read(answer.content)
        except (Throttled, Unavailable):
            if self._fetched is None:
                raise
        else:
            self._fetched = self._clock()


def _read(content: bytes) -> dict[str, "RSAPublicKey"]:
    from jwt import PyJWK, PyJWKError

    try:
        entries: list[dict[str, Any]] = json.loads(content)["keys"]
        return {
            entry["kid"]: PyJWK(entry, algorithm="RS256").key
            for entry in entries
            if entry.get("kty") == "RSA" and entry.get("use", "sig") == "sig"
        }
    except (ValueError, KeyError, TypeError, AttributeError, PyJWKError):
        raise Unavailable("The sign-in service gave no usable keys.") from None
