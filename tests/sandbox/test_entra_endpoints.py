"""Entra over the wire: the official clients against it, and its refusals."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import msal
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity.aio import (
    ClientSecretCredential,
    ManagedIdentityCredential,
    OnBehalfOfCredential,
)

from sandbox.entra import identity, tokens
from sandbox.running import Running
from sandbox.world import CLIENT_ID, CLIENT_SECRET, TENANT

ANNA = "anna.kowalska@contoso.example"
GRAPH = "https://graph.microsoft.com/.default"
OBO = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


@pytest.fixture
async def http(sandbox: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{sandbox.url}/entra") as client:
        yield client


def on_behalf_of(sandbox: Running, assertion: str, **how: Any) -> OnBehalfOfCredential:
    return OnBehalfOfCredential(
        TENANT,
        CLIENT_ID,
        user_assertion=assertion,
        authority=f"{sandbox.url}/entra",
        disable_instance_discovery=True,
        **(how or {"client_secret": CLIENT_SECRET}),
    )


async def test_azure_identity_exchanges_a_token_for_graph(sandbox: Running) -> None:
    async with on_behalf_of(sandbox, sandbox.token(ANNA)) as credential:
        got = await credential.get_token(GRAPH)
    who = tokens.read(sandbox.world, got.token, "graph")
    assert who.address == ANNA
    assert {"Mail.Read", "Calendars.Read"} <= who.scopes


async def test_azure_identity_exchanges_a_token_for_dataverse(sandbox: Running) -> None:
    async with on_behalf_of(sandbox, sandbox.token(ANNA)) as credential:
        got = await credential.get_token(f"{sandbox.url}/dataverse/user_impersonation")
    who = tokens.read(sandbox.world, got.token, "dataverse")
    assert (who.address, who.scopes) == (ANNA, {"user_impersonation"})


async def test_a_managed_identity_stands_in_for_the_secret(
    sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{sandbox.url}{identity.PATH}")
    monkeypatch.setenv("IDENTITY_HEADER", identity.IDENTITY_HEADER)
    async with ManagedIdentityCredential(client_id=identity.IDENTITY_CLIENT_ID) as managed:
        proof = await managed.get_token(identity.EXCHANGE_AUDIENCE)
    credential = on_behalf_of(
        sandbox, sandbox.token(ANNA), client_assertion_func=lambda: proof.token
    )
    async with credential:
        got = await credential.get_token(GRAPH)
    assert tokens.read(sandbox.world, got.token, "graph").address == ANNA


async def test_azure_identity_gets_a_token_for_the_app_itself(sandbox: Running) -> None:
    async with ClientSecretCredential(
        TENANT,
        CLIENT_ID,
        CLIENT_SECRET,
        authority=f"{sandbox.url}/entra",
        disable_instance_discovery=True,
    ) as credential:
        got = await credential.get_token(f"{sandbox.url}/dataverse/.default")
    who = tokens.read(sandbox.world, got.token, "dataverse")
    assert (who.oid, who.app_only) == (tokens.APP_OID, True)


def test_msal_finds_the_authority_by_instance_discovery(sandbox: Running) -> None:
    app = msal.ConfidentialClientApplication(
        CLIENT_ID,
        client_credential=CLIENT_SECRET,
        authority=f"{sandbox.url}/entra/{TENANT}",
        instance_discovery=f"{sandbox.url}/entra/common/discovery/instance",
    )
    got = app.acquire_token_on_behalf_of(sandbox.token(ANNA), [GRAPH])
    assert tokens.read(sandbox.world, got["access_token"], "graph").address == ANNA


@pytest.mark.parametrize("version", ["", "/v2.0"])
async def test_the_published_keys_verify_our_tokens(
    sandbox: Running, http: httpx.AsyncClient, version: str
) -> None:
    document = (await http.get(f"/{TENANT}{version}/.well-known/openid-configuration")).json()
    token = sandbox.token(ANNA, "api" if version else "graph")
    key = jwt.PyJWKClient(document["jwks_uri"]).get_signing_key_from_jwt(token)
    claims = jwt.decode(
        token,
        key.key,
        algorithms=["RS256"],
        audience=[CLIENT_ID, "https://graph.microsoft.com"],
        issuer=document["issuer"],
    )
    assert claims["oid"] == tokens.employee(sandbox.world, ANNA).oid


async def test_any_tenant_s_document_leaves_the_issuer_open(http: httpx.AsyncClient) -> None:
    document = (await http.get("/common/v2.0/.well-known/openid-configuration")).json()
    assert document["issuer"].endswith("/entra/{tenantid}/v2.0")


async def test_a_refusal_reaches_azure_identity_in_entra_s_words(sandbox: Running) -> None:
    async with on_behalf_of(sandbox, sandbox.token(ANNA, "graph")) as credential:
        with pytest.raises(ClientAuthenticationError, match="AADSTS500131"):
            await credential.get_token(GRAPH)


def form(sandbox: Running, **changes: str | None) -> dict[str, str]:
    whole: dict[str, str | None] = {
        "grant_type": OBO,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "assertion": sandbox.token(ANNA),
        "requested_token_use": "on_behalf_of",
        "scope": GRAPH,
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


REFUSALS: list[tuple[dict[str, str | None], int, str, int]] = [
    ({"grant_type": None}, 400, "invalid_request", 900144),
    ({"scope": None}, 400, "invalid_request", 900144),
    ({"client_id": None}, 400, "invalid_request", 900144),
    ({"assertion": None}, 400, "invalid_request", 900144),
    ({"requested_token_use": None}, 400, "invalid_request", 900144),
    ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
    ({"client_id": "someone-else"}, 400, "unauthorized_client", 700016),
    ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
    ({"client_secret": None}, 401, "invalid_client", 7000218),
    ({"assertion": "nonsense"}, 400, "invalid_request", 50027),
    ({"assertion": "a.b.c"}, 400, "invalid_grant", 50013),
    ({"scope": "https://graph.microsoft.com/Mail.Send"}, 400, "invalid_grant", 65001),
    ({"scope": "https://unknown.example/.default"}, 400, "invalid_resource", 500011),
    ({"scope": "openid profile"}, 400, "invalid_scope", 70011),
    ({"scope": f"{GRAPH} https://graph.microsoft.com/Mail.Read"}, 400, "invalid_scope", 70011),
    ({"grant_type": "client_credentials", "scope": "Mail.Read"}, 400, "invalid_scope", 1002012),
]


@pytest.mark.parametrize(
    ("changes", "status", "error", "code"), REFUSALS, ids=[f"{r[3]} {r[0]}" for r in REFUSALS]
)
async def test_what_is_wrong_is_refused(
    sandbox: Running,
    http: httpx.AsyncClient,
    changes: dict[str, str | None],
    status: int,
    error: str,
    code: int,
) -> None:
    answer = await http.post(f"/{TENANT}/oauth2/v2.0/token", data=form(sandbox, **changes))
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [code])
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert body["trace_id"] in body["error_description"]


async def test_an_assertion_must_be_one_user_s_current_token(
    sandbox: Running, http: httpx.AsyncClient
) -> None:
    good = claims_of(sandbox.token(ANNA))
    app_only = {k: v for k, v in good.items() if k != "scp"} | {"idtyp": "app"}
    cases = {
        500133: good | {"nbf": 1, "exp": 2},
        7000114: app_only,
        50034: good | {"oid": "00000000-0000-0000-0000-000000000000"},
    }
    for code, claims in cases.items():
        data = form(sandbox, assertion=tokens.sign(sandbox.world, claims))
        answer = await http.post(f"/{TENANT}/oauth2/v2.0/token", data=data)
        assert answer.json()["error_codes"] == [code]


async def test_a_client_assertion_must_be_the_managed_identity_s(
    sandbox: Running, http: httpx.AsyncClient
) -> None:
    good = {
        **tokens.times(sandbox.world),
        "iss": tokens.v2_issuer(sandbox.world),
        "aud": identity.EXCHANGE_AUDIENCE,
        "sub": identity.IDENTITY_OID,
        "oid": identity.IDENTITY_OID,
    }
    cases = {
        700211: good | {"iss": tokens.V1_ISSUER},
        700212: good | {"aud": "api://other"},
        700213: good | {"sub": "someone else"},
        700024: good | {"nbf": 1, "exp": 2},
    }
    signed = {code: tokens.sign(sandbox.world, claims) for code, claims in cases.items()}
    for code, assertion in {**signed, 700027: "a.b.c"}.items():
        data = form(
            sandbox,
            client_secret=None,
            client_assertion=assertion,
            client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        )
        answer = await http.post(f"/{TENANT}/oauth2/v2.0/token", data=data)
        assert (answer.status_code, answer.json()["error_codes"]) == (401, [code])


@pytest.mark.parametrize("path", ["oauth2/v2.0/token", "v2.0/.well-known/openid-configuration"])
async def test_a_tenant_that_does_not_exist(http: httpx.AsyncClient, path: str) -> None:
    method = "POST" if path.endswith("token") else "GET"
    answer = await http.request(method, f"/1234/{path}")
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002])


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({}, {}, 401),
        ({"X-IDENTITY-HEADER": "wrong"}, {}, 401),
        ({"X-IDENTITY-HEADER": identity.IDENTITY_HEADER}, {"resource": "x"}, 400),
        (
            {"X-IDENTITY-HEADER": identity.IDENTITY_HEADER},
            {"resource": "x", "api-version": "2019-08-01", "client_id": "unknown"},
            400,
        ),
    ],
)
async def test_the_identity_endpoint_gives_nothing_to_strangers(
    http: httpx.AsyncClient, headers: dict[str, str], query: dict[str, str], status: int
) -> None:
    assert (await http.get("/msi/token", headers=headers, params=query)).status_code == status
