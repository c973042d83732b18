"""Checks resources against Azure's own types, as condensed in schemas/ (tools/bicep_schemas.py).

A schema file is `{"resource", "source", "types"}`; `types` names each object's properties as
`[type, flags]`, `type` being what the type index says: `string`, `int`, `bool`, `any`, an object's
name, literals with ` | ` between them, or one of these with `[]` behind it. The resource's own
object is named as the resource; `*` among the properties stands for any further one.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.infra.template import Choice, Expression, Loop, Resource, Template, text, value, walk

SCHEMAS = Path(__file__).with_name("schemas")
_OF_THE_LANGUAGE = {"parent", "scope", "dependsOn"}
_PYTHON = {"string": str, "int": int, "bool": bool}


@dataclass(frozen=True, slots=True)
class Schema:
    name: str
    types: dict[str, dict[str, tuple[str, str]]]


@cache
def schemas() -> dict[str, Schema]:
    """By `<type>@<version>`."""
    found = {}
    for path in sorted(SCHEMAS.glob("*.json")):
        for one in json.loads(path.read_text("utf-8")):
            found[one["resource"]] = Schema(one["resource"], one["types"])
    return found


def problems(template: Template) -> Iterator[str]:
    """What is wrong with the template's resources, each as one line."""
    for resource in template.resources.values():
        where = f"{template.path.name} {resource.symbol}"
        schema = schemas().get(f"{resource.type}@{resource.version}")
        if schema is None:
            yield f"{where}: no such type is recorded: {resource.type}@{resource.version}"
            continue
        body = {k: v for k, v in resource.body.items() if k not in _OF_THE_LANGUAGE}
        if resource.existing:
            if set(body) != {"name"}:
                yield f"{where}: an existing resource has a name only"
            continue
        root = _root(schema, resource)
        if root not in schema.types:
            yield f"{where}: there is no {root}"
            continue
        yield from _object(where, schema, root, body)
    yield from _reads(template)


def _root(schema: Schema, resource: Resource) -> str:
    """Some resources are several, told apart by their name."""
    if schema.name in schema.types:
        return schema.name
    return f"{schema.name}#{resource.body.get('name')}"


def _object(where: str, schema: Schema, kind: str, body: dict[str, Any]) -> Iterator[str]:
    known = schema.types[kind]
    for name, given in body.items():
        if name not in known and "*" not in known:
            yield f"{where}: {kind} has no property {name!r}"
            continue
        expected, flags = known.get(name) or known["*"]
        if "ReadOnly" in flags:
            yield f"{where}: {kind}.{name} can't be set"
        yield from _value(f"{where}.{name}", schema, expected, given)
    for name, (_, flags) in known.items():
        if "Required" in flags and "ReadOnly" not in flags and name not in body:
            yield f"{where}: {kind}.{name} is required"


def _value(where: str, schema: Schema, expected: str, given: Any) -> Iterator[str]:
    match given:
        case Choice(options):
            for option in options:
                yield from _value(where, schema, expected, option)
        case Loop(body):
            yield from _value(where, schema, expected, [body])
        case Expression():
            yield from _function(where, schema, expected, given)
        case None:
            return
        case list():
            if not expected.endswith("[]"):
                yield f"{where}: {expected} is no list"
                return
            for item in given:
                yield from _value(f"{where}[]", schema, expected.removesuffix("[]"), item)
        case dict():
            if expected in schema.types:
                yield from _object(where, schema, expected, given)
            elif expected not in ("any", "object"):
                yield f"{where}: {expected} is no object"
        case _:
            yield from _scalar(where, expected, given)


def _function(where: str, schema: Schema, expected: str, given: Expression) -> Iterator[str]:
    """Of a call of `union`, the objects that are written out."""
    if given.node.type != "call_expression" or text(given.node.named_children[0]) != "union":
        return
    for argument in given.node.named_children[1].named_children:
        found = value(argument)
        if isinstance(found, dict):
            yield from _value(where, schema, expected, found)


def _scalar(where: str, expected: str, given: str | int | bool) -> Iterator[str]:
    if expected == "any":
        return
    options = expected.split(" | ")
    literals = [option for option in options if option not in _PYTHON]
    if literals and isinstance(given, str):
        if given not in literals:
            yield f"{where}: {given!r} is none of {expected}"
        return
    if type(given) not in (_PYTHON.get(option) for option in options):
        yield f"{where}: {given!r} is no {expected}"


def _reads(template: Template) -> Iterator[str]:
    """`resource.properties.x.y` anywhere must name properties that there are."""
    for node in walk(template.root):
        inner = node.parent is not None and node.parent.type == "member_expression"
        if node.type != "member_expression" or inner:
            continue
        symbol, *steps = text(node).replace("!", "").split(".")
        resource = template.resources.get(symbol.partition("[")[0])
        if resource is None:
            continue
        schema = schemas().get(f"{resource.type}@{resource.version}")
        if schema is None:
            continue
        kind = _root(schema, resource)
        for step in steps:
            known = schema.types.get(kind)
            if known is None:
                break
            if step not in known and "*" not in known:
                yield f"{template.path.name}: {text(node)}: {kind} has no property {step!r}"
                break
            kind = (known.get(step) or known["*"])[0]
