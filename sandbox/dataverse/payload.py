"""A request body, taken apart by what its properties mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from sandbox.dataverse import errors
from sandbox.dataverse.rows import POINTER
from sandbox.dataverse.schema import SCHEMA
from sandbox.dataverse.schema.model import Collection, Navigation, Table
from sandbox.dataverse.session import Session
from sandbox.dataverse.values import guid, stored

Reference = tuple[str, str]
"""A row: its table and its id."""

BIND = "@odata.bind"


@dataclass(slots=True)
class Payload:
    """`values` by column name; `links` by lookup name, None to clear; `parents` and `children` are
    deep inserts; `binds` are existing rows bound to a collection."""

    values: dict[str, Any] = field(default_factory=dict)
    links: dict[str, Reference | None] = field(default_factory=dict)
    parents: list[tuple[Navigation, Mapping[str, Any]]] = field(default_factory=list)
    children: list[tuple[Collection, list[Mapping[str, Any]]]] = field(default_factory=list)
    binds: list[tuple[Collection, list[Reference]]] = field(default_factory=list)

    @property
    def deep(self) -> bool:
        return bool(self.parents or self.children or self.binds)


def read(session: Session, table: Table, body: Any) -> Payload:
    """Checks names, types, lengths and options; rows that are referred to must exist."""
    if not isinstance(body, Mapping):
        raise errors.bad_payload(
            table.entity_set,
            "A node of type 'StartObject' was expected when trying to read the resource.",
        )
    payload = Payload()
    for name, value in body.items():
        _take(session, table, payload, name, value)
    return payload


def _take(session: Session, table: Table, payload: Payload, name: str, value: Any) -> None:
    if name.startswith("@"):
        _check_type(table, name, value)
    elif name.endswith(BIND):
        _bind(session, table, payload, name.removesuffix(BIND), value)
    elif "@" in name:
        return
    elif name in table.columns and table.columns[name].kind != "lookup":
        payload.values[name] = stored(table, table.columns[name], value)
    elif name in SCHEMA.navigations[table.name]:
        _nest(table, payload, SCHEMA.navigations[table.name][name], value)
    elif name in SCHEMA.collections[table.name]:
        payload.children.append((SCHEMA.collections[table.name][name], _rows(table, name, value)))
    elif name in SCHEMA.by_property[table.name]:
        raise errors.bad_query(
            "CRM do not support direct update of Entity Reference properties, Use Navigation "
            "properties instead."
        )
    else:
        raise errors.bad_payload(
            table.entity_set,
            f"The property '{name}' does not exist on type 'Microsoft.Dynamics.CRM.{table.name}'. "
            "Make sure to only use property names that are defined by the type.",
        )


def _check_type(table: Table, name: str, value: Any) -> None:
    if name != "@odata.type":
        return
    given = str(value).removeprefix("#").removeprefix("Microsoft.Dynamics.CRM.")
    if given != table.name:
        raise errors.bad_payload(
            table.entity_set,
            f"A resource with type '{value}' was found, but it is not assignable to the expected "
            f"type 'Microsoft.Dynamics.CRM.{table.name}'.",
        )


def _bind(session: Session, table: Table, payload: Payload, name: str, value: Any) -> None:
    navigation = SCHEMA.navigations[table.name].get(name)
    collection = SCHEMA.collections[table.name].get(name)
    if navigation is not None:
        if value is None:
            payload.links[navigation.column] = None
        else:
            payload.links[navigation.column] = referenced(session, navigation.target, value)
    elif collection is not None and isinstance(value, list):
        bound = [referenced(session, collection.table, v) for v in value]
        payload.binds.append((collection, bound))
    else:
        raise errors.bad_payload(
            table.entity_set,
            f"An undeclared property '{name}' which only has property annotations in the payload "
            "but no property value was found in the payload. In OData, only declared navigation "
            "properties and declared named streams can be represented as properties without "
            "values.",
        )


def _nest(table: Table, payload: Payload, navigation: Navigation, value: Any) -> None:
    if value is None:
        payload.links[navigation.column] = None
    elif isinstance(value, Mapping):
        payload.parents.append((navigation, value))
    else:
        raise errors.bad_payload(
            table.entity_set,
            "A node of type 'PrimitiveValue' was read from the JSON reader when trying to read "
            f"the contents of the property '{navigation.name}'; however, a 'StartObject' node or "
            "'PrimitiveValue' node with null value was expected.",
        )


def _rows(table: Table, name: str, value: Any) -> list[Mapping[str, Any]]:
    if isinstance(value, list) and all(isinstance(item, Mapping) for item in value):
        return value
    raise errors.bad_payload(
        table.entity_set,
        f"A node other than 'StartArray' was found for the collection property '{name}'.",
    )


def referenced(session: Session, table: str, value: Any) -> Reference:
    """The existing row that a link means: `/contacts(id)`, `contacts(id)`, a whole URL, or `$1`.

    Raises Refused where it is no such link, leads to another table, or the row is not there.
    """
    named, id_ = resolve(session, value)
    fits = named == table or (table == POINTER and SCHEMA.tables[named].is_activity)
    if not fits:
        raise errors.bad_payload(
            SCHEMA.tables[table].entity_set,
            f"The link '{value}' leads to '{named}', where '{table}' was expected.",
        )
    actual = session.rows.where(table, id_)
    if actual is None:
        raise errors.does_not_exist(table, id_)
    return (actual, id_)


def resolve(session: Session, value: Any) -> Reference:
    """The table and id that a link names, whether or not the row exists."""
    if not isinstance(value, str):
        raise errors.bad_query(f"'{value}' is not a valid entity reference.")
    if value.startswith("$"):
        reference = session.references.get(value[1:])
        if reference is None:
            raise content_id_unknown(value)
        return reference
    path = unquote(value).rpartition("/")[2]
    entity_set, bracket, key = path.partition("(")
    table = SCHEMA.by_set.get(entity_set)
    id_ = guid(key.removesuffix(")").rpartition("=")[2])
    if table is None or not bracket or id_ is None:
        raise errors.bad_query(f"Invalid URI: '{value}' is not a valid entity reference.")
    return (table.name, id_)


def content_id_unknown(value: str) -> errors.Refused:
    """Learn, "Execute batch operations using the Web API": used before its declaration."""
    return errors.bad_query(f"Content-ID Reference: '{value}' does not exist in the batch context.")
