"""Checks that every name in a template is one that there is, and that each parameter is used."""

from collections.abc import Iterator

from tests.infra.template import Node, Template, text, walk

FUNCTIONS = {
    "cidrSubnet", "concat", "empty", "environment", "guid", "loadTextContent", "map", "resourceId",
    "string", "subscription", "subscriptionResourceId", "tenant", "union", "uniqueString",
}  # fmt: skip
"""Bicep functions in use: https://learn.microsoft.com/en-us/azure/azure-resource-manager/bicep/bicep-functions"""

_DECORATORS = {"description", "allowed", "minLength", "maxLength", "minValue", "maxValue", "secure"}


def problems(template: Template, modules: dict[str, Template]) -> Iterator[str]:
    """`modules` are the templates of `template`'s modules, by the path they are named with."""
    yield from _unknown(template)
    yield from _unused(template)
    for module in template.modules.values():
        where = f"{template.path.name} {module.symbol}"
        if module.path not in modules:
            yield f"{where}: there is no {module.path}"
            continue
        known = modules[module.path].parameters
        for name in module.parameters.keys() - known.keys():
            yield f"{where}: {module.path} has no parameter {name!r}"
        for name, parameter in known.items():
            if not parameter.has_default and name not in module.parameters:
                yield f"{where}: parameter {name!r} is required"
    yield from _outputs(template, modules)


def _unknown(template: Template) -> Iterator[str]:
    known = (
        template.parameters.keys()
        | template.variables.keys()
        | template.resources.keys()
        | template.modules.keys()
    )
    for node in _uses(template.root):
        name = text(node)
        parent = node.parent
        if parent is not None and parent.type == "call_expression":
            in_decorator = parent.parent is not None and parent.parent.type == "decorator"
            if name not in (_DECORATORS if in_decorator else FUNCTIONS):
                yield f"{template.path.name}: unknown function {name!r}"
        elif name not in known and name not in _local(node):
            yield f"{template.path.name}:{node.start_point.row + 1}: unknown name {name!r}"


def _unused(template: Template) -> Iterator[str]:
    used = {text(node) for node in _uses(template.root)}
    for name in template.parameters.keys() | template.variables.keys():
        if name not in used:
            yield f"{template.path.name}: {name!r} is not used"


def _outputs(template: Template, modules: dict[str, Template]) -> Iterator[str]:
    for node in walk(template.root):
        steps = text(node).replace("!", "").split(".")
        if node.type != "member_expression" or len(steps) != 3 or steps[1] != "outputs":
            continue
        module = template.modules.get(steps[0])
        if module and module.path in modules and steps[2] not in modules[module.path].outputs:
            yield f"{template.path.name}: {module.path} has no output {steps[2]!r}"


def _uses(root: Node) -> Iterator[Node]:
    """Identifiers that name something; not those that declare or label."""
    for node in walk(root):
        parent = node.parent
        if node.type != "identifier" or parent is None:
            continue
        first = parent.named_children[0].id == node.id
        if first and parent.type in ("object_property", "lambda_expression"):
            continue
        if first and parent.type.endswith("_declaration"):
            continue
        if parent.type == "for_statement" and first:
            continue
        if parent.type in ("assignment_expression", "metadata_declaration"):
            continue
        yield node


def _local(node: Node) -> set[str]:
    """Names of the loops and lambdas around a node."""
    names = set()
    around = node.parent
    while around is not None:
        if around.type in ("for_statement", "lambda_expression"):
            first = around.named_children[0]
            names |= {text(one) for one in first.named_children or [first]}
        around = around.parent
    return names
