"""What was chosen before, as features: in this conversation, and for these people."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from math import log, log1p

from shared.suggestions import Clues, Filed, Record

_EARLIER = 0.6
_OFTEN = 5


class Habits:
    """Reads the activities filed so far; asked for one record at a time."""

    def __init__(self, filed: Iterable[Filed], clues: Clues) -> None:
        outsiders = set(clues.outsiders)
        self._latest: dict[str, datetime] = {}
        self._counts: Counter[str] = Counter()
        for one in filed:
            key = one.record.id
            if one.same_conversation:
                self._latest[key] = max(one.at, self._latest.get(key, one.at))
            elif outsiders.intersection(one.addresses):
                self._counts[key] += 1
        self._last = max(self._latest.values(), default=None)

    def in_conversation(self, record: Record) -> float:
        """1 where the conversation's latest message went, less for an earlier choice, else 0."""
        at = self._latest.get(record.ref.id)
        if at is None:
            return 0.0
        return 1.0 if at == self._last else _EARLIER

    def before(self, record: Record) -> float:
        """Grows slowly with how often these people's messages went there, from 0 up to 1."""
        return min(1.0, log1p(self._counts[record.ref.id]) / log(_OFTEN + 1))
