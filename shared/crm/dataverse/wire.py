"""How we speak HTTP to one organisation, for one caller."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from shared.crm import Connection
from shared.crm.dataverse import batch
from shared.crm.dataverse.batch import Get, Part, Reply
from shared.crm.dataverse.faults import fault
from shared.crm.dataverse.queries import ANNOTATIONS
from shared.errors import Upstream
from shared.outbound import Answer, Call, Errand

_API: Final = "/api/data/v9.2/"
_SEARCH: Final = "/api/search/v2.0/query"
_SEARCH_PATIENCE: Final = 0.9
"""Seconds. Dataverse search takes one request a second and user: nobody waits for a place."""


@dataclass(frozen=True, slots=True)
class Batch:
    """`repeated` says that an earlier, unanswered try may have done the work already."""

    replies: tuple[Reply, ...]
    repeated: bool


class Wire:
    """`root` is the environment's address without a trailing slash, `scope` what tokens are for.

    Every call is marked repeatable, and is: what we create carries its key, what we change an ETag
    or the value to end with, what we upload its block id, and a second delete finds nothing.
    """

    def __init__(self, root: str, scope: str, connection: Connection) -> None:
        self._api = root + _API
        self._index = root + _SEARCH
        self._scope = scope
        self._connection = connection
        self._held: str | None = None
        self._asking = asyncio.Lock()

    async def batch(self, parts: Sequence[Part]) -> Batch:
        """Does all the parts in one round trip; each gets its reply, whatever became of the others.

        Raises what a request refused as a whole means.
        """
        boundary = uuid4().hex
        body = batch.build(parts, self._api, boundary, ANNOTATIONS)
        answer = await self._send(
            "POST",
            self._api + "$batch",
            body,
            {
                "Content-Type": batch.content_type(boundary),
                # Without it the first refusal would leave the rest undone and unanswered.
                "Prefer": "odata.continue-on-error",
            },
        )
        type_ = answer.headers.get("content-type", "")
        if not type_.startswith("multipart/"):
            reply = _reply(answer)
            raise _unexpected() if reply.ok else fault(reply)
        try:
            replies = batch.read(type_, answer.content)
        except ValueError as unreadable:
            raise _unexpected() from unreadable
        return Batch(replies, answer.attempts > 1)

    async def ask(self, paths: Sequence[str]) -> tuple[Reply, ...]:
        """The replies to queries, in one round trip up to 1000 of them, side by side beyond."""
        size = batch.MAX_REQUESTS
        chunks = [paths[start : start + size] for start in range(0, len(paths), size)]
        batches = await asyncio.gather(*(self.batch([Get(p) for p in chunk]) for chunk in chunks))
        return tuple(reply for answered in batches for reply in answered.replies)

    async def get(self, path: str) -> Reply:
        """One query by itself."""
        return _reply(await self._send("GET", self._api + path, None, {"Prefer": ANNOTATIONS}))

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """One call by itself."""
        content = json.dumps(body).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        return _reply(await self._send("POST", self._api + path, content, headers))

    async def search(self, body: Mapping[str, Any]) -> Reply:
        """One request of Dataverse search. Raises `Throttled` and `Unavailable` sooner than the
        other calls do."""
        sender, correlation = self._connection.sender, self._connection.errand.correlation_id
        content = json.dumps(body).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        errand = sender.errand(_SEARCH_PATIENCE, correlation)
        return _reply(await self._send("POST", self._index, content, headers, errand))

    async def _send(
        self,
        method: str,
        url: str,
        content: bytes | None,
        headers: Mapping[str, str],
        errand: Errand | None = None,
    ) -> Answer:
        token = await self._token()
        answer = await self._once(token, method, url, content, headers, errand)
        if answer.status == 401:  # the token may have been revoked before its time
            token = await self._token(refused=token)
            answer = await self._once(token, method, url, content, headers, errand)
        return answer

    async def _token(self, refused: str | None = None) -> str:
        """The connection is asked once, since asking it again says that its token was refused."""
        async with self._asking:
            if self._held is None or self._held == refused:
                self._held = await self._connection.token(self._scope)
            return self._held

    async def _once(
        self,
        token: str,
        method: str,
        url: str,
        content: bytes | None,
        headers: Mapping[str, str],
        errand: Errand | None,
    ) -> Answer:
        standard = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "OData-MaxVersion": "4.0",
            "OData-Version": "4.0",
        }
        if self._connection.caller_object_id is not None:
            standard["CallerObjectId"] = self._connection.caller_object_id
        call = Call(method, url, {**standard, **headers}, content, repeatable=True)
        return await self._connection.sender.send(call, errand or self._connection.errand)


def _reply(answer: Answer) -> Reply:
    return Reply(answer.status, answer.headers, answer.content)


def _unexpected() -> Upstream:
    return Upstream("Dynamics 365 answered with something unexpected.")
