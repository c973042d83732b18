"""The wire's middleware on its own: what is done when the answer gets lost."""

from datetime import UTC, datetime

import pytest
from starlette.types import Message, Receive, Scope, Send

from sandbox.faults import ABORT_EXTENSION, Fault, Line, Wire


class Service:
    """An application that counts how often it did its work."""

    def __init__(self) -> None:
        self.done = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.done += 1
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})


class Connection:
    """A connection that can be cut, as the server offers it."""

    def __init__(self) -> None:
        self.cut = False
        self.sent: list[Message] = []

    def scope(self) -> Scope:
        return {
            "type": "http",
            "method": "POST",
            "path": "/graph/v1.0/me",
            "raw_path": b"/graph/v1.0/me",
            "query_string": b"",
            "extensions": {ABORT_EXTENSION: self.abort},
        }

    def abort(self) -> None:
        self.cut = True

    async def receive(self) -> Message:
        assert self.cut
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)


@pytest.mark.parametrize(("drop", "done"), [("before", 0), ("after", 1)])
async def test_the_cut_comes_before_or_after_the_work(drop: str, done: int) -> None:
    wire, service, connection = Wire(), Service(), Connection()
    wire.arm(Fault.model_validate({"service": "graph", "drop": drop}))
    line = Line(service, wire, lambda: datetime.now(UTC))
    await line(connection.scope(), connection.receive, connection.send)
    assert (service.done, connection.cut, connection.sent) == (done, True, [])
    assert wire.calls[0].status is None
