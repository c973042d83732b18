"""$filter: parsed by odata-query, checked against the schema, compiled to a function of a row.

Strings compare without regard to case, as Dataverse's SQL collation does; contains, startswith and
endswith take the wildcards % _ [ ] (Learn, "Use wildcard characters in conditions using string
values") and ignore accents, as an English organisation's collation does (Learn, "Language
collations"). `ne` and `not` also find rows without a value.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from operator import ge, gt, le, lt
from typing import Any

from odata_query import ast, exceptions
from odata_query.grammar import ODataLexer, ODataParser

from sandbox.dataverse import errors
from sandbox.dataverse.operands import (
    Getter,
    Property,
    Scope,
    comparable,
    full_name,
    literal,
    path_of,
    property_of,
)
from sandbox.dataverse.rows import Rows, is_indexed
from sandbox.dataverse.schema import SCHEMA
from sandbox.dataverse.schema.model import EDM, Column
from sandbox.store import Row

Predicate = Callable[[Rows, Row], bool]


@dataclass(frozen=True, slots=True)
class Filter:
    """`column` and `values`, where set, name an index that offers all rows that can match."""

    matches: Predicate
    column: str = ""
    values: frozenset[str] = frozenset()

    def candidates(self, rows: Rows, table: str) -> Iterable[Row]:
        return rows.known(table, self.column, self.values) if self.column else rows.all(table)


@lru_cache(maxsize=512)
def compiled(table: str, text: str) -> Filter:
    """Raises Refused for what Dataverse, or this stand-in, does not understand."""
    try:
        return _compiled(Scope(SCHEMA.tables[table]), parse(text))
    except RecursionError:
        raise errors.bad_query(
            "The recursion limit of the $filter expression is exceeded."
        ) from None


def _compiled(scope: Scope, node: Any) -> Filter:
    parts = list(_flat(node, ast.And))
    hint = next((h for h in (_hint(scope, p) for p in parts) if h), ("", frozenset[str]()))
    return Filter(_compile(scope, node), *hint)


def parse(text: str) -> Any:
    """The syntax tree of a filter expression."""
    try:
        tree = ODataParser().parse(_tokens(_QUOTABLE.sub(_quoted, text.strip())))
    except exceptions.ODataSyntaxError as error:
        raise errors.bad_query(f"Syntax error in '{text[:200]}': {error}") from error
    except exceptions.FunctionCallException as error:
        raise errors.bad_query(str(error)) from error
    if tree is None:
        raise errors.bad_query("Expression expected at position 0 in ''.")
    return tree


_QUOTABLE = re.compile(r"""'(?:[^']|'')*'|\[(?:"(?:[^"\\]|\\.)*"|[^\]"])*\]""")


def _quoted(match: re.Match[str]) -> str:
    """The JSON lists of Dataverse's own functions, as strings that the parser takes."""
    text = match.group()
    return "'" + text.replace("'", "''") + "'" if text.startswith("[") else text


def _tokens(text: str) -> Iterator[Any]:
    """Lists of one element get the comma that odata-query needs to tell them from parentheses."""
    tokens = list(ODataLexer().tokenize(text))
    for i, token in enumerate(tokens):
        yield token
        kinds = [t.type for t in tokens[max(i - 2, 0) : i + 2]]
        if len(kinds) == 4 and kinds[0] == "IN" and kinds[1] == "(" and kinds[3] == ")":
            comma = type(token)()
            comma.type = comma.value = ","
            comma.lineno, comma.index = token.lineno, token.index
            yield comma


def _flat(node: Any, operator: type[Any]) -> Iterator[Any]:
    """The operands of a chain of ands or ors, however long, without recursion."""
    pending = [node]
    while pending:
        top = pending.pop()
        if isinstance(top, ast.BoolOp) and isinstance(top.op, operator):
            pending += [top.right, top.left]
        else:
            yield top


def _hint(scope: Scope, node: Any) -> tuple[str, frozenset[str]] | None:
    equality = _equality(scope, node)
    if equality is None:
        return None
    found, values = equality
    if not found.direct or not is_indexed(scope.table.name, found.column) or None in values:
        return None
    if scope.table.name == "activitypointer":
        return None
    return found.column.name, frozenset(values)


