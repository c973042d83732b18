"""Route templates as ASP.NET Core reads them, which the Functions host routes by.

https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-templates
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import unquote

Target = TypeVar("Target")

_PART = re.compile(r"\{(?P<stars>\*{0,2})(?P<name>\w+)(?P<rest>[^{}]*)\}|(?P<text>[^{}]+)")
_REST = re.compile(
    r"(?P<constraints>(?::\w+(?:\([^)]*\))?)*)(?P<optional>\?)?(?:=(?P<default>.*))?"
)
_CONSTRAINT = re.compile(r":(\w+)(?:\(([^)]*)\))?")
_HEX = r"[0-9a-fA-F]"
_GUID = re.compile(rf"{_HEX}{{32}}|([{{(]?){_HEX}{{8}}(-{_HEX}{{4}}){{3}}-{_HEX}{{12}}[}})]?")
_INT = re.compile(r"[+-]?[0-9]+")


class TemplateError(Exception):
    """A route template can't be read."""


def _integer(bits: int) -> Callable[[str, str], bool]:
    return lambda value, _: bool(_INT.fullmatch(value)) and -(1 << bits) <= int(value) < 1 << bits


def _length(value: str, argument: str) -> bool:
    low, _, high = argument.partition(",")
    return int(low) <= len(value) <= int(high or low)


def _range(value: str, argument: str) -> bool:
    low, _, high = argument.partition(",")
    return bool(_INT.fullmatch(value)) and int(low) <= int(value) <= int(high)


_CONSTRAINTS: Mapping[str, Callable[[str, str], bool]] = {
    "alpha": lambda value, _: bool(re.fullmatch("[A-Za-z]*", value)),
    "bool": lambda value, _: value.lower() in ("true", "false"),
    "guid": lambda value, _: bool(_GUID.fullmatch(value)),
    "int": _integer(31),
    "long": _integer(63),
    "length": _length,
    "minlength": lambda value, argument: len(value) >= int(argument),
    "maxlength": lambda value, argument: len(value) <= int(argument),
    "min": lambda value, argument: bool(_INT.fullmatch(value)) and int(value) >= int(argument),
    "max": lambda value, argument: bool(_INT.fullmatch(value)) and int(value) <= int(argument),
    "range": _range,
    "required": lambda value, _: value != "",
}


@dataclass(frozen=True, slots=True)
class Template:
    """One template, ready to match. `rank` sorts the more specific template first."""

    pattern: re.Pattern[str]
    checks: tuple[tuple[str, str, str], ...]
    defaults: Mapping[str, str]
    rank: tuple[int, ...]

    def match(self, path: str) -> dict[str, str] | None:
        """The route values, or None. `path` has no leading or trailing slash."""
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        values = {name: value for name, value in found.groupdict().items() if value}
        for name, constraint, argument in self.checks:
            if name in values and not _CONSTRAINTS[constraint](values[name], argument):
                return None
        return {**self.defaults, **values}


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    catch_all: bool
    optional: bool
    default: str | None
    constraints: tuple[tuple[str, str], ...]


def parse(template: str) -> Template:
    """Raises TemplateError."""
    segments = [_segment(text, template) for text in template.strip("/").split("/") if text]
    parameters = [part for parts in segments for part in parts if isinstance(part, _Parameter)]
    names = [parameter.name for parameter in parameters]
    if len(set(names)) != len(names):
        raise TemplateError(f"{template}: two parameters have one name")
    if any(p.catch_all for parts in segments[:-1] for p in parts if isinstance(p, _Parameter)):
        raise TemplateError(f"{template}: a catch-all parameter must come last")
    return Template(
        re.compile("".join(_pattern(i, s) for i, s in enumerate(segments)), re.I | re.S),
        tuple((p.name, *constraint) for p in parameters for constraint in p.constraints),
        {p.name: p.default for p in parameters if p.default is not None},
        tuple(_rank(parts) for parts in segments),
    )


def _segment(text: str, template: str) -> tuple[str | _Parameter, ...]:
    parts: list[str | _Parameter] = []
    end = 0
    for match in _PART.finditer(text):
        if match.start() != end:
            break
        end = match.end()
        parts.append(match["text"] if match["text"] else _parameter(match, template))
    if end != len(text):
        raise TemplateError(f"{template}: {text!r} can't be read")
    return tuple(parts)


def _parameter(match: re.Match[str], template: str) -> _Parameter:
    rest = _REST.fullmatch(match["rest"])
    if rest is None:
        raise TemplateError(f"{template}: {match[0]!r} can't be read")
    constraints = tuple(_CONSTRAINT.findall(rest["constraints"]))
    for name, _ in constraints:
        if name not in _CONSTRAINTS:
            raise TemplateError(f"{template}: there is no constraint {name!r}")
    optional = bool(rest["optional"]) or rest["default"] is not None
    return _Parameter(match["name"], bool(match["stars"]), optional, rest["default"], constraints)


def _pattern(index: int, parts: tuple[str | _Parameter, ...]) -> str:
    slash = "/" if index else ""
    only = parts[0] if len(parts) == 1 and isinstance(parts[0], _Parameter) else None
    if only is not None and only.catch_all:
        return f"(?:{slash}(?P<{only.name}>.*))?"
    if only is not None and only.optional:
        return f"(?:{slash}(?P<{only.name}>[^/]+))?"
    return slash + "".join(
        re.escape(part) if isinstance(part, str) else f"(?P<{part.name}>[^/]+)" for part in parts
    )


def _rank(parts: tuple[str | _Parameter, ...]) -> int:
    """Literal, mixed or constrained, plain, constrained catch-all, catch-all."""
    if len(parts) > 1:
        return 2
    (part,) = parts
    if isinstance(part, str):
        return 1
    return (5 if part.catch_all else 3) - bool(part.constraints)


@dataclass(frozen=True, slots=True)
class Route(Generic[Target]):
    """`methods` None takes every method."""

    template: Template
    methods: frozenset[str] | None
    target: Target


class Router(Generic[Target]):
    """Finds the most specific route. A method or constraint that doesn't fit is no match."""

    def __init__(self, routes: Iterable[Route[Target]]) -> None:
        self._routes = sorted(routes, key=lambda route: route.template.rank)

    def find(self, method: str, raw_path: str) -> tuple[Target, dict[str, str]] | None:
        """The target and its route values. `raw_path` is percent-encoded, as received."""
        path = _decoded(raw_path.removeprefix("/").removesuffix("/"))
        for route in self._routes:
            if route.methods is None or method in route.methods:
                values = route.template.match(path)
                if values is not None:
                    return route.target, values
        return None


def _decoded(raw_path: str) -> str:
    """Kestrel decodes everything but an encoded slash."""
    return "%2F".join(unquote(piece) for piece in re.split("%2[Ff]", raw_path))
