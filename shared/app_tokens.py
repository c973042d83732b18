"""Tokens with which this app acts as itself: the client-credentials grant of Entra ID.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from shared.errors import Upstream
from shared.on_behalf_of import App, TokenSource, federated_assertion
from shared.outbound import Errand, Sender

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

_MARGIN = 300
"""Seconds before its end from which a token is no longer used."""


class AppTokens:
    """One for each worker and tenant; keeps a token for each scope. `now` is in seconds since
    1970."""

    def __init__(
        self, sender: Sender, app: App, tenant: str, *, now: Callable[[], float] = time.time
    ) -> None:
        self._sender = sender
        self._app = app
        self._tenant = tenant
        self._now = now
        self._kept: dict[str, AccessToken] = {}

    def source(self, errand: Errand) -> TokenSource:
        """For one errand: gives a token for a scope such as https://graph.microsoft.com/.default.

        Asking for the same scope again means that the first token was refused, so another is got.
        It raises `Upstream` where the app is not accepted, `Unavailable`, `Throttled`.
        """
        given: set[str] = set()

        async def token(scope: str) -> str:
            kept = self._kept.get(scope)
            if scope in given or kept is None or kept.expires_on - _MARGIN <= self._now():
                kept = self._kept[scope] = await self._grant(scope, errand)
            given.add(scope)
            return kept.token

        return token

    async def _grant(self, scope: str, errand: Errand) -> "AccessToken":
        from azure.core.exceptions import AzureError
        from azure.identity.aio import ClientAssertionCredential, ClientSecretCredential

        from shared.identity_transport import SenderTransport

        app, transport = self._app, SenderTransport(self._sender, errand)
        try:
            credential: ClientSecretCredential | ClientAssertionCredential
            if app.client_secret:
                credential = ClientSecretCredential(
                    self._tenant,
                    app.client_id,
                    app.client_secret,
                    authority=app.authority,
                    disable_instance_discovery=True,
                    transport=transport,
                    retry_total=0,
                )
            else:
                assertion = await federated_assertion(app, transport)
                credential = ClientAssertionCredential(
                    self._tenant,
                    app.client_id,
                    lambda: assertion,
                    authority=app.authority,
                    disable_instance_discovery=True,
                    transport=transport,
                    retry_total=0,
                )
            async with credential:
                return await credential.get_token(scope)
        except AzureError:
            # its message may quote what Entra said
            raise Upstream("The sign-in service gave no token for this app.") from None
