"""From one request to what it means: method and path → read, write, action or function."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox.dataverse import errors, functions, metadata_calls, reads, writes
from sandbox.dataverse.answers import empty_reply, error_reply, json_reply, row_reply
from sandbox.dataverse.parties import PARTY
from sandbox.dataverse.path import Segment, segments
from sandbox.dataverse.payload import BIND, content_id_unknown, resolve
from sandbox.dataverse.preferences import Preferences, preferences
from sandbox.dataverse.query import link_of, options_of, parsed
from sandbox.dataverse.represent import entity, entity_id, etag
from sandbox.dataverse.rows import POINTER
from sandbox.dataverse.schema import SCHEMA
from sandbox.dataverse.schema.model import Collection, Navigation, Table
from sandbox.dataverse.security import visible
from sandbox.dataverse.session import Call, Reply, Session


def answer(session: Session, call: Call) -> Reply:
    """Does one request, all of it or nothing; a refusal becomes its error reply."""
    try:
        with session.world.store.transaction():
            return perform(session, call)
    except errors.Refused as error:
        return error_reply(error, preferences(call.headers.get("prefer", "")))


def perform(session: Session, call: Call) -> Reply:
    """Does one request. Raises Refused, perhaps with half of the work done."""
    if call.headers.get("mscrm.suppressduplicatedetection", "").lower() == "false":
        session = replace(session, detect_duplicates=True)
    path = segments(call.target)
    if path[0].name.startswith("$"):
        path = [_referenced(session, path[0].name), *path[1:]]
    first, rest = path[0], path[1:]
    if first.name not in SCHEMA.by_set:
        return _unbound(session, call, path)
    table = SCHEMA.by_set[first.name]
    if first.key is None:
        return _set(session, call, table, rest)
    id_ = writes.key_of(first.key)
    if id_ is None:
        raise errors.bad_query(
            f"The key in '{first.name}({first.key})' is neither a GUID nor an alternate key of "
            f"'{table.name}'."
        )
    return _row(session, call, _actual(session, table, id_), id_, rest)


def _unbound(session: Session, call: Call, path: list[Segment]) -> Reply:
    name = path[0].name
    if name in metadata_calls.ROOTS:
        return metadata_calls.answer(session, call, path)
    if len(path) > 1 or name not in functions.NAMES:
        raise errors.unknown_segment(name)
    if name in functions.ACTIONS:
        _require(call, "POST")
        return functions.ACTIONS[name](session, json_body(call))
    _require(call, "GET")
    return functions.call_function(session, name, functions.arguments_of(path[0].key, call))


def _require(call: Call, method: str) -> None:
    if call.method != method:
        raise _not_allowed(call)


def _referenced(session: Session, name: str) -> Segment:
    """`$1` in a URL means the row that the request with that Content-ID made."""
    if name[1:] not in session.references:
        raise content_id_unknown(name)
    table, id_ = session.references[name[1:]]
    return Segment(SCHEMA.tables[table].entity_set, id_)


def _actual(session: Session, table: Table, id_: str) -> Table:
    """The activity behind an `activitypointers(…)` address."""
    actual = session.rows.where(table.name, id_) if table.name == POINTER else None
    return SCHEMA.tables[actual] if actual else table


def _set(session: Session, call: Call, table: Table, rest: list[Segment]) -> Reply:
    prefs = preferences(call.headers.get("prefer", ""))
    if not rest and call.method == "GET":
        return reads.many(session, call, prefs, table)
    if not rest and call.method == "POST":
        id_ = writes.create(session, table, json_body(call))
        return _written(session, call, prefs, table, id_, 201)
    name = rest[0].name if rest else ""
    if name == "$count" and call.method == "GET":
        return reads.count(session, call, table, session.rows.all(table.name))
    if name.startswith("Microsoft.Dynamics.CRM.") and call.method == "POST":
        return _bulk(session, call, table, name.rpartition(".")[2])
    if rest and name != "$count":
        raise errors.unknown_segment(name)
    raise _not_allowed(call)


def _bulk(session: Session, call: Call, table: Table, action: str) -> Reply:
    targets = json_body(call).get("Targets")
    if not isinstance(targets, list):
        raise errors.bad_payload(table.entity_set, "The parameter 'Targets' is missing.")
    if action == "CreateMultiple":
        ids = [writes.create(session, table, t) for t in targets]
        context = f"{session.root}/$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse"
        return json_reply({"@odata.context": context, "Ids": ids})
    if action == "UpdateMultiple":
        for body in targets:
            id_ = str(body.get(table.key, ""))
            writes.update(session, table, id_, body)
        return empty_reply()
    raise errors.unsupported(f"the action '{action}'")


def _row(session: Session, call: Call, table: Table, id_: str, rest: list[Segment]) -> Reply:
    if rest:
        return _below(session, call, table, id_, rest)
    prefs = preferences(call.headers.get("prefer", ""))
    match call.method:
        case "GET":
            return reads.one(session, call, prefs, table, id_)
        case "PATCH":
            return _patch(session, call, prefs, table, id_)
        case "DELETE":
            _check_version(session, call, table, id_)
            writes.delete(session, table, id_)
            return empty_reply()
    raise _not_allowed(call)


def _patch(session: Session, call: Call, prefs: Preferences, table: Table, id_: str) -> Reply:
    """An upsert, unless If-Match or If-None-Match forbids the one or the other.

    Learn, "Perform conditional operations using the Web API".
    """
    exists = session.rows.get(table.name, id_) is not None
    if exists and _header(call, "if-none-match") == "*":
        raise errors.Refused(412, "", "A record with matching key values already exists.")
    if exists or "if-match" in call.headers:
        _check_version(session, call, table, id_)
        writes.update(session, table, id_, json_body(call))
        return _written(session, call, prefs, table, id_, 200)
    writes.create(session, table, json_body(call), id_)
    return _written(session, call, prefs, table, id_, 201)


def _check_version(session: Session, call: Call, table: Table, id_: str) -> None:
    wanted = _header(call, "if-match")
    if not wanted:
        return
    row = session.rows.get(table.name, id_)
    if row is None:
        missing = errors.does_not_exist(table.name, id_)
        raise errors.Refused(missing.status, "", missing.message)
    if wanted != "*" and wanted != etag(row):
        raise errors.stale()


def _header(call: Call, name: str) -> str:
    """Learn's own samples put the star in quotes."""
    value = call.headers.get(name, "").strip()
    return "*" if value == '"*"' else value


