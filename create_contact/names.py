"""From a display name in a header to a first and a last name. Pure.

Display names are written by strangers, and by servers on their way: what can't be told apart safely
stays together in the last name, and what is no name at all gives way to the address.
"""

import re
import unicodedata
from typing import Final, NamedTuple

from shared.letters import bare
from shared.truncation import cut_text, one_line, units

LONGEST_FIRST: Final = 40
LONGEST_LAST: Final = 50
"""UTF-16 units. What every CRM has room for, so that what is proposed is what is kept."""

_LONGEST: Final = 120
"""Of a display name; no longer text is a name."""

_BRACKETED: Final = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|（[^（）]*）|【[^【】]*】|<[^<>]*@[^<>]*>")
_ASIDE: Final = re.compile(r"\s[/–—-]\s|\s?[|·•]\s?")
_UNLIKELY: Final = re.compile(r"[<>={}\\:;$%^*~#@\ufffd]")
"""What no name has: markup, formulas, header lines, other addresses, unreadable letters."""
_BY_OTHERS: Final = re.compile(r"\bvia\b|経由|代理", re.IGNORECASE)
_COMMA: Final = re.compile(r"\s*[,，、]\s*")
_TITLES: Final = frozenset(
    {"dr", "prof", "mr", "mrs", "ms", "mx", "ing", "dipl-ing", "mag", "hr", "fr", "mme", "mlle"}
    | {"sr", "sra", "srta", "sig", "dott", "mgr"}
)
_AFTER: Final = frozenset(
    {"jr", "sr", "ii", "iii", "iv", "phd", "md", "mba", "msc", "bsc", "ma", "ba", "cpa", "cfa"}
    | {"esq", "llm", "pmp", "dds", "rn", "pe"}
)
_GENERATIONS: Final = frozenset({"jr", "sr", "ii", "iii", "iv"})
_JOINERS: Final = "\u200c\u200d"
"""Invisible, and part of how Persian and Indian names are written."""
_UNSPACED: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


class Name(NamedTuple):
    """`last` is never empty."""

    first: str
    last: str


def name_of(display: str, address: str) -> Name:
    """`display` is the name beside the address, however written and by whomever."""
    name = _person(_readable(display), address)
    if name is None:
        name = Name("", _from_address(address))
    return Name(_cut(name.first, LONGEST_FIRST), _cut(name.last, LONGEST_LAST))


def plain(text: str) -> str:
    """To compare by: without case and diacritics."""
    return bare(text.casefold())


def _from_address(address: str) -> str:
    text = _readable(address)
    return _trimmed(text.rpartition("@")[0]) or _trimmed(text) or "?"


def _person(text: str, address: str) -> Name | None:
    """None where it is no name."""
    if units(text) > _LONGEST or _BY_OTHERS.search(text):
        return None
    while (plain := _BRACKETED.sub(" ", text)) != text:
        text = plain
    text = _likeliest(_ASIDE.split(text), address)
    if _UNLIKELY.search(text):
        return None
    parts = [part for one in _COMMA.split(text) if (part := _trimmed(one))]
    while len(parts) > 1 and _is_suffix(parts[-1]):
        parts.pop()
    if not parts or not any(character.isalpha() for character in parts[0]):
        return None
    if len(parts) > 1:
        return Name(_untitled(parts[1]), _untitled(parts[0]) or parts[0])
    return _in_order(_untitled(parts[0]) or parts[0], address)


def _likeliest(parts: list[str], address: str) -> str:
    """Of a person, a company and a place beside each other, the one that the address speaks of."""
    local = plain(address.rpartition("@")[0])
    return max(parts, key=lambda part: sum(len(w) for w in plain(part).split() if w in local))


def _in_order(text: str, address: str) -> Name:
    """A name without a comma: the last word is the last name, with what belongs to it."""
    words = text.split()
    if len(words) == 1 or _UNSPACED.search(text) or "&" in text:
        return Name("", text)
    shouted = _shouted(words, address)
    if shouted:
        return Name(" ".join(words[shouted:]), " ".join(words[:shouted]))
    start = len(words) - 1
    if start > 1 and _bare(words[start]) in _GENERATIONS:
        start -= 1
    while start > 1 and words[start - 1][0].islower() and not words[0][0].islower():
        start -= 1
    return Name(" ".join(words[:start]), " ".join(words[start:]))


def _shouted(words: list[str], address: str) -> int:
    """How many words at the beginning are a last name in capitals ("DUPONT Jean"): such as stand in
    the address too, since a company's name may be in capitals as well."""
    local = plain(address.rpartition("@")[0])
    count = 0
    while count < len(words) and words[count].isupper() and len(words[count]) > 2:
        count += 1
    others = words[count:]
    known = count and all(plain(word) in local for word in words[:count])
    return count if known and others and not any(w.isupper() and len(w) > 2 for w in others) else 0


def _untitled(text: str) -> str:
    words = text.split()
    while len(words) > 1 and words[0].endswith(".") and _bare(words[0]) in _TITLES:
        words = words[1:]
    return " ".join(words)


def _is_suffix(text: str) -> bool:
    """What people put behind their names: degrees and the like."""
    return all(_bare(word) in _AFTER for word in text.split())


def _bare(word: str) -> str:
    return word.replace(".", "").casefold()


def _readable(text: str) -> str:
    """One line without invisible characters, which could turn a text around or hide in it."""
    shown = "".join(
        " " if unicodedata.category(one) in ("Zs", "Zl", "Zp") else one
        for one in one_line(text)
        if one in _JOINERS or unicodedata.category(one)[0] != "C"
    )
    return " ".join(shown.split())


def _trimmed(text: str) -> str:
    """Without what no name begins or ends with: quotes, marks, and what a spreadsheet would take
    for a formula."""
    start, end = 0, len(text)
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not (text[end - 1].isalnum() or _is_mark(text[end - 1])):
        end -= 1
    closed = text[end : end + 1] == "."
    return " ".join(text[start : end + closed].replace("<", " ").replace(">", " ").split())


def _is_mark(character: str) -> bool:
    """An accent that is a character of its own."""
    return unicodedata.category(character).startswith("M")


def _cut(text: str, limit: int) -> str:
    return cut_text(text, limit).strip()
