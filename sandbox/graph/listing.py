"""Lists: `$filter`, `$orderby`, `$top`, `$skip`, `$count`, and the link to the next page."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from starlette.responses import Response

from sandbox.graph.calls import Call
from sandbox.graph.errors import bad_request
from sandbox.graph.filters import fields_in_order, matches, parse_filter, property_of
from sandbox.graph.query import Query

Item = TypeVar("Item")
_DEFAULT_PAGE = 10


def page(
    call: Call,
    what: str,
    items: Sequence[Item],
    show: Callable[[Item, Query], dict[str, Any]],
    filterable: Callable[[Item], dict[str, Any]],
) -> Response:
    """`show` gives an item as the query asks for it; `filterable` with all its properties."""
    query = call.query
    if query.tokens:
        raise bad_request("State tokens are for delta queries.", "RequestBroker--ParseUri")
    chosen = _filtered(query, items, filterable)
    chosen = _ordered(query, chosen, filterable)
    size = query.top or call.prefer.page_size or _DEFAULT_PAGE
    shown = chosen[query.skip : query.skip + size]
    answer: dict[str, Any] = {"@odata.context": call.context(what)}
    if query.count:
        answer["@odata.count"] = len(chosen)
    answer["value"] = [show(item, query) for item in shown]
    if query.skip + size < len(chosen):
        answer["@odata.nextLink"] = _next_link(call, query.skip + size)
    return call.json(answer)


def _filtered(
    query: Query, items: Sequence[Item], filterable: Callable[[Item], dict[str, Any]]
) -> list[Item]:
    if query.filter is None:
        return list(items)
    tree = parse_filter(query.filter)
    _check_order(query, fields_in_order(tree))
    return [item for item in items if matches(tree, filterable(item))]


def _check_order(query: Query, filtered: list[str]) -> None:
    """Exchange sorts a filtered list only by what the filter names first, in the same order
    (microsoft-graph-docs-contrib api/user-list-messages.md)."""
    named = list(dict.fromkeys(name.lower() for name in filtered))
    ordered = [name.lower() for name, _ in query.orderby]
    if ordered != named[: len(ordered)]:
        raise bad_request(
            "The restriction or sort order is too complex for this operation.",
            "InefficientFilter",
        )


def _ordered(
    query: Query, items: list[Item], filterable: Callable[[Item], dict[str, Any]]
) -> list[Item]:
    for name, descending in reversed(query.orderby):
        items = sorted(
            items, key=lambda item: _sortable(filterable(item), name), reverse=descending
        )
    return items


def _sortable(shown: dict[str, Any], name: str) -> tuple[bool, Any]:
    value = property_of(shown, name)
    if isinstance(value, list | dict):
        raise bad_request(f"The property '{name}' can't be sorted by.", "ErrorInvalidProperty")
    return (value is not None, value.casefold() if isinstance(value, str) else value)


def _next_link(call: Call, skip: int) -> str:
    url = call.request.url
    options = dict(call.request.query_params) | {"$skip": str(skip)}
    text = "&".join(f"{quote(k, safe='$')}={quote(v, safe='')}" for k, v in options.items())
    return f"{call.world.base_url}{quote(url.path, safe='/=')}?{text}"
