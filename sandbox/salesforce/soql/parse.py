"""SOQL text → Query; SOSL text → Search."""

import re
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any, NoReturn

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput, VisitError

from sandbox.salesforce import errors
from sandbox.salesforce.soql.model import (
    AllFields,
    Comparison,
    Condition,
    Formatted,
    In,
    Junction,
    Like,
    Not,
    Ordering,
    Path,
    Query,
    Search,
    Text,
    Value,
)
from sandbox.salesforce.values import parse_date, parse_datetime

MAX_LENGTH = 100_000
"""SOQL and SOSL Reference, "SOQL and SOSL Limits": characters of a statement."""
MAX_OFFSET = 2000
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_CONTEXT = 40


def parse(text: str) -> Query:
    """Raises Refused (MALFORMED_QUERY, QUERY_TOO_COMPLICATED)."""
    query: Query = _parsed(text, "query")
    return query


def parse_search(text: str) -> Search:
    """Raises Refused (MALFORMED_SEARCH, QUERY_TOO_COMPLICATED)."""
    try:
        search: Search = _parsed(text, "search")
    except errors.Refused as error:
        if error.code == "MALFORMED_QUERY":
            raise errors.malformed_search(error.message) from None
        raise
    return search


def parse_condition(text: str) -> Condition:
    """What stands after WHERE. Raises Refused."""
    condition: Condition = _parsed(text, "expression")
    return condition


def _parsed(text: str, start: str) -> Any:
    if len(text) > MAX_LENGTH:
        raise errors.Refused(
            400,
            "QUERY_TOO_COMPLICATED",
            f"SOQL statements can't be longer than {MAX_LENGTH:,} characters",
        )
    try:
        return _READER.transform(_parser().parse(text, start))
    except UnexpectedInput as error:
        raise _malformed(text, error) from None
    except VisitError as error:
        if isinstance(error.orig_exc, errors.Refused):
            raise error.orig_exc from None
        raise


@cache
def _parser() -> Lark:
    grammar = files(__package__).joinpath("grammar.lark").read_text("utf-8")
    return Lark(
        grammar, parser="lalr", start=["query", "search", "expression"], maybe_placeholders=False
    )


def _malformed(text: str, error: UnexpectedInput) -> errors.Refused:
    at = error.pos_in_stream if error.pos_in_stream is not None else len(text)
    before = text[max(0, at - _CONTEXT) : at].replace("\n", " ")
    excerpt = before + text[at : at + _CONTEXT].replace("\n", " ")
    word = re.match(r"\w+|\S", text[at:])
    token = word.group() if word else "<EOF>"
    row, column = text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1
    return errors.malformed_query(
        f"\n{excerpt}\n{' ' * len(before)}^\nERROR at Row:{row}:Column:{column}\n"
        f"unexpected token: '{token}'"
    )


def unescaped(text: Text) -> str:
    """What a string literal means. Raises Refused for an escape that SOQL doesn't have."""
    return _ESCAPE.sub(lambda match: _escaped(match.group(1)), text.raw)


def like_pattern(text: Text) -> re.Pattern[str]:
    """A pattern for the whole value: `%` is any text, `_` any character, in whatever case."""
    parts, at = [], 0
    for match in _ESCAPE.finditer(text.raw):
        parts.append(_wild(text.raw[at : match.start()]))
        escaped = match.group(1)
        parts.append(re.escape(escaped if escaped in "%_" else _escaped(escaped)))
        at = match.end()
    parts.append(_wild(text.raw[at:]))
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def _wild(text: str) -> str:
    wild = {"%": ".*", "_": "."}
    return "".join(wild.get(letter) or re.escape(letter) for letter in text)


def _escaped(code: str) -> str:
    if code in _ESCAPES:
        return _ESCAPES[code]
    if len(code) > 1:
        return chr(int(code[1:], 16))
    raise errors.malformed_query(f"Illegal string literal: '\\{code}'")


