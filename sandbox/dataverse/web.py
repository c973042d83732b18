"""The HTTP side: tokens, the caller, limits; everything else is `dispatch`, `batch`, `search`."""

from collections.abc import Callable
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.dataverse import batch, errors, search
from sandbox.dataverse.answers import error_reply
from sandbox.dataverse.calendar import mark_synced
from sandbox.dataverse.dispatch import answer, json_body
from sandbox.dataverse.limits import meter_of
from sandbox.dataverse.preferences import preferences
from sandbox.dataverse.rows import rows_of
from sandbox.dataverse.security import caller_of
from sandbox.dataverse.session import Call, Reply, Session
from sandbox.entra.tokens import principal
from sandbox.world import TENANT, TokenRefused, World

PREFIX = "/dataverse/api/data/v9.2"
SEARCH = "/dataverse/api/search/v2.0/query"
MAX_URL = 32_768
"""Learn, "Compose HTTP requests and handle errors": characters of a URL outside a batch."""
_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]


def routes(world: World) -> list[BaseRoute]:
    async def data(request: Request) -> Response:
        return await _serve(world, request, _data)

    async def searching(request: Request) -> Response:
        return await _serve(world, request, _search)

    async def synced(request: Request) -> Response:
        try:
            mark_synced(world, request.path_params["id"])
        except KeyError:
            return JSONResponse({"error": "no appointment has this id"}, 404)
        return Response(status_code=204)

    return [
        Route(f"{PREFIX}/{{rest:path}}", data, methods=_METHODS),
        Route(SEARCH, searching, methods=["POST"]),
        Route("/sandbox/dataverse/appointments/{id}/synced", synced, methods=["POST"]),
    ]


Handler = Callable[[Session, Call], Reply]


async def _serve(world: World, request: Request, handle: Handler) -> Response:
    """Lets the caller in, counts the request, and reads its body, before the work is done."""
    prefs = preferences(request.headers.get("prefer", ""))
    try:
        who = principal(world, request, "dataverse")
        if len(str(request.url)) > MAX_URL:
            raise errors.Refused(414, "", "Request URL Too Long")
        rows = rows_of(world)
        caller = caller_of(world, rows, who, request.headers)
        with meter_of(world).request(caller.acting or caller.user) as left:
            call = _call_of(request, await request.body())
            session = Session(world, rows, caller, f"{world.base_url}{PREFIX}")
            reply = handle(session, call)
    except TokenRefused:
        return Response(status_code=401, headers=_challenge(world))
    except errors.Refused as error:
        reply, left = error_reply(error, prefs), {}
    request_id = {"x-ms-service-request-id": str(uuid4())}
    return Response(reply.body, reply.status, {**reply.headers, **left, **request_id})


def _data(session: Session, call: Call) -> Reply:
    if call.target != "$batch":
        return answer(session, call)
    if call.method != "POST":
        raise errors.Refused(
            405, "0x80060888", "The requested resource '$batch' supports only POST."
        )
    return batch.run(session, call)


def _search(session: Session, call: Call) -> Reply:
    meter_of(session.world).search(session.caller.acting or session.caller.user)
    return search.query(session, json_body(call))


def _call_of(request: Request, body: bytes) -> Call:
    raw: bytes = request.scope["raw_path"]
    return Call(
        request.method,
        raw.decode("ascii").partition(f"{PREFIX}/")[2].replace("%24batch", "$batch"),
        request.scope["query_string"].decode("latin-1"),
        dict(request.headers.items()),
        body,
    )


def _challenge(world: World) -> dict[str, str]:
    address = f"{world.base_url}/entra/{TENANT}/oauth2/authorize"
    resource = f"{world.base_url}/dataverse/"
    return {"WWW-Authenticate": f"Bearer authorization_uri={address}, resource_id={resource}"}
