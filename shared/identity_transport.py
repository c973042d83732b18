"""azure-identity's calls sent by our own `Sender`.

So they share its connections and its one policy of waiting, and aiohttp, which azure-core would
use, is never imported. Transports are azure-core's documented place for this
(https://learn.microsoft.com/en-us/python/api/azure-core/azure.core.pipeline.transport).
"""

import json
from typing import Any
from urllib.parse import urlencode

from azure.core.pipeline.transport import AsyncHttpResponse, AsyncHttpTransport
from azure.core.rest import HttpRequest

from shared.errors import Forbidden, ThreadlineError, Unauthenticated, Unavailable, Upstream
from shared.outbound import Answer, Call, Errand, Sender

# https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
_CONSENT_MISSING = frozenset({65001, 65004, 65005, 90094, 700084})
_APP_IS_WRONG = frozenset({"invalid_client", "unauthorized_client", "invalid_resource"})
_SIGN_IN_AGAIN = frozenset(
    {"invalid_grant", "interaction_required", "login_required", "consent_required"}
)


class SenderTransport(AsyncHttpTransport[HttpRequest, AsyncHttpResponse]):
    """Sends within one errand. Only good answers come back: a refusal is raised as our error."""

    def __init__(self, sender: Sender, errand: Errand) -> None:
        self._sender = sender
        self._errand = errand

    async def send(self, request: HttpRequest, **_options: Any) -> AsyncHttpResponse:
        # repeatable: asking for a token twice gives two tokens, both good
        call = Call(
            request.method,
            request.url,
            headers=dict(request.headers),
            content=_encoded(request.content),
            repeatable=True,
        )
        answer = await self._sender.send(call, self._errand)
        body = _json_object(answer.content)
        if answer.status != 200 or body is None:
            raise refusal(answer.status, body or {})
        return _Response(request, answer)

    async def open(self) -> None:
        """The sender is open as long as the worker lives."""

    async def close(self) -> None:
        """The sender belongs to the worker."""

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()


class _Response(AsyncHttpResponse):
    def __init__(self, request: HttpRequest, answer: Answer) -> None:
        super().__init__(request, answer)  # type: ignore[arg-type]  # as azure-core's own do
        self.status_code = answer.status
        self.headers = dict(answer.headers)
        self.content_type = "application/json"
        self._content = answer.content

    def body(self) -> bytes:
        return self._content


def refusal(status: int, body: dict[str, Any]) -> ThreadlineError:
    """Entra's refusal of a token request as an error for the person who asked.

    Entra's own description is not passed on: it may hold names and addresses.
    """
    error = str(body.get("error", ""))
    codes = body.get("error_codes")
    numbers = (
        {code for code in codes if isinstance(code, int)} if isinstance(codes, list) else set()
    )
    if status >= 500 or error in ("temporarily_unavailable", "server_error"):
        return Unavailable("The sign-in service is not available.")
    if numbers & _CONSENT_MISSING or error == "consent_required":
        return Forbidden(
            "This app has not been allowed to act for you there. "
            "Ask your administrator to consent to its permissions."
        )
    if error in _APP_IS_WRONG:
        return Upstream(f"The sign-in service does not accept this app{_number(numbers)}.")
    if error in _SIGN_IN_AGAIN:
        return Unauthenticated(
            f"Your organisation wants you to sign in again{_number(numbers)}. "
            "Sign in, then repeat what you did."
        )
    return Upstream(f"The sign-in service refused this app's request{_number(numbers)}.")


def _number(numbers: set[int]) -> str:
    return f" (AADSTS{min(numbers)})" if numbers else ""


def _encoded(content: Any) -> bytes | None:
    if content is None or isinstance(content, bytes):
        return content
    return content.encode() if isinstance(content, str) else urlencode(content).encode()


def _json_object(content: bytes) -> dict[str, Any] | None:
    try:
        parsed = json.loads(content)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None