class _Reader(Transformer[Token, Query]):
    """One method for each rule of the grammar; lark calls them from the leaves up."""

    def query(self, parts: list[Any]) -> Query:
        selection, source, *clauses = parts
        found = {name: value for clause in clauses for name, value in clause.items()}
        return Query(selection, str(source), **found)

    def selection(self, items: list[Any]) -> tuple[Any, ...]:
        return () if items == [None] else tuple(items)

    def search(self, parts: list[Any]) -> Search:
        words, *clauses = parts
        found = {name: value for clause in clauses for name, value in clause.items()}
        return Search(words[1:-1], **found)

    def scope(self, parts: list[Token]) -> dict[str, Any]:
        return {"scope": parts[0].upper()}

    def returning(self, parts: list[Query]) -> dict[str, Any]:
        return {"returning": tuple(parts)}

    def returned(self, parts: list[Any]) -> Query:
        source, *rest = parts
        cells = tuple(part for part in rest if isinstance(part, tuple | Formatted))
        clauses = (part for part in rest if isinstance(part, dict))
        found = {name: value for clause in clauses for name, value in clause.items()}
        return Query(cells or (("Id",),), str(source), **found)

    def count(self, _parts: list[Any]) -> None:
        return None

    def all_fields(self, parts: list[Token]) -> AllFields:
        return AllFields(parts[0].upper())

    def formatted(self, parts: list[Any]) -> Formatted:
        path = parts[0]
        return Formatted(path, str(parts[1]) if len(parts) > 1 else path[-1])

    def path(self, names: list[Token]) -> Path:
        return tuple(map(str, names))

    def alias(self, parts: list[Token]) -> NoReturn:
        raise errors.unsupported(f"the alias '{parts[0]}'")

    def where(self, parts: list[Condition]) -> dict[str, Any]:
        return {"where": parts[0]}

    def and_(self, terms: list[Condition]) -> Junction:
        return Junction(tuple(terms), every=True)

    def or_(self, terms: list[Condition]) -> Junction:
        return Junction(tuple(terms), every=False)

    def not_(self, terms: list[Condition]) -> Not:
        return Not(terms[0])

    def comparison(self, parts: list[Any]) -> Comparison:
        path, operator, value = parts
        return Comparison(path, "!=" if operator == "<>" else operator.value, value)

    def like(self, parts: list[Any]) -> Like:
        return Like(parts[0], self.string(parts[1:]))

    def in_(self, parts: list[Any]) -> In:
        return In(parts[0], parts[1], negated=False)

    def not_in(self, parts: list[Any]) -> In:
        return In(parts[0], parts[1], negated=True)

    def values(self, parts: list[Any]) -> tuple[Value, ...] | Query:
        return parts[0] if isinstance(parts[0], Query) else tuple(parts)

    def string(self, parts: list[Token]) -> Text:
        return Text(parts[0][1:-1])

    def datetime(self, parts: list[Token]) -> datetime:
        moment = parse_datetime(parts[0])
        if moment is None:
            raise errors.malformed_query(f"invalid date-time: {parts[0]}")
        return moment

    def date(self, parts: list[Token]) -> date:
        day = parse_date(parts[0])
        if day is None:
            raise errors.malformed_query(f"invalid date: {parts[0]}")
        return day

    def number(self, parts: list[Token]) -> int | float:
        return float(parts[0]) if "." in parts[0] else int(parts[0])

    def true(self, _parts: list[Token]) -> bool:
        return True

    def false(self, _parts: list[Token]) -> bool:
        return False

    def null(self, _parts: list[Token]) -> None:
        return None

    def order(self, orderings: list[Ordering]) -> dict[str, Any]:
        return {"order": tuple(orderings)}

    def ordering(self, parts: list[Any]) -> Ordering:
        words = {str(part).lower() for part in parts[1:]}
        return Ordering(parts[0], descending="desc" in words, nulls_last="last" in words)

    def direction(self, parts: list[Token]) -> Token:
        return parts[0]

    def nulls(self, parts: list[Token]) -> Token:
        return parts[0]

    def limit(self, parts: list[Token]) -> dict[str, Any]:
        return {"limit": _whole(parts[0])}

    def offset(self, parts: list[Token]) -> dict[str, Any]:
        number = _whole(parts[0])
        if number > MAX_OFFSET:
            raise errors.Refused(
                400,
                "NUMBER_OUTSIDE_VALID_RANGE",
                f"Maximum SOQL offset allowed is {MAX_OFFSET}",
            )
        return {"offset": number}


def _whole(number: Token) -> int:
    if not number.isdigit():
        raise errors.malformed_query(f"unexpected token: '{number}'")
    return int(number)


_READER = _Reader()
