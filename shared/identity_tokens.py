"""Tokens of the managed identity that this app runs as in Azure.

https://learn.microsoft.com/en-us/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from shared.errors import Upstream
from shared.outbound import Errand, Sender

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

_MARGIN = 300
"""Seconds before its end from which a token is no longer used."""


class IdentityTokens:
    """One for each worker; keeps a token for each scope. `now` is in seconds since 1970."""

    def __init__(
        self, sender: Sender, client_id: str, *, now: Callable[[], float] = time.time
    ) -> None:
        self._sender = sender
        self._client_id = client_id
        self._now = now
        self._kept: dict[str, AccessToken] = {}

    async def token(self, scope: str, errand: Errand) -> str:
        """A token for a scope such as https://storage.azure.com/.default. Raises `Upstream` where
        the identity gets none, `Unavailable`, `Throttled`."""
        kept = self._kept.get(scope)
        if kept is None or kept.expires_on - _MARGIN <= self._now():
            kept = self._kept[scope] = await self._grant(scope, errand)
        return kept.token

    async def _grant(self, scope: str, errand: Errand) -> "AccessToken":
        from azure.core.exceptions import AzureError
        from azure.identity.aio import ManagedIdentityCredential

        from shared.identity_transport import SenderTransport

        try:
            async with ManagedIdentityCredential(
                client_id=self._client_id or None,
                transport=SenderTransport(self._sender, errand),
                retry_total=0,
            ) as credential:
                found: AccessToken = await credential.get_token(scope)
                return found
        except AzureError:
            raise Upstream("The managed identity of this app got no token.") from None
