"""What all tables' rows have in common. Pure.

The service takes no `/`, `\\`, `#`, `?` or control characters in keys, at most 1 KiB a key, 64 KiB
(32 Ki characters) a property and 1 MiB a row, and no moment before 1601
(https://learn.microsoft.com/en-us/rest/api/storageservices/understanding-the-table-service-data-model).
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from shared.errors import TooLarge
from shared.following import digest

Row = dict[str, Any]

MOST = 700_000
"""Bytes in UTF-8 that fit a row in pieces, with the rest of it: Azurite counts them in base64."""

_PIECE = 60_000
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._-]{0,63}")
_READABLE = "!#$&'()*+,/:;<=>?@[]^_`{|}~-."


def key_of(text: str) -> str:
    """A part of a key, at most 64 characters without a colon: the text itself where it is short and
    plain, else its digest, which no plain text looks like."""
    return text if _PLAIN.fullmatch(text) else f"~{digest(text)}"


def written(text: str) -> str:
    """Any text as printable ASCII, readable where it is so already. A property can't hold each
    character that Python can."""
    return quote(text, safe=_READABLE, errors="surrogatepass")


def as_was(value: str) -> str:
    """The text that was `written`."""
    return unquote(value, errors="surrogatepass")


def cut(name: str, text: str) -> Row:
    """The properties that hold it in pieces. Raises `TooLarge`."""
    whole = text.encode()
    if len(whole) > MOST:
        raise TooLarge("What was asked for is too much to be kept for later.")
    return {
        f"{name}{place // _PIECE:02}": whole[place : place + _PIECE]
        for place in range(0, len(whole), _PIECE)
    }


def joined(name: str, row: Mapping[str, Any]) -> str:
    """The text that was `cut`."""
    numbered = re.compile(rf"{name}\d\d")
    return b"".join(row[one] for one in sorted(row) if numbered.fullmatch(one)).decode()


def cut_json(name: str, value: object) -> Row:
    """The properties that hold it as JSON. Raises `TooLarge`."""
    return cut(name, json.dumps(value))


def joined_json(name: str, row: Mapping[str, Any]) -> Any:
    return json.loads(joined(name, row))
