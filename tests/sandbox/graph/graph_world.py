"""How the tests of this folder speak with the Graph stand-in."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import httpx

from sandbox import graph
from sandbox.entra import tokens
from sandbox.world import World

ANNA = "anna.kowalska@contoso.example"
BERND = "bernd.schaefer@contoso.example"
HENRY = "henry.whitfield@contoso.example"
INES = "ines.carvalho@contoso.example"
SALES = "sales@contoso.example"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Graph:
    """One person's view of the stand-in."""

    world: World
    clock: Clock
    http: httpx.AsyncClient

    def speak_as(self, user: str, *scopes: str) -> None:
        token = tokens.issue(self.world, user, "graph", scopes=scopes or None)
        self.http.headers["Authorization"] = f"Bearer {token}"

    def speak_as_app(self, *roles: str) -> None:
        token = tokens.issue_app(self.world, "graph", roles=roles)
        self.http.headers["Authorization"] = f"Bearer {token}"

    async def get(self, path: str, **headers: str) -> dict[str, Any]:
        answer = await self.http.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def refused(self, path: str, method: str = "GET", **parts: Any) -> tuple[int, str]:
        """The status and the error code of a call that must fail."""
        answer = await self.http.request(method, path, **parts)
        assert answer.status_code >= 400, answer.text
        error = answer.json()["error"]
        assert set(error["innerError"]) == {"date", "request-id", "client-request-id"}
        return answer.status_code, error["code"]

    def mail(self, mailbox: str = ANNA, folder: str = "inbox", **parts: Any) -> str:
        return graph.deliver_mail(self.world, mailbox, folder, mime(**parts))


def mime(
    *,
    subject: str = "Hello",
    text: str | None = "Hello there",
    html: str | None = None,
    files: tuple[tuple[str, bytes], ...] = (),
    **headers: str,
) -> bytes:
    """A well-formed message; header names take `_` for `-`, and an empty value leaves one out."""
    message = EmailMessage()
    given = {
        "From": "Zoë Custom <zoe@customer.example>",
        "To": f"Anna Kowalska <{ANNA}>",
        "Date": "Mon, 05 Jan 2026 09:00:00 +0100",
        "Message-ID": "<one@customer.example>",
        "Subject": subject,
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in given.items():
        if value:
            message[name] = value
    if text is not None:
        message.set_content(text)
    if html is not None:
        if text is None:
            message.set_content(html, subtype="html")
        else:
            message.add_alternative(html, subtype="html")
    for name, content in files:
        message.add_attachment(
            content, maintype="application", subtype="octet-stream", filename=name
        )
    return message.as_bytes()
