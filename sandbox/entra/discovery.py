"""The documents by which clients find Entra's endpoints and keys."""

from typing import Any

from sandbox.entra import tokens
from sandbox.entra.keys import signing_key
from sandbox.entra.refusals import unknown_tenant
from sandbox.world import TENANT, World

_ANY_TENANT = ("common", "organizations")

_COMMON: dict[str, Any] = {
    "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
    "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
    "response_modes_supported": ["query", "fragment", "form_post"],
    "subject_types_supported": ["pairwise"],
    "id_token_signing_alg_values_supported": ["RS256"],
    "scopes_supported": ["openid", "profile", "email", "offline_access"],
    "tenant_region_scope": "EU",
}


def known(tenant: str) -> str:
    """The tenant as it stands in URLs. Raises Refusal for one that doesn't exist."""
    if tenant.lower() in (TENANT, *_ANY_TENANT):
        return tenant.lower()
    raise unknown_tenant(tenant)


def openid_v2(world: World, tenant: str) -> dict[str, Any]:
    root = f"{world.base_url}/entra/{known(tenant)}"
    issuer = f"{world.base_url}/entra/{{tenantid}}/v2.0"
    return {
        **_COMMON,
        "token_endpoint": f"{root}/oauth2/v2.0/token",
        "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
        "jwks_uri": f"{root}/discovery/v2.0/keys",
        "issuer": issuer if known(tenant) in _ANY_TENANT else tokens.v2_issuer(world),
    }


def openid_v1(world: World, tenant: str) -> dict[str, Any]:
    root = f"{world.base_url}/entra/{known(tenant)}"
    template = "https://sts.windows.net/{tenantid}/"
    return {
        **_COMMON,
        "token_endpoint": f"{root}/oauth2/v2.0/token",
        "authorization_endpoint": f"{root}/oauth2/authorize",
        "jwks_uri": f"{root}/discovery/keys",
        "issuer": template if known(tenant) in _ANY_TENANT else tokens.V1_ISSUER,
    }


def keys(world: World, tenant: str) -> dict[str, Any]:
    known(tenant)
    return {"keys": [signing_key(world.store).jwk()]}


def instance(world: World) -> dict[str, Any]:
    """What MSAL asks about an authority that it doesn't know."""
    host = world.base_url.removeprefix("https://")
    return {
        "tenant_discovery_endpoint": (
            f"{world.base_url}/entra/{TENANT}/v2.0/.well-known/openid-configuration"
        ),
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    }
