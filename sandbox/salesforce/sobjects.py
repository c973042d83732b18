"""`/sobjects/…`: records one at a time.

REST API Developer Guide, "sObject Rows" and "sObject Rows by External ID".
"""

import base64
from collections.abc import Mapping
from typing import Any

from sandbox.salesforce import describe, errors, writes
from sandbox.salesforce.ids import canonical
from sandbox.salesforce.represent import record
from sandbox.salesforce.rows import index_key
from sandbox.salesforce.schema.model import Field, Object
from sandbox.salesforce.session import Call, Reply, Session
from sandbox.salesforce.shapes import body_of
from sandbox.salesforce.sharing import readable, sees
from sandbox.salesforce.values import stored
from sandbox.store import Row

DUPLICATE_HEADER = "sforce-duplicate-rule-header"


def sobjects(session: Session, call: Call) -> Reply:
    match call.path[1:]:
        case ():
            _require(call, "GET")
            return Reply(200, describe.all_objects(session))
        case (name,):
            return _object(session, call, session.object(name))
        case (name, "describe"):
            _require(call, "GET")
            return Reply(200, describe.one_object(session, session.object(name)))
        case (name, id_):
            return _row(session, call, session.object(name), id_)
        case (name, id_, last):
            return _below(session, call, session.object(name), id_, last)
    raise errors.not_found()


def _require(call: Call, *methods: str) -> None:
    if call.method not in methods:
        raise errors.method_not_allowed(call.method)


def allows_duplicates(headers: Mapping[str, str]) -> bool:
    return "allowsave=true" in headers.get(DUPLICATE_HEADER, "").lower().replace(" ", "")


def _object(session: Session, call: Call, object_: Object) -> Reply:
    _require(call, "GET", "POST")
    if call.method == "GET":
        about = describe.summary(session, object_)
        return Reply(200, {"objectDescribe": about, "recentItems": []})
    allow = allows_duplicates(call.headers)
    data = call.files.get("VersionData")
    id_ = writes.create(session, object_, body_of(call), data=data, allow_duplicates=allow)
    return created(session, object_, id_)


def created(session: Session, object_: Object, id_: str, **more: Any) -> Reply:
    body = {"id": id_, "success": True, "errors": [], **more}
    return Reply(201, body, {"Location": session.url(object_, id_)})


def _row(session: Session, call: Call, object_: Object, text: str) -> Reply:
    _require(call, "GET", "PATCH", "DELETE")
    id_ = writes.id_of(object_, text)
    if id_ is None:
        if call.method == "GET":
            raise errors.no_external_id(text)
        raise errors.malformed_id(text)
    if call.method == "GET":
        row = readable(session, object_, id_)
        return Reply(200, record(session, object_, row, _wanted(object_, call)))
    if call.method == "PATCH":
        allow = allows_duplicates(call.headers)
        writes.update(session, object_, id_, body_of(call), allow_duplicates=allow)
    else:
        writes.delete(session, object_, id_)
    return Reply(204)


def _wanted(object_: Object, call: Call) -> list[Field]:
    names = call.query.get("fields", "")
    if not names:
        return list(object_.fields.values())
    found = [(name, object_.by_lower.get(name.strip().lower())) for name in names.split(",")]
    unknown = [name for name, field in found if field is None]
    if unknown:
        raise errors.no_such_column(unknown[0], object_.name)
    wanted = [field for _, field in found if field is not None]
    id_ = object_.fields["Id"]
    return wanted if id_ in wanted else [*wanted, id_]


def _below(session: Session, call: Call, object_: Object, second: str, last: str) -> Reply:
    field = object_.by_lower.get(second.lower())
    if field is not None and (field.external_id or field.type == "id"):
        return _external(session, call, object_, field, last)
    data = object_.by_lower.get(last.lower())
    id_ = canonical(second)
    if data is None or data.type != "base64" or id_ is None:
        raise errors.not_found()
    _require(call, "GET")
    readable(session, object_, id_)
    content = base64.b64decode(session.rows.contents(id_))
    return Reply(200, content, media_type="application/octetstream")


def _external(session: Session, call: Call, object_: Object, field: Field, value: str) -> Reply:
    _require(call, "GET", "PATCH", "DELETE")
    if field.type == "id":
        return _row(session, call, object_, value)
    found = by_external_id(session, object_, field, value)
    if len(found) > 1:
        return Reply(300, [session.url(object_, row["Id"]) for row in found])
    if call.method == "PATCH":
        allow = allows_duplicates(call.headers)
        return upsert(session, object_, field, value, body_of(call), allow_duplicates=allow)
    if not found:
        raise errors.not_found()
    return _row(session, call, object_, found[0]["Id"])


def upsert(
    session: Session,
    object_: Object,
    field: Field,
    value: str,
    body: Mapping[str, Any],
    *,
    allow_duplicates: bool = False,
) -> Reply:
    """Changes the one record with that external id, or creates it. Raises Refused."""
    found = by_external_id(session, object_, field, value)
    if any(name.lower() in (field.name.lower(), "id") for name in body):
        raise errors.invalid_field(
            f"The {field.name} field should not be specified in the sobject data."
        )
    if len(found) > 1:
        raise errors.Refused(
            400, "DUPLICATE_EXTERNAL_ID", f"{field.name}: more than one record found"
        )
    if found:
        id_ = found[0]["Id"]
        writes.update(session, object_, id_, body, allow_duplicates=allow_duplicates)
        return Reply(200, {"id": id_, "success": True, "errors": [], "created": False})
    whole = {**body, field.name: value}
    id_ = writes.create(session, object_, whole, allow_duplicates=allow_duplicates)
    return created(session, object_, id_, created=True)


def by_external_id(session: Session, object_: Object, field: Field, value: str) -> list[Row]:
    text = stored(session, field, value)
    if text is None:
        raise errors.no_external_id(value)
    wanted = index_key(field, text)
    return [
        row
        for row in session.rows.known(object_.key, field.name, (text,))
        if not row["IsDeleted"]
        and field.name in row
        and index_key(field, row[field.name]) == wanted
        and sees(session, object_.key, row)
    ]