def _written(
    session: Session, call: Call, prefs: Preferences, table: Table, id_: str, status: int
) -> Reply:
    if not prefs.representation:
        return row_reply(session, table.name, id_)
    query = parsed(table.name, call.query)
    row = visible(session, table, id_)
    body: dict[str, Any] = {
        "@odata.context": f"{session.root}/$metadata#{table.entity_set}/$entity"
    }
    body |= entity(session, table, row, query, prefs.annotations)
    reply = json_reply(body, prefs, status)
    address = entity_id(session, table.name, id_)
    headers = {**reply.headers, "Location": address, "OData-EntityId": address}
    return Reply(status, reply.body, headers, (table.name, id_))


def _below(session: Session, call: Call, table: Table, id_: str, rest: list[Segment]) -> Reply:
    name = rest[0].name
    link = link_of(table.name, name)
    if link is not None:
        return _link(session, call, table, id_, link, rest)
    if name in SCHEMA.by_property[table.name]:
        return _property(session, call, table, id_, name, rest[1:])
    if name.startswith("Microsoft.Dynamics.CRM."):
        raise errors.unsupported(f"the action '{name}'")
    raise errors.unknown_segment(name)


def _property(
    session: Session, call: Call, table: Table, id_: str, name: str, rest: list[Segment]
) -> Reply:
    raw = [s.name for s in rest] == ["$value"]
    if rest and not raw:
        raise errors.unknown_segment(rest[0].name)
    if call.method == "GET":
        return reads.property_(session, table, id_, name, raw=raw)
    if call.method in ("PUT", "DELETE") and not raw:
        _check_version(session, call, table, id_)
        value = json_body(call).get("value") if call.method == "PUT" else None
        writes.update(session, table, id_, {name: value})
        return empty_reply()
    raise _not_allowed(call)


