"""The ChangeFeed over Microsoft Graph, by the app's own permissions.

Subscriptions: https://learn.microsoft.com/en-us/graph/api/subscription-post-subscriptions and
https://learn.microsoft.com/en-us/graph/change-notifications-lifecycle-events. What changed since
is asked for in `changes.py`.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from shared.errors import Conflict, NotFound, ThreadlineError, Throttled, Unavailable, Upstream
from shared.following import ChangeKind, Changes, digest
from shared.outbound import Answer, Errand, Sender
from shared.outlook import mapping, wire
from shared.outlook.calling import Graph, Token, checked, shaped
from shared.outlook.changes import new_emails, other_meetings
from shared.outlook.failures import no_mailbox, parsed, parsed_if_json
from shared.outlook.paths import instant, owner_path, path

_WATCHED: Mapping[ChangeKind, tuple[str, str]] = {
    # a draft that is sent or thrown away is deleted from where it was
    "email": ("messages", "created,deleted"),
    # what happens to one occurrence, a new one too, is told as an update of its series
    "meeting": ("events", "updated,deleted"),
}
_AS_MANY_AS_MAY_BE = re.compile(r"\b(limit|quota|maximum)\b", re.IGNORECASE)
_NOT_REACHED = re.compile(r"\bvalidation request\b", re.IGNORECASE)
_A_WHILE = 3600.0
_MADE = frozenset({HTTPStatus.CREATED})
_ENDED = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


class GraphChangeFeed:
    """See `ChangeFeed`; made anew for each piece of work.

    `root` and `token` are those of `Graph`; the token is the app's own, with the application
    permissions Mail.Read and Calendars.Read. `callback_url` is where Graph reaches this app, such
    as https://<app>.azurewebsites.net/api. A subscription lasts 10,080 minutes at most, and what
    is asked for less than 45 minutes lasts 45.
    """

    def __init__(
        self,
        sender: Sender,
        errand: Errand,
        root: str,
        token: Token,
        callback_url: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._graph = Graph(sender, errand, root, token)
        self._callback = callback_url.rstrip("/")
        self._now = now

    @property
    def address(self) -> str:
        """See `ChangeFeed`."""
        return digest(self._callback)

    async def subscribe(
        self, mailbox: str, kind: ChangeKind, secret: str, until: datetime
    ) -> tuple[str, datetime]:
        """See `ChangeFeed`. The ids in its notifications are the immutable ones, since those are
        asked for here (https://learn.microsoft.com/en-us/graph/outlook-immutable-id).

        Raises `Conflict` where Graph says that there is such a one already.
        """
        collection, changes = _WATCHED[kind]
        content = {
            "changeType": changes,
            "notificationUrl": f"{self._callback}/graph/notifications",
            "lifecycleNotificationUrl": f"{self._callback}/graph/lifecycle",
            "resource": f"{owner_path(mailbox).lstrip('/')}/{collection}",
            "expirationDateTime": instant(until),
            "clientState": secret,
        }
        # not repeatable: one that was made and not answered would be made a second time
        answer = await self._ask("POST", path("subscriptions", mailbox), content, repeatable=False)
        refusal = _refusal(answer)
        if refusal:
            raise refusal
        return _told(checked(answer, _MADE))

    async def renew(self, id: str, until: datetime) -> datetime:
        """See `ChangeFeed`. It is also an answer to reauthorizationRequired, as the page on
        lifecycle events says."""
        content = {"expirationDateTime": instant(until)}
        # repeatable: the same moment again
        answer = await self._ask("PATCH", _one(id), content, repeatable=True)
        if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            raise NotFound("There is no such subscription any more.", code="record_not_found")
        return _told(checked(answer))[1]

    async def end(self, id: str) -> None:
        """See `ChangeFeed`."""
        # repeatable: what is gone is gone
        checked(await self._ask("DELETE", _one(id), None, repeatable=True), _ENDED)

    async def changes(
        self, mailbox: str, kind: ChangeKind, position: Mapping[str, str], since: datetime
    ) -> Changes:
        """See `ChangeFeed`; how, is told where the two are."""
        if kind == "email":
            return await new_emails(self._graph, mailbox, position, since)
        return await other_meetings(self._graph, mailbox, position, since, self._now())

    async def _ask(self, method: str, where: str, content: Any, *, repeatable: bool) -> Answer:
        body = None if content is None else json.dumps(content).encode()
        url = f"{self._graph.root}{where}"
        # repeatable: whoever asks says why
        return await self._graph.ask(method, url, body, repeatable=repeatable)


def _one(id_: str) -> str:
    return path("subscription", "", subscription=id_)


def _told(answer: Answer) -> tuple[str, datetime]:
    told = shaped(wire.Subscription, parsed(answer.content))
    expires = mapping.moment(told.expiration_date_time)
    if expires is None:
        raise Upstream("Outlook's answer could not be read.")
    return told.id, expires


def _refusal(answer: Answer) -> ThreadlineError | None:
    """What only a new subscription can be refused for. Graph has no codes of their own for it: its
    message says which limit is exceeded, or that this app did not prove its address in time
    (https://learn.microsoft.com/en-us/graph/change-notifications-overview)."""
    message = _message(parsed_if_json(answer.content))
    if answer.status == HTTPStatus.NOT_FOUND:
        return no_mailbox()
    if answer.status == HTTPStatus.CONFLICT:
        return Conflict("There is such a subscription already.")
    if answer.status == HTTPStatus.FORBIDDEN and _AS_MANY_AS_MAY_BE.search(message):
        return Throttled(
            "This mailbox has as many subscriptions as it may have.", retry_after=_A_WHILE
        )
    if answer.status == HTTPStatus.BAD_REQUEST and _NOT_REACHED.search(message):
        return Unavailable("Outlook could not reach this app to tell of changes.")
    return None


def _message(body: Any) -> str:
    error = body.get("error") if isinstance(body, Mapping) else None
    message = error.get("message") if isinstance(error, Mapping) else None
    return message if isinstance(message, str) else ""
