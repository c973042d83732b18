"""What speaks for and against each possible link, in numbers: ties, counts, ages, likenesses."""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log1p

from shared.domain import RecordRef
from shared.suggestions import Candidates, Clues, Record
from suggest_links.habits import Habits
from suggest_links.reading import Reading
from suggest_links.relations import Relations, Tie
from suggest_links.wording import Wording

_NUMBER = re.compile(r"[^\W_]+(?:[-/.][^\W_]+)*")
_MIN_NUMBER = 4
_SHORTLIST = 120
_LONG_AGO = 365.0
_DAY = 86_400.0

Features = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Option:
    """One possible link. `record` is None for an account, for a contact without one, and for
    "nothing", whose `ref` is None too."""

    ref: RecordRef | None
    features: Features
    record: Record | None = None


def options(
    reading: Reading, clues: Clues, candidates: Candidates, relations: Relations, at: datetime
) -> list[Option]:
    """Every possible link: open records, closed ones that something points straight at, the
    related accounts, contacts that have none, and nothing. `at` is when the item was sent.

    Empty where the CRM knows nobody and nothing of this item.
    """
    habits = Habits(candidates.filed, clues)
    quoted = _quoted(candidates.records, reading)
    pointed_at = quoted | {r.ref.id for r in candidates.records if habits.in_conversation(r)}
    wording = Wording(reading, relations.accounts)
    linkable = _shortlist(
        [r for r in candidates.records if r.open or r.ref.id in pointed_at],
        pointed_at,
        wording,
        relations,
        at,
    )
    found = [
        Option(
            record.ref,
            {
                "conversation": habits.in_conversation(record),
                "reference_number": float(record.ref.id in quoted),
                "chosen_before": habits.before(record),
                "contact_on_record": float(_is_theirs(record, relations)),
                "owner": float(record.owner_id in relations.users),
                "parent": float(relations.ties.get(record.account_id or "") is Tie.PARENT),
                "age": _age(record.modified_at, at),
                "closed": float(not record.open),
                **words,
            },
            record,
        )
        for record, words in zip(linkable, wording.features(linkable), strict=True)
    ]
    found.extend(_customers(relations))
    return [*found, _nothing(found, relations)] if found else []


def _shortlist(
    records: list[Record],
    pointed_at: Container[str],
    wording: Wording,
    relations: Relations,
    at: datetime,
) -> list[Record]:
    """Where there are very many, those worth reading the descriptions of."""
    if len(records) <= _SHORTLIST:
        return records

    def promise(record: Record) -> tuple[bool, float, str]:
        theirs = 0.2 * _is_theirs(record, relations)
        likely = 2 * wording.title_share(record) + theirs - 0.15 * _age(record.modified_at, at)
        return record.ref.id in pointed_at, likely, record.ref.id

    return sorted(records, key=promise, reverse=True)[:_SHORTLIST]


def _customers(relations: Relations) -> Iterable[Option]:
    for key, account in relations.accounts.items():
        tie = relations.ties.get(key)
        if tie is not None:
            loose = float(tie is Tie.PARENT)
            yield Option(account.ref, {"account": 1.0, "account_parent": loose})
    for contact in relations.homeless:
        yield Option(contact.ref, {"account": 1.0})


def _nothing(found: Sequence[Option], relations: Relations) -> Option:
    """Likelier where no address is known, but only a name."""
    ties = {*relations.present.values(), *relations.ties.values()}
    lead = any(option.record and option.record.addresses for option in found)
    only_names = Tie.NAME in ties and ties <= {Tie.NAME, Tie.PARENT} and not lead
    return Option(None, {"nothing": 1.0, "nothing_by_name": float(only_names)})


def _is_theirs(record: Record, relations: Relations) -> bool:
    """Whether a participant is the record's contact, or the lead itself."""
    return record.contact_id in relations.present or bool(record.addresses)


def _age(modified: datetime | None, at: datetime) -> float:
    """The logarithm of the days since the last change; 0 for one changed since."""
    days = (at - modified).total_seconds() / _DAY if modified else _LONG_AGO
    return log1p(max(0.0, days))


def _quoted(records: Iterable[Record], reading: Reading) -> set[str]:
    """The ids of the records whose number stands in the message as a word of its own."""
    text = f"{reading.subject} {reading.new} {reading.quoted}".casefold()
    words = {word for word in _NUMBER.findall(text) if any(c.isdigit() for c in word)}
    return {
        record.ref.id
        for record in records
        if words and len(record.number) >= _MIN_NUMBER and record.number.casefold() in words
    }
