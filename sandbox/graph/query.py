"""A Graph call's query options and Prefer header, parsed; what is unknown is refused."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sandbox.graph.errors import GraphError, bad_request

_OPTIONS = frozenset({"select", "expand", "filter", "orderby", "top", "skip", "count"})
_PLAIN = frozenset({"startdatetime", "enddatetime", "changetype"})
_TOKENS = frozenset({"deltatoken", "skiptoken"})
_PREFERENCE = re.compile(r'\s*([\w.\-]+)\s*(?:=\s*(?:"([^"]*)"|([^,;\s]*)))?\s*(?:,|;|$)')


@dataclass(frozen=True, slots=True)
class Expand:
    """One navigation property to expand, with its own options."""

    name: str
    select: tuple[str, ...] = ()
    filter: str | None = None
    expand: tuple[str, ...] = ()

    def refuse_all_but(self, *allowed: str) -> None:
        """Raises GraphError 400 where an option is set that would be ignored."""
        for option in {"select", "filter", "expand"}.difference(allowed):
            if getattr(self, option):
                raise _invalid(f"'{self.name}' can't be expanded with '${option}' here.")


@dataclass(frozen=True, slots=True)
class Query:
    """`plain` holds the options without a `$`: startdatetime, enddatetime and changetype, where
    given; `tokens` deltatoken or skiptoken."""

    select: tuple[str, ...] = ()
    expand: tuple[Expand, ...] = ()
    filter: str | None = None
    orderby: tuple[tuple[str, bool], ...] = ()
    top: int | None = None
    skip: int = 0
    count: bool = False
    plain: Mapping[str, str] = field(default_factory=dict)
    tokens: Mapping[str, str] = field(default_factory=dict)

    def refuse_all_but(self, *allowed: str) -> None:
        """Raises GraphError 400 where an option is set that the call would ignore."""
        for option in (_OPTIONS | {"tokens"}).difference(allowed):
            if getattr(self, option) != getattr(Query(), option):
                raise _invalid(f"The query option '${option}' is not supported here.")


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the Prefer header asks for; `applied` is the header to answer with."""

    immutable_ids: bool = False
    body_type: str | None = None
    time_zone: str | None = None
    page_size: int | None = None
    applied: str = ""


def parse_query(parameters: Mapping[str, str]) -> Query:
    """Raises GraphError 400 for an option that is unknown or malformed."""
    options: dict[str, str] = {}
    plain: dict[str, str] = {}
    tokens: dict[str, str] = {}
    for name, value in parameters.items():
        bare = name.removeprefix("$").lower()
        if bare in _OPTIONS:
            options[bare] = value
        elif bare in _TOKENS:
            tokens[bare] = value
        elif name.lower() in _PLAIN:
            plain[name.lower()] = value
        else:
            raise _invalid(f"The query option '{name}' is not supported.")
    return Query(
        select=_names(options.get("select")),
        expand=tuple(_expands(options.get("expand", ""))),
        filter=options.get("filter"),
        orderby=tuple(_order(part) for part in _split(options.get("orderby", ""), ",")),
        top=_number("$top", options["top"], 1, 1000) if "top" in options else None,
        skip=_number("$skip", options.get("skip", "0"), 0, 2**31 - 1),
        count=_boolean(options.get("count", "false")),
        plain=plain,
        tokens=tokens,
    )


def parse_prefer(values: list[str]) -> Preferences:
    found = {}
    for value in values:
        for name, quoted, bare in _PREFERENCE.findall(value):
            found[name.lower()] = quoted or bare
    applied = []
    immutable = found.get("idtype", "").lower() == "immutableid"
    if immutable:
        applied.append('IdType="ImmutableId"')
    body_type = found.get("outlook.body-content-type", "").lower() or None
    if body_type not in (None, "text", "html"):
        body_type = None
    if body_type:
        applied.append(f'outlook.body-content-type="{body_type}"')
    time_zone = found.get("outlook.timezone") or None
    if time_zone:
        applied.append(f'outlook.timezone="{time_zone}"')
    page = found.get("odata.maxpagesize", "")
    page_size = int(page) if page.isdecimal() and int(page) else None
    return Preferences(immutable, body_type, time_zone, page_size, ", ".join(applied))


def _expands(text: str) -> Iterator[Expand]:
    for part in _split(text, ","):
        name, bracket, inner = part.partition("(")
        options: dict[str, str] = {}
        if bracket:
            if not inner.endswith(")"):
                raise _invalid(f"Syntax error in $expand: '{part}'.")
            for option in _split(inner[:-1], ";"):
                key, equals, value = option.partition("=")
                bare = key.strip().removeprefix("$").lower()
                if not equals or bare not in ("select", "filter", "expand"):
                    raise _invalid(f"The $expand option '{key.strip()}' is not supported.")
                options[bare] = value.strip()
        yield Expand(
            name.strip(),
            _names(options.get("select")),
            options.get("filter"),
            _names(options.get("expand")),
        )


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def _order(part: str) -> tuple[str, bool]:
    words = part.split()
    if len(words) == 1 or (len(words) == 2 and words[1].lower() in ("asc", "desc")):
        return words[0], len(words) == 2 and words[1].lower() == "desc"
    raise _invalid(f"Syntax error in $orderby: '{part}'.")


def _split(text: str, separator: str) -> Iterator[str]:
    """Splits outside brackets and quotes."""
    depth, quoted, start = 0, False, 0
    for place, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == separator and depth == 0:
            if text[start:place].strip():
                yield text[start:place].strip()
            start = place + 1
    if text[start:].strip():
        yield text[start:].strip()


def _number(name: str, text: str, low: int, high: int) -> int:
    if not text.isdecimal() or not low <= int(text) <= high:
        raise _invalid(f"Invalid value '{text}' for the query option '{name}'.")
    return int(text)


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise _invalid(f"Invalid value '{text}' for the query option '$count'.")
    return text.lower() == "true"


def _invalid(message: str) -> GraphError:
    return bad_request(message, "RequestBroker--ParseUri")
