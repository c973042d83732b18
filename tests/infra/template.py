"""Reads a Bicep file into plain data, as far as its checks need it.

The grammar is tree-sitter-bicep's, which finds syntax errors but knows no types. Literals become
Python values; everything else becomes an `Expression`, a `Choice` (`a ? b : c`) or a `Loop`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tree_sitter
import tree_sitter_bicep

_PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bicep.language()))
_ESCAPES = {r"\'": "'", r"\\": "\\", r"\n": "\n", r"\r": "\r", r"\t": "\t", r"\$": "$"}

Node = tree_sitter.Node


@dataclass(frozen=True, slots=True)
class Expression:
    """Anything that only Azure can compute; `node` for whoever looks further."""

    text: str
    node: Node = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Choice:
    options: tuple[Any, Any]


@dataclass(frozen=True, slots=True)
class Loop:
    body: Any


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    type: str
    description: str
    has_default: bool
    default: Any


@dataclass(frozen=True, slots=True)
class Resource:
    symbol: str
    type: str
    version: str
    existing: bool
    conditional: bool
    looped: bool
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Module:
    symbol: str
    path: str
    conditional: bool
    body: dict[str, Any]

    @property
    def parameters(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body.get("params", {})
        return found


@dataclass(frozen=True, slots=True)
class Template:
    path: Path
    root: Node
    syntax_errors: tuple[str, ...]
    parameters: dict[str, Parameter]
    variables: dict[str, Any]
    resources: dict[str, Resource]
    modules: dict[str, Module]
    outputs: dict[str, Any]


def read(path: Path) -> Template:
    root = _PARSER.parse(path.read_bytes()).root_node
    template = Template(path, root, tuple(_errors(path, root)), {}, {}, {}, {}, {})
    decorators: list[Node] = []
    for node in root.named_children:
        if node.type == "decorators":
            decorators = node.named_children
            continue
        match node.type:
            case "parameter_declaration":
                one = _parameter(node, decorators)
                template.parameters[one.name] = one
            case "variable_declaration":
                template.variables[_symbol(node)] = value(node.named_children[-1])
            case "resource_declaration":
                resource = _resource(node)
                template.resources[resource.symbol] = resource
            case "module_declaration":
                module = _module(node)
                template.modules[module.symbol] = module
            case "output_declaration":
                template.outputs[_symbol(node)] = value(node.named_children[-1])
        decorators = []
    return template


def value(node: Node) -> Any:
    """The node as Python data."""
    match node.type:
        case "object":
            return dict(
                _pair(child) for child in node.named_children if child.type == "object_property"
            )
        case "array":
            return [value(child) for child in node.named_children if child.type != "comment"]
        case "string":
            plain = not any(child.type == "interpolation" for child in node.children)
            return string(node) if plain else Expression(text(node), node)
        case "number":
            return int(text(node))
        case "boolean":
            return text(node) == "true"
        case "null":
            return None
        case "ternary_expression":
            _, yes, no = node.named_children
            return Choice((value(yes), value(no)))
        case "for_statement":
            return Loop(value(node.named_children[-1]))
        case "if_statement" | "parenthesized_expression":
            return value(node.named_children[-1])
    return Expression(text(node), node)


def string(node: Node) -> str:
    """What a string without interpolation says."""
    parts = (child for child in node.children if child.is_named)
    return "".join(
        _ESCAPES[text(part)] if part.type == "escape_sequence" else text(part) for part in parts
    )


def text(node: Node) -> str:
    return (node.text or b"").decode()


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def key(node: Node) -> str:
    """The name of an object's property; a computed one as it is written."""
    return text(node).strip("'")


def _pair(node: Node) -> tuple[str, Any]:
    name, found = node.named_children[0], node.named_children[-1]
    return key(name), value(found)


def _symbol(node: Node) -> str:
    return text(next(child for child in node.named_children if child.type == "identifier"))


def _parameter(node: Node, decorators: list[Node]) -> Parameter:
    description = ""
    for decorator in decorators:
        call = decorator.named_children[0]
        if text(call.named_children[0]) == "description":
            description = string(call.named_children[1].named_children[0])
    kind = next(child for child in node.named_children if child.type == "type")
    has_default = any(child.type == "=" for child in node.children)
    default = value(node.named_children[-1]) if has_default else None
    return Parameter(_symbol(node), text(kind), description, has_default, default)


def _resource(node: Node) -> Resource:
    kind, _, version = string(_named(node, "string")).partition("@")
    existing = any(child.type == "existing" for child in node.children)
    whole = node.named_children[-1]
    body = value(whole)
    looped = isinstance(body, Loop)
    return Resource(
        symbol=_symbol(node),
        type=kind,
        version=version,
        existing=existing,
        conditional=whole.type == "if_statement",
        looped=looped,
        body=body.body if isinstance(body, Loop) else body,
    )


def _module(node: Node) -> Module:
    whole = node.named_children[-1]
    return Module(
        _symbol(node),
        string(_named(node, "string")),
        whole.type == "if_statement",
        value(whole),
    )


def _named(node: Node, kind: str) -> Node:
    return next(child for child in node.named_children if child.type == kind)


def _errors(path: Path, root: Node) -> Iterator[str]:
    for node in walk(root):
        if node.is_error or node.is_missing:
            yield f"{path.name}:{node.start_point.row + 1}: {text(node)[:60]!r}"
