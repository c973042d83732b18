"""GET on table definitions: which definitions an address means."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.dataverse import errors
from sandbox.dataverse.answers import json_reply
from sandbox.dataverse.metadata import (
    Definition,
    attribute_definition,
    boolean_options,
    entity_definition,
    metadata_id,
    option_set_definition,
    relationship,
    shaped,
)
from sandbox.dataverse.path import Segment
from sandbox.dataverse.query import options_of, split
from sandbox.dataverse.schema import SCHEMA
from sandbox.dataverse.schema.model import Column, Table
from sandbox.dataverse.session import Call, Reply, Session
from sandbox.dataverse.values import guid

ROOTS = ("EntityDefinitions", "GlobalOptionSetDefinitions")
_LIST = frozenset({"$select", "$filter", "$expand"})
_ONE = frozenset({"$select", "$expand"})
_CAST = "Microsoft.Dynamics.CRM."


def answer(session: Session, call: Call, path: list[Segment]) -> Reply:
    if call.method != "GET":
        raise errors.unsupported("changes of table definitions")
    options = options_of(call.query)
    if path[0].name == "GlobalOptionSetDefinitions":
        return _option_sets(session, options, path)
    if path[0].key is None:
        found = [_entity(t, options) for t in SCHEMA.tables.values()]
        return _list(session, "EntityDefinitions", found, options)
    table = _table(path[0].key)
    if len(path) == 1:
        return _one(session, "EntityDefinitions", _entity(table, options), options)
    return _below(session, options, table, path[1:])


def _below(
    session: Session, options: Mapping[str, str], table: Table, path: list[Segment]
) -> Reply:
    context = f"EntityDefinitions('{table.name}')/{path[0].name}"
    match path[0].name:
        case "Attributes":
            return _attributes(session, options, table, path, context)
        case "ManyToOneRelationships":
            found = [relationship(table, c, t) for c in table.columns.values() for t in c.targets]
        case "OneToManyRelationships":
            found = [relationship(*r) for r in SCHEMA.referencing(table.name)]
        case "Keys" | "ManyToManyRelationships":
            found = []
        case name:
            raise errors.unknown_segment(name)
    return _list(session, context, found, options)


def _attributes(
    session: Session,
    options: Mapping[str, str],
    table: Table,
    path: list[Segment],
    context: str,
) -> Reply:
    cast = next((s.name.removeprefix(_CAST) for s in path if s.name.startswith(_CAST)), None)
    columns = [_column(table, path[0].key)] if path[0].key else list(table.columns.values())
    found = []
    for column in columns:
        definition = attribute_definition(table, column)
        if cast is None or definition["@odata.type"].endswith(f".{cast}"):
            found.append(_with_options(column, definition, options.get("$expand", "")))
    if path[0].key is None:
        return _list(session, context, found, options)
    if not found:
        raise errors.bad_query(f"The column is not of type '{cast}'.")
    return _one(session, context, found[0], options)


def _entity(table: Table, options: Mapping[str, str]) -> Definition:
    definition = entity_definition(table)
    for part in filter(None, split(options.get("$expand", ""), ",")):
        name, _, rest = part.strip().partition("(")
        nested = _nested(rest)
        if name == "Attributes":
            columns = table.columns.values()
            found: Iterable[Definition] = (attribute_definition(table, c) for c in columns)
        elif name == "ManyToOneRelationships":
            found = (relationship(table, c, t) for c in table.columns.values() for t in c.targets)
        elif name == "OneToManyRelationships":
            found = (relationship(*r) for r in SCHEMA.referencing(table.name))
        else:
            raise errors.unknown_property("EntityMetadata", name)
        definition[name] = shaped(found, nested, _LIST)
    return definition


def _with_options(column: Column, definition: Definition, expand: str) -> Definition:
    for part in filter(None, split(expand, ",")):
        name, _, rest = part.strip().partition("(")
        if name not in ("OptionSet", "GlobalOptionSet"):
            raise errors.unknown_property("AttributeMetadata", name)
        found = _options_of_column(column, name)
        definition[name] = shaped([found], _nested(rest), _ONE)[0] if found else None
    return definition


def _options_of_column(column: Column, name: str) -> Definition | None:
    if column.options is not None:
        if name == "GlobalOptionSet" and not column.options.is_global:
            return None
        return option_set_definition(column.options)
    return boolean_options(column) if column.kind == "boolean" and name == "OptionSet" else None


def _nested(rest: str) -> Mapping[str, str]:
    parts = (part.partition("=") for part in split(rest.removesuffix(")"), ";") if part)
    return {name.strip(): value for name, _, value in parts}


def _option_sets(session: Session, options: Mapping[str, str], path: list[Segment]) -> Reply:
    sets = {
        c.options.name: c.options
        for t in SCHEMA.tables.values()
        for c in t.columns.values()
        if c.options and c.options.is_global
    }
    found = [option_set_definition(s) for s in sets.values()]
    if path[0].key is None:
        return _list(session, path[0].name, found, options)
    name = _name(path[0].key)
    for definition in found:
        if name in (definition["Name"], definition["MetadataId"]):
            return _one(session, path[0].name, definition, options)
    raise errors.Refused(404, "0x80048403", f"Could not find an option set with name {name}.")


def _table(key: str) -> Table:
    name = _name(key)
    for table in SCHEMA.tables.values():
        if name in (table.name, metadata_id(table.name)):
            return table
    raise errors.Refused(
        404, "0x80060888", f"Could not find an entity with name {name} and id {name}."
    )


def _column(table: Table, key: str) -> Column:
    name = _name(key)
    for column in table.columns.values():
        if name in (column.name, metadata_id(table.name, column.name)):
            return column
    raise errors.Refused(
        404, "0x80044153", f"Could not find an attribute with name {name} in {table.name}."
    )


def _name(key: str) -> str:
    """`LogicalName='email'`, `Name='new_topic'` or a metadata id."""
    match = re.fullmatch(r"\w+='([^']*)'", key.strip())
    return match[1] if match else guid(key.strip()) or key


def _list(
    session: Session, name: str, found: Iterable[Definition], options: Mapping[str, str]
) -> Reply:
    wanted = _keeping_expanded(options)
    body: dict[str, Any] = {"@odata.context": f"{session.root}/$metadata#{name}"}
    return json_reply(body | {"value": shaped(found, wanted, _LIST)})


def _one(session: Session, name: str, definition: Definition, options: Mapping[str, str]) -> Reply:
    body = {"@odata.context": f"{session.root}/$metadata#{name}/$entity"}
    return json_reply(body | shaped([definition], _keeping_expanded(options), _ONE)[0])


def _keeping_expanded(options: Mapping[str, str]) -> Mapping[str, str]:
    """`$select` does not take away what `$expand` brought."""
    if "$select" not in options or "$expand" not in options:
        return options
    expanded = [p.strip().partition("(")[0] for p in split(options["$expand"], ",")]
    return {**options, "$select": ",".join([options["$select"], *expanded])}


def changes(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """RetrieveMetadataChanges for one table named by an Equals condition on LogicalName."""
    query = arguments.get("Query")
    query = query if isinstance(query, Mapping) else {}
    columns = query.get("AttributeQuery") or {}
    names = (columns.get("Properties") or {}).get("PropertyNames") or []
    table = SCHEMA.tables.get(_condition(query) or "")
    if table is None:
        return {"EntityMetadata": [], "ServerVersionStamp": "1"}
    wanted = _condition(columns)
    found = [
        _projected(attribute_definition(table, c), names)
        for c in table.columns.values()
        if wanted is None or c.name == wanted
    ]
    entity = {"LogicalName": table.name, "MetadataId": metadata_id(table.name)}
    return {"EntityMetadata": [{**entity, "Attributes": found}], "ServerVersionStamp": "1"}


def _condition(query: Mapping[str, Any]) -> str | None:
    conditions = (query.get("Criteria") or {}).get("Conditions") or []
    for condition in conditions:
        if condition.get("PropertyName") == "LogicalName":
            return str(condition["Value"]["Value"])
    return None


def _projected(definition: Definition, names: list[str]) -> Definition:
    kept = ("@odata.type", "MetadataId", *names) if names else tuple(definition)
    return {name: definition[name] for name in kept if name in definition}
