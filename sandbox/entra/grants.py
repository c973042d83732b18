"""The token endpoint: on behalf of a user, and as the app itself.

Microsoft Learn, "Microsoft identity platform and OAuth 2.0 On-Behalf-Of flow" and "… client
credentials flow".
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from sandbox.entra import tokens
from sandbox.entra.clients import authenticate
from sandbox.entra.refusals import Refusal, missing
from sandbox.entra.scopes import Wanted, wanted
from sandbox.world import CLIENT_ID, TENANT, TokenRefused, World

_ON_BEHALF_OF = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_CLIENT_CREDENTIALS = "client_credentials"


def grant(world: World, form: Mapping[str, str]) -> dict[str, Any]:
    """The successful answer to a token request. Raises Refusal."""
    for parameter in ("grant_type", "scope"):
        if not form.get(parameter):
            raise missing(parameter)
    kind = form["grant_type"]
    if kind not in (_ON_BEHALF_OF, _CLIENT_CREDENTIALS):
        raise Refusal(
            "unsupported_grant_type",
            70003,
            f"The app requested an unsupported grant type '{kind}'.",
        )
    authenticate(world, form)
    asked = wanted(world, form["scope"])
    if kind == _ON_BEHALF_OF:
        return _on_behalf_of(world, form, asked)
    return _as_app(world, asked)


def _on_behalf_of(world: World, form: Mapping[str, str], asked: Wanted) -> dict[str, Any]:
    for parameter in ("assertion", "requested_token_use"):
        if not form.get(parameter):
            raise missing(parameter)
    address = _user(world, form["assertion"])
    scopes = asked.granted()
    token = tokens.issue(world, address, asked.service, scopes=scopes)
    answer = {
        "token_type": "Bearer",
        "scope": " ".join(f"{asked.resource}/{name}" for name in scopes),
        **_expiry(),
        "access_token": token,
    }
    if form.get("client_info") == "1":
        answer["client_info"] = _client_info(tokens.employee(world, address).oid)
    return answer


def _as_app(world: World, asked: Wanted) -> dict[str, Any]:
    if asked.names:
        raise Refusal(
            "invalid_scope",
            1002012,
            f"The provided value for scope {asked.resource}/{asked.names[0]} is not valid. Client "
            "credential flows must have a scope value with /.default suffixed to the resource "
            "identifier (application ID URI).",
        )
    token = tokens.issue_app(world, asked.service)
    return {"token_type": "Bearer", **_expiry(), "access_token": token}


def _user(world: World, assertion: str) -> str:
    """The address of the employee for whom the assertion, a token for our API, was issued."""
    if assertion.count(".") != 2:
        raise Refusal("invalid_request", 50027, "JWT token is invalid or malformed.")
    try:
        claims = tokens.verified(world, assertion)
    except TokenRefused:
        raise Refusal("invalid_grant", 50013, "Assertion failed signature validation.") from None
    if claims.get("aud") not in (CLIENT_ID, f"api://{CLIENT_ID}"):
        raise Refusal(
            "invalid_grant",
            500131,
            "Assertion audience does not match the Client app presenting the assertion. The "
            f"audience in the assertion was '{claims.get('aud')}' and the expected audience is "
            f"'{CLIENT_ID}' or one of the Application Uris of this application with App ID "
            f"'{CLIENT_ID}'.",
        )
    if not tokens.current(world, claims):
        raise Refusal(
            "invalid_grant",
            500133,
            "Assertion is not within its valid time range. Ensure that the access token is not "
            "expired before using it for user assertion, or request a new token.",
        )
    if "scp" not in claims:
        raise Refusal(
            "invalid_grant",
            7000114,
            f"Application '{claims.get('azp')}' is not allowed to make application on-behalf-of "
            "calls.",
        )
    for person in world.company.employees:
        if person.oid == claims["oid"]:
            return person.address
    raise Refusal(
        "invalid_grant",
        50034,
        f"The user account {claims['oid']} does not exist in the Contoso directory.",
    )


def _expiry() -> dict[str, int]:
    seconds = int(tokens.LIFETIME.total_seconds())
    return {"expires_in": seconds, "ext_expires_in": seconds}


def _client_info(oid: str) -> str:
    text = json.dumps({"uid": oid, "utid": TENANT}).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()
