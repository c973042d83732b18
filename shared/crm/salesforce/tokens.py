"""Access tokens for callers: the OAuth 2.0 JWT bearer flow.

Salesforce Help, "OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration" and "OAuth 2.0 Error
Codes": an assertion that the connected app's key signs, good for some minutes, is exchanged for a
token of the user it names. The app has to be pre-approved for that user.
"""

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from shared.crm.salesforce.settings import SalesforceSettings
from shared.errors import Forbidden, ThreadlineError, Unavailable, Upstream
from shared.outbound import Answer, Call, Errand, Sender

GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MOST_TOKENS: Final = 1000
KEPT: Final = 900.0
"""Seconds for which a token is used. Answers don't say how long one is good; the shortest session
time-out that an administrator can choose is 15 minutes, counted from its last use."""
_LIFETIME: Final = 180

_NOT_LET_IN: Final = frozenset({"inactive_user", "invalid_app_access", "inactive_org"})


class Tokens:
    """One for each worker. `now` is in seconds since 1970."""

    def __init__(self, settings: SalesforceSettings, now: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._now = now
        self._kept: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._under_way: dict[str, asyncio.Task[str]] = {}

    async def token(
        self, username: str, sender: Sender, errand: Errand, refused: str | None = None
    ) -> str:
        """A token of that user other than `refused`; those who ask meanwhile share one exchange.

        Raises `Forbidden` where Salesforce doesn't let this app act for the user, `Upstream` where
        it doesn't know the app, `Unavailable`, `Throttled`.
        """
        until, kept = self._kept.get(username, (0.0, ""))
        if self._now() < until and kept != refused:
            self._kept.move_to_end(username)
            return kept
        task = self._under_way.get(username)
        if task is None:
            task = asyncio.create_task(self._exchange(username, sender, errand))
            self._under_way[username] = task
            task.add_done_callback(lambda done: self._settle(username, done))
        # shielded: one waiter's end must not end the exchange for the others
        return await asyncio.shield(task)

    def _settle(self, username: str, done: "asyncio.Task[str]") -> None:
        del self._under_way[username]
        if done.cancelled() or done.exception():
            return
        self._kept[username] = (self._now() + KEPT, done.result())
        self._kept.move_to_end(username)
        while len(self._kept) > MOST_TOKENS:
            self._kept.popitem(last=False)

    async def _exchange(self, username: str, sender: Sender, errand: Errand) -> str:
        form = {"grant_type": GRANT, "assertion": self._assertion(username)}
        call = Call(
            "POST",
            f"{self._settings.root}/services/oauth2/token",
            {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            urlencode(form).encode(),
            # a second exchange gives another token, and none of them changes anything
            repeatable=True,
        )
        answer = await sender.send(call, errand)
        body = _body(answer)
        token = body.get("access_token")
        if answer.status != 200 or not isinstance(token, str):
            raise _refusal(answer.status, body)
        return token

    def _assertion(self, username: str) -> str:
        import jwt

        claims = {
            "iss": self._settings.consumer_key,
            "sub": username,
            "aud": self._settings.audience,
            "exp": int(self._now()) + _LIFETIME,
        }
        try:
            return jwt.encode(claims, self._settings.key, algorithm="RS256")
        except (OSError, ValueError, TypeError, jwt.PyJWTError):
            raise Upstream("The private key for Salesforce can't be used.") from None


def _body(answer: Answer) -> dict[str, Any]:
    try:
        body = json.loads(answer.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _refusal(status: int, body: dict[str, Any]) -> ThreadlineError:
    error, words = str(body.get("error") or ""), str(body.get("error_description") or "")
    if "approved" in words or error in _NOT_LET_IN:
        return Forbidden(
            "Salesforce doesn't let this app act for you. An administrator has to approve the "
            "connected app for your profile or a permission set of yours, and your Salesforce "
            "username has to be the one that this app makes of your sign-in."
        )
    if status in (502, 503, 504) or error in ("server_error", "temporarily_unavailable"):
        return Unavailable("Salesforce gives out no tokens at this moment.")
    return Upstream(
        "Salesforce doesn't accept this app's sign-in: an administrator has to look at its "
        "connected app, the certificate and the login address."
    )
