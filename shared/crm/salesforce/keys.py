"""Ids and keys. Pure.

Salesforce gives out record ids itself, so what makes a save happen once is a key of ours in a
custom field that the database keeps unique (`Threadline_Key__c`, see infra/salesforce).
"""

from hashlib import sha256
from typing import Final
from uuid import uuid4

from shared.domain import Item, Meeting, address_key, identity
from shared.truncation import storable, units

_SHORT, _LONG = 15, 18
_SUFFIX: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_ITEM_LIMIT: Final = 255
_MESSAGE_ID_LIMIT: Final = 765
_DIGEST: Final = 32


def activity_key(item: Item) -> str:
    """The key of the item's record, the same from whichever mailbox. Never change how it is made:
    records saved before would be saved again."""
    return _digest(identity(item))


def contact_key(address: str, turn: int) -> str:
    """The key to make a contact of that address under. `turn` counts those made before that no
    longer are contacts of this address."""
    return _digest(f"contact:{address_key(address)}" + (f"/{turn}" if turn else ""))


def message_id(item: Item) -> str | None:
    """What `EmailMessage.MessageIdentifier` holds; None for an item without an id that fits. Half
    an id could be another item's."""
    if isinstance(item, Meeting) or not item.message_id:
        return None
    text = storable(item.message_id).strip()
    return text if 0 < units(text) <= _MESSAGE_ID_LIMIT else None


def item_ids(item: Item) -> tuple[str, ...]:
    """By what records of other objects are known, best first, as they are stored. A series has
    none: its id is that of its occurrences too."""
    if not isinstance(item, Meeting):
        return (stored_id(item.message_id),) if item.message_id else ()
    if item.is_series:
        return ()
    return tuple(dict.fromkeys(stored_id(id_) for id_ in (item.ical_uid, item.uid) if id_))


def stored_id(id_: str) -> str:
    """An id as our own field takes it: its digest where it is too long."""
    text = storable(id_).strip()
    return text if 0 < units(text) <= _ITEM_LIMIT else _digest(id_)


def file_digest(file_key: str) -> str:
    """What tells a stored file from the others of its activity."""
    return _digest(file_key)[:_DIGEST]


def file_key(owner: str | None, digest: str) -> str:
    """The unique key of a stored file. `owner` is the activity's id; None where the activity is
    made in the same transaction, which needs no other guard."""
    return f"{owner or uuid4().hex}/{digest}"


def record_id(text: str) -> str | None:
    """The id in its form of 18 characters, or None where the text is no record id.

    Object Reference, "ID Field Type": 15 characters that know upper and lower case, and three more
    that say which are upper, so that the 18 mean the same in any case.
    """
    if len(text) not in (_SHORT, _LONG) or not (text.isascii() and text.isalnum()):
        return None
    if len(text) == _SHORT:
        return text + _suffix(text)
    short, suffix = text[:_SHORT], text[_SHORT:].upper()
    if any(letter not in _SUFFIX for letter in suffix):
        return None
    restored = "".join(
        letter.upper() if _SUFFIX.index(suffix[place // 5]) >> place % 5 & 1 else letter.lower()
        for place, letter in enumerate(short)
    )
    return restored + suffix if _suffix(restored) == suffix else None


def _suffix(short: str) -> str:
    fives = (short[at : at + 5] for at in (0, 5, 10))
    return "".join(
        _SUFFIX[sum(1 << bit for bit, letter in enumerate(five) if letter.isupper())]
        for five in fives
    )


def _digest(text: str) -> str:
    return sha256(storable(text).encode()).hexdigest()
