"""The expression that a search looks for → a test of a record's texts.

SOSL Reference, "FIND {SearchQuery}": words in any case, parted by spaces and punctuation; phrases
in quotes; `*` and `?` in the middle or at the end; AND (also unsaid), OR, AND NOT. In Chinese and
Japanese texts a word is found anywhere.
"""

import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput

from sandbox.salesforce import errors

Test = Callable[[list[str]], bool]
"""Tests the texts of a record, each in lower case."""

MIN_LETTERS = 2
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_LETTERS = re.compile(r"\w+")
_PIECES = re.compile(r"[\w*?]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_STAR, _MARK = "\ue000", "\ue001"
"""What escaped wildcards become while the unescaped ones are looked for."""


def word_test(expression: str) -> Test:
    """Raises Refused (MALFORMED_SEARCH, INVALID_SEARCH)."""
    if sum(map(len, _LETTERS.findall(expression))) < MIN_LETTERS:
        raise errors.Refused(
            400,
            "INVALID_SEARCH",
            f"search term must be longer than one character: {expression}",
        )
    try:
        tests = _READER.transform(_parser().parse(expression))
    except UnexpectedInput:
        raise errors.malformed_search(f"The search can't be understood: {expression}") from None
    return tests


@cache
def _parser() -> Lark:
    grammar = files(__package__).joinpath("words.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=False)


class _Reader(Transformer[Token, Test]):
    def or_(self, tests: list[Test]) -> Test:
        return lambda texts: any(test(texts) for test in tests)

    def every(self, tests: list[Test]) -> Test:
        return lambda texts: all(test(texts) for test in tests)

    def negated(self, tests: list[Test]) -> Test:
        return lambda texts: not tests[0](texts)

    def word(self, parts: list[Token]) -> Test:
        return _sequence(str(parts[0]))

    def phrase(self, parts: list[Token]) -> Test:
        return _sequence(str(parts[0][1:-1]))


def _sequence(written: str) -> Test:
    """The words of the text, one after the other."""
    text = _ESCAPED.sub(lambda m: {"*": _STAR, "?": _MARK}.get(m.group(1), m.group(1)), written)
    pieces = [piece.lstrip("*?") for piece in _PIECES.findall(text.lower())]
    words = [_pattern(piece) for piece in pieces if piece]
    if not words:
        return lambda _texts: True
    pattern = re.compile(r"[\W_]+".join(words))
    return lambda texts: any(pattern.search(text) for text in texts)


def _pattern(piece: str) -> str:
    letters = (r"\w*" if c == "*" else r"\w" if c == "?" else re.escape(c) for c in piece)
    inner = "".join(letters)
    return inner if _UNSPACED.search(piece) else rf"\b{inner}\b"


_READER = _Reader()
