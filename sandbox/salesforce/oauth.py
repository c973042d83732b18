"""`/services/oauth2/…`: the JWT bearer flow.

Salesforce Help, "OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration" and "OAuth 2.0 Error
Codes".
"""

from collections.abc import Mapping
from typing import Any

import jwt
from jwt.types import Options
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.salesforce import errors
from sandbox.salesforce.access import ORGANIZATION, caller_of, sign
from sandbox.salesforce.keys import public_key
from sandbox.salesforce.org import org_of
from sandbox.salesforce.rows import rows_of
from sandbox.store import Row
from sandbox.world import World

CONSUMER_KEY = "3MVG9threadline.sandbox.consumer"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MAX_LIFETIME = 300
"""Seconds that an assertion may be good for."""
LOGIN_HOSTS = ("https://login.salesforce.com", "https://test.salesforce.com")
_UNCHECKED: Options = {
    "verify_aud": False,
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_sub": False,
    "verify_jti": False,
}
"""What is looked at afterwards, by the sandbox's clock, or not at all."""
_NOT_APPROVED = "user hasn't approved this consumer"


class _Denied(Exception):
    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.body = {"error": error, "error_description": description}


def routes(world: World) -> list[Route]:
    async def token(request: Request) -> Response:
        form = await request.form()
        try:
            return JSONResponse(_grant(world, {k: str(v) for k, v in form.items()}))
        except _Denied as denied:
            return JSONResponse(denied.body, 400, {"Cache-Control": "no-store"})

    async def userinfo(request: Request) -> Response:
        try:
            caller = caller_of(world, request.headers.get("authorization", ""))
        except errors.Refused:
            return Response("Bad_OAuth_Token", 403)
        return JSONResponse(_userinfo(rows_of(world).get("User", caller.user) or {}))

    return [
        Route("/services/oauth2/token", token, methods=["POST"]),
        Route("/services/oauth2/userinfo", userinfo, methods=["GET", "POST"]),
    ]


def _grant(world: World, form: Mapping[str, str]) -> dict[str, Any]:
    if form.get("grant_type") != GRANT:
        raise _Denied("unsupported_grant_type", "grant type not supported")
    claims = _claims(world, form.get("assertion", ""))
    user = _user(world, str(claims.get("sub", "")))
    return {
        "access_token": sign(world, user["Id"]),
        "scope": "api id",
        "instance_url": world.base_url,
        "id": f"{world.base_url}/id/{ORGANIZATION}/{user['Id']}",
        "token_type": "Bearer",
    }


def _claims(world: World, assertion: str) -> dict[str, Any]:
    try:
        issuer = jwt.decode(assertion, options={"verify_signature": False}).get("iss")
        if issuer != CONSUMER_KEY:
            raise _Denied("invalid_client_id", "client identifier invalid")
        claims = jwt.decode(assertion, public_key(world), ["RS256"], options=_UNCHECKED)
    except jwt.InvalidTokenError:
        raise _Denied("invalid_grant", "invalid assertion") from None
    if claims.get("aud") not in (world.base_url, *LOGIN_HOSTS):
        raise _Denied("invalid_grant", "audience is invalid")
    left = _seconds(claims.get("exp")) - world.machine_time().timestamp()
    if left <= 0:
        raise _Denied("invalid_grant", "expired authorization code")
    if left > MAX_LIFETIME:
        raise _Denied("invalid_grant", "invalid assertion")
    return dict(claims)


def _seconds(expiry: object) -> float:
    """simple-salesforce sends the number as text, and Salesforce takes it."""
    try:
        return float(expiry) if isinstance(expiry, str | int | float) else 0
    except ValueError:
        return 0


def _user(world: World, username: str) -> Row:
    wanted = username.casefold()
    users = rows_of(world).all("User")
    user = next((u for u in users if u["Username"].casefold() == wanted), None)
    if user is None or not org_of(world).consumer_approved:
        raise _Denied("invalid_grant", _NOT_APPROVED)
    if not user.get("IsActive"):
        raise _Denied("inactive_user", "user is inactive")
    return user


def _userinfo(user: Row) -> dict[str, Any]:
    return {
        "user_id": user["Id"],
        "organization_id": ORGANIZATION,
        "preferred_username": user["Username"],
        "name": user["Name"],
        "email": user["Email"],
        "active": True,
    }
