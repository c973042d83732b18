"""The connected app's key pair. It is no sample data: a reset keeps it, and tokens stay good."""

from functools import lru_cache
from pathlib import Path
from secrets import token_hex

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, generate_private_key

from sandbox.store import Row
from sandbox.world import World

_SERVICE, _TABLE, _CURRENT = "salesforce_app", "keys", "current"
FILE_NAME = "salesforce-key.pem"


def private_key(world: World) -> str:
    """The private key in PEM, with which our app signs its assertions."""
    return str(_keys(world)["pem"])


def write_private_key(world: World, folder: Path) -> Path:
    """Puts the private key into a file in that folder, for the app to read."""
    path = folder / FILE_NAME
    path.touch(mode=0o600)
    path.write_text(private_key(world), "ascii")
    return path


def public_key(world: World) -> RSAPublicKey:
    """What the connected app's certificate holds."""
    return _public(private_key(world))


def session_secret(world: World) -> bytes:
    """Signs the access tokens."""
    return bytes.fromhex(_keys(world)["secret"])


def _keys(world: World) -> Row:
    row = world.store.get(_SERVICE, _TABLE, _CURRENT)
    if row is None:
        row = {"pem": _new_pem(), "secret": token_hex(32)}
        world.store.put(_SERVICE, _TABLE, _CURRENT, row)
    return row


def _new_pem() -> str:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@lru_cache(maxsize=8)
def _public(pem: str) -> RSAPublicKey:
    public = serialization.load_pem_private_key(pem.encode(), password=None).public_key()
    if not isinstance(public, RSAPublicKey):
        raise TypeError("the stored key is no RSA key")
    return public
