"""A parsed query."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

Path = tuple[str, ...]
"""A field, or the way to one over parent relationships."""

Operator = Literal["=", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Text:
    """A string literal as it was written, between its quotes."""

    raw: str


Value = Text | datetime | date | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Comparison:
    path: Path
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class Like:
    path: Path
    pattern: Text


@dataclass(frozen=True, slots=True)
class In:
    path: Path
    values: "tuple[Value, ...] | Query"
    negated: bool


@dataclass(frozen=True, slots=True)
class Not:
    term: "Condition"


@dataclass(frozen=True, slots=True)
class Junction:
    """Terms joined by AND (`every`) or OR."""

    terms: tuple["Condition", ...]
    every: bool


Condition = Comparison | Like | In | Not | Junction


@dataclass(frozen=True, slots=True)
class Ordering:
    path: Path
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class AllFields:
    """`FIELDS(…)`; `which` is STANDARD, CUSTOM or ALL."""

    which: str


@dataclass(frozen=True, slots=True)
class Formatted:
    """`FORMAT(…)` of a field, shown as `alias`."""

    path: Path
    alias: str


@dataclass(frozen=True, slots=True)
class Query:
    """`source` is the object, in a child query the relationship. `select` is empty for
    `count()`."""

    select: tuple["Path | Query | AllFields | Formatted", ...]
    source: str
    where: Condition | None = None
    order: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Search:
    """`words` is the search expression, `scope` e.g. ALL or NAME. Each of `returning` says which
    records of one object to give; none means every object's ids."""

    words: str
    scope: str = "ALL"
    returning: tuple[Query, ...] = ()
    limit: int | None = None
