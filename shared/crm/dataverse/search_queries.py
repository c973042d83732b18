"""What to ask Dataverse for when a person searches. Pure; paths are percent-encoded."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from shared.crm.dataverse import keys
from shared.crm.dataverse.candidate_queries import like
from shared.crm.dataverse.metadata import LOOKUPS, TEXTS, Column, TableMetadata
from shared.crm.dataverse.payloads import moment
from shared.crm.dataverse.queries import encoded, literal
from shared.errors import InvalidRequest
from shared.policy import Condition
from shared.records import Wanted

QUICK_FIND: Final[Mapping[str, tuple[str, ...]]] = {
    "account": ("name", "accountnumber", "emailaddress1"),
    "contact": ("fullname", "emailaddress1", "parentcustomerid_account/name"),
    "lead": ("fullname", "subject", "companyname", "emailaddress1"),
    "opportunity": ("name", "parentaccountid/name"),
    "incident": ("title", "ticketnumber", "customerid_account/name"),
}
"""What the quick find views of these tables search as they come, and the customer's name."""

_ACTIVE_ONLY: Final = frozenset({"account", "contact", "lead"})
"""Deals and cases can be of use after they are closed."""

_NUMBERS: Final = frozenset({"Integer", "BigInt", "Picklist", "State", "Status"})
_AMOUNTS: Final = frozenset({"Decimal", "Double", "Money"})
_OPERATORS: Final = {"equals": "eq", "notEquals": "ne", "atLeast": "ge", "atMost": "le"}


def term(words: Sequence[str], longest: int) -> str:
    """Each word as the beginning of one. Nothing but letters and digits remains, so that none of
    the signs of the search syntax does."""
    chosen = ""
    for word in words:
        longer = f"{chosen} {word}*".strip()
        if len(longer) > longest:
            break
        chosen = longer
    return chosen


def index_request(text: str, tables: Sequence[str], limit: int) -> dict[str, Any]:
    """Microsoft Learn, "Dataverse search query": lists and options come as JSON in strings."""
    return {
        "search": text,
        "entities": json.dumps([{"name": table} for table in tables]),
        "options": json.dumps({"searchmode": "all"}),
        "top": min(100, limit * len(tables)),
    }


def by_ids(wanted: Wanted, known: TableMetadata, ids: Sequence[str]) -> str:
    key = known.table.id_column
    chosen = " or ".join(f"{key} eq {id_}" for id_ in map(keys.guid, ids) if id_)
    return _list(wanted, known, [f"({chosen})" if chosen else f"{key} eq null"], len(ids))


def quick(
    wanted: Wanted, known: TableMetadata, text: str, words: Sequence[str], limit: int
) -> Iterator[str]:
    """Records whose name begins with the text, so that they aren't crowded out, and records that
    have each word in one column or another; without words, those changed last."""
    if words:
        columns = _searched(wanted, known)
        if known.table.name_column in columns:
            begins = f"startswith({known.table.name_column},{like(text)})"
            yield _list(wanted, known, [begins], limit, f"{known.table.name_column} asc")
        has_all = [
            "(" + " or ".join(f"contains({column},{like(word)})" for column in columns) + ")"
            for word in words
        ]
        yield _list(wanted, known, has_all, limit)
    else:
        yield _list(wanted, known, [], limit)


def _searched(wanted: Wanted, known: TableMetadata) -> tuple[str, ...]:
    standard = QUICK_FIND.get(known.table.logical, (known.table.name_column,))
    fields = (known.columns.get(name) for name in wanted.key_fields)
    texts = (column.name for column in fields if column is not None and column.type in TEXTS)
    return tuple(dict.fromkeys(filter(None, (*standard, *texts))))


def _list(
    wanted: Wanted,
    known: TableMetadata,
    conditions: Sequence[str],
    limit: int,
    order: str = "modifiedon desc",
) -> str:
    fields = (known.columns.get(name) for name in wanted.key_fields)
    shown = (column.property for column in fields if column is not None)
    select = dict.fromkeys((known.table.id_column, known.table.name_column, *shown))
    parts = [*conditions, *(_condition(one, known) for one in wanted.conditions)]
    if known.table.logical in _ACTIVE_ONLY:
        parts.append("statecode eq 0")
    query = [f"$select={','.join(filter(None, select))}"]
    if parts:
        query.append(f"$filter={encoded(' and '.join(parts))}")
    query.append(f"$orderby={encoded(_order(wanted, known) or order)}")
    return f"{known.table.entity_set}?{'&'.join(query)}&$top={limit}"


def _order(wanted: Wanted, known: TableMetadata) -> str:
    column = known.columns.get(wanted.order.field) if wanted.order else None
    if column is None or wanted.order is None:
        return ""
    return f"{column.property} {'desc' if wanted.order.descending else 'asc'}"


def _condition(condition: Condition, known: TableMetadata) -> str:
    column = known.columns.get(condition.field)
    if column is None:
        raise _unfit(condition, "there is no such field")
    if condition.operator == "empty":
        return f"{column.property} eq null"
    if condition.operator == "notEmpty":
        return f"{column.property} ne null"
    if condition.operator == "contains":
        if column.type not in TEXTS:
            raise _unfit(condition, "it is no text")
        return f"contains({column.name},{like(str(condition.value))})"
    value = _value(column, condition)
    return f"{column.property} {_OPERATORS[condition.operator]} {value}"


def _value(column: Column, condition: Condition) -> str:
    """The condition's value as an OData literal of the column's type."""
    value = condition.value
    if column.type in TEXTS:
        return literal(str(value))
    if column.type == "Boolean" and isinstance(value, bool):
        return str(value).lower()
    if column.type in _NUMBERS | _AMOUNTS and type(value) is int:
        return str(value)
    if column.type in LOOKUPS | {"Uniqueidentifier"}:
        id_ = keys.guid(str(value))
        if id_ is not None:
            return id_
    if column.type == "DateTime":
        try:
            time = datetime.fromisoformat(str(value))
        except ValueError:
            raise _unfit(condition, "its value is no date") from None
        return moment(time if time.tzinfo else time.replace(tzinfo=UTC))
    raise _unfit(condition, "its value does not fit the field")


def _unfit(condition: Condition, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"Your admin's filter on {condition.field} does not fit Dynamics 365: {why}."
    )
