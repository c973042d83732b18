"""`/search` and `/parameterizedSearch`: words in the names and texts of records.

REST API Developer Guide, "Search" and "Parameterized Search"; SOSL Reference.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.salesforce import errors
from sandbox.salesforce.schema.model import TEXTS, Field, Object
from sandbox.salesforce.session import Call, Reply, Session
from sandbox.salesforce.shapes import body_of, objects_in, text_in, texts_in
from sandbox.salesforce.soql.model import Path, Query, Search
from sandbox.salesforce.soql.parse import parse_condition, parse_search
from sandbox.salesforce.soql.run import select
from sandbox.salesforce.sosl.words import Test, word_test
from sandbox.store import Row

MAX_RESULTS = 2000
SCOPES = frozenset(("ALL", "NAME", "EMAIL", "PHONE", "SIDEBAR"))
_NAMES = frozenset(("FirstName", "LastName"))
_ID: Path = ("Id",)


def search(session: Session, call: Call) -> Reply:
    if call.method != "GET" or len(call.path) > 1:
        raise errors.not_found()
    return _found(session, parse_search(call.query.get("q", "")))


def parameterized(session: Session, call: Call) -> Reply:
    if len(call.path) > 1 or call.method not in ("GET", "POST"):
        raise errors.not_found()
    wanted = body_of(call) if call.method == "POST" else _from_url(call.query)
    return _found(session, _search(wanted))


def _from_url(query: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a GET in the shape of a POST's body."""
    wanted: dict[str, Any] = {k: v for k, v in query.items() if "." not in k and k != "sobject"}
    wanted["fields"] = _names(query.get("fields", ""))
    wanted["sobjects"] = []
    for name in _names(query.get("sobject", "")):
        own = {k.removeprefix(f"{name}."): v for k, v in query.items() if k.startswith(f"{name}.")}
        fields = {"fields": _names(own["fields"])} if "fields" in own else {}
        wanted["sobjects"].append({**own, **fields, "name": name})
    return wanted


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _search(wanted: Mapping[str, Any]) -> Search:
    words = text_in(wanted.get("q"), "q")
    objects = objects_in(wanted.get("sobjects") or [], "sobjects")
    returning = tuple(_returned(wanted, one) for one in objects)
    limit = wanted.get("overallLimit")
    scope = str(wanted.get("in") or "ALL").upper()
    return Search(words, scope, returning, _number(limit, "overallLimit"))


def _returned(wanted: Mapping[str, Any], one: Mapping[str, Any]) -> Query:
    fields = texts_in(one.get("fields") or wanted.get("fields") or ["Id"], "fields")
    condition = one.get("where")
    limit = one.get("limit", wanted.get("defaultLimit"))
    return Query(
        tuple(tuple(name.split(".")) for name in fields),
        text_in(one.get("name"), "name"),
        parse_condition(text_in(condition, "where")) if condition else None,
        limit=_number(limit, "limit"),
    )


def _number(value: Any, name: str) -> int | None:
    if value is None or value == "":
        return None
    if not str(value).isdigit():
        raise errors.bad_input(f"{name} must be a number.")
    return int(value)


def _found(session: Session, wanted: Search) -> Reply:
    if wanted.scope not in SCOPES:
        raise errors.malformed_search(f"unknown search group: {wanted.scope}")
    test = word_test(wanted.words)
    every = (Query((_ID,), o.name) for o in session.schema.objects.values() if not o.view_of)
    found: list[dict[str, Any]] = []
    limit = MAX_RESULTS if wanted.limit is None else min(wanted.limit, MAX_RESULTS)
    for query in wanted.returning or every:
        object_ = session.schema.by_lower.get(query.source.lower())
        if object_ is None:
            raise errors.invalid_type(query.source)
        rows = _hits(session, object_, wanted.scope, test)
        found += select(session, object_, query, rows)
    return Reply(200, {"searchRecords": found[:limit]})


def _hits(session: Session, object_: Object, scope: str, test: Test) -> Iterable[Row]:
    fields = [f.name for f in object_.fields.values() if _searched(object_, f, scope)]
    return (
        row
        for row in session.rows.all(object_.key)
        if test([row[name].lower() for name in fields if name in row])
    )


def _searched(object_: Object, field: Field, scope: str) -> bool:
    if scope == "NAME":
        return field.name == object_.name_field or field.name in _NAMES
    if scope in ("EMAIL", "PHONE"):
        return field.type == scope.lower()
    return field.type in TEXTS and field.type != "picklist"
