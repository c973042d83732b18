"""`/composite/sobjects`: up to 200 records in one request, in one transaction or each for itself.

REST API Developer Guide, "sObject Collections".
"""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.salesforce import errors, writes
from sandbox.salesforce.ids import canonical
from sandbox.salesforce.represent import record
from sandbox.salesforce.schema.model import Field, Object
from sandbox.salesforce.session import Call, Reply, Session
from sandbox.salesforce.shapes import body_of, objects_in, texts_in
from sandbox.salesforce.sharing import sees
from sandbox.salesforce.sobjects import allows_duplicates, upsert

MAX_RECORDS = 200
MAX_READ = 2000
_Work = Callable[[], dict[str, Any]]


class _Undone(Exception):
    """Leaves the transaction of a collection that failed as a whole."""


def collection(session: Session, call: Call) -> Reply:
    match call.method, call.path[2:]:
        case "POST", ():
            return _each(session, call, _creations(session, call))
        case "PATCH", ():
            return _each(session, call, _updates(session, call))
        case "PATCH", (name, field):
            object_ = session.object(name)
            return _each(session, call, _upserts(session, call, object_, field))
        case "DELETE", ():
            return _each(session, call, _deletions(session, call))
        case "GET" | "POST", (name,):
            return _read(session, call, session.object(name))
    raise errors.not_found()


def _each(session: Session, call: Call, work: list[_Work]) -> Reply:
    """Does one thing for each record. A composite's all-or-none overrides the collection's own."""
    source = call.query if call.method == "DELETE" else body_of(call)
    whole = session.all_or_none or str(source.get("allOrNone", False)).lower() == "true"
    results: list[dict[str, Any]] = []
    store = session.world.store
    try:
        with store.transaction():
            results += [_attempt(session, task) for task in work]
            if whole and not all(result["success"] for result in results):
                raise _Undone
    except _Undone:
        results = [_rolled_back(result) for result in results]
    failed = not all(result["success"] for result in results)
    return Reply(200, results, failed=whole and failed)


def _attempt(session: Session, task: _Work) -> dict[str, Any]:
    try:
        with session.world.store.transaction():
            return task()
    except errors.Refused as error:
        return error.result()


def _rolled_back(result: dict[str, Any]) -> dict[str, Any]:
    if not result["success"]:
        return result
    undone = errors.Refused(400, "ALL_OR_NONE_OPERATION_ROLLED_BACK", errors.RECORD_ROLLED_BACK, ())
    return undone.result()


def _records(call: Call) -> list[Mapping[str, Any]]:
    return _limited(objects_in(body_of(call).get("records"), "records"))


def _limited(records: list[Any]) -> list[Any]:
    if len(records) > MAX_RECORDS:
        raise errors.Refused(
            400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {MAX_RECORDS}"
        )
    return records


def _type(session: Session, row: Mapping[str, Any]) -> Object:
    about = row.get("attributes")
    name = about.get("type") if isinstance(about, dict) else None
    if not isinstance(name, str):
        raise errors.bad_input("The attributes of a record must name its type.")
    object_ = session.schema.by_lower.get(name.lower())
    if object_ is None:
        raise errors.invalid_type(name)
    return object_


def _creations(session: Session, call: Call) -> list[_Work]:
    allow = allows_duplicates(call.headers)

    def create(row: Mapping[str, Any]) -> dict[str, Any]:
        object_ = _type(session, row)
        return _done(writes.create(session, object_, row, allow_duplicates=allow))

    return [lambda row=row: create(row) for row in _records(call)]  # type: ignore[misc]


def _updates(session: Session, call: Call) -> list[_Work]:
    allow = allows_duplicates(call.headers)

    def update(row: Mapping[str, Any]) -> dict[str, Any]:
        object_ = _type(session, row)
        given = next((v for k, v in row.items() if k.lower() == "id"), None)
        id_ = writes.id_of(object_, given) if isinstance(given, str) else None
        if id_ is None:
            raise errors.malformed_id(given)
        writes.update(session, object_, id_, row, allow_duplicates=allow)
        return _done(id_)

    return [lambda row=row: update(row) for row in _records(call)]  # type: ignore[misc]


def _upserts(session: Session, call: Call, object_: Object, name: str) -> list[_Work]:
    field = _external_field(object_, name)

    def one(row: Mapping[str, Any]) -> dict[str, Any]:
        values = {k: v for k, v in row.items() if k.lower() != field.name.lower()}
        value = next((v for k, v in row.items() if k.lower() == field.name.lower()), None)
        if not isinstance(value, str):
            raise errors.missing([field.name])
        reply = upsert(session, object_, field, value, values)
        return dict(reply.body)

    return [lambda row=row: one(row) for row in _records(call)]  # type: ignore[misc]


def _external_field(object_: Object, name: str) -> Field:
    field = object_.by_lower.get(name.lower())
    if field is None or not field.external_id:
        raise errors.no_external_id(name)
    return field


def _deletions(session: Session, call: Call) -> list[_Work]:
    def delete(text: str) -> dict[str, Any]:
        id_ = canonical(text)
        object_ = session.schema.of_id(id_) if id_ else None
        if id_ is None or object_ is None:
            raise errors.malformed_id(text)
        writes.delete(session, object_, id_)
        return _done(id_)

    ids = [text for text in call.query.get("ids", "").split(",") if text]
    return [lambda text=text: delete(text) for text in _limited(ids)]  # type: ignore[misc]


def _done(id_: str) -> dict[str, Any]:
    return {"id": id_, "success": True, "errors": []}


def _read(session: Session, call: Call, object_: Object) -> Reply:
    """Records in the order of their ids; null where there is none that the caller may see."""
    if call.method == "POST":
        body = body_of(call)
        ids, names = texts_in(body.get("ids"), "ids"), texts_in(body.get("fields"), "fields")
    else:
        ids = call.query.get("ids", "").split(",")
        names = call.query.get("fields", "").split(",")
    if len(ids) > MAX_READ:
        raise errors.Refused(400, "EXCEEDED_ID_LIMIT", f"record limit reached: {MAX_READ}")
    fields = [_known(object_, name) for name in names]
    return Reply(200, [_one(session, object_, id_, fields) for id_ in ids])


def _known(object_: Object, name: str) -> Field:
    field = object_.by_lower.get(name.strip().lower())
    if field is None:
        raise errors.no_such_column(name, object_.name)
    return field


def _one(
    session: Session, object_: Object, text: str, fields: list[Field]
) -> dict[str, Any] | None:
    id_ = writes.id_of(object_, text)
    row = session.rows.live(object_.key, id_) if id_ else None
    if row is None or not sees(session, object_.key, row):
        return None
    return record(session, object_, row, fields)
