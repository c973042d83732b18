"""Access tokens, and whom they speak for.

A token needs no row of its own, so it stays good over a reset of the sample data.
"""

import base64
import binascii
import hmac
import json
from datetime import timedelta
from hashlib import sha256

from sandbox.salesforce import errors
from sandbox.salesforce.ids import derive_id
from sandbox.salesforce.keys import session_secret
from sandbox.salesforce.rows import rows_of
from sandbox.salesforce.session import Caller
from sandbox.store import Row
from sandbox.world import World

ORGANIZATION = derive_id("00D", "contoso")
LIFETIME = timedelta(hours=2)
"""Salesforce Help, "Session Settings": the default time-out."""
INTEGRATION_ADDRESS = "threadline.integration@contoso.example"
"""The user as whom our app speaks for itself."""


def user_id(address: str) -> str:
    """The id of the User with this address."""
    return derive_id("005", address.strip().casefold())


def issue_token(world: World, address: str) -> str:
    """A token that speaks for the user with that address. Raises KeyError where there is none."""
    user = user_id(address)
    if rows_of(world).live("User", user) is None:
        raise KeyError(address)
    return sign(world, user)


def sign(world: World, user: str) -> str:
    claims = json.dumps({"user": user, "at": int(world.machine_time().timestamp())})
    payload = base64.urlsafe_b64encode(claims.encode()).decode().rstrip("=")
    return f"{ORGANIZATION[:15]}!{payload}.{_seal(world, payload)}"


def _seal(world: World, payload: str) -> str:
    return hmac.new(session_secret(world), payload.encode(), sha256).hexdigest()


def caller_of(world: World, authorization: str) -> Caller:
    """Raises Refused (401) for a token that isn't ours or has expired."""
    scheme, _, token = authorization.partition(" ")
    organization, _, rest = token.strip().partition("!")
    payload, _, seal = rest.partition(".")
    genuine = hmac.compare_digest(seal.encode(), _seal(world, payload).encode())
    if scheme.lower() not in ("bearer", "oauth") or organization != ORGANIZATION[:15]:
        raise errors.invalid_session()
    if not genuine:
        raise errors.invalid_session()
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, binascii.Error):
        raise errors.invalid_session() from None
    if world.machine_time().timestamp() - claims["at"] > LIFETIME.total_seconds():
        raise errors.invalid_session()
    user = rows_of(world).live("User", claims["user"])
    if user is None or not user.get("IsActive"):
        raise errors.invalid_session()
    return _rights(world, user)


def _rights(world: World, user: Row) -> Caller:
    oid = user.get("FederationIdentifier")
    person = next((p for p in world.company.employees if p.oid == oid), None)
    if person is None:
        return Caller(user["Id"], reads_all=True, writes=True)
    return Caller(user["Id"], person.crm_read == "all", person.crm_write)
