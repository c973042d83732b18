"""Ids of items, attachments, folders and conversations.

They look and behave as Exchange Online's: base64url with padding (`=` needs encoding in a URL),
case-sensitive, different in every mailbox. A regular id names the folder too, so it dies when the
item moves; an immutable id survives (microsoft-graph-docs-contrib
concepts/outlook-immutable-id.md). Both carry the item's key and are checked as a whole.
"""

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256
from uuid import NAMESPACE_URL, UUID, uuid5

_REGULAR = b"\x00\x03\x24\x00"
_IMMUTABLE = b"\x00\x09\x00\x2e" + bytes(5) + bytes.fromhex("1d840311aa6611cd9bc800aa002fc45a0d00")
_CONVERSATION = b"\x00\x04\x24\x00"
_SEPARATOR = b"\x00\x46" + bytes(5)
_ATTACHMENT = b"\x01\x12\x00\x10\x00"

_REGULAR_KEY = len(_REGULAR) + 36 + len(_SEPARATOR) + 16 + 2
_REGULAR_LENGTH = _REGULAR_KEY + 24 + 24
_IMMUTABLE_KEY = len(_IMMUTABLE) + 16
_IMMUTABLE_LENGTH = _IMMUTABLE_KEY + 24 + 10


@dataclass(frozen=True, slots=True)
class ItemKey:
    """`item` is a UUID's 32 hex digits; `occurrence` the original start of one occurrence of a
    series in seconds since 1970, else 0."""

    item: str
    occurrence: int = 0

    @property
    def row(self) -> str:
        """The id of its row in the store."""
        return f"{self.item}:{self.occurrence}" if self.occurrence else self.item


def mailbox_guid(address: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"mailto:{address.casefold()}")


def regular_id(address: str, folder: str, key: ItemKey) -> str:
    guid = mailbox_guid(address)
    place = uuid5(guid, folder).bytes
    return _encode(_regular_bytes(guid, place, key))


def immutable_id(address: str, key: ItemKey) -> str:
    head = _IMMUTABLE + mailbox_guid(address).bytes + _packed(key)
    return _encode(head + sha256(head).digest()[:10])


def item_key(id_: str) -> ItemKey | None:
    """The key inside a regular or immutable id; None where it is neither.

    Whether the id is right as a whole is for the caller to compare.
    """
    data = _decode(id_)
    if data is None:
        return None
    if len(data) == _REGULAR_LENGTH and data.startswith(_REGULAR):
        return _unpacked(data[_REGULAR_KEY : _REGULAR_KEY + 24])
    if len(data) == _IMMUTABLE_LENGTH and data.startswith(_IMMUTABLE):
        return _unpacked(data[_IMMUTABLE_KEY : _IMMUTABLE_KEY + 24])
    return None


def attachment_id(parent_id: str, key: str) -> str:
    parent = _decode(parent_id)
    if parent is None:
        raise ValueError("not an item id")
    return _encode(parent + _ATTACHMENT + bytes.fromhex(key))


def attachment_key(id_: str) -> str | None:
    data = _decode(id_)
    if data is None or len(data) < 21 or data[-21:-16] != _ATTACHMENT:
        return None
    return data[-16:].hex()


def folder_id(address: str, folder: str) -> str:
    guid = mailbox_guid(address)
    head = b"\x01\x03\x24\x00" + str(guid).encode() + b"\x00\x2e" + bytes(5)
    return _encode(head + uuid5(guid, folder).bytes + bytes(4))


def conversation_id(address: str, thread: str) -> str:
    """`thread` is 32 hex digits."""
    guid = str(mailbox_guid(address)).encode()
    return _encode(_CONVERSATION + guid + b"\x00\x10\x00" + bytes.fromhex(thread))


def change_key(address: str, key: str, version: int) -> str:
    store = mailbox_guid(address).bytes
    head = b"\x09\x00\x00\x00\x16\x00\x00\x00" + store + bytes.fromhex(key[:8])
    return base64.b64encode(head + version.to_bytes(4, "big")).decode()


def _regular_bytes(guid: UUID, place: bytes, key: ItemKey) -> bytes:
    head = _REGULAR + str(guid).encode() + _SEPARATOR + place + b"\x07\x00" + _packed(key)
    return head + sha256(head).digest()[:24]


def _packed(key: ItemKey) -> bytes:
    return bytes.fromhex(key.item) + key.occurrence.to_bytes(8, "big", signed=True)


def _unpacked(data: bytes) -> ItemKey:
    return ItemKey(data[:16].hex(), int.from_bytes(data[16:], "big", signed=True))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def _decode(id_: str) -> bytes | None:
    try:
        return base64.b64decode(id_.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
