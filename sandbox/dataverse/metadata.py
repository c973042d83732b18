"""Table definitions: what forms and the official clients ask about the schema.

Learn, "Query table definitions using the Web API".
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from odata_query import ast

from sandbox.dataverse import errors
from sandbox.dataverse.filters import parse
from sandbox.dataverse.query import split
from sandbox.dataverse.schema import SCHEMA
from sandbox.dataverse.schema.model import Column, Kind, Option, OptionSet, Table, Target

ENGLISH = 1033
Definition = dict[str, Any]

_TYPES: Mapping[Kind, str] = {
    "string": "String",
    "memo": "Memo",
    "integer": "Integer",
    "bigint": "BigInt",
    "decimal": "Decimal",
    "money": "Money",
    "double": "Double",
    "boolean": "Boolean",
    "datetime": "DateTime",
    "date": "DateTime",
    "guid": "Uniqueidentifier",
    "picklist": "Picklist",
    "state": "State",
    "status": "Status",
    "lookup": "Lookup",
}
_CLASSES: Mapping[str, str] = {
    "Uniqueidentifier": "UniqueIdentifierAttributeMetadata",
    "BigInt": "BigIntAttributeMetadata",
}


def metadata_id(*names: str) -> str:
    return str(uuid5(NAMESPACE_URL, "/".join(("sandbox/dataverse/metadata", *names))))


def label(text: str, others: Mapping[int, str] | None = None) -> Definition:
    """A Label with one entry a language."""
    texts = {ENGLISH: text, **(others or {})}
    localized = [_localized(t, language) for language, t in texts.items()]
    return {"LocalizedLabels": localized, "UserLocalizedLabel": localized[0]}


def _localized(text: str, language: int) -> Definition:
    return {
        "Label": text,
        "LanguageCode": language,
        "IsManaged": False,
        "MetadataId": metadata_id("label", text, str(language)),
        "HasChanged": None,
    }


def _many(word: str) -> str:
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def entity_definition(table: Table) -> Definition:
    plural = table.entity_set
    return {
        "MetadataId": metadata_id(table.name),
        "LogicalName": table.name,
        "SchemaName": table.schema_name,
        "EntitySetName": plural,
        "LogicalCollectionName": plural,
        "CollectionSchemaName": plural,
        "PrimaryIdAttribute": table.key,
        "PrimaryNameAttribute": table.title,
        "ObjectTypeCode": table.object_type,
        "OwnershipType": "UserOwned" if table.owned else "OrganizationOwned",
        "IsActivity": table.is_activity,
        "HasActivities": table.has_activities,
        "IsActivityParty": table.is_party,
        "HasNotes": any(t.table == table.name for t in _note_targets()),
        "IsCustomEntity": table.custom,
        "IsIntersect": False,
        "IsPrivate": False,
        "IsOptimisticConcurrencyEnabled": True,
        "DisplayName": label(table.label),
        "DisplayCollectionName": label(_many(table.label)),
        "Description": label(table.label),
    }


def _note_targets() -> tuple[Target, ...]:
    return SCHEMA.tables["annotation"].columns["objectid"].targets


def attribute_definition(table: Table, column: Column) -> Definition:
    kind = _type(column)
    definition: Definition = {
        "@odata.type": f"#Microsoft.Dynamics.CRM.{_CLASSES.get(kind, f'{kind}AttributeMetadata')}",
        "MetadataId": metadata_id(table.name, column.name),
        "LogicalName": column.name,
        "SchemaName": column.schema_name or column.name,
        "EntityLogicalName": table.name,
        "AttributeType": kind,
        "AttributeTypeName": {"Value": f"{kind}Type"},
        "RequiredLevel": _required(table, column),
        "IsValidForCreate": column.create,
        "IsValidForRead": True,
        "IsValidForUpdate": column.update,
        "IsCustomAttribute": column.custom,
        "IsPrimaryId": column.name == table.key,
        "IsPrimaryName": column.name == table.title,
        "DisplayName": label(column.label or column.name),
        "Description": label(column.label or column.name),
    }
    if column.max_length is not None:
        definition["MaxLength"] = column.max_length
    if column.kind == "integer":
        definition |= {"MinValue": column.minimum, "MaxValue": column.maximum}
    if column.kind in ("datetime", "date"):
        definition["Format"] = "DateOnly" if column.kind == "date" else "DateAndTime"
    if column.kind == "boolean":
        definition["DefaultValue"] = bool(column.default)
    if column.kind == "picklist":
        definition["DefaultFormValue"] = -1 if column.default is None else column.default
    if column.targets:
        definition["Targets"] = list(dict.fromkeys(t.table for t in column.targets))
    return definition


def _type(column: Column) -> str:
    if column.name == "ownerid":
        return "Owner"
    if column.name in ("customerid", "parentcustomerid"):
        return "Customer"
    return _TYPES[column.kind]


def _required(table: Table, column: Column) -> Definition:
    system = column.name == table.key or column.kind == "state"
    level = "SystemRequired" if system else "ApplicationRequired" if column.required else "None"
    return {
        "Value": level,
        "CanBeChanged": not system,
        "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings",
    }


def option_set_definition(options: OptionSet) -> Definition:
    kind = "State" if options.name.endswith("statecode") else "Picklist"
    kind = "Status" if options.name.endswith("statuscode") else kind
    return {
        "@odata.type": "#Microsoft.Dynamics.CRM.OptionSetMetadata",
        "MetadataId": metadata_id("optionset", options.name),
        "Name": options.name,
        "IsGlobal": options.is_global,
        "IsCustomOptionSet": options.is_global,
        "OptionSetType": kind,
        "DisplayName": label(options.name),
        "Options": [_option(option) for option in options.options],
    }


def _option(option: Option) -> Definition:
    definition: Definition = {
        "Value": option.value,
        "Label": label(option.label, option.labels),
        "Description": {"LocalizedLabels": [], "UserLocalizedLabel": None},
        "Color": None,
        "IsManaged": False,
    }
    if option.state is not None:
        definition |= {"State": option.state, "TransitionData": None}
    return definition


def boolean_options(column: Column) -> Definition:
    def option(value: int, text: str) -> Definition:
        return _option(Option(value, text))

    return {
        "MetadataId": metadata_id("optionset", column.name),
        "Name": column.name,
        "OptionSetType": "Boolean",
        "TrueOption": option(1, "Yes"),
        "FalseOption": option(0, "No"),
    }


def relationship(table: Table, column: Column, target: Target) -> Definition:
    name = f"{target.table}_{table.name}_{column.name}"
    return {
        "MetadataId": metadata_id("relationship", name),
        "SchemaName": target.collection or name,
        "RelationshipType": "OneToManyRelationship",
        "ReferencingEntity": table.name,
        "ReferencingAttribute": column.name,
        "ReferencingEntityNavigationPropertyName": target.navigation,
        "ReferencedEntity": target.table,
        "ReferencedAttribute": SCHEMA.tables[target.table].key,
        "ReferencedEntityNavigationPropertyName": target.collection or name,
        "CascadeConfiguration": {
            "Delete": "Cascade" if target.on_delete == "cascade" else "RemoveLink"
        },
    }


_ENUM = re.compile(r"Microsoft\.Dynamics\.CRM\.\w+(?=')")


def shaped(
    definitions: Iterable[Definition], options: Mapping[str, str], allowed: frozenset[str]
) -> list[Definition]:
    """The definitions that `$filter` keeps, with the properties that `$select` names."""
    for name in options:
        if name not in allowed:
            raise errors.bad_query(f"The query option '{name}' is not supported for definitions.")
    found = list(definitions)
    if "$filter" in options:
        tree = parse(_ENUM.sub("", options["$filter"]))
        found = [d for d in found if _holds(tree, d)]
    selected = [name.strip() for name in split(options.get("$select", ""), ",") if name.strip()]
    return [_selected(d, selected) for d in found] if selected else found


def _selected(definition: Definition, names: list[str]) -> Definition:
    for name in names:
        if name not in definition and name not in _SOMETIMES:
            raise errors.unknown_property("MetadataBase", name)
    kept = ("@odata.type", "MetadataId", *names)
    return {name: definition[name] for name in kept if name in definition}


_SOMETIMES = frozenset({"MaxLength", "MinValue", "MaxValue", "Targets", "Format"})
"""Properties of some attribute types only."""


def _holds(node: Any, definition: Definition) -> bool:
    if isinstance(node, ast.BoolOp):
        sides = (_holds(node.left, definition), _holds(node.right, definition))
        return all(sides) if isinstance(node.op, ast.And) else any(sides)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not _holds(node.operand, definition)
    if isinstance(node, ast.Compare) and isinstance(node.left, ast.Identifier):
        return _compares(node, node.left.name, definition)
    raise errors.unsupported("this $filter on definitions")


def _compares(node: ast.Compare, name: str, definition: Definition) -> bool:
    if name not in definition:
        raise errors.unknown_property("MetadataBase", name)
    right: Any = node.right
    if isinstance(node.comparator, ast.In):
        return definition[name] in [_plain(v) for v in right.val]
    if isinstance(node.comparator, ast.Eq | ast.NotEq) and isinstance(right, ast._Literal):
        same = bool(definition[name] == _plain(right))
        return same if isinstance(node.comparator, ast.Eq) else not same
    raise errors.unsupported("this comparison on definitions")


def _plain(node: Any) -> Any:
    return node.val.lower() if isinstance(node, ast.GUID) else node.py_val
