"""Tokens good and bad, against keys served by a transport that counts its calls."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from shared.caller import Authenticator
from shared.errors import Forbidden, ThreadlineError, Unauthenticated, Unavailable
from shared.outbound import Limits, Sender
from shared.signing_keys import SigningKeys

TENANT = "11111111-2222-3333-4444-555555555555"
OTHER_TENANT = "99999999-2222-3333-4444-555555555555"
CLIENT = "aaaaaaaa-2222-3333-4444-555555555555"
AUTHORITY = "https://login.example"
V2_ISSUER = f"{AUTHORITY}/{TENANT}/v2.0"
KEY = generate_private_key(public_exponent=65537, key_size=2048)
STRANGE_KEY = generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Entra:
    """Publishes keys; `status` other than 200 is an outage."""

    published: dict[str, RSAPrivateKey] = field(default_factory=lambda: {"k1": KEY})
    status: int = 200
    calls: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(str(request.url))
        keys = [
            {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}
            for kid, key in self.published.items()
        ]
        return httpx.Response(self.status, json={"keys": keys})

    def sender(self) -> Sender:
        return Sender(Limits(attempts=1), transport=httpx.MockTransport(self))


@pytest.fixture
def entra() -> Entra:
    return Entra()


@pytest.fixture
def door(entra: Entra) -> Authenticator:
    return Authenticator(
        entra.sender(),
        tenants=(TENANT,),
        audiences=(f"api://{CLIENT}", CLIENT),
        authority=AUTHORITY,
    )


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    whole = {
        "aud": CLIENT,
        "iss": V2_ISSUER,
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "oid": "0d0d0d0d-0000-0000-0000-000000000001",
        "tid": TENANT,
        "name": "Ann Lee",
        "preferred_username": "ann.lee@contoso.example",
        "scp": "access_as_user",
        "ver": "2.0",
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def signed(payload: dict[str, Any], *, key: Any = KEY, kid: str = "k1", alg: str = "RS256") -> str:
    return jwt.encode(payload, key, algorithm=alg, headers={"kid": kid})


def segment(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def handmade(header: Any, payload: Any, signature: bytes = b"") -> str:
    return f"{segment(header)}.{segment(payload)}.{segment(signature)}"


def with_public_key_as_secret() -> str:
    """Signed by hand, as PyJWT itself won't take a public key for a secret."""
    import hashlib
    import hmac

    pem = KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    unsigned = f"{segment({'alg': 'HS256', 'typ': 'JWT', 'kid': 'k1'})}.{segment(claims())}"
    return f"{unsigned}.{segment(hmac.digest(pem, unsigned.encode(), hashlib.sha256))}"


async def test_a_good_token_names_its_caller(door: Authenticator) -> None:
    token = signed(claims())
    caller = await door.authenticate(f"Bearer {token}")
    assert caller.oid == "0d0d0d0d-0000-0000-0000-000000000001"
    assert caller.tenant_id == TENANT
    assert (caller.name, caller.username) == ("Ann Lee", "ann.lee@contoso.example")
    assert caller.token == token
    assert token not in repr(caller)


async def test_v1_tokens_are_taken_too(door: Authenticator) -> None:
    token = signed(
        claims(
            aud=f"api://{CLIENT}",
            iss=f"https://sts.windows.net/{TENANT}/",
            preferred_username=None,
            upn="ann@contoso.example",
            ver="1.0",
        )
    )
    assert (await door.authenticate(f"bearer {token}")).username == "ann@contoso.example"


async def test_clocks_may_differ_a_little(door: Authenticator) -> None:
    now = int(time.time())
    assert await door.authenticate(f"Bearer {signed(claims(exp=now - 30))}")
    assert await door.authenticate(f"Bearer {signed(claims(nbf=now + 30))}")


UNAUTHENTICATED: dict[str, Callable[[], str]] = {
    "alg none": lambda: handmade({"alg": "none", "kid": "k1"}, claims()),
    "alg None with a signature": lambda: handmade({"alg": "None", "kid": "k1"}, claims(), b"x"),
    "HS256 with the public key": with_public_key_as_secret,
    "RS512": lambda: signed(claims(), alg="RS512"),
    "another's key under a known id": lambda: signed(claims(), key=STRANGE_KEY),
    "unknown key id": lambda: signed(claims(), key=STRANGE_KEY, kid="k2"),
    "no key id": lambda: jwt.encode(claims(), KEY, algorithm="RS256"),
    "key id that is no text": lambda: handmade({"alg": "RS256", "kid": 7}, claims(), b"x"),
    "wrong audience": lambda: signed(claims(aud="https://graph.microsoft.com")),
    "no audience": lambda: signed(claims(aud=None)),
    "wrong issuer": lambda: signed(claims(iss=f"https://evil.example/{TENANT}/v2.0")),
    "issuer of another tenant": lambda: signed(claims(iss=f"{AUTHORITY}/{OTHER_TENANT}/v2.0")),
    "issuer with our name as a prefix": lambda: signed(claims(iss=f"{V2_ISSUER}.evil.example")),
    "expired": lambda: signed(claims(exp=int(time.time()) - 120)),
    "future": lambda: signed(claims(nbf=int(time.time()) + 300)),
    "no expiry": lambda: signed(claims(exp=None)),
    "no nbf": lambda: signed(claims(nbf=None)),
    "no oid": lambda: signed(claims(oid=None)),
    "oid that is no text": lambda: signed(claims(oid={"$ne": ""})),
    "tid that is no text": lambda: signed(claims(tid=["x"])),
    "no tid": lambda: signed(claims(tid=None)),
    "garbage": lambda: "garbage",
    "three dots": lambda: "...",
    "no base64": lambda: "ä.ö.ü",
    "no JSON": lambda: f"{segment(b'not json')}.{segment(b'x')}.x",
    "JSON that is no object": lambda: handmade(["RS256"], ["x"]),
    "deeply nested": lambda: handmade({"alg": "RS256", "kid": "k1"}, b"[" * 8000, b"x"),
    "deeply nested header": lambda: handmade(b"[" * 8000, {}, b"x"),
    "oversized": lambda: signed(claims(padding="x" * 20_000)),
    "changed payload": lambda: _changed(signed(claims())),
    "cut signature": lambda: signed(claims())[:-10],
}


