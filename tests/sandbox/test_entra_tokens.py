"""Tokens as the services read them: who they speak for, and which are refused."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from starlette.requests import Request

from sandbox.entra import keys, tokens
from sandbox.sample import company
from sandbox.store import Store
from sandbox.world import CLIENT_ID, TENANT, TokenRefused, World

ANNA = "anna.kowalska@contoso.example"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def world_at(moment: datetime, store: Store) -> World:
    return World(store, company(), "https://localhost:7443", lambda: moment)


@pytest.fixture(scope="module")
def store() -> Store:
    return Store(None)


@pytest.fixture
def world(store: Store) -> World:
    return world_at(NOW, store)


def bearing(value: str) -> Request:
    return Request({"type": "http", "headers": [(b"authorization", value.encode())]})


def test_an_api_token_has_the_claims_of_a_v2_token(world: World) -> None:
    claims = jwt.decode(tokens.issue(world, ANNA), options={"verify_signature": False})
    person = tokens.employee(world, ANNA)
    assert claims["iss"] == f"https://localhost:7443/entra/{TENANT}/v2.0"
    assert claims["aud"] == CLIENT_ID
    assert (claims["tid"], claims["oid"]) == (TENANT, person.oid)
    assert (claims["preferred_username"], claims["name"]) == (ANNA, "Anna Kowalska")
    assert claims["scp"] == "access_as_user"
    assert claims["nbf"] <= NOW.timestamp() < claims["exp"]


def test_a_graph_token_has_the_claims_of_a_v1_token(world: World) -> None:
    claims = jwt.decode(tokens.issue(world, ANNA, "graph"), options={"verify_signature": False})
    assert claims["iss"] == f"https://sts.windows.net/{TENANT}/"
    assert claims["aud"] == "https://graph.microsoft.com"
    assert (claims["upn"], claims["appid"]) == (ANNA, CLIENT_ID)


@pytest.mark.parametrize("service", ["api", "graph", "dataverse"])
def test_a_user_token_speaks_for_the_user(world: World, service: tokens.Service) -> None:
    token = tokens.issue(world, ANNA.upper(), service, scopes=["One", "Two"])
    who = tokens.principal(world, bearing(f"Bearer {token}"), service)
    assert who.oid == tokens.employee(world, ANNA).oid
    assert who.address == ANNA
    assert not who.app_only
    assert who.scopes == {"One", "Two"}
    assert who.roles == frozenset()


def test_an_app_token_speaks_for_the_app(world: World) -> None:
    who = tokens.read(world, tokens.issue_app(world, "graph"), "graph")
    assert who.oid == tokens.APP_OID
    assert who.app_only
    assert who.roles == {"Calendars.Read", "Mail.Read", "User.Read.All"}
    assert who.scopes == frozenset()


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic abc", "Bearer a.b.c"])
def test_no_usable_token_is_refused(world: World, value: str) -> None:
    with pytest.raises(TokenRefused):
        tokens.principal(world, bearing(value), "graph")


@pytest.mark.parametrize("given", ["api", "dataverse"])
def test_a_token_for_another_service_is_refused(world: World, given: tokens.Service) -> None:
    with pytest.raises(TokenRefused):
        tokens.read(world, tokens.issue(world, ANNA, given), "graph")


def test_tokens_are_good_for_their_lifetime_only(world: World, store: Store) -> None:
    token = tokens.issue(world, ANNA, "graph")
    later = world_at(NOW + tokens.LIFETIME + timedelta(minutes=4), store)
    too_late = world_at(NOW + tokens.LIFETIME + timedelta(minutes=6), store)
    too_early = world_at(NOW - timedelta(minutes=6), store)
    assert tokens.read(later, token, "graph").address == ANNA
    for when in (too_late, too_early):
        with pytest.raises(TokenRefused):
            tokens.read(when, token, "graph")


def test_a_token_of_another_tenant_s_key_is_refused(world: World) -> None:
    stranger = world_at(NOW, Store(None))
    with pytest.raises(TokenRefused):
        tokens.read(world, tokens.issue(stranger, ANNA, "graph"), "graph")


def test_unsigned_and_symmetrically_signed_tokens_are_refused(world: World) -> None:
    claims = jwt.decode(tokens.issue(world, ANNA, "graph"), options={"verify_signature": False})
    forged = [
        jwt.encode(claims, "", algorithm="none"),
        jwt.encode(claims, keys.signing_key(world.store).kid * 2, algorithm="HS256"),
    ]
    for token in forged:
        with pytest.raises(TokenRefused):
            tokens.read(world, token, "graph")


def test_the_signing_key_outlives_the_process(tmp_path: Path) -> None:
    first = keys.signing_key(Store(tmp_path / "sandbox.db"))
    again = keys.signing_key(Store(tmp_path / "sandbox.db"))
    assert first.jwk() == again.jwk()
