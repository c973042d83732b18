"""How close a record's name comes to what a person typed. Pure."""

import unicodedata
from typing import Final

_LETTERS: Final = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "ŧ": "t"})
"""Letters whose stroke is no combining mark."""


def bare(text: str) -> str:
    """Without case and diacritics, compatibility forms unified."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in parts if not unicodedata.combining(one)).translate(_LETTERS)


def distance(name: str, text: str) -> int:
    """0 for a name that is the text, 1 for one that begins with it, 2 for one with a word that
    does, 3 for any other."""
    held, sought = bare(name), bare(text)
    if held == sought:
        return 0
    if held.startswith(sought):
        return 1
    return 2 if f" {sought}" in held else 3