def _changed(token: str) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{segment(claims(oid='someone-else'))}.{signature}"


@pytest.mark.parametrize("kind", UNAUTHENTICATED)
async def test_a_bad_token_is_refused_without_being_quoted(kind: str, door: Authenticator) -> None:
    token = UNAUTHENTICATED[kind]()
    with pytest.raises(Unauthenticated) as refused:
        await door.authenticate(f"Bearer {token}")
    assert_quotes_nothing(refused.value, token)


FORBIDDEN: dict[str, Callable[[], str]] = {
    "wrong tenant": lambda: signed(
        claims(tid=OTHER_TENANT, iss=f"{AUTHORITY}/{OTHER_TENANT}/v2.0")
    ),
    "missing scope": lambda: signed(claims(scp="User.Read")),
    "scope that only begins so": lambda: signed(claims(scp="access_as_user_admin")),
    "no scopes": lambda: signed(claims(scp=None)),
    "app-only": lambda: signed(claims(scp=None, idtyp="app", roles=["access_as_user"])),
    "app that claims a scope": lambda: signed(claims(idtyp="app")),
}


@pytest.mark.parametrize("kind", FORBIDDEN)
async def test_a_token_that_may_not_is_refused(kind: str, door: Authenticator) -> None:
    token = FORBIDDEN[kind]()
    with pytest.raises(Forbidden) as refused:
        await door.authenticate(f"Bearer {token}")
    assert_quotes_nothing(refused.value, token)


def assert_quotes_nothing(error: ThreadlineError, token: str) -> None:
    quoted = [part for part in token.split(".") if len(part) > 3 and part in error.detail]
    assert not quoted
    assert "contoso" not in error.detail
    assert error.__cause__ is None  # a cause would be logged, and PyJWT's may quote claims


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Negotiate x", "eyJhbGciOi"]
)
async def test_no_bearer_token_at_all(header: str | None, door: Authenticator) -> None:
    with pytest.raises(Unauthenticated):
        await door.authenticate(header)


async def test_a_strange_tenant_makes_us_call_nobody(door: Authenticator, entra: Entra) -> None:
    with pytest.raises(Forbidden):
        await door.authenticate(f"Bearer {FORBIDDEN['wrong tenant']()}")
    assert entra.calls == []


async def test_keys_are_fetched_once_for_many(door: Authenticator, entra: Entra) -> None:
    for _ in range(5):
        await door.authenticate(f"Bearer {signed(claims())}")
    assert entra.calls == [f"{AUTHORITY}/{TENANT}/discovery/v2.0/keys"]


async def test_without_keys_we_say_that_we_are_unavailable(
    door: Authenticator, entra: Entra
) -> None:
    entra.status = 503
    with pytest.raises(Unavailable):
        await door.authenticate(f"Bearer {signed(claims())}")
    entra.status = 200
    assert await door.authenticate(f"Bearer {signed(claims())}")


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


async def test_a_new_key_is_found_and_unknown_ids_cause_few_looks(entra: Entra) -> None:
    clock = Clock()
    keys = SigningKeys(entra.sender(), "https://login.example/keys", clock=clock)
    assert await keys.get("k1")
    entra.published["k2"] = STRANGE_KEY
    for _ in range(100):
        assert await keys.get("unknown") is None
    assert len(entra.calls) == 1
    clock.seconds += 31
    assert await keys.get("k2")
    assert len(entra.calls) == 2


async def test_a_withdrawn_key_goes_within_a_day_unless_entra_is_down(entra: Entra) -> None:
    clock = Clock()
    keys = SigningKeys(entra.sender(), "https://login.example/keys", clock=clock)
    assert await keys.get("k1")
    entra.published.clear()
    entra.status = 503
    clock.seconds += 25 * 3600
    assert await keys.get("k1")
    entra.status = 200
    clock.seconds += 31
    assert await keys.get("k1") is None
