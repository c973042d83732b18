"""One call to Graph: who makes it, of which mailbox, and how it is answered."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from sandbox.entra.tokens import principal
from sandbox.graph.errors import GraphError, bad_request
from sandbox.graph.people import Mailbox, opened_mailbox
from sandbox.graph.query import Preferences, Query, parse_prefer, parse_query
from sandbox.graph.throttle import Gate
from sandbox.store import Store
from sandbox.world import Principal, TokenRefused, World

V1 = "/graph/v1.0"
BETA = "/graph/beta"
_JSON = "application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8"


@dataclass(frozen=True, slots=True)
class Call:
    """`path` values are decoded; `body` is the parsed JSON of the request, {} where it has none."""

    world: World
    mailbox: Mailbox
    request: Request
    query: Query
    prefer: Preferences
    body: dict[str, Any]

    @property
    def store(self) -> Store:
        return self.world.store

    @property
    def beta(self) -> bool:
        return root_of(self.request) == BETA

    def path(self, name: str) -> str:
        value: str = self.request.path_params[name]
        return value

    def context(self, what: str) -> str:
        root = f"{self.world.base_url}{root_of(self.request)}"
        return f"{root}/$metadata#users('{self.mailbox.oid}')/{what}"

    def json(self, content: Any, status: int = 200) -> Response:
        return json_answer(content, status)


Handler = Callable[[Call], Response]


def endpoint(
    world: World, gate: Gate, permission: str, handler: Handler
) -> Callable[[Request], Awaitable[Response]]:
    """The ASGI endpoint of a handler: token, mailbox, concurrency, options, errors, headers."""

    async def answer(request: Request) -> Response:
        prefer = parse_prefer(request.headers.getlist("prefer"))
        try:
            mailbox = _authorized(world, request, permission)
            async with gate.passing(mailbox.address):
                query = parse_query(request.query_params)
                body = await body_of(request)
                response = handler(Call(world, mailbox, request, query, prefer, body))
        except GraphError as error:
            return refusal(world, request, error)
        if prefer.applied:
            response.headers["Preference-Applied"] = prefer.applied
        response.headers["request-id"], response.headers["client-request-id"] = _ids(request)
        return response

    return answer


def refusal(world: World, request: Request, error: GraphError) -> Response:
    request_id, client_request_id = _ids(request)
    body = error.body(request_id, client_request_id, world.clock())
    ids = {"request-id": request_id, "client-request-id": client_request_id}
    return Response(_dumps(body), error.status, {**ids, **error.headers}, "application/json")


def json_answer(content: Any, status: int = 200) -> Response:
    return Response(_dumps(content), status, media_type=_JSON)


def root_of(request: Request) -> str:
    """The version that was called: V1 or BETA."""
    return BETA if request.url.path.startswith(BETA) else V1


def authenticate(world: World, request: Request) -> Principal:
    """Raises GraphError 401."""
    try:
        return principal(world, request, "graph")
    except TokenRefused as refused:
        message = str(refused) or "Access token is empty."
        raise GraphError(
            401, "InvalidAuthenticationToken", message, {"WWW-Authenticate": 'Bearer realm=""'}
        ) from refused


def _authorized(world: World, request: Request, permission: str) -> Mailbox:
    who = authenticate(world, request)
    return opened_mailbox(world, who, request.path_params.get("user"), permission)


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object in a request, {} where it carries none. Raises GraphError 400."""
    if request.method not in ("POST", "PATCH", "PUT"):
        return {}
    raw = await request.body()
    if not raw:
        return {}
    try:
        content = json.loads(raw)
    except ValueError as error:
        raise bad_request(
            "Unable to read JSON request payload. Please ensure Content-Type header is set and "
            "payload is of valid JSON format."
        ) from error
    if not isinstance(content, dict):
        raise bad_request("The request body must be a JSON object.")
    return content


def _dumps(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode()


def _ids(request: Request) -> tuple[str, str]:
    request_id = str(uuid4())
    return request_id, request.headers.get("client-request-id", request_id)
