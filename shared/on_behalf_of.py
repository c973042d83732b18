"""Tokens with which this app acts for a caller: the on-behalf-of exchange of Entra ID.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-on-behalf-of-flow
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from shared.caller import Caller
from shared.errors import Upstream
from shared.outbound import Errand, Sender

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

    from shared.identity_transport import SenderTransport

MOST_TOKENS = 1000
_MARGIN = 300
"""Seconds before its end from which a token is no longer used."""

_FEDERATION = "api://AzureADTokenExchange/.default"

TokenSource = Callable[[str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class App:
    """How this app proves who it is: by a secret (one machine), or in Azure by a federated
    assertion of its managed identity
    (https://learn.microsoft.com/en-us/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity).
    """

    client_id: str
    authority: str
    client_secret: str | None = field(repr=False)
    identity_client_id: str = ""


class OnBehalfOf:
    """Exchanges callers' tokens, each once. One for each worker.

    Tokens are kept under the hash of the caller's token, the most recently used `MOST_TOKENS` of
    them, until shortly before they expire. `now` is in seconds since 1970.
    """

    def __init__(self, sender: Sender, app: App, *, now: Callable[[], float] = time.time) -> None:
        self._sender = sender
        self._app = app
        self._now = now
        self._kept: OrderedDict[tuple[bytes, str], AccessToken] = OrderedDict()
        self._under_way: dict[tuple[bytes, str], asyncio.Task[AccessToken]] = {}

    def source(self, caller: Caller, errand: Errand) -> TokenSource:
        """For one request: gives a token for a scope such as https://graph.microsoft.com/.default.

        Asking for the same scope again means that the first token was refused, so another is got.
        """
        given: dict[str, str] = {}

        async def token(scope: str) -> str:
            given[scope] = await self.token(caller, scope, errand, refused=given.get(scope))
            return given[scope]

        return token

    async def token(
        self, caller: Caller, scope: str, errand: Errand, *, refused: str | None = None
    ) -> str:
        """A token for that scope other than `refused`.

        Raises `Forbidden` where consent is missing, `Unauthenticated` where the person must sign in
        anew, `Upstream` where the app itself is not accepted, `Unavailable`, `Throttled`.
        """
        key = (sha256(caller.token.encode()).digest(), scope)
        kept = self._kept.get(key)
        if kept and kept.token != refused and kept.expires_on - _MARGIN > self._now():
            self._kept.move_to_end(key)
            return kept.token
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(self._exchange(caller, scope, errand))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._settle(key, done))
        # shielded: one waiter's end must not end the exchange for the others
        return (await asyncio.shield(task)).token

    def _settle(self, key: tuple[bytes, str], done: "asyncio.Task[AccessToken]") -> None:
        del self._under_way[key]
        if done.cancelled() or done.exception():
            return
        self._kept[key] = done.result()
        self._kept.move_to_end(key)
        while len(self._kept) > MOST_TOKENS:
            self._kept.popitem(last=False)

    async def _exchange(self, caller: Caller, scope: str, errand: Errand) -> "AccessToken":
        from azure.core.exceptions import AzureError
        from azure.identity.aio import OnBehalfOfCredential

        from shared.identity_transport import SenderTransport

        transport = SenderTransport(self._sender, errand)
        try:
            assertion = (
                None if self._app.client_secret else await federated_assertion(self._app, transport)
            )
            async with OnBehalfOfCredential(
                caller.tenant_id,
                self._app.client_id,
                client_secret=self._app.client_secret,
                client_assertion_func=None if assertion is None else lambda: assertion,
                user_assertion=caller.token,
                authority=self._app.authority,
                disable_instance_discovery=True,
                transport=transport,
                retry_total=0,
            ) as credential:
                return await credential.get_token(scope)
        except AzureError:
            # its message may quote what Entra said of the person
            raise Upstream("The sign-in service gave no token for this app.") from None


async def federated_assertion(app: App, transport: "SenderTransport") -> str:
    """What the app's managed identity shows in place of a secret. Raises as `transport` does, and
    azure-core's AzureError."""
    from azure.identity.aio import ManagedIdentityCredential

    async with ManagedIdentityCredential(
        client_id=app.identity_client_id or None, transport=transport, retry_total=0
    ) as identity:
        proof: AccessToken = await identity.get_token(_FEDERATION)
        return proof.token
