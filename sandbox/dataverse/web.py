"""The HTTP side: tokens, the caller, URL lengths; everything else is `dispatch` and `batch`."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.dataverse import batch, errors
from sandbox.dataverse.answers import error_reply
from sandbox.dataverse.dispatch import answer
from sandbox.dataverse.preferences import preferences
from sandbox.dataverse.rows import rows_of
from sandbox.dataverse.security import caller_of
from sandbox.dataverse.session import Call, Reply, Session
from sandbox.entra.tokens import principal
from sandbox.world import TENANT, TokenRefused, World

PREFIX = "/dataverse/api/data/v9.2"
MAX_URL = 32_768
"""Learn, "Compose HTTP requests and handle errors": characters of a URL outside a batch."""
_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]


def routes(world: World) -> list[BaseRoute]:
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        reply = _reply(world, request, body)
        return Response(reply.body, reply.status, dict(reply.headers))

    return [Route(f"{PREFIX}/{{rest:path}}", endpoint, methods=_METHODS)]


def _reply(world: World, request: Request, body: bytes) -> Reply:
    try:
        who = principal(world, request, "dataverse")
    except TokenRefused:
        return _unauthenticated(world)
    rows = rows_of(world)
    call = call_of(request, body)
    try:
        if len(str(request.url)) > MAX_URL:
            raise errors.Refused(414, "", "Request URL Too Long")
        caller = caller_of(world, rows, who, call.headers)
        session = Session(world, rows, caller, f"{world.base_url}{PREFIX}")
        if call.target == "$batch":
            return _batch(session, call)
        return answer(session, call)
    except errors.Refused as error:
        return error_reply(error, preferences(call.headers.get("prefer", "")))


def call_of(request: Request, body: bytes) -> Call:
    raw: bytes = request.scope["raw_path"]
    return Call(
        request.method,
        raw.decode("ascii").partition(f"{PREFIX}/")[2].replace("%24batch", "$batch"),
        request.scope["query_string"].decode("latin-1"),
        dict(request.headers.items()),
        body,
    )


def _batch(session: Session, call: Call) -> Reply:
    if call.method != "POST":
        raise errors.Refused(
            405, "0x80060888", "The requested resource '$batch' supports only POST."
        )
    return batch.run(session, call)


def _unauthenticated(world: World) -> Reply:
    return Reply(
        401,
        headers={
            "WWW-Authenticate": f"Bearer authorization_uri={world.base_url}/entra/{TENANT}/oauth2/"
            f"authorize, resource_id={world.base_url}/dataverse/"
        },
    )
