"""Orders records anew by what they mean, where a model may be asked: optional, bounded, and never
needed.

It helps where a record and a message speak of the same in other words, or in other languages.
docs/adr/0004 tells why it is as cautious as it is.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, sqrt
from operator import mul

from shared.errors import ThreadlineError
from shared.ports import Embeddings
from shared.suggestions import REASONS, Candidates, Reason, Record, Suggestion
from suggest_links.reading import Reading

POOL = 16
"""Suggestions of which the records are compared."""

PATIENCE = 0.6
"""Seconds that a person waits for a better order at most."""

LARGEST_SHIFT = 1.5
"""What a record gains or loses at most, as the features of weights.json count. The odds between two
records change at most 20-fold: as much as a clear likeness of the words does."""

_POINTED_AT = frozenset({"same_conversation", "reference_number"})
_SURE = 0.9
_MESSAGE = 3_000  # characters
_DESCRIPTION = 300
_LARGEST_DISTANCE = 2.0  # standard deviations
_LEAST_SPREAD = 0.05  # of cosines: below it, their differences are noise
_NOTABLE = 1.25


@dataclass(frozen=True, slots=True)
class Weighed:
    """`outcome` is for the log: `off`, `not_needed`, `used`, `late`, or the code of the failure
    because of which the ranking is as it was."""

    ranked: tuple[Suggestion, ...]
    outcome: str


async def by_meaning(
    ranked: Sequence[Suggestion],
    reading: Reading,
    candidates: Candidates,
    embeddings: Embeddings | None,
    *,
    patience: float = PATIENCE,
) -> Weighed:
    """The ranking with its open records ordered anew among themselves. Never fails.

    The chance that one of them is the right one stays what it was: only their shares in it change.
    So nothing is suggested that wasn't before, and of an account, a contact or a closed record
    neither score nor reasons change; only their places among the records may.

    Not asked, and so nothing sent, where there is no choice, where a conversation or a quoted
    number tells more than any likeness, or where there is hardly a doubt.
    """
    plain = tuple(ranked)
    if embeddings is None:
        return Weighed(plain, "off")
    by_id = {record.ref.id: record for record in candidates.records if record.open}
    pool = [one for one in plain if one.record.id in by_id]
    message = f"{reading.subject}\n{reading.new}".strip()[:_MESSAGE]
    if len(pool) < 2 or not message or _is_clear(plain):
        return Weighed(plain, "not_needed")
    texts = [message, *(_text(by_id[one.record.id]) for one in pool)]
    try:
        async with asyncio.timeout(patience):
            said, *known = await embeddings.embed(texts)
    except TimeoutError:
        return Weighed(plain, "late")
    except ThreadlineError as error:
        return Weighed(plain, error.code)
    weighed = reweighed(pool, [cosine(said, one) for one in known])
    new = {one.record.id: one for one in weighed}
    order = sorted((new.get(one.record.id, one) for one in plain), key=lambda one: -one.score)
    return Weighed(tuple(order), "used")


def reweighed(pool: Sequence[Suggestion], cosines: Sequence[float]) -> list[Suggestion]:
    """The same suggestions with their scores, in sum as before, shifted towards the likest.

    What counts is how far a cosine lies from the others', in standard deviations: models differ
    in where theirs lie.
    """
    shifts = _shifts(cosines)
    raw = [one.score * exp(shift) for one, shift in zip(pool, shifts, strict=True)]
    total = sum(one.score for one in pool)
    scale = total / sum(raw) if total else 0.0
    return [_with(one, value * scale) for one, value in zip(pool, raw, strict=True)]


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """Of the angle between two vectors; 0 where one of them has no direction."""
    length = sqrt(sum(map(mul, one, one)) * sum(map(mul, other, other)))
    return sum(map(mul, one, other)) / length if length else 0.0


def _is_clear(ranked: Sequence[Suggestion]) -> bool:
    codes = {reason.code for one in ranked for reason in one.reasons}
    return ranked[0].score >= _SURE or not codes.isdisjoint(_POINTED_AT)


def _shifts(cosines: Sequence[float]) -> list[float]:
    mean = sum(cosines) / len(cosines)
    spread = sqrt(sum((one - mean) ** 2 for one in cosines) / len(cosines))
    unit = max(spread, _LEAST_SPREAD)
    return [
        LARGEST_SHIFT * max(-1.0, min(1.0, (one - mean) / unit / _LARGEST_DISTANCE))
        for one in cosines
    ]


def _with(one: Suggestion, score: float) -> Suggestion:
    if score < _NOTABLE * one.score:
        return replace(one, score=score)
    reason = Reason("similar_meaning", REASONS["similar_meaning"])
    return replace(one, score=score, reasons=(*one.reasons, reason))


def _text(record: Record) -> str:
    return f"{record.ref.name}\n{record.description[:_DESCRIPTION]}".strip() or record.ref.type
