"""Record ids: 15 case-sensitive characters, and a suffix of three that makes case redundant.

Salesforce Object Reference, "ID Field Type": the first three characters tell the object.
"""

import string
from functools import lru_cache
from hashlib import sha256
from uuid import uuid4

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SUFFIX = string.ascii_uppercase + "012345"
_POD = "Tl0"
_SHORT, _LONG, _NUMBER = 15, 18, 9


def derive_id(prefix: str, *key: str) -> str:
    """The same 18 characters for the same key on every machine."""
    number = int.from_bytes(sha256("/".join((prefix, *key)).encode()).digest()[:8], "big")
    digits = ""
    for _ in range(_NUMBER):
        number, rest = divmod(number, 62)
        digits += _BASE62[rest]
    short = f"{prefix}{_POD}{digits}"
    return short + _suffix(short)


def new_id(prefix: str) -> str:
    return derive_id(prefix, uuid4().hex)


@lru_cache(maxsize=4096)
def canonical(text: str) -> str | None:
    """The 18 characters for an id of either length, or None where it is no id at all.

    An id of 18 characters means the same in any case: its suffix tells which letters are capital.
    """
    if len(text) not in (_SHORT, _LONG) or not (text.isascii() and text.isalnum()):
        return None
    if len(text) == _SHORT:
        return text + _suffix(text)
    short, suffix = text[:_SHORT], text[_SHORT:].upper()
    if any(letter not in _SUFFIX for letter in suffix):
        return None
    restored = "".join(
        letter.upper() if _SUFFIX.index(suffix[i // 5]) >> i % 5 & 1 else letter.lower()
        for i, letter in enumerate(short)
    )
    return restored + suffix if _suffix(restored) == suffix else None


def short(id_: str) -> str:
    """The 15 characters that error messages name a record by."""
    return id_[:_SHORT]


def _suffix(short_id: str) -> str:
    return "".join(
        _SUFFIX[sum(1 << j for j, letter in enumerate(short_id[i : i + 5]) if letter.isupper())]
        for i in (0, 5, 10)
    )
