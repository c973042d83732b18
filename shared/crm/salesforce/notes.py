"""What Salesforce has no field for, at the end of an activity's description, for people to read.

Activities take no long custom fields, so the addresses that belong to no record stand there, and
those of contacts whom somebody related and who don't take part; and where our fields are not
installed, the id of the Outlook item. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from shared.truncation import cut_text, units

_RULE: Final = "-- Threadline --"
_OTHERS: Final = "Also took part: "
_ADDED: Final = "Also related: "
_ITEM: Final = "Item: "
_BETWEEN: Final = "; "


@dataclass(frozen=True, slots=True)
class Noted:
    """A description; `cut` says that its text was cut, `left_out` counts the addresses that found
    no room."""

    text: str
    cut: bool
    left_out: int


def noted(
    text: str, others: Iterable[str], item_id: str, limit: int, added: Iterable[str] = ()
) -> Noted:
    """`text` with the notes after it, at most `limit` UTF-16 units, of which the notes take half
    at most. `item_id` is empty where a field holds it."""
    body = text.replace(_RULE, _RULE.replace("-", "\u2013"))
    addresses = [address.replace(";", ",") for address in others]
    kept = _fitting(addresses, limit // 2)
    lines = [_OTHERS + _BETWEEN.join(kept)] if kept else []
    related = [address.replace(";", ",") for address in added]
    lines += [_ADDED + _BETWEEN.join(related)] if related else []
    lines += [_ITEM + item_id] if item_id else []
    notes = "\n".join((f"\n\n{_RULE}", *lines)) if lines else ""
    room = limit - units(notes)
    shown = cut_text(body, room).rstrip()
    return Noted(
        (shown + notes).strip(), cut=units(body) > room, left_out=len(addresses) - len(kept)
    )


def _fitting(addresses: Sequence[str], room: int) -> list[str]:
    kept = []
    for address in addresses:
        room -= units(address) + len(_BETWEEN)
        if room < 0:
            break
        kept.append(address)
    return kept


def text_of(description: str) -> str:
    """The description without the notes."""
    before, rule, _ = description.rpartition(_RULE)
    return before.rstrip() if rule else description


def others_of(description: str) -> tuple[str, ...]:
    """The addresses noted."""
    return _listed(description, _OTHERS)


def added_of(description: str) -> tuple[str, ...]:
    """The contacts noted as added: by address, those without one by id."""
    return _listed(description, _ADDED)


def _listed(description: str, label: str) -> tuple[str, ...]:
    listed = _line(description, label)
    return tuple(filter(None, (address.strip() for address in listed.split(_BETWEEN.strip()))))


def item_of(description: str) -> str:
    """The item's id, where it is noted."""
    return _line(description, _ITEM)


def _line(description: str, label: str) -> str:
    _, rule, notes = description.rpartition(_RULE)
    lines = (line for line in notes.splitlines() if line.startswith(label))
    return next(lines, "").removeprefix(label).strip() if rule else ""
