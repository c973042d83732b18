"""One way to ask Graph: the token, the preferences, and what a refusal means."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from shared.errors import Throttled, Upstream
from shared.outbound import Answer, Call, Errand, Sender, retry_after
from shared.outlook import wire
from shared.outlook.failures import failure, parsed, parsed_if_json
from shared.outlook.places import AT_ONCE

PREFERENCES = {
    "Prefer": 'IdType="ImmutableId", outlook.body-content-type="html", outlook.timezone="UTC"'
}
_OK = frozenset({HTTPStatus.OK})
_MOST_PAGES = 200
_BUSY = 30.0
"""Seconds after which a mailbox that is too busy is asked again."""

_LONGEST_LINK = 16_000

Token = Callable[[], Awaitable[str]]
_Shape = TypeVar("_Shape", bound=BaseModel)
_Result = TypeVar("_Result")


class Graph:
    """Calls for one errand, with the tokens that `token` gives.

    `root` is Graph's address with its version, such as https://graph.microsoft.com/v1.0. `token` is
    asked once, and again after a 401, when it should give another one. `places` are those of the
    mailbox, see `Places`; where none are given, the errand has its own.
    """

    def __init__(
        self,
        sender: Sender,
        errand: Errand,
        root: str,
        token: Token,
        places: asyncio.Semaphore | None = None,
    ) -> None:
        self.sender = sender
        self.errand = errand
        self.root = root.rstrip("/")
        self._token = token
        self._places = places or asyncio.Semaphore(AT_ONCE)
        self._held: str | None = None
        self._asking = asyncio.Lock()

    async def get(self, path: str) -> Answer:
        return checked(await self.ask("GET", f"{self.root}{path}", repeatable=True))

    async def pages(self, path: str) -> AsyncIterator[wire.Page]:
        """All pages of a list. Raises `Upstream` for one that doesn't end, or leads elsewhere."""
        url: str | None = f"{self.root}{path}"
        for _ in range(_MOST_PAGES):
            if url is None:
                return
            if not self.owns(url):
                raise Upstream("Outlook's list goes on at another address.")
            answer = checked(await self.ask("GET", url, repeatable=True))
            page = shaped(wire.Page, parsed(answer.content))
            yield page
            url = page.next_link
        if url is not None:
            raise Upstream("Outlook's list does not end.")

    async def ask(
        self,
        method: str,
        url: str,
        content: bytes | None = None,
        *,
        repeatable: bool,
        prefer: str = "",
    ) -> Answer:
        """The answer, whatever its status. `content` is JSON. Raises what `Sender.send` does, and
        `Throttled` where the mailbox has no place free in time.

        Whoever calls a thing `repeatable` says why, as with `Call`. `prefer` comes on top of the
        preferences of all calls.
        """
        token = await self._bearer()
        answer = await self._once(method, url, content, token, prefer, repeatable=repeatable)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            token = await self._bearer(refused=token)
            answer = await self._once(method, url, content, token, prefer, repeatable=repeatable)
        return answer

    def owns(self, url: str) -> bool:
        """Whether a link that came with an answer, or was kept, leads to this Graph: nothing else
        ever gets the token."""
        plain = url.isascii() and url.isprintable() and " " not in url
        return plain and len(url) <= _LONGEST_LINK and url.startswith(f"{self.root}/")

    async def _once(
        self,
        method: str,
        url: str,
        content: bytes | None,
        token: str,
        prefer: str,
        *,
        repeatable: bool,
    ) -> Answer:
        headers = {**PREFERENCES, "Authorization": f"Bearer {token}"}
        if prefer:
            headers["Prefer"] += f", {prefer}"
        if content is not None:
            headers["Content-Type"] = "application/json"
        # repeatable: whoever asks says why
        call = Call(method, url, headers=headers, content=content, repeatable=repeatable)
        async with self._place():
            return await self.sender.send(call, self.errand)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """A call that waits to be sent again keeps its place: the others would be refused, too."""
        try:
            async with asyncio.timeout(max(0.0, self.sender.left(self.errand))):
                await self._places.acquire()
        except TimeoutError:
            raise Throttled("The mailbox is too busy.", retry_after=_BUSY) from None
        try:
            yield
        finally:
            self._places.release()

    async def _bearer(self, refused: str | None = None) -> str:
        async with self._asking:
            if self._held is None or self._held == refused:
                self._held = await self._token()
            return self._held


def checked(answer: Answer, good: Collection[int] = _OK) -> Answer:
    """The answer if its status is a good one; else raises what it means."""
    if answer.status not in good:
        wait = retry_after(answer.headers, datetime.now(UTC))
        raise failure(answer.status, parsed_if_json(answer.content), wait)
    return answer


def shaped(shape: type[_Shape], content: Any) -> _Shape:
    """Raises `Upstream`."""
    try:
        return shape.model_validate(content)
    except ValidationError:
        # the validation error quotes the mail: it must not be logged as a cause
        raise Upstream("Outlook's answer could not be read.") from None


async def all_of(jobs: Sequence[Awaitable[_Result]]) -> list[_Result]:
    """Side by side; the first failure ends the others and is raised as it is."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