def _compile(scope: Scope, node: Any) -> Predicate:
    if isinstance(node, ast.BoolOp):
        return _all(scope, node) if isinstance(node.op, ast.And) else _any(scope, node)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        inner = _compile(scope, node.operand)
        return lambda rows, row: not inner(rows, row)
    if isinstance(node, ast.Compare):
        return _comparison(scope, node)
    if isinstance(node, ast.Call):
        return _function(scope, node)
    if isinstance(node, ast.CollectionLambda):
        return _lambda(scope, node)
    raise errors.bad_query("The $filter expression must evaluate to a single boolean value.")


def _all(scope: Scope, node: Any) -> Predicate:
    parts = [_compile(scope, part) for part in _flat(node, ast.And)]
    return lambda rows, row: all(part(rows, row) for part in parts)


def _any(scope: Scope, node: Any) -> Predicate:
    """Equalities on one property become one look into a set."""
    parts: list[Predicate] = []
    sets: dict[str, tuple[Getter, set[Any]]] = {}
    for part in _flat(node, ast.Or):
        equality = _equality(scope, part)
        if equality is None or not equality[0].direct:
            parts.append(_compile(scope, part))
        else:
            found, values = equality
            sets.setdefault(found.column.name, (found.get, set()))[1].update(values)
    parts += [_among(get, frozenset(values)) for get, values in sets.values()]
    return lambda rows, row: any(part(rows, row) for part in parts)


def _among(get: Getter, values: frozenset[Any]) -> Predicate:
    return lambda rows, row: get(rows, row) in values


def _equality(scope: Scope, node: Any) -> tuple[Property, set[Any]] | None:
    if not isinstance(node, ast.Compare):
        return None
    if isinstance(node.comparator, ast.Eq) and isinstance(node.right, ast._Literal):
        if isinstance(node.left, ast.Identifier | ast.Attribute):
            found = property_of(scope, node.left)
            return found, {literal(found, node.right, "Equal")}
        return None
    if isinstance(node.comparator, ast.In) and isinstance(node.right, ast.List):
        found = property_of(scope, node.left)
        return found, {literal(found, item, "Equal") for item in node.right.val}
    return None


_ORDERED: dict[type[Any], tuple[str, Callable[[Any, Any], bool]]] = {
    ast.Lt: ("LessThan", lt),
    ast.LtE: ("LessThanOrEqual", le),
    ast.Gt: ("GreaterThan", gt),
    ast.GtE: ("GreaterThanOrEqual", ge),
}


def _comparison(scope: Scope, node: Any) -> Predicate:
    equality = _equality(scope, node)
    if equality is not None:
        return _among(equality[0].get, frozenset(equality[1]))
    if not isinstance(node.left, ast.Identifier | ast.Attribute):
        raise errors.unsupported("a comparison whose left side is not a column")
    found = property_of(scope, node.left)
    if not isinstance(node.right, ast._Literal):
        raise errors.unsupported("a comparison with something that is not a constant")
    if isinstance(node.comparator, ast.NotEq):
        other = literal(found, node.right, "NotEqual")
        return lambda rows, row: found.get(rows, row) != other
    if type(node.comparator) not in _ORDERED:
        raise errors.bad_query("The $filter expression is not valid.")
    name, holds = _ORDERED[type(node.comparator)]
    limit = literal(found, node.right, name)
    if limit is None:
        return lambda rows, row: False

    def ordered(rows: Rows, row: Row) -> bool:
        value = found.get(rows, row)
        return value is not None and holds(value, limit)

    return ordered


def _function(scope: Scope, node: Any) -> Predicate:
    name = full_name(node.func)
    if name in ("contains", "startswith", "endswith"):
        return _like(scope, name, node.args)
    if name.startswith("Microsoft.Dynamics.CRM."):
        return _own_function(scope, name.rpartition(".")[2], node.args)
    raise errors.unsupported(f"the function '{name}' in $filter")


