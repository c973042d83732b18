"""The system query options of a URL, checked against the schema.

An option that Dataverse or this stand-in does not know is refused, never ignored.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_plus

from sandbox.dataverse import errors
from sandbox.dataverse.filters import Filter, compiled
from sandbox.dataverse.schema import SCHEMA
from sandbox.dataverse.schema.model import Collection, Column, Navigation

MAX_EXPANDS = 15
_ALLOWED = frozenset({"$select", "$filter", "$expand", "$orderby", "$top", "$count", "$skiptoken"})
_NESTED = frozenset({"$select", "$filter", "$expand", "$orderby", "$top"})


@dataclass(frozen=True, slots=True)
class Order:
    column: Column
    descending: bool


@dataclass(frozen=True, slots=True)
class Expand:
    """`link` is what the property stands for; `references_only` is the `/$ref` form."""

    name: str
    link: Navigation | Collection
    query: "Query"
    references_only: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """`select` None means every column. `text` is the decoded `$select` for the context URL."""

    select: tuple[Column, ...] | None = None
    expand: tuple[Expand, ...] = ()
    filter: Filter | None = None
    orderby: tuple[Order, ...] = ()
    top: int | None = None
    count: bool = False
    skiptoken: str = ""
    selected: str = ""


@lru_cache(maxsize=512)
def parsed(table: str, text: str) -> Query:
    """The query part of a URL, still percent-encoded, for rows of `table`."""
    return _query(table, options_of(text), _ALLOWED)


def options_of(text: str) -> Mapping[str, str]:
    """Name → decoded value. Raises Refused where an option comes twice."""
    options: dict[str, str] = {}
    for part in filter(None, text.split("&")):
        name, _, value = part.partition("=")
        name = unquote_plus(name).strip()
        if name in options:
            raise errors.bad_query(f"Query option '{name}' was specified more than once.")
        options[name] = unquote_plus(value)
    return options


def _query(table: str, options: Mapping[str, str], allowed: frozenset[str]) -> Query:
    for name in options:
        if name not in allowed:
            raise _refused(name)
    selected = options.get("$select", "")
    return Query(
        select=_select(table, selected),
        expand=_expands(table, options.get("$expand", "")),
        filter=compiled(table, options["$filter"]) if "$filter" in options else None,
        orderby=_orderby(table, options.get("$orderby", "")),
        top=_top(options["$top"]) if "$top" in options else None,
        count=_flag("$count", options.get("$count", "false")),
        skiptoken=options.get("$skiptoken", ""),
        selected=",".join(part.strip() for part in split(selected, ",")),
    )


def _refused(name: str) -> errors.Refused:
    if name.startswith("$"):
        option = name[1:].capitalize()
        return errors.bad_query(
            f"Query option '{option}' is not allowed. To allow it, set the 'AllowedQueryOptions' "
            "property on EnableQueryAttribute or QueryValidationSettings."
        )
    return errors.unsupported(f"the query option '{name}'")


def _select(table: str, text: str) -> tuple[Column, ...] | None:
    names = [name.strip() for name in split(text, ",") if name.strip()]
    if not names or names == ["*"]:
        return None
    return tuple(_selected(table, name) for name in names)


def _selected(table: str, name: str) -> Column:
    """A column by its property, or a lookup by the name of its navigation property."""
    column = SCHEMA.by_property[table].get(name)
    if column is not None:
        return column
    navigation = SCHEMA.navigations[table].get(name)
    if navigation is None:
        raise errors.unknown_property(table, name)
    return SCHEMA.tables[table].columns[navigation.column]


def _orderby(table: str, text: str) -> tuple[Order, ...]:
    orders = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, direction = part.partition(" ")
        column = SCHEMA.by_property[table].get(name)
        if column is None:
            raise errors.unknown_property(table, name)
        if direction.strip() not in ("", "asc", "desc"):
            raise errors.bad_query(f"Syntax error at position {len(name)} in '{part}'.")
        orders.append(Order(column, direction.strip() == "desc"))
    return tuple(orders)


def _top(text: str) -> int:
    if not text.isdigit():
        raise errors.bad_query(
            f"Invalid value '{text}' for $top query option found. The $top query option requires "
            "a non-negative integer value."
        )
    return int(text)


def _flag(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise errors.bad_query(f"Invalid value '{text}' for {name} query option found.")
    return text == "true"


def _expands(table: str, text: str) -> tuple[Expand, ...]:
    parts = [part.strip() for part in split(text, ",") if part.strip()]
    if len(parts) > MAX_EXPANDS:
        raise errors.bad_query(f"Only {MAX_EXPANDS} $expand options are allowed in a query.")
    return tuple(_expand(table, part) for part in parts)


def _expand(table: str, part: str) -> Expand:
    name, _, rest = part.partition("(")
    name = name.strip()
    references_only = name.endswith("/$ref")
    name = name.removesuffix("/$ref")
    link = link_of(table, name)
    if link is None:
        raise errors.unknown_property(table, name)
    target = link.target if isinstance(link, Navigation) else link.table
    if rest and not rest.rstrip().endswith(")"):
        raise errors.bad_query(f"Found an unbalanced bracket expression in '{part}'.")
    options: dict[str, str] = {}
    for option in split(rest.rstrip()[:-1], ";"):
        key, equals, value = option.partition("=")
        if equals:
            options[key.strip()] = value.strip()
    nested = _query(target, options, _NESTED)
    if isinstance(link, Navigation) and (nested.filter or nested.orderby or nested.top is not None):
        raise errors.bad_query(
            f"The property '{name}' is single-valued: it takes only $select and $expand."
        )
    return Expand(name, link, nested, references_only)


def link_of(table: str, name: str) -> Navigation | Collection | None:
    """What a navigation property stands for; names are case-sensitive."""
    return SCHEMA.navigations[table].get(name) or SCHEMA.collections[table].get(name)


def split(text: str, separator: str) -> Iterator[str]:
    """Splits outside quotes and brackets."""
    depth, quoted, start = 0, False, 0
    for i, ch in enumerate(text):
        if ch == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif ch == "(":
            depth += 1
        elif ch == ")":
            depth -= 1
        elif ch == separator and depth == 0:
            yield text[start:i]
            start = i + 1
    yield text[start:]
