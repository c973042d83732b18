"""Orders what an item may be linked to. Pure: all that is known comes as arguments."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from math import exp
from pathlib import Path

from shared.domain import Email, Item
from shared.suggestions import REASONS, Candidates, Clues, Reason, Suggestion
from suggest_links.features import Features, Option, options
from suggest_links.reading import Reading
from suggest_links.relations import Relations, Tie, relate

MOST = 8
LEAST_SCORE = 0.02

_SIMILAR_TEXT = 0.12
_SIMILAR_TITLE = 0.5
_RECENT = 2.1  # log1p of a week's days


def rank(
    item: Item,
    reading: Reading,
    clues: Clues,
    candidates: Candidates,
    now: datetime,
    table: Mapping[str, float] | None = None,
    most: int = MOST,
) -> tuple[Suggestion, ...]:
    """What to link the item to, the likeliest first, at most `most`.

    Empty where nothing fits: nobody who takes part is known, or "none of these" is likelier than
    any of them. The scores and the chance of "none" together make up at most 1. `table` stands in
    for the learned weights.
    """
    sent = item.sent_at if isinstance(item, Email) else None
    relations = relate(clues, candidates)
    found = options(reading, clues, candidates, relations, sent or now)
    chances = chances_of([option.features for option in found], table or weights())
    order = sorted(range(len(found)), key=lambda i: (-chances[i], _name(found[i])))
    if not order or found[order[0]].ref is None:
        return ()
    only = sum(1 for option in found if option.record and option.record.open) == 1
    return tuple(
        Suggestion(ref, chances[i], _reasons(found[i], relations, only))
        for i in order
        if (ref := found[i].ref) is not None and chances[i] >= LEAST_SCORE
    )[:most]


def chances_of(found: Sequence[Features], table: Mapping[str, float]) -> list[float]:
    """The chance of each option to be the right one; together 1 (a conditional logit)."""
    sums = [sum(table[name] * value for name, value in features.items()) for features in found]
    top = max(sums, default=0.0)
    raw = [exp(value - top) for value in sums]
    total = sum(raw)
    return [value / total for value in raw]


@cache
def weights() -> Mapping[str, float]:
    """The learned weights by feature; `python -m bench.suggest_train` writes them."""
    text = Path(__file__).with_name("weights.json").read_text(encoding="utf-8")
    table: dict[str, float] = json.loads(text)
    return table


def _reasons(option: Option, relations: Relations, only: bool) -> tuple[Reason, ...]:
    codes = (
        _record_codes(option, relations, only)
        if option.record
        else _account_codes(option, relations)
    )
    return tuple(Reason(code, REASONS[code]) for code in codes)


def _record_codes(option: Option, relations: Relations, only: bool) -> list[str]:
    record, features = option.record, option.features
    if record is None:
        return []
    tie = relations.ties.get(record.account_id or "")
    holds = {
        "same_conversation": features["conversation"] > 0,
        "reference_number": features["reference_number"] > 0,
        "contact_on_record": features["contact_on_record"] > 0,
        "chosen_before": features["chosen_before"] > 0,
        "similar_title": features["title"] >= _SIMILAR_TITLE,
        "similar_text": features["text"] >= _SIMILAR_TEXT,
        **_ties(tie),
        "owner": features["owner"] > 0,
        "recent": features["age"] <= _RECENT,
        "only_open": only and record.open,
    }
    return [code for code, is_so in holds.items() if is_so]


def _account_codes(option: Option, relations: Relations) -> list[str]:
    if option.ref is None:
        return []
    tie = relations.ties.get(option.ref.id) or relations.present.get(option.ref.id)
    return [*(code for code, is_so in _ties(tie).items() if is_so), "no_matching_record"]


def _ties(tie: Tie | None) -> dict[str, bool]:
    return {
        "known_contact": tie is Tie.CONTACT,
        "name_match": tie is Tie.NAME,
        "company_domain": tie is Tie.DOMAIN,
        "parent_company": tie is Tie.PARENT,
    }


def _name(option: Option) -> tuple[str, str]:
    """Settles ties, so that the order in which a CRM answers never shows."""
    return (option.ref.type, option.ref.id) if option.ref else ("", "")
