"""Who calls: a bearer token checked, and nothing else believed.

The checks follow https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens and
…/claims-validation. Headers such as X-MS-CLIENT-PRINCIPAL are never looked at: anybody can send
them. No message here quotes a token or a claim.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.errors import Forbidden, ThreadlineError, Unauthenticated
from shared.outbound import Sender
from shared.signing_keys import SigningKeys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

SCOPE = "access_as_user"
_LARGEST = 16 * 1024
_LEEWAY = 60
_REQUIRED = ["aud", "exp", "iss", "nbf", "oid", "tid"]


@dataclass(frozen=True, slots=True)
class Caller:
    """A person signed in to one of our tenants. `token` is the one they came with, good for
    nothing but to be exchanged on their behalf; it never shows in a representation.

    `username` is for people to read; only `oid` and `tenant_id` identify.
    """

    oid: str
    tenant_id: str
    name: str
    username: str
    token: str = field(repr=False)


class Authenticator:
    """Turns Authorization headers into callers. One for each worker: it keeps Entra's keys."""

    def __init__(
        self, sender: Sender, *, tenants: Sequence[str], audiences: Sequence[str], authority: str
    ) -> None:
        """`authority` is Entra's root, such as https://login.microsoftonline.com."""
        self._audiences = list(audiences)
        self._authority = authority.rstrip("/")
        self._keys = {
            tenant.casefold(): SigningKeys(
                sender, f"{self._authority}/{tenant}/discovery/v2.0/keys"
            )
            for tenant in tenants
        }

    async def authenticate(self, authorization: str | None) -> Caller:
        """The caller that a header such as `Bearer eyJ…` stands for.

        Raises `Unauthenticated` for a token that is missing or not good, `Forbidden` for one of a
        strange tenant or without the scope, `Unavailable` while Entra's keys can't be had.
        """
        token = _bearer(authorization)
        kid, tenant = _unverified(token)
        keys = self._keys.get(tenant.casefold())
        if keys is None:
            raise Forbidden("Your organisation does not use this app.")
        key = await keys.get(kid)
        if key is None:
            raise _refused("it is signed with an unknown key")
        claims = self._verified(token, key, tenant)
        _check_scope(claims)
        return Caller(
            oid=_text(claims, "oid"),
            tenant_id=_text(claims, "tid"),
            name=_text(claims, "name"),
            username=_text(claims, "preferred_username")
            or _text(claims, "upn")
            or _text(claims, "unique_name"),
            token=token,
        )

    def _verified(self, token: str, key: "RSAPublicKey", tenant: str) -> dict[str, Any]:
        import jwt

        issuers = [f"https://sts.windows.net/{tenant}/", f"{self._authority}/{tenant}/v2.0"]
        try:
            return jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self._audiences,
                issuer=issuers,
                leeway=_LEEWAY,
                options={"require": _REQUIRED},
            )
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise _explained(error) from None


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").strip().partition(" ")
    token = token.strip()
    if scheme.casefold() != "bearer" or not token:
        raise Unauthenticated("Sign in: the request carries no bearer token.")
    if len(token) > _LARGEST:
        raise _refused("it is too long")
    return token


def _unverified(token: str) -> tuple[str, str]:
    """The key id and the tenant that the token claims, only to choose the key to check it with."""
    import jwt

    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        raise _refused("it can't be read") from None
    kid, tenant = header.get("kid"), claims.get("tid")
    if header.get("alg") != "RS256":
        raise _refused("it is not signed with RS256")
    if not isinstance(kid, str) or not isinstance(tenant, str):
        raise _refused("it names no key or no tenant")
    return kid, tenant


def _check_scope(claims: dict[str, Any]) -> None:
    scopes = _text(claims, "scp").split()
    if claims.get("idtyp") == "app" or not scopes:
        raise Forbidden("The token speaks for an app; this service acts for people only.")
    if SCOPE not in scopes:
        raise Forbidden(f"The token lacks the permission {SCOPE}.")


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str):
        raise _refused("a claim has the wrong type")
    return value


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(f"The access token is not accepted: {why}.")


def _explained(error: Exception) -> ThreadlineError:
    import jwt

    reasons: tuple[tuple[type[Exception], str], ...] = (
        (jwt.ExpiredSignatureError, "it has expired"),
        (jwt.ImmatureSignatureError, "it is not valid yet"),
        (jwt.InvalidAudienceError, "it is meant for another service"),
        (jwt.InvalidIssuerError, "it comes from another issuer"),
        (jwt.MissingRequiredClaimError, "a claim is missing"),
        (jwt.InvalidSignatureError, "its signature is wrong"),
    )
    why = next((words for kind, words in reasons if isinstance(error, kind)), "it can't be read")
    return _refused(why)