def _like(scope: Scope, name: str, args: list[Any]) -> Predicate:
    found = property_of(scope, args[0])
    if EDM[found.column.kind] != "Edm.String" or not isinstance(args[1], ast.String):
        raise errors.bad_query(
            f"No function signature for the function with name '{name}' matches the specified "
            "arguments."
        )
    needle = _without_accents(args[1].py_val.casefold())
    if any(ch in needle for ch in "%_["):
        start, end = ("" if name == "startswith" else ".*"), ("" if name == "endswith" else ".*")
        pattern = re.compile(start + _wildcards(needle) + end, re.DOTALL)
        return _where(found, lambda value: pattern.fullmatch(value) is not None)
    if name == "contains":
        return _where(found, lambda value: needle in value)
    if name == "startswith":
        return _where(found, lambda value: value.startswith(needle))
    return _where(found, lambda value: value.endswith(needle))


def _where(found: Property, holds: Callable[[str], bool]) -> Predicate:
    def matches(rows: Rows, row: Row) -> bool:
        value = found.get(rows, row)
        return value is not None and holds(_without_accents(value))

    return matches


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    plain = _ACCENTS.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", plain)


_ACCENTS = re.compile("[\u0300-\u036f]")


def _wildcards(needle: str) -> str:
    parts = re.findall(r"\[\^?[^\]]*\]|.", needle, re.DOTALL)
    return "".join(".*" if p == "%" else "." if p == "_" else _character_class(p) for p in parts)


def _character_class(part: str) -> str:
    if len(part) < 3:
        return re.escape(part)
    negated = part.startswith("[^")
    inner = part[2 if negated else 1 : -1].replace("\\", r"\\").replace("[", r"\[")
    return f"[{'^' if negated else ''}{inner}]" if inner else re.escape(part)


def _own_function(scope: Scope, name: str, args: list[Any]) -> Predicate:
    if name not in ("In", "NotIn", "ContainValues"):
        raise errors.unsupported(f"the query function '{name}'")
    given = {full_name(a.name): a.param for a in args if isinstance(a, ast.NamedParam)}
    try:
        column = ast.Identifier(_text(given["PropertyName"]))
        values = json.loads(_text(given["PropertyValues"]))
    except (KeyError, ValueError):
        raise errors.bad_query(
            f"The query function '{name}' needs PropertyName and PropertyValues."
        ) from None
    plain = SCHEMA.by_property[scope.table.name]
    if column.name not in plain and f"_{column.name}_value" in plain:
        column = ast.Identifier(f"_{column.name}_value")
    found = property_of(Scope(scope.table), column)
    wanted = frozenset(_from_text(found.column, str(value)) for value in values)
    if name == "NotIn":
        return lambda rows, row: found.get(rows, row) not in wanted
    return _among(found.get, wanted)


def _text(node: Any) -> str:
    """Raises ValueError for anything but a string constant."""
    if not isinstance(node, ast.String):
        raise ValueError("not a string")
    return node.val


def _from_text(column: Column, text: str) -> Any:
    """Dataverse's own functions take every value as a string."""
    edm = EDM[column.kind]
    try:
        if edm in ("Edm.Int32", "Edm.Int64"):
            return int(text)
        if edm in ("Edm.Decimal", "Edm.Double"):
            return float(text)
    except ValueError:
        raise errors.bad_query(f"'{text}' is not a valid value of type {edm}.") from None
    if edm == "Edm.Boolean":
        return text.lower() in ("true", "1")
    return comparable(edm, text)


def _lambda(scope: Scope, node: Any) -> Predicate:
    name = path_of(node.owner)[-1]
    collection = SCHEMA.collections[scope.table.name].get(name)
    if collection is None:
        raise errors.unknown_property(scope.table.name, name)
    key = scope.table.key
    if node.lambda_ is None:
        return lambda rows, row: bool(rows.children(collection, row[key]))
    inner = _compile(
        Scope(SCHEMA.tables[collection.table], node.lambda_.identifier.name),
        node.lambda_.expression,
    )
    quantifier = any if isinstance(node.operator, ast.Any) else all
    return lambda rows, row: quantifier(
        inner(rows, child) for child in rows.children(collection, row[key])
    )
