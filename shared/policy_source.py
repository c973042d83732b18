"""Where the admin's policy document comes from, and what holds while it is missing or wrong.

A bad document takes nothing down: the last good one stays in force, in this worker and, kept
beside the document, in those that start later. Only where none was ever good is there no policy,
since nobody can tell then whom the admin excluded. Where there never was any, the defaults hold.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from shared import telemetry
from shared.errors import NotFound, ThreadlineError, Unavailable
from shared.outbound import Answer, Call, Errand, Sender
from shared.policy import Policy

FRESH = 60.0
"""Seconds for which a blob is not asked for again."""
LARGEST = 1024 * 1024
"""Bytes of a document."""

_RETRY = 5.0
_PATIENCE = 4.0
_STORAGE_SCOPE = "https://storage.azure.com/.default"
_STORAGE_VERSION = "2023-11-03"
_KEPT = ".last-good"


@dataclass(frozen=True, slots=True)
class Document:
    content: bytes
    etag: str


class Store(Protocol):
    """Keeps the document, and beside it a copy of the last good one. All may raise
    `ThreadlineError`. `fresh` is for how many seconds an answer holds."""

    fresh: float

    async def read(self, etag: str) -> Document | None:
        """The document, or None where it still is the one of that ETag. Raises `NotFound` where
        the admin has not written any."""
        ...

    async def read_kept(self) -> bytes | None:
        """None where none was kept."""
        ...

    async def keep(self, content: bytes) -> None: ...


class FixedPolicy:
    """For a company whose admin has not written a document."""

    problem = ""

    async def policy(self) -> Policy:
        return Policy()


class PolicySource:
    """The policy in force. One for each event loop. `clock` gives seconds."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._policy: Policy | None = None
        self._etag = ""
        self._until = 0.0
        self._unread = ""
        self._invalid = ""
        self._refreshing = asyncio.Lock()

    @property
    def problem(self) -> str:
        """What is wrong with the document as it is now, for the admin; empty if nothing is."""
        return self._unread or self._invalid

    async def policy(self) -> Policy:
        """Raises `Unavailable` where there never was a good document."""
        if self._clock() >= self._until:
            async with self._refreshing:
                if self._clock() >= self._until:
                    await self._refresh()
        if self._policy is None:
            raise Unavailable(self.problem)
        return self._policy

    async def _refresh(self) -> None:
        before, self._unread, written = self.problem, "", True
        try:
            document = await self._store.read(self._etag)
            if document is not None:
                await self._take(document)
        except NotFound as error:
            self._unread, written = error.detail, False
        except ThreadlineError as error:
            self._unread = error.detail
        if self._policy is None or not (written or self._etag):
            await self._take_kept(written=written)
        if self.problem not in ("", before):
            telemetry.warning("policy_refused", detail=self.problem)
        fresh = self._store.fresh
        self._until = self._clock() + (fresh if self._policy else min(fresh, _RETRY))

    async def _take(self, document: Document) -> None:
        self._etag, self._invalid = document.etag, ""
        try:
            self._policy = parsed(document.content)
        except Unavailable as error:
            self._invalid = error.detail
            return
        try:
            await self._store.keep(document.content)
        except ThreadlineError as error:
            telemetry.warning("policy_not_kept", detail=error.detail)

    async def _take_kept(self, *, written: bool) -> None:
        """The last good one that any worker kept. Where there is none, and the admin has not
        `written` any, nothing is wrong."""
        try:
            content = await self._store.read_kept()
            kept = None if content is None else parsed(content)
        except ThreadlineError:
            return  # what is wrong with the document itself is what the admin needs to know
        if kept is not None:
            self._policy = kept
        elif not written:
            self._policy, self._unread = Policy(), ""


def parsed(content: bytes) -> Policy:
    """Raises `Unavailable` naming what is wrong, without any value."""
    if len(content) > LARGEST:
        raise Unavailable(f"The admin's policy document is over {LARGEST} bytes.")
    try:
        return Policy.model_validate_json(content)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(step) for step in one['loc']) or 'document'}: {one['msg']}"
            for one in error.errors(include_input=False, include_url=False)[:20]
        )
        raise Unavailable(f"The admin's policy document is not valid: {wrong}.") from None


class FileStore:
    """A file, looked at each time."""

    fresh = 0.0

    def __init__(self, file: Path) -> None:
        self._file = file
        self._copy = file.with_name(file.name + _KEPT)

    async def read(self, etag: str) -> Document | None:
        try:
            return self._changed(etag)
        except OSError as error:
            raise Unavailable("The admin's policy document can't be read.") from error

    async def read_kept(self) -> bytes | None:
        try:
            return self._copy.read_bytes()
        except OSError:
            return None

    async def keep(self, content: bytes) -> None:
        try:
            self._copy.write_bytes(content)
        except OSError as error:
            raise Unavailable("The good policy document can't be kept.") from error

    def _changed(self, etag: str) -> Document | None:
        found = self._file.stat()
        now = f"{found.st_mtime_ns}/{found.st_size}"
        return None if now == etag else Document(self._file.read_bytes(), now)


class BlobStore:
    """A blob of Azure Storage, asked for by its REST interface: the SDK takes longer to import than
    this takes to answer (Learn, "Get Blob" and "Put Blob" of the Blob service REST API).

    `token` gives a token for a scope within an errand. Without the right to write, the last good
    document lives only as long as the worker.
    """

    fresh = FRESH

    def __init__(
        self, url: str, sender: Sender, token: Callable[[str, Errand], Awaitable[str]]
    ) -> None:
        self._url = url
        self._sender = sender
        self._token = token

    async def read(self, etag: str) -> Document | None:
        answer = await self._send("GET", self._url, {"If-None-Match": etag} if etag else {})
        if answer.status == 304:
            return None
        if answer.status == 404:
            raise NotFound("The admin has not written a policy document yet.")
        if answer.status != 200:
            raise Unavailable(f"The admin's policy document can't be read: {answer.status}.")
        return Document(answer.content, answer.headers.get("etag", ""))

    async def read_kept(self) -> bytes | None:
        answer = await self._send("GET", self._url + _KEPT, {})
        if answer.status not in (200, 404):
            raise Unavailable(f"The good policy document can't be read: {answer.status}.")
        return answer.content if answer.status == 200 else None

    async def keep(self, content: bytes) -> None:
        headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": "application/json"}
        answer = await self._send("PUT", self._url + _KEPT, headers, content)
        if answer.status != 201:
            raise Unavailable(f"The good policy document can't be kept: {answer.status}.")

    async def _send(
        self, method: str, url: str, headers: dict[str, str], content: bytes | None = None
    ) -> Answer:
        errand = self._sender.errand(_PATIENCE)
        token = await self._token(_STORAGE_SCOPE, errand)
        standard = {"Authorization": f"Bearer {token}", "x-ms-version": _STORAGE_VERSION}
        call = Call(method, url, {**standard, **headers}, content, repeatable=True)
        return await self._sender.send(call, errand)
