"""`$filter`, evaluated over the JSON that would be answered.

odata-query parses; Exchange's string comparisons ignore letter case. What is not understood is
refused with 400, never ignored.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from odata_query import ast
from odata_query.exceptions import ODataException
from odata_query.grammar import ODataLexer, ODataParser

from sandbox.graph.errors import GraphError, bad_request

Json = Mapping[str, Any]
_EXACT = frozenset({"id", "conversationId", "changeKey", "parentFolderId"})
_NOT = re.compile(r"\bnot\(")
_QUOTED = re.compile(r"('(?:[^']|'')*')")


def parse_filter(text: str) -> ast._Node:
    """Raises GraphError 400."""
    pieces = _QUOTED.split(text)
    spaced = "".join(p if p.startswith("'") else _NOT.sub("not (", p) for p in pieces)
    try:
        tree = ODataParser().parse(ODataLexer().tokenize(spaced))
    except ODataException as error:
        raise _invalid(str(error)) from error
    if not isinstance(tree, ast._Node):
        raise _invalid(f"Syntax error in '{text}'.")
    return tree


def matches(tree: ast._Node, row: Json) -> bool:
    """Raises GraphError 400 for what Graph can't filter by."""
    return bool(_value(tree, row, {}))


def named_ids(text: str) -> list[str]:
    """The ids in `id eq '…' or id eq '…'`, which is all that an expansion may filter by."""
    return list(_named(parse_filter(text)))


def fields_in_order(tree: ast._Node) -> list[str]:
    """The property paths of a filter, in the order they are written."""
    match tree:
        case ast.Identifier(name=name):
            return [name]
        case ast.Attribute():
            return ["/".join(_path(tree))]
        case ast.BoolOp(left=left, right=right) | ast.Compare(left=left, right=right):
            return fields_in_order(left) + fields_in_order(right)
        case ast.UnaryOp(operand=operand):
            return fields_in_order(operand)
        case ast.Call(args=args):
            return [name for arg in args for name in fields_in_order(arg)]
        case ast.CollectionLambda(owner=owner):
            return fields_in_order(owner)
        case _:
            return []


def _named(tree: ast._Node) -> Iterator[str]:
    match tree:
        case ast.BoolOp(op=ast.Or(), left=left, right=right):
            yield from _named(left)
            yield from _named(right)
        case ast.Compare(
            comparator=ast.Eq(), left=ast.Identifier(name=name), right=ast.String(val=val)
        ) if name.lower() == "id":
            yield val
        case _:
            raise _invalid("Only `id eq` comparisons joined by `or` are supported here.")


def _value(tree: ast._Node, row: Json, scope: Mapping[str, Any]) -> Any:
    match tree:
        case ast.BoolOp(op=ast.And(), left=left, right=right):
            return bool(_value(left, row, scope)) and bool(_value(right, row, scope))
        case ast.BoolOp(op=ast.Or(), left=left, right=right):
            return bool(_value(left, row, scope)) or bool(_value(right, row, scope))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, row, scope)
        case ast.Compare():
            return _compare(tree, row, scope)
        case ast.Call(func=func, args=args):
            return _call(func.name, [_value(arg, row, scope) for arg in args])
        case ast.CollectionLambda():
            return _lambda(tree, row, scope)
        case ast.Identifier() | ast.Attribute():
            return _property(_path(tree), row, scope)
        case ast.List(val=items):
            return [_value(item, row, scope) for item in items]
        case ast.DateTime(val=text):
            return _moment(text)
        case ast.Date(val=text):
            return _moment(text)
        case ast._Literal():
            return tree.py_val
        case _:
            raise _invalid("This expression is not supported.")


def _compare(tree: ast.Compare, row: Json, scope: Mapping[str, Any]) -> bool:
    left, right = _value(tree.left, row, scope), _value(tree.right, row, scope)
    exact = bool(_EXACT & {path.rpartition("/")[2] for path in fields_in_order(tree)}) and not scope
    if isinstance(tree.comparator, ast.In):
        return any(_equal(left, item, exact) for item in right)
    if isinstance(left, datetime) != isinstance(right, datetime):
        left, right = _as_moment(left), _as_moment(right)
    if isinstance(tree.comparator, ast.Eq):
        return _equal(left, right, exact)
    if isinstance(tree.comparator, ast.NotEq):
        return not _equal(left, right, exact)
    if left is None or right is None:
        return False
    if type(left) is not type(right):
        raise _invalid("A binary operator with incompatible types was detected.")
    ordered: dict[type[ast._Comparator], Callable[[Any, Any], bool]] = {
        ast.Lt: lambda a, b: a < b,
        ast.LtE: lambda a, b: a <= b,
        ast.Gt: lambda a, b: a > b,
        ast.GtE: lambda a, b: a >= b,
    }
    return ordered[type(tree.comparator)](left, right)


def _equal(left: Any, right: Any, exact: bool) -> bool:
    if isinstance(left, str) and isinstance(right, str) and not exact:
        return left.casefold() == right.casefold()
    if left is not None and right is not None and type(left) is not type(right):
        raise _invalid("A binary operator with incompatible types was detected.")
    return bool(left == right)


def _call(name: str, arguments: list[Any]) -> Any:
    texts = [a.casefold() if isinstance(a, str) else a for a in arguments]
    if name in ("contains", "startswith", "endswith"):
        whole, part = texts
        if not isinstance(part, str):
            raise _invalid(f"The function '{name}' takes texts.")
        if whole is None:
            return False
        test = {
            "contains": str.__contains__,
            "startswith": str.startswith,
            "endswith": str.endswith,
        }
        return test[name](str(whole), part)
    if name == "tolower":
        return texts[0]
    raise _invalid(f"The function '{name}' is not supported.")


def _lambda(tree: ast.CollectionLambda, row: Json, scope: Mapping[str, Any]) -> bool:
    items = _property(_path(tree.owner), row, scope) or []
    if tree.lambda_ is None or not isinstance(items, list):
        raise _invalid("This lambda expression is not supported.")
    variable, expression = tree.lambda_.identifier.name, tree.lambda_.expression
    results = (bool(_value(expression, row, {**scope, variable: item})) for item in items)
    return any(results) if isinstance(tree.operator, ast.Any) else all(results)


def _path(tree: ast._Node) -> list[str]:
    match tree:
        case ast.Identifier():
            return [".".join((*tree.namespace, tree.name))]
        case ast.Attribute(owner=owner, attr=attr):
            return [*_path(owner), attr]
        case _:
            raise _invalid("This property path is not supported.")


def property_of(row: Json, path: str) -> Any:
    """Raises GraphError 400 for a path that names nothing."""
    return _property(path.split("/"), row, {})


def _property(path: list[str], row: Json, scope: Mapping[str, Any]) -> Any:
    value: Any = row
    if path[0] in scope:
        value, path = scope[path[0]], path[1:]
    for name in path:
        if value is None:
            return None
        names = {key.lower(): key for key in value} if isinstance(value, Mapping) else {}
        if name.lower() not in names:
            raise bad_request(
                f"Could not find a property named '{name}'.", "RequestBroker--ParseUri"
            )
        value = value[names[name.lower()]]
    return value


def _as_moment(value: Any) -> Any:
    return _moment(value) if isinstance(value, str) else value


def _moment(text: str) -> datetime:
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise _invalid(f"'{text}' is no date.") from error
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _invalid(message: str) -> GraphError:
    return bad_request(f"Invalid filter clause: {message}")
