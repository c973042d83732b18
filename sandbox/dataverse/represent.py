"""Rows on their way out: the JSON of an entity, with the annotations that were asked for."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from sandbox.dataverse.query import Expand, Query
from sandbox.dataverse.schema import SCHEMA
from sandbox.dataverse.schema.model import Collection, Column, Navigation, Table
from sandbox.dataverse.security import may_read
from sandbox.dataverse.session import Session
from sandbox.store import Row

FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOOKUP_NAME = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"


@dataclass(frozen=True, slots=True)
class Annotations:
    """The patterns of `Prefer: odata.include-annotations`."""

    patterns: tuple[str, ...] = ()

    def wants(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.patterns)


NONE = Annotations()


def entity(
    session: Session, table: Table, row: Row, query: Query, annotations: Annotations
) -> dict[str, Any]:
    """The row with its ETag, its key, and the columns and expansions of `query`."""
    body: dict[str, Any] = {"@odata.etag": etag(row)}
    chosen = table.columns.values() if query.select is None else query.select
    formatted = bool(annotations.patterns)
    for column in chosen:
        if formatted:
            _annotate(session, table, column, row, annotations, body)
        body[column.property] = value_of(column, row)
    body.setdefault(table.key, row[table.key])
    for expand in query.expand:
        body.update(_expanded(session, table, row, expand, annotations))
    return body


def etag(row: Row) -> str:
    return f'W/"{row["versionnumber"]}"'


def value_of(column: Column, row: Row) -> Any:
    value = row.get(column.name)
    return value[1] if column.kind == "lookup" and value else value


def entity_id(session: Session, table: str, id_: str) -> str:
    return f"{session.root}/{SCHEMA.tables[table].entity_set}({id_})"


def ordered(rows: Iterable[Row], query: Query) -> list[Row]:
    """Rows without a value come first in ascending order, as in SQL Server."""
    found = list(rows)
    for order in reversed(query.orderby):
        found.sort(key=_sort_key(order.column), reverse=order.descending)
    return found


def _sort_key(column: Column) -> Callable[[Row], tuple[bool, Any]]:
    def key(row: Row) -> tuple[bool, Any]:
        value = value_of(column, row)
        if isinstance(value, str):
            value = value.casefold()
        return (value is not None, value)

    return key


def _expanded(
    session: Session, table: Table, row: Row, expand: Expand, annotations: Annotations
) -> dict[str, Any]:
    link = expand.link
    if isinstance(link, Navigation):
        return {expand.name: _single(session, row, expand, link, annotations)}
    child = SCHEMA.tables[link.table]
    found = children(session, link, row[table.key], expand.query)
    if expand.references_only:
        ids = [{"@odata.id": entity_id(session, child.name, r[child.key])} for r in found]
        return {expand.name: ids}
    shown = [entity(session, child, r, expand.query, annotations) for r in found]
    return {expand.name: shown}


def children(session: Session, link: Collection, id_: str, query: Query) -> list[Row]:
    """The related rows that the caller may read, filtered and ordered, at most `$top`."""
    found: Iterable[Row] = session.rows.children(link, id_)
    found = (r for r in found if may_read(session, link.table, r))
    if query.filter:
        found = (r for r in found if query.filter.matches(session.rows, r))
    return ordered(found, query)[: query.top]


def _single(
    session: Session, row: Row, expand: Expand, link: Navigation, annotations: Annotations
) -> dict[str, Any] | None:
    pair = row.get(link.column)
    if not pair or not _leads_to(link.target, pair[0]):
        return None
    target = SCHEMA.tables[link.target]
    other = session.rows.get(link.target, pair[1])
    if other is None or not may_read(session, pair[0], other):
        return None
    if expand.references_only:
        return {"@odata.id": entity_id(session, pair[0], pair[1])}
    return entity(session, target, other, expand.query, annotations)


def _leads_to(declared: str, actual: str) -> bool:
    return declared == actual or (
        declared == "activitypointer" and SCHEMA.tables[actual].is_activity
    )


def _annotate(
    session: Session,
    table: Table,
    column: Column,
    row: Row,
    annotations: Annotations,
    body: dict[str, Any],
) -> None:
    value = row.get(column.name)
    if value is None:
        return
    name = column.property
    if column.kind == "lookup":
        if annotations.wants(NAVIGATION):
            body[f"{name}@{NAVIGATION}"] = _navigation(table, column, value[0])
        if annotations.wants(LOOKUP_NAME):
            body[f"{name}@{LOOKUP_NAME}"] = value[0]
    if annotations.wants(FORMATTED):
        text = formatted(session, table, column, value)
        if text is not None:
            body[f"{name}@{FORMATTED}"] = text


def _navigation(table: Table, column: Column, target: str) -> str:
    names = (t.navigation for t in column.targets if _leads_to(t.table, target))
    return next(names, column.targets[0].navigation)


def formatted(session: Session, table: Table, column: Column, value: Any) -> str | None:
    """The value as a form would show it to an English user, or None where it is shown as it is."""
    match column.kind:
        case "lookup":
            return name_of(session, value[0], value[1])
        case "picklist" | "state" | "status":
            option = column.options.find(value) if column.options else None
            return option.label if option else None
        case "boolean":
            return "Yes" if value else "No"
        case "integer" | "bigint":
            return f"{value:,}"
        case "decimal" | "double":
            return f"{value:,.2f}"
        case "money":
            return f"${value:,.2f}"
        case "datetime":
            return _moment(value)
        case _:
            return None


def name_of(session: Session, table: str, id_: str) -> str | None:
    row = session.rows.get(table, id_)
    return row.get(SCHEMA.tables[table].title) if row else None


def _moment(value: str) -> str:
    moment = datetime.fromisoformat(value)
    hour = moment.hour % 12 or 12
    return (
        f"{moment.month}/{moment.day}/{moment.year} {hour}:{moment.minute:02d} "
        f"{'AM' if moment.hour < 12 else 'PM'}"
    )
