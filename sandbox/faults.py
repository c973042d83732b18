"""Faults on demand, and the log of what was called."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_camel
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Service = Literal["entra", "graph", "dataverse", "salesforce", "openai"]

ABORT_EXTENSION = "sandbox.abort"
"""Key in an ASGI scope's `extensions`: a function that cuts the connection without an answer."""

_PREFIXES: tuple[tuple[str, Service], ...] = (
    ("/entra/", "entra"),
    ("/graph/", "graph"),
    ("/dataverse/", "dataverse"),
    ("/services/", "salesforce"),
    ("/openai/", "openai"),
)


class Fault(BaseModel):
    """What to do to matching calls. Without `times` it holds until the faults are cleared."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    service: Service
    method: str | None = None
    path: str | None = Field(None, description="Regex, searched in the path with its query.")
    status: int | None = Field(None, ge=200, le=599)
    body: Any = None
    headers: dict[str, str] = Field(default_factory=dict)
    delay_ms: int | None = Field(None, ge=0, le=600_000)
    drop: Literal["before", "after"] | None = None
    times: int | None = Field(None, ge=1)

    @field_validator("path")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from error
        return value

    @model_validator(mode="after")
    def _does_one_thing(self) -> "Fault":
        if self.status is not None and self.drop is not None:
            raise ValueError("`status` answers and `drop` doesn't: choose one of them")
        if self.status is None and (self.body is not None or self.headers):
            raise ValueError("`body` and `headers` need a `status`")
        if self.status is None and self.drop is None and self.delay_ms is None:
            raise ValueError("say what to do: `status`, `drop` or `delayMs`")
        return self

    @property
    def only_slows(self) -> bool:
        return self.status is None and self.drop is None

    def matches(self, service: Service, method: str, target: str) -> bool:
        """`target` is the path with its query as it came; the regex may mean it decoded as well."""
        if service != self.service:
            return False
        if self.method is not None and method != self.method.upper():
            return False
        return self.path is None or any(
            re.search(self.path, form) for form in (target, unquote(target))
        )


@dataclass(slots=True)
class _Armed:
    fault: Fault
    left: int | None


@dataclass(slots=True)
class Call:
    """One call received. `status` is None while unanswered, and stays so if it was dropped."""

    service: Service
    method: str
    path: str
    at: datetime
    status: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "at": self.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        }


@dataclass(slots=True)
class Wire:
    """What happens between the network and the services: the faults armed, the calls received."""

    calls: list[Call] = field(default_factory=list)
    _armed: list[_Armed] = field(default_factory=list)

    def arm(self, fault: Fault) -> None:
        self._armed.append(_Armed(fault, fault.times))

    def disarm(self) -> None:
        self._armed.clear()

    @property
    def faults(self) -> list[Fault]:
        """Those that have not run out yet."""
        return [armed.fault for armed in self._armed]

    def take(self, service: Service, method: str, target: str) -> tuple[int, Fault | None]:
        """The milliseconds to wait and the fault to act out for one call.

        Every matching delay adds up; of the others the first armed goes first.
        """
        delay, chosen = 0, None
        for armed in list(self._armed):
            fault = armed.fault
            if not fault.matches(service, method, target):
                continue
            if not fault.only_slows:
                if chosen is not None:
                    continue
                chosen = fault
            delay += fault.delay_ms or 0
            self._use(armed)
        return delay, chosen

    def _use(self, armed: _Armed) -> None:
        if armed.left is None:
            return
        armed.left -= 1
        if armed.left == 0:
            self._armed.remove(armed)


class Line:
    """ASGI middleware that logs the services' calls and acts out the faults."""

    def __init__(self, app: ASGIApp, wire: Wire, clock: Callable[[], datetime]) -> None:
        self._app = app
        self._wire = wire
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        service = service_of(scope["path"]) if scope["type"] == "http" else None
        if service is None:
            await self._app(scope, receive, send)
            return
        target = _target(scope)
        call = Call(service, scope["method"], target, self._clock())
        self._wire.calls.append(call)
        delay, fault = self._wire.take(service, call.method, target)
        if delay:
            await asyncio.sleep(delay / 1000)
        if fault is None:
            await self._app(scope, receive, _noting(call, send))
        elif fault.drop is None:
            await _answer(fault)(scope, receive, _noting(call, send))
        else:
            if fault.drop == "after":
                await self._app(scope, receive, _discard)
            await _cut(scope, receive)


def service_of(path: str) -> Service | None:
    for prefix, service in _PREFIXES:
        if path.startswith(prefix):
            return service
    return None


def _target(scope: Scope) -> str:
    path: str = scope["raw_path"].decode("ascii")
    query: str = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _noting(call: Call, send: Send) -> Send:
    async def noting(message: Message) -> None:
        if message["type"] == "http.response.start":
            call.status = message["status"]
        await send(message)

    return noting


def _answer(fault: Fault) -> Response:
    if fault.body is None or isinstance(fault.body, str):
        content, media_type = fault.body or "", "text/plain"
    else:
        content, media_type = json.dumps(fault.body), "application/json"
    headers = {"content-type": media_type} | {k.lower(): v for k, v in fault.headers.items()}
    return Response(content, fault.status or 500, headers)


async def _discard(message: Message) -> None:
    """Takes an answer that nobody will get."""


async def _cut(scope: Scope, receive: Receive) -> None:
    """Cuts the connection, and returns once the server has noticed, so that it answers nothing."""
    scope["extensions"][ABORT_EXTENSION]()
    while (await receive())["type"] != "http.disconnect":
        pass
