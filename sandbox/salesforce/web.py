"""The HTTP side: tokens, versions, bodies; everything else is `dispatch`."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.salesforce import errors, limits, oauth
from sandbox.salesforce.access import caller_of
from sandbox.salesforce.dispatch import answer
from sandbox.salesforce.org import org_of
from sandbox.salesforce.rows import rows_of
from sandbox.salesforce.session import Call, Reply, Session
from sandbox.world import World

ROOT = "/services/data"
VERSIONS = range(55, 67)
MAX_URL = 16_384
"""REST API Developer Guide, "Query": bytes of a URI with its headers."""
MAX_JSON = 52_428_800
_MAX_PART = 1024**2
_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]
_VERSION = re.compile(r"v(\d+)\.0")


def routes(world: World) -> list[BaseRoute]:
    async def versions(_request: Request) -> Response:
        return JSONResponse(
            [{"label": f"v{n}.0", "url": f"{ROOT}/v{n}.0", "version": f"{n}.0"} for n in VERSIONS]
        )

    async def data(request: Request) -> Response:
        return await _serve(world, request)

    return [
        *oauth.routes(world),
        Route(ROOT, versions, methods=["GET"]),
        Route(f"{ROOT}/", versions, methods=["GET"]),
        Route(f"{ROOT}/{{rest:path}}", data, methods=_METHODS),
    ]


async def _serve(world: World, request: Request) -> Response:
    """Lets the caller in, reads the request, and has it answered."""
    try:
        if len(str(request.url)) > MAX_URL:
            raise errors.Refused(414, "URI_TOO_LONG", "The URI is longer than 16,384 bytes.")
        caller = caller_of(world, request.headers.get("authorization", ""))
        version, *path = _segments(request)
        number = _VERSION.fullmatch(version)
        if number is None or int(number.group(1)) not in VERSIONS:
            raise errors.not_found()
        org = org_of(world)
        session = Session(world, rows_of(world), org, org.schema_, caller, version)
        body, files = await _body(request)
        headers = dict(request.headers.items())
        query = _query(request)
        reply = answer(session, Call(request.method, tuple(path), query, headers, body, files))
    except errors.Refused as error:
        reply = Reply(error.status, [error.entry()])
    return _response(reply, limits.count(world))


def _segments(request: Request) -> list[str]:
    raw: bytes = request.scope["raw_path"]
    below = raw.decode("ascii").removeprefix(f"{ROOT}/").rstrip("/")
    return [unquote(segment) for segment in below.split("/")]


def _query(request: Request) -> dict[str, str]:
    """A parameter that comes several times counts as a list with commas."""
    params = request.query_params
    return {name: ",".join(params.getlist(name)) for name in params}


def _response(reply: Reply, more: Mapping[str, str]) -> Response:
    headers = {**reply.headers, **more}
    if reply.body is None:
        return Response(status_code=reply.status, headers=headers)
    if isinstance(reply.body, bytes):
        return Response(reply.body, reply.status, headers, reply.media_type)
    # ASCII, since an error may repeat text that UTF-8 can't hold.
    return Response(json.dumps(reply.body), reply.status, headers, "application/json")


async def _body(request: Request) -> tuple[Any, dict[str, bytes]]:
    """The JSON of the body, and the files beside it. REST API Developer Guide, "Insert or Update
    Blob Data": a part of JSON, and one of the file's bytes named after its field."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _multipart(request)
    raw = await request.body()
    if len(raw) > MAX_JSON:
        raise errors.Refused(413, "REQUEST_TOO_LARGE", "The request is larger than 50 MB.")
    if not raw.strip():
        return None, {}
    if kind != "application/json":
        raise errors.Refused(415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Type '{kind}' not supported.")
    return _json(raw), {}


async def _multipart(request: Request) -> tuple[Any, dict[str, bytes]]:
    async with request.form(max_part_size=_MAX_PART) as form:
        files = {k: await v.read() for k, v in form.items() if isinstance(v, UploadFile)}
        texts = [value for value in form.values() if isinstance(value, str)]
    if len(texts) != 1:
        raise errors.bad_input("Multipart message must include a single non-binary part.")
    return _json(texts[0].encode("utf-8")), files


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise errors.bad_json("The body is not valid JSON.") from None
