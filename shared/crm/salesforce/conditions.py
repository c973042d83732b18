"""Conditions of SOQL that look for many values at once. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from simple_salesforce.format import format_soql

from shared.crm.salesforce.queries import LONGEST
from shared.truncation import storable


@dataclass(frozen=True, slots=True)
class Match:
    """`field` is one of the values (`like` False), or fits the pattern; `literal` is quoted."""

    field: str
    literal: str
    like: bool = False


def equal(fields: Iterable[str], values: Iterable[str]) -> list[Match]:
    """Every value in each of the fields. SOQL looks past case, and takes no empty text."""
    literals = [format_soql("{}", storable(value)) for value in values if storable(value)]
    return [Match(field, literal) for literal in literals for field in fields]


def ending(fields: Iterable[str], values: Iterable[str]) -> list[Match]:
    literals = [f"'%{escaped(value)}'" for value in values]
    return [Match(field, literal, like=True) for literal in literals for field in fields]


def containing(fields: Iterable[str], values: Iterable[str]) -> list[Match]:
    literals = [f"'%{escaped(value)}%'" for value in values]
    return [Match(field, literal, like=True) for literal in literals for field in fields]


def escaped(text: str) -> str:
    """As it may stand within the quotes of a LIKE, its wildcards made harmless (SOQL and SOSL
    Reference, "Quoted String Escape Sequences")."""
    return str(format_soql("{:like}", storable(text)))


def any_of(tests: Sequence[Match]) -> Iterator[str]:
    """The tests joined by OR, each condition as long as a query takes it."""
    chosen: list[Match] = []
    length = 0
    for test in tests:
        size = len(quote(test.literal, safe="")) + (len(test.field) + 10 if test.like else 3)
        if chosen and length + size > LONGEST:
            yield _joined(chosen)
            chosen, length = [], 0
        chosen.append(test)
        length += size
    if chosen:
        yield _joined(chosen)


def _joined(tests: Sequence[Match]) -> str:
    listed: dict[str, list[str]] = {}
    for test in tests:
        if not test.like:
            listed.setdefault(test.field, []).append(test.literal)
    parts = [f"{field} IN ({','.join(literals)})" for field, literals in listed.items()]
    parts += [f"{test.field} LIKE {test.literal}" for test in tests if test.like]
    return " OR ".join(parts)


def ids(field: str, values: Iterable[str]) -> list[Match]:
    """Ids come from Salesforce itself, so they need no quoting."""
    return [Match(field, f"'{value}'") for value in values]


def select(
    columns: Sequence[str],
    source: str,
    conditions: Iterable[str],
    *,
    semi_join: str = "",
    order: str,
    limit: int,
) -> str:
    """All the conditions hold, empty ones apart; a semi-join stands in no brackets."""
    where = " AND ".join([*filter(None, [semi_join]), *(f"({one})" for one in conditions if one)])
    # names that were checked, and values that `format_soql` quoted
    return (
        f"SELECT {', '.join(columns)} FROM {source} "  # noqa: S608
        f"WHERE {where} ORDER BY {order} LIMIT {limit}"
    )


def within(field: str, inner: str, source: str, condition: str) -> str:
    """A semi-join: `field` is the `inner` of one of those records."""
    return f"{field} IN (SELECT {inner} FROM {source} WHERE {condition})"  # noqa: S608
