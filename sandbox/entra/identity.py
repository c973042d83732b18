"""The app's managed identity, as the hosting platform hands out its tokens.

It follows Microsoft Learn, "How to use managed identities for App Service and Azure Functions":
the platform sets IDENTITY_ENDPOINT and IDENTITY_HEADER for the app.
"""

import hmac

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.entra import tokens
from sandbox.sample_data.ids import sample_id
from sandbox.world import TENANT, World

PATH = "/entra/msi/token"
IDENTITY_HEADER = "sandbox-identity-header"
IDENTITY_CLIENT_ID = "5d9f4a1b-2c3e-4d70-8b8f-3a2b1c0d9e04"
IDENTITY_OID = sample_id("service principal", "threadline identity")
EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"


def answer(world: World, request: Request) -> JSONResponse:
    shown = request.headers.get("x-identity-header", "")
    if not hmac.compare_digest(shown.encode(), IDENTITY_HEADER.encode()):
        return _error(401, "Unauthorized", "The X-IDENTITY-HEADER is missing or wrong.")
    resource = request.query_params.get("resource", "")
    if not resource or request.query_params.get("api-version") != "2019-08-01":
        return _error(400, "BadRequest", "resource and api-version=2019-08-01 are required.")
    client_id = request.query_params.get("client_id")
    if client_id != IDENTITY_CLIENT_ID:
        return _error(400, "BadRequest", f"No managed identity with client id {client_id} found.")
    token, expires = _token(world, resource)
    return JSONResponse(
        {
            "access_token": token,
            "client_id": IDENTITY_CLIENT_ID,
            "expires_on": str(expires),
            "resource": resource,
            "token_type": "Bearer",
        }
    )


def _token(world: World, resource: str) -> tuple[str, int]:
    times = tokens.times(world)
    claims = {
        **times,
        "aud": resource,
        "azp": IDENTITY_CLIENT_ID,
        "idtyp": "app",
        "iss": tokens.v2_issuer(world),
        "oid": IDENTITY_OID,
        "sub": IDENTITY_OID,
        "tid": TENANT,
        "ver": "2.0",
    }
    return tokens.sign(world, claims), times["exp"]


def _error(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status)
