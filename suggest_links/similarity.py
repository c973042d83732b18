"""How much a message and a record's words have in common, in any language.

Words are compared by their beginnings, which evens out most inflection; scripts without spaces by
pairs of characters. Words that every text has, in the larger European languages, don't count.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from math import log, log1p, sqrt

import stopwordsiso

from shared.letters import bare

_STEM = 7
_LANGUAGES = (
    *("cs", "da", "de", "el", "en", "es", "fi", "fr", "hu", "it"),
    *("nl", "no", "pl", "pt", "ro", "ru", "sk", "sv", "tr", "uk"),
)

# Hiragana mostly carries grammar: it parts words here, as a space does elsewhere.
_HIRAGANA = "\u3040-\u309f"
_UNSPACED = "\u30a0-\u30ff\u3400-\u9fff\uac00-\ud7af"
_RUN = re.compile(rf"[^\W_{_UNSPACED}{_HIRAGANA}]+")
_UNSPACED_RUN = re.compile(rf"[{_UNSPACED}]{{2,}}")
_ASCII = re.compile(r"[a-z0-9]+")
_UNSPACED_CHARACTER = re.compile(rf"[{_UNSPACED}{_HIRAGANA}]")


def terms(text: str) -> list[str]:
    """The comparable parts of a text, repeated as often as in the text, in no order."""
    ignored = _ignored()
    if text.isascii():
        return [word[:_STEM] for word in _ASCII.findall(text.lower()) if word not in ignored]
    if not _UNSPACED_CHARACTER.search(text):
        words = _RUN.findall(bare(text.casefold()))
        return [word[:_STEM] for word in words if word not in ignored]
    unified = unicodedata.normalize("NFKC", text.casefold())
    pairs = [run[i : i + 2] for run in _UNSPACED_RUN.findall(unified) for i in range(len(run) - 1)]
    plain = (bare(word) for word in _RUN.findall(unified))
    return [*(word[:_STEM] for word in plain if word not in ignored), *pairs]


class Comparison:
    """A message's terms held against those of several records.

    A term counts for more the fewer of the records have it. What a record says beyond the message
    weighs against it, but far less than twice as much for twice the length (cosine).
    """

    def __init__(self, message: Iterable[str], records: Sequence[frozenset[str]]) -> None:
        counts = Counter(message)
        self._records = records
        self._shared = [counts.keys() & record for record in records]
        spread = Counter(term for shared in self._shared for term in shared)
        self._rare = log((len(records) + 2) / 2)
        worth = {term: self._rare - log((spread[term] + 1) / 2) for term in counts}
        weights = {term: worth[term] * log1p(count) / log(2) for term, count in counts.items()}
        self._length = sqrt(sum(weight * weight for weight in weights.values()))
        self._products = {term: weights[term] * worth[term] for term in counts}
        self._squares = {term: value * value for term, value in worth.items()}

    def likenesses(self) -> list[float]:
        """For each record 0 (no term of the message) … 1 (the same terms)."""
        return [
            self._cosine(record, shared)
            for record, shared in zip(self._records, self._shared, strict=True)
        ]

    def _cosine(self, record: frozenset[str], shared: set[str]) -> float:
        if not shared:
            return 0.0
        product = sum(self._products[term] for term in shared)
        own = sum(self._squares[term] for term in shared)
        own += (len(record) - len(shared)) * self._rare**2
        return min(1.0, product / (self._length * sqrt(own)))


@cache
def _ignored() -> frozenset[str]:
    words = stopwordsiso.stopwords(list(_LANGUAGES))
    return frozenset(run for word in words for run in _RUN.findall(bare(word.casefold())))
