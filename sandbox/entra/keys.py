"""The tenant's signing key. It is no sample data: a reset keeps it, so that tokens stay good."""

import base64
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    generate_private_key,
)
from jwt.algorithms import RSAAlgorithm

from sandbox.store import Store

SERVICE = "entra"
_TABLE = "keys"
_CURRENT = "current"


@dataclass(frozen=True, slots=True)
class SigningKey:
    kid: str
    private: RSAPrivateKey
    public: RSAPublicKey

    def jwk(self) -> dict[str, Any]:
        """The public half as Entra publishes it (RFC 7517)."""
        numbers = RSAAlgorithm.to_jwk(self.public, as_dict=True)
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": numbers["n"],
            "e": numbers["e"],
        }


def signing_key(store: Store) -> SigningKey:
    """The key of this sandbox, made on first use."""
    row = store.get(SERVICE, _TABLE, _CURRENT)
    if row is None:
        row = {"pem": _new_pem()}
        store.put(SERVICE, _TABLE, _CURRENT, row)
    return _load(row["pem"])


def _new_pem() -> str:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@lru_cache(maxsize=8)
def _load(pem: str) -> SigningKey:
    private = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(private, RSAPrivateKey):
        raise TypeError("the stored signing key is no RSA key")
    public = private.public_key()
    der = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    kid = base64.urlsafe_b64encode(sha256(der).digest()[:20]).rstrip(b"=").decode()
    return SigningKey(kid, private, public)
