"""Calls of the Dataverse stand-in, in memory."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from sandbox.entra import tokens
from sandbox.world import World

ROOT = "https://localhost:7443/dataverse/api/data/v9.2/"
ANNA = "anna.kowalska@contoso.example"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Crm:
    """Calls as one user, Anna unless told otherwise; `user` None is the app itself."""

    def __init__(self, world: World, clock: Clock, http: httpx.AsyncClient) -> None:
        self.world = world
        self.clock = clock
        self.http = http

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str | None = ANNA,
        headers: Mapping[str, str] | None = None,
        **params: str,
    ) -> httpx.Response:
        token = (
            tokens.issue(self.world, user, "dataverse")
            if user
            else tokens.issue_app(self.world, "dataverse")
        )
        sent = {"Authorization": f"Bearer {token}", **(headers or {})}
        content = None if body is None else json.dumps(body)
        return await self.http.request(
            method, ROOT + path, content=content, headers=sent, params=params or None
        )

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.send("GET", path, **options)

    async def found(self, path: str, **options: Any) -> Any:
        """The JSON of a GET that must succeed."""
        answer = await self.get(path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        return await self.send("POST", path, body, **options)

    async def patch(self, path: str, body: Any, **options: Any) -> httpx.Response:
        return await self.send("PATCH", path, body, **options)

    async def put(self, path: str, body: Any, **options: Any) -> httpx.Response:
        return await self.send("PUT", path, body, **options)

    async def delete(self, path: str, **options: Any) -> httpx.Response:
        return await self.send("DELETE", path, **options)

    async def make(self, table: str, **body: Any) -> str:
        """Creates a row that must be accepted; gives its id."""
        answer = await self.post(table, body)
        assert answer.status_code == 204, answer.text
        return answer.headers["OData-EntityId"].rpartition("(")[2][:-1]

    async def email(self, **body: Any) -> str:
        return await self.make("emails", **{"subject": "Hello", "directioncode": False, **body})

    async def appointment(self, **body: Any) -> str:
        times = {"scheduledstart": "2026-02-02T09:00:00Z", "scheduledend": "2026-02-02T10:00:00Z"}
        return await self.make("appointments", **{"subject": "Review", **times, **body})

    async def batch(
        self, *items: bytes, headers: Mapping[str, str] | None = None, user: str = ANNA
    ) -> httpx.Response:
        boundary = f"batch_{uuid4()}"
        token = tokens.issue(self.world, user, "dataverse")
        lines = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), item) for item in items)
        return await self.http.post(
            f"{ROOT}$batch",
            content=lines + b"--%s--\r\n" % boundary.encode(),
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": f'multipart/mixed; boundary="{boundary}"',
                **(headers or {}),
            },
        )


def part(method: str, url: str, body: Any = None, content_id: str = "") -> bytes:
    """One request as it stands in a batch."""
    head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    head += [f"Content-ID: {content_id}"] if content_id else []
    head += ["", f"{method} {url} HTTP/1.1", "Content-Type: application/json", "", ""]
    return "\r\n".join(head).encode() + (b"" if body is None else json.dumps(body).encode())


def change_set(*requests: bytes) -> bytes:
    lines = b"".join(b"--changes\r\n%s\r\n" % request for request in requests)
    return b"Content-Type: multipart/mixed; boundary=changes\r\n\r\n" + lines + b"--changes--"


def refusal(answer: httpx.Response, status: int, code: str) -> str:
    """Checks status and code of an error; gives its message."""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code, error
    assert set(error) == {"code", "message"}
    message: str = error["message"]
    return message
