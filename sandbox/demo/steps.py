"""One step of a demo after the other: each timed, each checked."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from rich.console import Console
from rich.markup import escape

_PATIENCE = 60.0
_PAUSE = 0.2


class Mismatch(Exception):
    """The app or the CRM did not answer as it should."""


@dataclass(frozen=True, slots=True)
class Steps:
    """`api` is the app's address; `http` asks it as one person."""

    console: Console
    http: httpx.Client
    api: str

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        started = time.perf_counter()
        what = escape(what)
        with self.console.status(f"{what} …"):
            yield
        took = (time.perf_counter() - started) * 1000
        self.console.print(f"[green]✓[/green] {what} [dim]({took:.0f} ms)[/dim]")

    def call(self, method: str, path: str, *expected: int, **parts: Any) -> dict[str, Any]:
        """Raises Mismatch where it answers with another status."""
        answer = self.http.request(method, f"{self.api}/{path}", **parts)
        said = f"{method} /{path} answered {answer.status_code}: {answer.text[:500]}"
        check(answer.status_code in expected, said)
        body: dict[str, Any] = answer.json()
        return body


def check(holds: bool, otherwise: str) -> None:
    """Raises Mismatch with these words unless it holds."""
    if not holds:
        raise Mismatch(otherwise)


def eventually(holds: Callable[[], bool], otherwise: str) -> None:
    """Waits until it holds. Raises Mismatch where it doesn't within a minute."""
    end = time.monotonic() + _PATIENCE
    while not holds():
        check(time.monotonic() < end, otherwise)
        time.sleep(_PAUSE)
