"""Azure OpenAI's embeddings, of one deployment, for whoever has the app's managed identity.

It follows Microsoft Learn, "Azure OpenAI in Azure AI Foundry Models REST API reference",
data plane 2024-10-21. The vectors tell no more of meaning than `vectors` says.
"""

import base64
import struct
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from sandbox.azure_openai.vectors import vector
from sandbox.entra import tokens
from sandbox.world import TokenRefused, World

DEPLOYMENT = "embeddings-of-meaning"
AUDIENCE = "https://cognitiveservices.azure.com"

_MODEL = "text-embedding-3-small"
_Text = Annotated[str, Field(min_length=1, max_length=32_000)]  # of at most 8,191 tokens


class _Wanted(BaseModel):
    input: _Text | Annotated[list[_Text], Field(min_length=1, max_length=2048)]
    encoding_format: Literal["float", "base64"] = "float"


def routes(world: World) -> list[BaseRoute]:
    async def embeddings(request: Request) -> JSONResponse:
        if not request.query_params.get("api-version"):
            return _error(404, "404", "Resource not found")
        try:
            _check_token(world, request)
        except TokenRefused:
            return _error(401, "401", "Access denied due to invalid or missing credentials.")
        if request.path_params["deployment"] != DEPLOYMENT:
            return _error(
                404, "DeploymentNotFound", "The API deployment for this resource does not exist."
            )
        try:
            wanted = _Wanted.model_validate_json(await request.body())
        except ValidationError:
            return _error(400, "invalid_request_error", "'$.input' is invalid.")
        return JSONResponse(_answer(wanted))

    return [
        Route("/openai/deployments/{deployment}/embeddings", embeddings, methods=["POST"]),
    ]


def _check_token(world: World, request: Request) -> None:
    """Raises TokenRefused."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise TokenRefused("no token")
    claims = tokens.verified(world, token.strip())
    if claims.get("aud") != AUDIENCE or not tokens.current(world, claims):
        raise TokenRefused("not for this service, or too old")


def _answer(wanted: _Wanted) -> dict[str, Any]:
    texts = [wanted.input] if isinstance(wanted.input, str) else wanted.input
    count = sum(len(text) // 4 + 1 for text in texts)
    return {
        "object": "list",
        "data": [
            {
                "object": "embedding",
                "index": index,
                "embedding": _encoded(vector(text), wanted.encoding_format),
            }
            for index, text in enumerate(texts)
        ],
        "model": _MODEL,
        "usage": {"prompt_tokens": count, "total_tokens": count},
    }


def _encoded(values: list[float], form: str) -> list[float] | str:
    if form == "float":
        return values
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


def _error(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status)
