"""How much a message and a record's words have in common, in any language.

Words are compared by their beginnings, which evens out most inflection; scripts without spaces by
pairs of characters. Words that every text has, in the larger European languages, don't count.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from math import log, log1p, sqrt

import stopwordsiso

_STEM = 7
_LANGUAGES = (
    *("cs", "da", "de", "el", "en", "es", "fi", "fr", "hu", "it"),
    *("nl", "no", "pl", "pt", "ro", "ru", "sk", "sv", "tr", "uk"),
)

_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_RUN = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")
_ASCII = re.compile(r"[a-z0-9]+")
_UNSPACED_CHARACTER = re.compile(rf"[{_UNSPACED}]")
_PARTICLE = re.compile("[\u3040-\u309f]")
_MARKS = re.compile("[\u0300-\u036f]+")


def terms(text: str) -> list[str]:
    """The comparable parts of a text, in order, repeated as in the text."""
    ignored = _ignored()
    if text.isascii():
        return [word[:_STEM] for word in _ASCII.findall(text.lower()) if word not in ignored]
    folded = _folded(text)
    if not _UNSPACED_CHARACTER.search(folded):
        return [word[:_STEM] for word in _RUN.findall(folded) if word not in ignored]
    found: list[str] = []
    for run in _RUN.findall(folded):
        if _UNSPACED_CHARACTER.match(run):
            found.extend(_pairs(run))
        elif run not in ignored:
            found.append(run[:_STEM])
    return found


def is_unspaced(text: str) -> bool:
    """Whether some of it is in a script without spaces (Japanese, Chinese, Korean)."""
    return not text.isascii() and bool(_UNSPACED_CHARACTER.search(text))


class Comparison:
    """A message's terms held against those of several records.

    A term counts for more the fewer of the records have it. What a record says beyond the message
    weighs against it, but far less than twice as much for twice the length (cosine).
    """

    def __init__(self, message: Iterable[str], records: Sequence[frozenset[str]]) -> None:
        self._records = records
        counts = Counter(message)
        known = counts.keys()
        spread = Counter(term for record in records for term in known & record)
        total = log(len(records) + 2)
        self._worth = {term: total - log(spread[term] + 1) for term in known}
        self._rare = total - log(2)

    def likeness(self, part: Iterable[str]) -> list[float]:
        """For each record 0 (no term of this part of the message) … 1 (the same terms)."""
        weights = self._weights(Counter(part))
        length = sqrt(sum(weight * weight for weight in weights.values()))
        return [self._cosine(weights, length, record) for record in self._records]

    def _weights(self, counts: Mapping[str, int]) -> dict[str, float]:
        return {
            term: worth * log1p(count) / log(2)
            for term, count in counts.items()
            if (worth := self._worth.get(term))
        }

    def _cosine(self, weights: Mapping[str, float], length: float, record: frozenset[str]) -> float:
        shared = weights.keys() & record
        if not shared:
            return 0.0
        worth = self._worth
        product = sum(weights[term] * worth[term] for term in shared)
        own = sum(worth[term] ** 2 for term in shared)
        own += (len(record) - len(shared)) * self._rare**2
        return product / (length * sqrt(own))


def _folded(text: str) -> str:
    """Lower case, compatibility forms unified, without diacritics."""
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return unicodedata.normalize("NFC", bare)


def _pairs(run: str) -> list[str]:
    """Pairs without hiragana, which mostly carries grammar."""
    return [run[i : i + 2] for i in range(len(run) - 1) if not _PARTICLE.search(run, i, i + 2)]


@cache
def _ignored() -> frozenset[str]:
    words = stopwordsiso.stopwords(list(_LANGUAGES))
    return frozenset(run for word in words for run in _RUN.findall(_folded(word)))
