"""Running a parsed query, as the caller sees the data."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.salesforce import errors
from sandbox.salesforce.represent import attributes, record, shown
from sandbox.salesforce.schema.model import Children, Object
from sandbox.salesforce.session import Session
from sandbox.salesforce.sharing import sees
from sandbox.salesforce.soql.fields import Column, column, getter, name_value, target
from sandbox.salesforce.soql.formats import formatter
from sandbox.salesforce.soql.model import (
    AllFields,
    Comparison,
    Condition,
    Formatted,
    In,
    Junction,
    Ordering,
    Path,
    Query,
)
from sandbox.salesforce.soql.semi_joins import check_semi_joins
from sandbox.salesforce.soql.where import candidates, predicate
from sandbox.store import Row

Shape = Callable[[Row], dict[str, Any]]
_MAX_ALL_FIELDS = 200


@dataclass(frozen=True, slots=True)
class Result:
    """`total` counts the matches; `records` are shown as the API shows them, none for count()."""

    total: int
    records: list[dict[str, Any]]


def run(session: Session, query: Query, *, deleted: bool = False) -> Result:
    """`deleted`: records in the recycle bin are found too. Raises Refused."""
    object_ = session.schema.by_lower.get(query.source.lower())
    if object_ is None:
        raise errors.invalid_type(query.source)
    _check_links(object_, query.where)
    check_semi_joins(object_, query.where)
    matches = _matches(session, object_, query, None, deleted)
    if not query.select:
        return Result(len(matches), [])
    shape = _shape(session, object_, query, deleted)
    return Result(len(matches), [shape(row) for row in matches])


def select(
    session: Session, object_: Object, query: Query, among: Iterable[Row]
) -> list[dict[str, Any]]:
    """Those of certain records that the query wants, as it wants them shown. Raises Refused."""
    shape = _shape(session, object_, query, deleted=False)
    return [shape(row) for row in _matches(session, object_, query, among, deleted=False)]


def _matches(
    session: Session,
    object_: Object,
    query: Query,
    among: Iterable[Row] | None,
    deleted: bool,
) -> list[Row]:
    rows = among if among is not None else candidates(session, object_, query.where)
    found = session.rows.all(object_.key) if rows is None else rows
    test = (
        predicate(session, object_, query.where, lambda q: _values(session, q))
        if query.where
        else None
    )
    matches = [
        row
        for row in found
        if (deleted or not row["IsDeleted"])
        and _shown_in(object_, row)
        and (test is None or test(row))
        and sees(session, object_.key, row)
    ]
    for ordering in reversed(query.order):
        matches = _sorted(session, object_, matches, ordering)
    end = None if query.limit is None else query.offset + query.limit
    return matches[query.offset : end]


def _shown_in(object_: Object, row: Row) -> bool:
    """Whether a view shows the record: the people of an activity only."""
    return not object_.view_of or (not row.get("IsWhat") and row.get("IsParent", True))


def _sorted(session: Session, object_: Object, rows: list[Row], ordering: Ordering) -> list[Row]:
    wanted = column(session, object_, ordering.path)
    if not wanted.field.filterable:
        raise errors.malformed_query(
            f"field '{wanted.field.name}' can not be sorted in a query call"
        )
    get = getter(session, object_, wanted)
    nulls = [row for row in rows if get(row) is None]
    others = [row for row in rows if get(row) is not None]

    def key(row: Row) -> Any:
        value = get(row)
        return value.casefold() if isinstance(value, str) else value

    others.sort(key=key, reverse=ordering.descending)
    return others + nulls if ordering.nulls_last else nulls + others


def _values(session: Session, query: Query) -> set[Any]:
    """The values of a query inside IN (…): of an id or a reference only."""
    object_ = session.schema.by_lower.get(query.source.lower())
    if object_ is None:
        raise errors.invalid_type(query.source)
    if len(query.select) != 1 or not isinstance(query.select[0], tuple):
        raise errors.malformed_query("semi join sub-selects must select exactly one field")
    wanted = column(session, object_, query.select[0])
    if wanted.field.type not in ("id", "reference"):
        raise errors.malformed_query("semi join sub-selects can only query id fields")
    get = getter(session, object_, wanted)
    rows = _matches(session, object_, query, None, deleted=False)
    return {value for row in rows if (value := get(row)) is not None}


def _shape(session: Session, object_: Object, query: Query, deleted: bool) -> Shape:
    """How a row of `object_` is shown."""
    fillers: list[Callable[[Row, dict[str, Any]], None]] = []
    for item in query.select:
        if isinstance(item, Query):
            fillers.append(_children(session, object_, item, deleted))
        elif isinstance(item, Formatted):
            fillers.append(_formatted(session, object_, item))
        elif isinstance(item, AllFields):
            fillers.append(_all_fields(session, object_, query, item))
        else:
            fillers.append(_cell(session, object_, column(session, object_, item)))

    def shape(row: Row) -> dict[str, Any]:
        shown_row: dict[str, Any] = {"attributes": attributes(session, object_, row["Id"])}
        for fill in fillers:
            fill(row, shown_row)
        return shown_row

    return shape


def _cell(
    session: Session, object_: Object, wanted: Column
) -> Callable[[Row, dict[str, Any]], None]:
    def fill(row: Row, into: dict[str, Any]) -> None:
        home, at = object_, row
        for step in wanted.steps:
            found = target(session, step, at)
            if found is None:
                into[step.relationship] = None
                return
            home, at = found
            single = len(step.references) == 1
            kind = home.name if single else "Name"
            about = attributes(session, home, at["Id"]) | {"type": kind}
            into = into.setdefault(step.relationship, {"attributes": about})
        if wanted.object is None:
            into[wanted.field.name] = name_value(home, wanted.field, at)
        else:
            into[wanted.field.name] = shown(session, home, wanted.field, at)

    return fill


def _formatted(
    session: Session, object_: Object, item: Formatted
) -> Callable[[Row, dict[str, Any]], None]:
    wanted = column(session, object_, item.path)
    get, shown_as = getter(session, object_, wanted), formatter(wanted.field)
    return lambda row, into: into.update({item.alias: shown_as(get(row))})


def _all_fields(
    session: Session, object_: Object, query: Query, item: AllFields
) -> Callable[[Row, dict[str, Any]], None]:
    if query.limit is None or query.limit > _MAX_ALL_FIELDS:
        raise errors.malformed_query("The SOQL FIELDS function must have a LIMIT of at most 200")
    fields = [
        f
        for f in object_.fields.values()
        if item.which == "ALL" or f.custom is (item.which == "CUSTOM")
    ]
    return lambda row, into: into.update(record(session, object_, row, fields))


def _children(
    session: Session, object_: Object, query: Query, deleted: bool
) -> Callable[[Row, dict[str, Any]], None]:
    children = session.schema.children[object_.name].get(query.source.lower())
    if children is None:
        raise errors.invalid_type(query.source)
    child = session.schema.objects[children.object]
    if any(isinstance(item, Query) for item in query.select):
        raise errors.malformed_query("sub-queries can't hold sub-queries")
    shape = _shape(session, child, query, deleted)

    def fill(row: Row, into: dict[str, Any]) -> None:
        among = _offspring(session, child, children, row["Id"], deleted)
        found = [shape(r) for r in _matches(session, child, query, among, deleted)]
        into[children.name] = (
            {"totalSize": len(found), "done": True, "records": found} if found else None
        )

    return fill


def _offspring(
    session: Session, child: Object, children: Children, id_: str, deleted: bool
) -> list[Row]:
    known = session.rows.known(child.key, children.field, (id_,))
    rows = (row for row in known if row.get(children.field) == id_)
    return [row for row in rows if deleted or not row["IsDeleted"]]


def _check_links(object_: Object, where: Condition | None) -> None:
    """SOQL and SOSL Reference, "Object-specific limits": links of files by a file or a place."""
    if object_.name == "ContentDocumentLink" and not _names_a_place(where):
        raise errors.malformed_query(
            "Implementation restriction: ContentDocumentLink requires a filter by a single Id on "
            "ContentDocumentId or LinkedEntityId using the equals operator or multiple Id's using "
            "the IN operator."
        )


_PLACES: frozenset[Path] = frozenset((("contentdocumentid",), ("linkedentityid",)))


def _names_a_place(condition: Condition | None) -> bool:
    match condition:
        case Junction(terms, True):
            return any(_names_a_place(term) for term in terms)
        case Comparison(path, "="):
            return tuple(name.lower() for name in path) in _PLACES
        case In(path, _, False):
            return tuple(name.lower() for name in path) in _PLACES
    return False