def _link(
    session: Session,
    call: Call,
    table: Table,
    id_: str,
    link: Navigation | Collection,
    rest: list[Segment],
) -> Reply:
    prefs = preferences(call.headers.get("prefer", ""))
    tail = [segment.name for segment in rest[1:]]
    if tail == ["$ref"]:
        return _ref(session, call, table, id_, link, rest[0].key)
    if tail == ["$count"] and isinstance(link, Collection) and call.method == "GET":
        visible(session, table, id_)
        rows = session.rows.children(link, id_)
        return reads.count(session, call, SCHEMA.tables[link.table], rows)
    if tail:
        raise errors.unknown_segment(tail[0])
    if call.method == "GET" and isinstance(link, Collection):
        return reads.related(session, call, prefs, table, id_, link)
    if call.method == "GET" and isinstance(link, Navigation):
        return reads.target(session, call, prefs, table, id_, link)
    if call.method == "PUT" and isinstance(link, Collection) and link.table == PARTY.name:
        _check_version(session, call, table, id_)
        writes.replace_parties(session, table, id_, json_body(call).get("value"))
        return empty_reply()
    raise _not_allowed(call)


def _ref(
    session: Session,
    call: Call,
    table: Table,
    id_: str,
    link: Navigation | Collection,
    key: str | None,
) -> Reply:
    """Associate and disassociate. Learn, "Associate and disassociate table rows"."""
    if call.method == "GET":
        return reads.references(session, table, id_, link)
    if isinstance(link, Navigation) and call.method in ("PUT", "DELETE"):
        address = json_body(call).get("@odata.id") if call.method == "PUT" else None
        if call.method == "PUT" and address is None:
            raise errors.bad_payload(table.entity_set, "The property '@odata.id' is missing.")
        writes.update(session, table, id_, {f"{link.name}{BIND}": address})
        return empty_reply()
    if isinstance(link, Collection) and call.method in ("POST", "DELETE"):
        visible(session, table, id_)
        if call.method == "POST":
            child, value = resolve(session, json_body(call).get("@odata.id")), entity_id
            own: str | None = value(session, table.name, id_)
        else:
            child, own = _disassociated(session, call, link, key), None
        writes.update(session, SCHEMA.tables[child[0]], child[1], {f"{link.navigation}{BIND}": own})
        return empty_reply()
    raise _not_allowed(call)


def _disassociated(
    session: Session, call: Call, link: Collection, key: str | None
) -> tuple[str, str]:
    """The related row named in the brackets or by `$id`."""
    if key is not None:
        id_ = writes.key_of(key)
        if id_ is None:
            raise errors.bad_query(f"'{key}' is not a GUID.")
        return (session.rows.where(link.table, id_) or link.table, id_)
    return resolve(session, options_of(call.query).get("$id"))


def json_body(call: Call) -> Mapping[str, Any]:
    """The request's body as an object; NaN and the like are no JSON."""
    try:
        body = json.loads(call.body or b"{}", parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise errors.bad_payload(
            call.target.partition("(")[0], f"The body is not valid JSON: {type(error).__name__}."
        ) from None
    if not isinstance(body, dict):
        raise errors.bad_payload(
            call.target.partition("(")[0],
            "A node of type 'StartObject' was expected at the start of the body.",
        )
    return body


def _no_constant(text: str) -> Any:
    raise ValueError(text)


def _not_allowed(call: Call) -> errors.Refused:
    return errors.Refused(
        405,
        "0x80060888",
        f"The requested resource does not support http method '{call.method}'.",
    )
