"""Access tokens: issuing them as Entra would, and reading them as the services would.

Tokens for our API have the v2 form, those for Graph and Dataverse the v1 form, as the real
services get them (Microsoft Learn, "Access tokens in the Microsoft identity platform").
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Literal

import jwt
from starlette.requests import Request

from sandbox.company import Employee
from sandbox.entra.keys import signing_key
from sandbox.sample_data.ids import sample_id
from sandbox.world import CLIENT_ID, TENANT, Principal, TokenRefused, World

Service = Literal["api", "graph", "dataverse"]

API_SCOPE = "access_as_user"
ADDIN_CLIENT_ID = "1b7d3c4e-5a60-4f0e-9a4c-2f1f6f1c8e03"
"""The add-in's own app registration, which asks for tokens of our API."""

APP_OID = sample_id("service principal", "threadline")
"""Object id of our app's service principal: the `oid` of app-only tokens."""

LIFETIME = timedelta(minutes=79)
"""Entra draws 60 to 90 minutes at random; one number keeps tests the same."""

GRAPH_SCOPES = (
    "Calendars.Read",
    "Calendars.Read.Shared",
    "Calendars.ReadWrite",
    "Mail.Read",
    "Mail.Read.Shared",
    "Mail.ReadWrite",
    "User.Read",
)
GRAPH_ROLES = ("Calendars.Read", "Mail.Read", "User.Read.All")

CONSENTED: Mapping[Service, tuple[str, ...]] = {
    "api": (API_SCOPE,),
    "graph": GRAPH_SCOPES,
    "dataverse": ("user_impersonation",),
}
"""The delegated permissions that the admin has consented to."""

ROLES: Mapping[Service, tuple[str, ...]] = {"api": (), "graph": GRAPH_ROLES, "dataverse": ()}
"""The application permissions; Dataverse gives an app user its rights by security role instead."""

V1_ISSUER = f"https://sts.windows.net/{TENANT}/"


def v2_issuer(world: World) -> str:
    return f"{world.base_url}/entra/{TENANT}/v2.0"


def audience_of(world: World, service: Service) -> str:
    """The `aud` of tokens for that service."""
    return {
        "api": CLIENT_ID,
        "graph": "https://graph.microsoft.com",
        "dataverse": f"{world.base_url}/dataverse",
    }[service]


def issue(
    world: World, address: str, service: Service = "api", *, scopes: Iterable[str] | None = None
) -> str:
    """A token that speaks for that employee. Raises KeyError for an unknown address."""
    person = employee(world, address)
    granted = CONSENTED[service] if scopes is None else tuple(scopes)
    if service == "api":
        return sign(world, _v2_claims(world, person, granted))
    return sign(world, _v1_user_claims(world, person, service, granted))


def issue_app(world: World, service: Service, *, roles: Iterable[str] | None = None) -> str:
    """A token in which our app speaks for itself."""
    granted = ROLES[service] if roles is None else tuple(roles)
    claims = {
        **times(world),
        **_v1_common(world, service),
        "idtyp": "app",
        "oid": APP_OID,
        "sub": APP_OID,
    }
    return sign(world, {**claims, "roles": sorted(granted)} if granted else claims)


def sign(world: World, claims: Mapping[str, Any]) -> str:
    """Signs any claims with the tenant's key: for tokens that Entra would not issue."""
    key = signing_key(world.store)
    return jwt.encode(dict(claims), key.private, algorithm="RS256", headers={"kid": key.kid})


def principal(world: World, request: Request, service: Service) -> Principal:
    """Who the request's bearer token speaks for. Raises TokenRefused."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenRefused("Access token is empty.")
    return read(world, token.strip(), service)


def read(world: World, token: str, service: Service) -> Principal:
    """As `principal`, for a bare token."""
    claims = claims_of(world, token, service)
    app_only = claims.get("idtyp") == "app"
    return Principal(
        oid=claims["oid"],
        app_only=app_only,
        scopes=frozenset(claims.get("scp", "").split()),
        roles=frozenset(claims.get("roles", ())),
        address=claims.get("preferred_username") or claims.get("upn") or "",
    )


def claims_of(world: World, token: str, service: Service) -> dict[str, Any]:
    """The claims of a token that this tenant signed for that service. Raises TokenRefused."""
    claims = verified(world, token)
    if claims.get("aud") != audience_of(world, service):
        raise TokenRefused("Access token validation failure. Invalid audience.")
    if not current(world, claims):
        raise TokenRefused("Lifetime validation failed, the token is expired.")
    return claims


def verified(world: World, token: str) -> dict[str, Any]:
    """The claims of anything this tenant signed, whatever its audience and age."""
    try:
        return jwt.decode(
            token,
            signing_key(world.store).public,
            algorithms=["RS256"],
            issuer=[V1_ISSUER, v2_issuer(world)],
            options={
                "verify_aud": False,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "require": ["exp", "nbf", "oid"],
            },
        )
    except jwt.InvalidTokenError as error:
        raise TokenRefused("Access token validation failure.") from error


def current(world: World, claims: Mapping[str, Any]) -> bool:
    """Whether verified claims are good at this moment, give or take what clocks may differ."""
    now = world.machine_time().timestamp()
    return bool(claims["nbf"] - _SKEW <= now < claims["exp"] + _SKEW)


_SKEW = 300
"""Seconds that services allow clocks to differ."""


def employee(world: World, address: str) -> Employee:
    """Raises KeyError for an address that no employee has."""
    key = address.strip().casefold()
    for person in world.company.employees:
        if person.address.casefold() == key:
            return person
    raise KeyError(address)


def times(world: World) -> dict[str, int]:
    """The time claims of a token issued now."""
    now = int(world.machine_time().timestamp())
    return {"iat": now, "nbf": now, "exp": now + int(LIFETIME.total_seconds())}


def _v2_claims(world: World, person: Employee, scopes: tuple[str, ...]) -> dict[str, Any]:
    return {
        **times(world),
        "aud": CLIENT_ID,
        "iss": v2_issuer(world),
        "azp": ADDIN_CLIENT_ID,
        "azpacr": "0",
        "name": person.name,
        "oid": person.oid,
        "preferred_username": person.address,
        "scp": " ".join(scopes),
        "sub": sample_id("subject", person.oid),
        "tid": TENANT,
        "uti": uuid.uuid4().hex[:22],
        "ver": "2.0",
    }


def _v1_user_claims(
    world: World, person: Employee, service: Service, scopes: tuple[str, ...]
) -> dict[str, Any]:
    return {
        **times(world),
        **_v1_common(world, service),
        "idtyp": "user",
        "name": person.name,
        "oid": person.oid,
        "scp": " ".join(scopes),
        "sub": sample_id("subject", f"{service}/{person.oid}"),
        "unique_name": person.address,
        "upn": person.address,
    }


def _v1_common(world: World, service: Service) -> dict[str, Any]:
    return {
        "aud": audience_of(world, service),
        "iss": V1_ISSUER,
        "appid": CLIENT_ID,
        "appidacr": "1",
        "tid": TENANT,
        "uti": uuid.uuid4().hex[:22],
        "ver": "1.0",
    }
