"""The operands of a $filter: columns, perhaps behind lookups, and constants that fit them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from odata_query import ast

from sandbox.dataverse import errors
from sandbox.dataverse.rows import Rows
from sandbox.dataverse.schema import SCHEMA
from sandbox.dataverse.schema.model import EDM, Column, Table
from sandbox.store import Row

Getter = Callable[[Rows, Row], Any]


@dataclass(frozen=True, slots=True)
class Property:
    """`direct` is False for a column behind a lookup."""

    get: Getter
    column: Column
    direct: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """The table whose rows an expression sees, and the name of its lambda variable, if any."""

    table: Table
    variable: str | None = None


_LITERALS: dict[str, tuple[type[Any], ...]] = {
    "Edm.String": (ast.String,),
    "Edm.Guid": (ast.GUID,),
    "Edm.Int32": (ast.Integer,),
    "Edm.Int64": (ast.Integer,),
    "Edm.Decimal": (ast.Integer, ast.Float),
    "Edm.Double": (ast.Integer, ast.Float),
    "Edm.Boolean": (ast.Boolean,),
    "Edm.DateTimeOffset": (ast.DateTime, ast.Date),
    "Edm.Date": (ast.Date, ast.DateTime),
}


_EDM_OF = {
    ast.String: "Edm.String",
    ast.GUID: "Edm.Guid",
    ast.Integer: "Edm.Int32",
    ast.Float: "Edm.Double",
    ast.Boolean: "Edm.Boolean",
    ast.DateTime: "Edm.DateTimeOffset",
    ast.Date: "Edm.Date",
    ast.Time: "Edm.TimeOfDay",
    ast.Duration: "Edm.Duration",
}


def literal(found: Property, node: Any, operator: str) -> Any:
    """The constant in the form that the property's getter gives."""
    if isinstance(node, ast.Null):
        return None
    edm = EDM[found.column.kind]
    if not isinstance(node, _LITERALS[edm]):
        raise errors.bad_query(
            "A binary operator with incompatible types was detected. Found operand types "
            f"'{edm}' and '{_EDM_OF.get(type(node), 'Edm.Untyped')}' for operator kind "
            f"'{operator}'."
        )
    try:
        value = node.val if edm == "Edm.Guid" else node.py_val
    except ValueError as error:
        raise errors.bad_query(f"'{node.val}' is not a valid value of type {edm}.") from error
    return comparable(edm, value)


def comparable(edm: str, value: Any) -> Any:
    """A stored value, or a constant's, in the one form in which the two can be compared."""
    if value is None:
        return None
    if edm == "Edm.String":
        return value.casefold()
    if edm == "Edm.Guid":
        return value.lower()
    if edm == "Edm.DateTimeOffset":
        return _instant(value)
    if edm == "Edm.Date":
        return value.isoformat()[:10] if not isinstance(value, str) else value
    return value


def _instant(value: Any) -> str:
    """Comparable as text: UTC without its Z, so that a fraction sorts after the whole second."""
    if isinstance(value, str):
        return value.removesuffix("Z")
    moment = value if isinstance(value, datetime) else datetime.combine(value, time(), UTC)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat()


def property_of(scope: Scope, node: Any) -> Property:
    """The column that a path means. Raises Refused where there is none, or none to filter by."""
    path = path_of(node)
    if scope.variable is not None:
        if path[0] != scope.variable:
            raise errors.bad_query(f"Could not find the range variable '{path[0]}'.")
        path = path[1:]
    table, hops = scope.table, []
    for name in path[:-1]:
        navigation = SCHEMA.navigations[table.name].get(name)
        if navigation is None:
            raise errors.unknown_property(table.name, name)
        hops.append((navigation.column, navigation.target))
        table = SCHEMA.tables[navigation.target]
    column = SCHEMA.by_property[table.name].get(path[-1]) if path else None
    if column is None:
        raise errors.unknown_property(table.name, path[-1] if path else "")
    if not column.filterable:
        raise errors.invalid_argument(
            f"The column '{column.name}' of table '{table.name}' can't be used in a filter."
        )
    return Property(_getter(column, tuple(hops)), column, not hops)


def path_of(node: Any) -> list[str]:
    """The names of a property path, outermost first."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.owner
    if not isinstance(node, ast.Identifier):
        raise errors.unsupported("such an operand in $filter")
    return [full_name(node), *reversed(names)]


def full_name(node: ast.Identifier) -> str:
    return ".".join((*node.namespace, node.name))


def _getter(column: Column, hops: tuple[tuple[str, str], ...]) -> Getter:
    name = column.name
    edm = EDM[column.kind]
    if column.kind == "lookup":

        def value(row: Row) -> Any:
            pair = row.get(name)
            return pair[1] if pair else None
    elif edm in ("Edm.String", "Edm.DateTimeOffset"):

        def value(row: Row) -> Any:
            return comparable(edm, row.get(name))
    else:

        def value(row: Row) -> Any:
            return row.get(name)

    if not hops:
        return lambda rows, row: value(row)

    def through(rows: Rows, row: Row) -> Any:
        current: Row | None = row
        for lookup, table in hops:
            pair = current.get(lookup) if current else None
            current = rows.get(table, pair[1]) if pair else None
        return value(current) if current else None

    return through
