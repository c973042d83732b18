"""HTTP triggers: aiohttp in front, `HttpRequest` and `HttpResponse` behind.

aiohttp: its compiled parser makes a request cheaper than Starlette on uvicorn does, for some 40 ms
more at the start (docs/adr/0001).
"""

import logging
import os
from collections.abc import Iterable

from aiohttp import web
from azure.functions.http import HttpRequest, HttpResponseConverter
from multidict import CIMultiDict

from sandbox.host.config import MAX_BODY
from sandbox.host.functions import Function
from sandbox.host.invocation import Invoker, trace_of
from sandbox.host.keys import Keys
from sandbox.host.routing import Route, Router, parse
from sandbox.host.triggers import InvocationFailed

_log = logging.getLogger("host")

_KEY_HEADER = "x-functions-key"


def router(functions: Iterable[Function], prefix: str) -> Router[Function]:
    """Raises TemplateError."""
    return Router(
        Route(
            parse(f"{prefix}/{function.trigger.fields['route']}"),
            _methods(function),
            function,
        )
        for function in functions
        if function.trigger.type == "httpTrigger"
    )


def application(routes: Router[Function], invoker: Invoker, keys: Keys | None) -> web.Application:
    """`keys` None lets everyone in. A failed function answers 500 and nothing else, as in Azure;
    what happened is in the log."""

    async def handle(request: web.Request) -> web.StreamResponse:
        found = routes.find(request.method, request.rel_url.raw_path)
        if found is None:
            return web.Response(status=404)
        function, values = found
        if keys is not None and not _admitted(function, request, keys):
            return web.Response(status=401)
        try:
            argument = await _request(request, values)
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413)
        trace = trace_of(request.headers.get("traceparent"), request.headers.get("tracestate"))
        try:
            return _response(await invoker.run(function, argument, trace))
        except InvocationFailed:
            return web.Response(status=500)
        except NotImplementedError:
            _log.error("'Functions.%s' returned no HttpResponse", function.name)
            return web.Response(status=500)

    limit = int(os.environ.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", MAX_BODY))
    app = web.Application(client_max_size=limit)
    app.router.add_route("*", "/{path:.*}", handle)
    return app


def _methods(function: Function) -> frozenset[str] | None:
    methods = function.trigger.fields.get("methods")
    return frozenset(method.upper() for method in methods) if methods else None


def _admitted(function: Function, request: web.Request, keys: Keys) -> bool:
    presented = request.headers.get(_KEY_HEADER) or request.query.get("code", "")
    return keys.admits(function.trigger.fields.get("authLevel", "FUNCTION").upper(), presented)


async def _request(request: web.Request, values: dict[str, str]) -> HttpRequest:
    """Raises HTTPRequestEntityTooLarge."""
    return HttpRequest(
        request.method,
        str(request.url),
        headers=_flat((name.lower(), value) for name, value in request.headers.items()),
        params=_flat(request.query.items()),
        route_params=values,
        body_type="bytes",
        body=await request.read(),
    )


def _flat(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The host joins repeated headers and parameters by commas, and leaves out empty ones."""
    flat: dict[str, str] = {}
    for name, value in pairs:
        if value:
            flat[name] = f"{flat[name]},{value}" if name in flat else value
    return flat


def _response(result: object) -> web.Response:
    """None is 204, a str is a text. Raises NotImplementedError for what is no HttpResponse."""
    if result is None:
        return web.Response(status=204)
    if isinstance(result, str):
        return web.Response(text=result)
    answer = HttpResponseConverter.encode(result, expected_type=None).value
    headers = CIMultiDict((name, datum.value) for name, datum in answer["headers"].items())
    for jar in answer["cookies"] or ():
        headers.extend(("Set-Cookie", cookie.OutputString()) for cookie in jar.values())
    return web.Response(
        status=int(answer["status_code"].value), headers=headers, body=answer["body"].value
    )
