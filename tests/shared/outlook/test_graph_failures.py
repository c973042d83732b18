"""What the Graph mailbox makes of refusals, against a Graph that is told how to fail."""

import asyncio
import base64
import json
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from shared.domain import Attachment, AttachmentKind, Email, ItemRef
from shared.errors import (
    Forbidden,
    NoMailbox,
    NotFound,
    ThreadlineError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Upstream,
)
from shared.outbound import Sender
from shared.outlook.client import GraphMailbox

REF = ItemRef("email", "me", "A=")
ROOT = "https://graph.example/v1.0"


@dataclass
class Graph:
    """Holds files by attachment id. `script` is what it answers to the next calls, in turn; `odd`
    what it answers once for single attachments inside a batch."""

    files: dict[str, bytes] = field(default_factory=dict)
    script: deque[httpx.Response | Exception] = field(default_factory=deque)
    odd: dict[str, deque[dict[str, Any]]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.script:
            told = self.script.popleft()
            if isinstance(told, Exception):
                raise told
            return told
        if request.url.path.endswith("/$batch"):
            steps = json.loads(request.content)["requests"]
            return httpx.Response(200, json={"responses": [self._step(s) for s in steps][::-1]})
        if request.url.path.endswith("/$value"):
            return httpx.Response(200, content=self.files[request.url.path.split("/")[-2]])
        return httpx.Response(200, json={"id": "A=", "subject": "Hello"})

    def _step(self, step: dict[str, Any]) -> dict[str, Any]:
        id_ = step["url"].split("/")[-1]
        if self.odd.get(id_):
            return {"id": step["id"], **self.odd[id_].popleft()}
        text = base64.b64encode(self.files[id_]).decode()
        return {"id": step["id"], "status": 200, "body": {"contentBytes": text}}


@dataclass
class Clock:
    """Time that passes only by sleeping."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


@pytest.fixture
def graph() -> Graph:
    return Graph()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mailbox(graph: Graph, clock: Clock) -> GraphMailbox:
    sender = Sender(transport=httpx.MockTransport(graph), sleep=clock.sleep, clock=clock)
    return GraphMailbox(sender, sender.errand(20), ROOT, tokens())


def tokens() -> Callable[[], Awaitable[str]]:
    given: list[str] = []

    async def token() -> str:
        await asyncio.sleep(0)
        given.append(f"token-{len(given) + 1}")
        return given[-1]

    return token


def file(id_: str, kind: AttachmentKind = AttachmentKind.FILE) -> Attachment:
    return Attachment(id_, f"{id_}.bin", "application/octet-stream", 10, kind)


def error(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "The mailbox of ann@contoso.example …"}}


async def test_every_call_asks_for_lasting_ids_html_and_utc(
    graph: Graph, mailbox: GraphMailbox
) -> None:
    graph.files = {"a": b"1", "b": b"2"}
    await mailbox.fetch(REF)
    await mailbox.identify(REF)
    await mailbox.read_files(REF, [file("a"), file("b")])
    await mailbox.read_files(REF, [file("a")])
    graph.files["A="] = b"source"
    await mailbox.read_source(REF)
    wanted = {'IdType="ImmutableId"', 'outlook.body-content-type="html"', 'outlook.timezone="UTC"'}
    assert len(graph.requests) == 5
    for request in graph.requests:
        assert set(request.headers["prefer"].split(", ")) == wanted
        assert request.headers["authorization"] == "Bearer token-1"
    steps = json.loads(graph.requests[2].content)["requests"]
    assert all(set(step["headers"]["Prefer"].split(", ")) == wanted for step in steps)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, error("ErrorInvalidIdMalformed"), NotFound),
        (400, error("BadRequest"), Upstream),
        (403, error("ErrorAccessDenied"), Forbidden),
        (404, error("ErrorItemNotFound"), NotFound),
        (404, error("MailboxNotEnabledForRESTAPI"), NoMailbox),
        (404, error("ResourceNotFound"), NoMailbox),
        (404, "<html>", NotFound),
        (410, None, NotFound),
        (302, None, Upstream),
        (204, None, Upstream),
        (500, error("InternalServerError"), Unavailable),
        (501, "<html>", Unavailable),
        (400, {"error": {"code": "Bearer ann@contoso.example <x>"}}, Upstream),
        (400, {"error": "text"}, Upstream),
        (400, [1], Upstream),
    ],
)
async def test_refusals_are_told_without_graphs_own_words(
    status: int,
    body: Any,
    expected: type[ThreadlineError],
    graph: Graph,
    mailbox: GraphMailbox,
) -> None:
    graph.script.append(httpx.Response(status, json=body))
    with pytest.raises(expected) as refused:
        await mailbox.fetch(REF)
    assert type(refused.value) is expected
    assert "contoso" not in refused.value.detail


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"[1]", b'"text"', b'{"id": 5}', b"{}", b'{"id": "A=", "toRecipients": "x"}'],
)
async def test_what_makes_no_sense_is_an_upstream_fault(
    content: bytes, graph: Graph, mailbox: GraphMailbox
) -> None:
    graph.script.append(httpx.Response(200, content=content))
    with pytest.raises(Upstream) as refused:
        await mailbox.fetch(REF)
    assert refused.value.__cause__ is None  # it would quote the mail in a log


async def test_bytes_that_are_no_text_are_replaced(graph: Graph, mailbox: GraphMailbox) -> None:
    graph.script.append(httpx.Response(200, content=b'{"id": "A=", "subject": "a\xff\\ud800b"}'))
    item = await mailbox.fetch(REF)
    assert isinstance(item, Email)
    assert item.subject == "a\ufffd\ufffdb"


async def test_a_refused_token_is_replaced_once(graph: Graph, mailbox: GraphMailbox) -> None:
    graph.script.append(httpx.Response(401, json=error("InvalidAuthenticationToken")))
    assert await mailbox.fetch(REF)
    assert [r.headers["authorization"] for r in graph.requests] == [
        "Bearer token-1",
        "Bearer token-2",
    ]
    graph.script.extend([httpx.Response(401), httpx.Response(401)])
    with pytest.raises(Unauthenticated):
        await mailbox.fetch(REF)


async def test_throttling_is_waited_out_within_patience(
    graph: Graph, mailbox: GraphMailbox, clock: Clock
) -> None:
    graph.script.append(httpx.Response(429, headers={"Retry-After": "2.128"}))
    assert await mailbox.fetch(REF)
    assert clock.slept == [2.128]


async def test_throttling_beyond_patience_is_told_at_once(
    graph: Graph, mailbox: GraphMailbox, clock: Clock
) -> None:
    graph.script.append(httpx.Response(429, headers={"Retry-After": "120"}))
    with pytest.raises(Throttled) as refused:
        await mailbox.fetch(REF)
    assert refused.value.retry_after == 120
    assert clock.slept == []


async def test_an_outage_ends_as_unavailable_within_patience(
    graph: Graph, mailbox: GraphMailbox, clock: Clock
) -> None:
    graph.script.extend(httpx.Response(503) for _ in range(50))
    with pytest.raises(Unavailable):
        await mailbox.fetch(REF)
    assert clock.seconds < 20


async def test_a_broken_connection_is_tried_again(graph: Graph, mailbox: GraphMailbox) -> None:
    graph.script.append(httpx.ReadError("cut"))
    assert await mailbox.fetch(REF)


async def test_throttled_steps_alone_are_asked_again(
    graph: Graph, mailbox: GraphMailbox, clock: Clock
) -> None:
    graph.files = {name: name.encode() for name in "abc"}
    graph.odd["b"] = deque([{"status": 429, "headers": {"Retry-After": "3"}, "body": error("x")}])
    contents = await mailbox.read_files(REF, [file(name) for name in "abc"])
    assert contents == [b"a", b"b", b"c"]
    assert clock.slept == [3]
    assert [len(json.loads(r.content)["requests"]) for r in graph.requests] == [3, 1]


async def test_steps_throttled_too_long_are_told(
    graph: Graph, mailbox: GraphMailbox, clock: Clock
) -> None:
    graph.files = dict.fromkeys("ab", b"x")
    graph.odd["b"] = deque([{"status": 429, "headers": {"Retry-After": "300"}}])
    with pytest.raises(Throttled) as refused:
        await mailbox.read_files(REF, [file("a"), file("b")])
    assert refused.value.retry_after == 300
    assert clock.slept == []


async def test_steps_that_keep_failing_are_told(
    graph: Graph, mailbox: GraphMailbox, clock: Clock
) -> None:
    graph.files = dict.fromkeys("ab", b"x")
    graph.odd["b"] = deque([{"status": 503}] * 20)
    with pytest.raises(Unavailable):
        await mailbox.read_files(REF, [file("a"), file("b")])
    assert len(graph.requests) == 4
    assert clock.seconds < 20


@pytest.mark.parametrize("status", [400, 403, 404, 405, 410, 424])
async def test_steps_that_can_never_succeed_are_none(
    status: int, graph: Graph, mailbox: GraphMailbox
) -> None:
    graph.files = dict.fromkeys("ab", b"x")
    graph.odd["a"] = deque([{"status": status, "body": error("x")}])
    assert await mailbox.read_files(REF, [file("a"), file("b")]) == [None, b"x"]
    graph.script.append(httpx.Response(status, json=error("x")))
    assert await mailbox.read_files(REF, [file("a")]) == [None]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"responses": []},
        {"responses": [{"id": "0", "status": 200}]},
        {"responses": [{"id": "x", "status": 200}, {"id": "1", "status": 200}]},
        {"responses": "none"},
    ],
)
async def test_a_batch_answer_with_holes_is_an_upstream_fault(
    answer: dict[str, Any], graph: Graph, mailbox: GraphMailbox
) -> None:
    graph.script.append(httpx.Response(200, json=answer))
    with pytest.raises(Upstream):
        await mailbox.read_files(REF, [file("a"), file("b")])


async def test_links_are_asked_of_beta_and_never_fail_the_rest(
    graph: Graph, mailbox: GraphMailbox
) -> None:
    graph.files = {"a": b"1"}
    link = file("l", AttachmentKind.REFERENCE)
    found = {"status": 200, "body": {"sourceUrl": "https://x.example/y"}}
    graph.odd["l"] = deque([found])
    shortcut = b"[InternetShortcut]\r\nURL=https://x.example/y\r\n"
    assert await mailbox.read_files(REF, [link, file("a")]) == [shortcut, b"1"]
    assert {r.url.path for r in graph.requests} == {
        "/beta/$batch",
        "/v1.0/me/messages/A=/attachments/a/$value",
    }
    graph.script.append(httpx.Response(404))
    assert await mailbox.read_files(REF, [link]) == [None]


async def test_one_failure_ends_the_calls_beside_it(clock: Clock) -> None:
    ended: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        if "/attachments/0/" in request.url.path:
            return httpx.Response(501)
        try:
            await asyncio.sleep(30)
        finally:
            ended.append(request.url.path)
        return httpx.Response(200)

    sender = Sender(transport=httpx.MockTransport(answer))
    mailbox = GraphMailbox(sender, sender.errand(20), ROOT, tokens())
    large = [
        Attachment(str(n), "x", "application/zip", 9_000_000, AttachmentKind.FILE) for n in range(3)
    ]
    with pytest.raises(Unavailable):
        await mailbox.read_files(REF, large)
    await asyncio.sleep(0)
    assert len(ended) == 2
