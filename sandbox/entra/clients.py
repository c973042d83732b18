"""Whether a token request really comes from our app.

The app shows a secret, or an assertion signed for its managed identity (workload identity
federation: Microsoft Learn, "Configure an application to trust a managed identity").
"""

import hmac
from collections.abc import Mapping

from sandbox.entra import tokens
from sandbox.entra.identity import EXCHANGE_AUDIENCE, IDENTITY_OID
from sandbox.entra.refusals import Refusal, missing
from sandbox.world import CLIENT_ID, CLIENT_SECRET, TENANT, TokenRefused, World

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def authenticate(world: World, form: Mapping[str, str]) -> None:
    """Raises Refusal unless the request proves that it comes from our app."""
    if "client_id" not in form:
        raise missing("client_id")
    if form["client_id"] != CLIENT_ID:
        raise Refusal(
            "unauthorized_client",
            700016,
            f"Application with identifier '{form['client_id']}' was not found in the directory "
            "'Contoso'. This can happen if the application has not been installed by the "
            "administrator of the tenant or consented to by any user in the tenant.",
        )
    if "client_assertion" in form:
        _check_assertion(world, form)
    elif "client_secret" in form:
        _check_secret(form["client_secret"])
    else:
        raise Refusal(
            "invalid_client",
            7000218,
            "The request body must contain the following parameter: 'client_assertion' or "
            "'client_secret'.",
            status=401,
        )


def _check_secret(secret: str) -> None:
    if not hmac.compare_digest(secret.encode(), CLIENT_SECRET.encode()):
        raise Refusal(
            "invalid_client",
            7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the "
            "client secret value, not the client secret ID, for a secret added to app "
            f"'{CLIENT_ID}'.",
            status=401,
        )


def _check_assertion(world: World, form: Mapping[str, str]) -> None:
    if form.get("client_assertion_type") != _ASSERTION_TYPE:
        raise missing("client_assertion_type")
    try:
        claims = tokens.verified(world, form["client_assertion"])
    except TokenRefused:
        raise Refusal(
            "invalid_client", 700027, "Client assertion failed signature validation.", status=401
        ) from None
    if not tokens.current(world, claims):
        raise Refusal(
            "invalid_client",
            700024,
            "Client assertion is not within its valid time range.",
            status=401,
        )
    _check_federation(world, claims)


def _check_federation(world: World, claims: Mapping[str, object]) -> None:
    """The one federated credential of the app: its managed identity."""
    expected = {
        "iss": (700211, "issuer", tokens.v2_issuer(world)),
        "aud": (700212, "audience", EXCHANGE_AUDIENCE),
        "sub": (700213, "subject", IDENTITY_OID),
    }
    for claim, (code, word, value) in expected.items():
        if claims.get(claim) != value:
            raise Refusal(
                "invalid_client",
                code,
                f"No matching federated identity record found for presented assertion {word} "
                f"'{claims.get(claim)}'. Tenant: '{TENANT}'.",
                status=401,
            )
