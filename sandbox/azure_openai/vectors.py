"""Vectors that a text's words give: the same for the same words, and, for a few words, the same in
several languages. Enough to see what a model would do, not how well.
"""

import hashlib
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from math import sqrt

SIZE = 256

_WORD = re.compile(r"[^\W\d_]{3,}")
_BEGINNING = 6

_MEANINGS = (
    "invoice invoices bill rechnung rechnungen facture factures fattura factura faktura",
    "tax steuer steuersatz taxe taxes impôt tva imposta impuesto podatek",
    "rate satz taux tasso tasa stawka",
    "pump pumps pumpe pumpen pompe pompes pompa pompy bomba bombas",
    "snow schnee neige neve nieve śnieg",
    "chairlift sessellift sesselbahn télésiège seggiovia telesilla",
    "drive antrieb entraînement motorisation azionamento napęd",
    "controller control steuerung commande controllo sterownik",
    "replace ersetzen austausch remplacer remplacement sostituire reemplazar wymiana",
    "delivery liefertermin lieferung livraison consegna entrega dostawa",
    "contract vertrag contrat contratto contrato umowa",
    "training schulung formation formazione formación szkolenie",
    "winter hiver inverno invierno zima",
)
"""Each line names one thing."""


def vector(text: str) -> list[float]:
    """`SIZE` numbers, of length 1 together."""
    sums = [0.0] * SIZE
    for thing in {*_things(text)} or {""}:
        for place, sign in enumerate(_signs(thing)):
            sums[place] += sign
    length = sqrt(sum(value * value for value in sums)) or 1.0
    return [round(value / length, 7) for value in sums]


def _things(text: str) -> Iterator[str]:
    known = _by_word()
    for word in _WORD.findall(text.casefold()):
        yield known.get(word) or word[:_BEGINNING]


@cache
def _by_word() -> dict[str, str]:
    return {word: words.split()[0] for words in _MEANINGS for word in words.split()}


@lru_cache(maxsize=4096)
def _signs(thing: str) -> tuple[int, ...]:
    digest = hashlib.shake_128(thing.encode("utf-8", "replace")).digest(SIZE // 8)
    return tuple(1 if byte >> bit & 1 else -1 for byte in digest for bit in range(8))
