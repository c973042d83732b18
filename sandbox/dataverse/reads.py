"""GET: one row, a collection, a property, a count."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from sandbox.dataverse import errors
from sandbox.dataverse.answers import empty_reply, json_reply, text_reply
from sandbox.dataverse.preferences import MAX_PAGE, Preferences
from sandbox.dataverse.query import Query, parsed
from sandbox.dataverse.represent import entity, entity_id, etag, ordered, value_of
from sandbox.dataverse.rows import POINTER
from sandbox.dataverse.schema import SCHEMA
from sandbox.dataverse.schema.model import Collection, Navigation, Table
from sandbox.dataverse.security import may_read, visible
from sandbox.dataverse.session import Call, Reply, Session
from sandbox.store import Row


def one(session: Session, call: Call, prefs: Preferences, table: Table, id_: str) -> Reply:
    """One row; 304 where If-None-Match names its version."""
    if table.name == "activityparty":
        raise errors.Refused(
            400,
            "0x80040800",
            "The 'Retrieve' method does not support entities of type 'activityparty'. "
            "MessageProcessorCache returned MessageProcessor.Empty.",
        )
    query = parsed(table.name, call.query)
    if query.filter or query.orderby or query.top is not None or query.count:
        raise errors.bad_query(
            "The requested resource is not a collection. Query options $filter, $orderby, "
            "$count, $skip, and $top can be applied only on collections."
        )
    row = visible(session, table, id_)
    if call.headers.get("if-none-match") == etag(row):
        return Reply(304, headers={"OData-Version": "4.0"})
    body = {"@odata.context": _context(session, table, query, single=True)}
    return json_reply(body | entity(session, table, row, query, prefs.annotations), prefs)


def many(session: Session, call: Call, prefs: Preferences, table: Table) -> Reply:
    query = parsed(table.name, call.query)
    rows: Iterable[Row] = (
        query.filter.candidates(session.rows, table.name)
        if query.filter
        else session.rows.all(table.name)
    )
    return _page(session, call, prefs, table, query, rows, table.entity_set)


def related(
    session: Session, call: Call, prefs: Preferences, table: Table, id_: str, link: Collection
) -> Reply:
    visible(session, table, id_)
    child = SCHEMA.tables[link.table]
    query = parsed(child.name, call.query)
    rows = session.rows.children(link, id_)
    path = f"{table.entity_set}({id_})/{link.name}"
    return _page(session, call, prefs, child, query, rows, path)


def target(
    session: Session, call: Call, prefs: Preferences, table: Table, id_: str, link: Navigation
) -> Reply:
    """The row that a lookup points at; 204 where there is none."""
    found = linked(session, table, id_, link)
    return one(session, call, prefs, SCHEMA.tables[found[0]], found[1]) if found else empty_reply()


def linked(session: Session, table: Table, id_: str, link: Navigation) -> tuple[str, str] | None:
    pair = visible(session, table, id_).get(link.column)
    if not pair or (pair[0] != link.target and link.target != POINTER):
        return None
    return (pair[0], pair[1])


def property_(session: Session, table: Table, id_: str, name: str, *, raw: bool) -> Reply:
    """The value of one column; 204 where it has none."""
    column = SCHEMA.by_property[table.name][name]
    value = value_of(column, visible(session, table, id_))
    if value is None:
        return empty_reply()
    if raw:
        return text_reply(str(value).lower() if isinstance(value, bool) else str(value))
    context = f"{session.root}/$metadata#{table.entity_set}({id_})/{name}"
    return json_reply({"@odata.context": context, "value": value})


def references(session: Session, table: Table, id_: str, link: Navigation | Collection) -> Reply:
    """The `/$ref` forms."""
    root = f"{session.root}/$metadata#"
    if isinstance(link, Navigation):
        found = linked(session, table, id_, link)
        if found is None:
            return empty_reply()
        body: dict[str, Any] = {"@odata.context": f"{root}$ref"}
        return json_reply(body | {"@odata.id": entity_id(session, *found)})
    visible(session, table, id_)
    child = SCHEMA.tables[link.table]
    ids = [
        {"@odata.id": entity_id(session, _table_of(child, r), r[child.key])}
        for r in session.rows.children(link, id_)
        if may_read(session, child.name, r)
    ]
    return json_reply({"@odata.context": f"{root}Collection($ref)", "value": ids})


def count(session: Session, call: Call, table: Table, rows: Iterable[Row]) -> Reply:
    """`/$count`, which stops at 5000 as Dataverse does."""
    query = parsed(table.name, call.query)
    return text_reply(str(min(len(_matching(session, table, query, rows)), MAX_PAGE)))


def _table_of(table: Table, row: Row) -> str:
    return str(row["activitytypecode"]) if table.name == POINTER else table.name


def _matching(session: Session, table: Table, query: Query, rows: Iterable[Row]) -> list[Row]:
    if query.filter:
        matches = query.filter.matches
        rows = (r for r in rows if matches(session.rows, r))
    if not session.caller.reads_all:
        rows = (r for r in rows if may_read(session, _table_of(table, r), r))
    return list(rows)


def _page(
    session: Session,
    call: Call,
    prefs: Preferences,
    table: Table,
    query: Query,
    rows: Iterable[Row],
    path: str,
) -> Reply:
    found = _matching(session, table, query, rows)
    found = ordered(found, query) if query.orderby else found
    number = _page_number(query.skiptoken)
    size = query.top if query.top is not None else prefs.page_size or MAX_PAGE
    size = min(size, MAX_PAGE)
    page = found[(number - 1) * size : number * size]
    body: dict[str, Any] = {"@odata.context": _context(session, table, query, single=False)}
    if query.count:
        body["@odata.count"] = min(len(found), MAX_PAGE)
    if prefs.annotations.wants("Microsoft.Dynamics.CRM.totalrecordcount"):
        total = min(len(found), MAX_PAGE) if query.count else -1
        body["@Microsoft.Dynamics.CRM.totalrecordcount"] = total
        body["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] = total >= MAX_PAGE
    body["value"] = [entity(session, table, r, query, prefs.annotations) for r in page]
    if query.top is None and number * size < len(found):
        body["@odata.nextLink"] = _next(session, call, path, number + 1, page[-1][table.key])
    return json_reply(body, prefs)


def _context(session: Session, table: Table, query: Query, *, single: bool) -> str:
    expands = [
        f"{e.name}({e.query.selected})" if e.query.selected else f"{e.name}()" for e in query.expand
    ]
    shape = ",".join(filter(None, [query.selected, *expands]))
    suffix = "/$entity" if single else ""
    return f"{session.root}/$metadata#{table.entity_set}{f'({shape})' if shape else ''}{suffix}"


_COOKIE = re.compile(r'<cookie pagenumber="(\d+)"')


def _page_number(skiptoken: str) -> int:
    if not skiptoken:
        return 1
    match = _COOKIE.match(skiptoken)
    if match is None:
        raise errors.Refused(400, "0x8004112a", "Invalid page number in paging cookie.")
    return int(match[1])


def _next(session: Session, call: Call, path: str, number: int, last: str) -> str:
    """The cookie's inner part is opaque to clients; the page number is what counts."""
    inner = quote(quote(f'<cookie page="{number - 1}"><id last="{{{last}}}" /></cookie>', ""), "")
    cookie = quote(f'<cookie pagenumber="{number}" pagingcookie="{inner}" />', "=")
    kept = [p for p in call.query.split("&") if p and not p.startswith(("$skiptoken", "%24skip"))]
    return f"{session.root}/{path}?{'&'.join([*kept, f'$skiptoken={cookie}'])}"
