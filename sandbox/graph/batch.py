"""JSON batching: microsoft-graph-docs-contrib concepts/json-batching.md.

At most 20 requests, answered each for itself, 4 at a time, in the order that `dependsOn` asks.
Each one runs through the same routes with the batch's own token.
"""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Scope

from sandbox.graph.errors import GraphError, bad_request

MAX_REQUESTS = 20
PARALLEL = 4
_METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"})


@dataclass(frozen=True, slots=True)
class Step:
    id: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: Any
    depends_on: tuple[str, ...]


def read_steps(body: Mapping[str, Any]) -> list[Step]:
    """Raises GraphError 400 where the batch as a whole is malformed."""
    requests = body.get("requests")
    if not isinstance(requests, list) or not requests:
        raise _invalid("The 'requests' array is missing or empty.")
    if len(requests) > MAX_REQUESTS:
        raise _invalid(
            f"Number of batch request steps exceeds the maximum value of {MAX_REQUESTS}."
        )
    steps = [_step(request) for request in requests]
    known: set[str] = set()
    for step in steps:
        if step.id in known:
            raise _invalid(f"Request id '{step.id}' is used more than once.")
        if not known.issuperset(step.depends_on):
            raise _invalid(f"Request '{step.id}' depends on one that does not come before it.")
        known.add(step.id)
    return steps


def _step(request: Any) -> Step:
    if not isinstance(request, dict):
        raise _invalid("A batch request must be an object.")
    id_, method, url = (_text(request, name) for name in ("id", "method", "url"))
    if method.upper() not in _METHODS or urlsplit(url).scheme:
        raise _invalid(f"Request '{id_}' has a bad method or an absolute url.")
    headers = request.get("headers") or {}
    if "body" in request and not any(name.lower() == "content-type" for name in headers):
        raise _invalid(f"Request '{id_}' has a body but no Content-Type header.")
    return Step(
        id_,
        method.upper(),
        url,
        {str(name).lower(): str(value) for name, value in headers.items()},
        request.get("body"),
        tuple(request.get("dependsOn") or ()),
    )


def _text(request: Mapping[str, Any], name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str) or not value:
        raise _invalid("Every batch request needs an id, a method and a url.")
    return value


async def run(app: ASGIApp, outer: Request, root: str, steps: list[Step]) -> list[dict[str, Any]]:
    """The answers, in the order in which they became ready."""
    answers: list[dict[str, Any]] = []
    done = {step.id: asyncio.Event() for step in steps}
    status: dict[str, int] = {}
    lanes = asyncio.Semaphore(PARALLEL)

    async def take(step: Step) -> None:
        for name in step.depends_on:
            await done[name].wait()
        if any(status[name] >= 400 for name in step.depends_on):
            answer = _failed_dependency(step)
        else:
            async with lanes:
                answer = await _call(app, outer, root, step)
        status[step.id] = answer["status"]
        answers.append(answer)
        done[step.id].set()

    await asyncio.gather(*(take(step) for step in steps))
    return answers


async def _call(app: ASGIApp, outer: Request, root: str, step: Step) -> dict[str, Any]:
    url = urlsplit(step.url)
    raw = b"" if step.body is None else json.dumps(step.body).encode()
    headers = {"authorization": outer.headers.get("authorization", ""), **step.headers}
    path = f"{root}/{url.path.lstrip('/')}"
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": step.method,
        "scheme": outer.url.scheme,
        "server": outer.scope.get("server"),
        "client": outer.scope.get("client"),
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": url.query.encode(),
        "root_path": root,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": raw, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return _answer(step, sent)


def _answer(step: Step, sent: list[Message]) -> dict[str, Any]:
    start = sent[0]
    content = b"".join(message.get("body", b"") for message in sent[1:])
    headers = {name.decode().title(): value.decode() for name, value in start["headers"]}
    headers.pop("Content-Length", None)
    answer: dict[str, Any] = {"id": step.id, "status": start["status"], "headers": headers}
    if content and headers.get("Content-Type", "").startswith("application/json"):
        answer["body"] = json.loads(content)
    elif content:
        answer["body"] = base64.b64encode(content).decode()
    return answer


def _failed_dependency(step: Step) -> dict[str, Any]:
    message = "A request that this one depends on has failed."
    return {
        "id": step.id,
        "status": 424,
        "headers": {"Content-Type": "application/json"},
        "body": {"error": {"code": "FailedDependency", "message": message}},
    }


def _invalid(message: str) -> GraphError:
    return bad_request(message)
