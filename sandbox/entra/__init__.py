"""Entra ID: discovery documents, signing keys, and the token endpoint."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.entra import discovery, identity, keys
from sandbox.entra.grants import grant
from sandbox.entra.refusals import Refusal, respond
from sandbox.world import World

_Handler = Callable[[Request], Awaitable[Response]]
_Document = Callable[[World, str], dict[str, Any]]


def routes(world: World) -> list[BaseRoute]:
    def document(build: _Document) -> _Handler:
        async def handler(request: Request) -> Response:
            try:
                return JSONResponse(build(world, request.path_params["tenant"]))
            except Refusal as refusal:
                return respond(world, refusal)

        return handler

    async def token(request: Request) -> Response:
        try:
            discovery.known(request.path_params["tenant"])
            answer = grant(world, await _form(request))
        except Refusal as refusal:
            return respond(world, refusal)
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    async def instance(_request: Request) -> Response:
        return JSONResponse(discovery.instance(world))

    async def managed_identity(request: Request) -> Response:
        return identity.answer(world, request)

    tenant = "/entra/{tenant}"
    openid = ".well-known/openid-configuration"
    return [
        Route("/entra/common/discovery/instance", instance),
        Route(identity.PATH, managed_identity),
        Route(f"{tenant}/v2.0/{openid}", document(discovery.openid_v2)),
        Route(f"{tenant}/{openid}", document(discovery.openid_v1)),
        Route(f"{tenant}/discovery/v2.0/keys", document(discovery.keys)),
        Route(f"{tenant}/discovery/keys", document(discovery.keys)),
        Route(f"{tenant}/oauth2/v2.0/token", token, methods=["POST"]),
    ]


def seed(world: World) -> None:
    """Makes the signing key, so that the first call needn't wait for it."""
    keys.signing_key(world.store)


async def _form(request: Request) -> dict[str, str]:
    body = (await request.body()).decode("utf-8", "replace")
    return dict(parse_qsl(body, keep_blank_values=True))
