"""From an item to what the CRM is asked for: whose addresses, which names, which companies."""

import re
from collections.abc import Collection, Iterable

from shared.domain import Email, Item, address_key
from shared.domains import is_at
from shared.mail_domains import host_of, is_free, lineage
from shared.suggestions import Clues
from suggest_links.reading import Reading

_MAX_ADDRESSES = 60
_MAX_INSIDE = 12
_MAX_NAMES = 12

_ADDRESS = re.compile(
    r"(?:[\"'(]?(?P<name>[^\n<>\"@:;]{2,60})[\"')]?\s?<(?:mailto:)?)?"
    r"(?P<address>[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5})"
)
_NAME_WORD = re.compile(r"[^\W\d_][\w'’.-]{1,30}")
_SALUTATION_LINES = 3
_CLOSING_LINES = 8
_NAME_LINE = 60


def find_clues(item: Item, reading: Reading, own: Collection[str]) -> Clues:
    """What to look for. `own` are our own mail domains.

    Where nobody from outside takes part, as in a forward to a colleague, the people inside the
    text stand in.
    """
    people = [(address_key(p.address), p.name) for p in item.participants][:_MAX_ADDRESSES]
    people = [(address, name) for address, name in people if "@" in address]
    outside = [(a, n) for a, n in people if not _is_own(a, own)]
    spoken_of: list[str] = []
    if not outside:
        outside = [(a, n) for a, n in people_inside(reading.whole) if not _is_own(a, own)]
        spoken_of = list(names_inside(reading.whole))
    names = [name for address, name in outside if is_free(host_of(address))]
    outsiders = _unique(address for address, _ in outside)
    email = item if isinstance(item, Email) else None
    ids = (email.message_id, email.in_reply_to, *email.references[-20:]) if email else ()
    return Clues(
        addresses=_unique([address for address, _ in people] + list(outsiders)),
        outsiders=outsiders,
        names=_unique(n for n in map(full_name, [*names, *spoken_of]) if n)[:_MAX_NAMES],
        domains=_unique(
            domain
            for address in outsiders
            if not is_free(host_of(address))
            for domain in lineage(host_of(address))
        ),
        conversation_id=item.conversation_id if isinstance(item, Email) else item.uid,
        message_ids=_unique(i for i in ids if i),
    )


def people_inside(text: str) -> list[tuple[str, str]]:
    """Addresses in a text with the names before them, e.g. of the headers of forwarded messages."""
    found: dict[str, str] = {}
    for match in _ADDRESS.finditer(text):
        address = address_key(match["address"].strip("'.-"))
        found.setdefault(address, (match["name"] or "").strip(" '\"(*"))
        if len(found) == _MAX_INSIDE:
            break
    return list(found.items())


def names_inside(text: str) -> tuple[str, ...]:
    """What may be full names in the salutation and the closing: two or three capitalised words
    that end a short line."""
    lines = [line for line in text.split("\n") if line]
    short = [
        line
        for line in lines[:_SALUTATION_LINES] + lines[-_CLOSING_LINES:]
        if len(line) < _NAME_LINE
    ]
    names: list[str] = []
    for line in short:
        words = line.rstrip(",.;:!，、。 ").split()
        for length in (2, 3):
            tail = words[-length:]
            if len(tail) == length and all(_is_name_word(word) for word in tail):
                names.append(" ".join(tail))
    return _unique(names)


def full_name(name: str) -> str:
    """A display name as a CRM would have it: "Doe, Jane" → "Jane Doe"; empty for one that can't be
    a person's full name. Names without spaces count where their script writes them so."""
    name = " ".join(name.split())[:80]
    if "@" in name:
        return ""
    last, comma, first = name.partition(", ")
    name = f"{first} {last}" if comma and first and "," not in first else name
    return name if " " in name or (len(name) > 1 and not name.isascii()) else ""


def _is_name_word(word: str) -> bool:
    return bool(_NAME_WORD.fullmatch(word)) and word[0].isupper()


def _is_own(address: str, own: Collection[str]) -> bool:
    host = host_of(address)
    return any(is_at(host, domain) for domain in own)


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
