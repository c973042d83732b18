"""Conditions → predicates over records."""

import operator
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from sandbox.salesforce import errors
from sandbox.salesforce.ids import canonical
from sandbox.salesforce.rows import index_key, is_indexed, stamp
from sandbox.salesforce.schema.model import NUMBERS, TEXTS, Field, Object
from sandbox.salesforce.session import Session
from sandbox.salesforce.soql.fields import column, getter
from sandbox.salesforce.soql.model import (
    Comparison,
    Condition,
    In,
    Junction,
    Like,
    Not,
    Path,
    Query,
    Text,
    Value,
)
from sandbox.salesforce.soql.parse import like_pattern, unescaped
from sandbox.store import Row

Predicate = Callable[[Row], bool]
SubQuery = Callable[[Query], set[Any]]
"""Gives the values of the one field that a query inside IN (…) selects."""

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def predicate(session: Session, object_: Object, condition: Condition, sub: SubQuery) -> Predicate:
    """Raises Refused where a value doesn't fit its field."""
    match condition:
        case Junction(terms, every):
            tests = [predicate(session, object_, term, sub) for term in terms]
            if every:
                return lambda row: all(test(row) for test in tests)
            return lambda row: any(test(row) for test in tests)
        case Not(term):
            test = predicate(session, object_, term, sub)
            return lambda row: not test(row)
        case Like(path, pattern):
            return _like(session, object_, path, pattern)
        case In(path, values, negated):
            return _in(session, object_, path, values, negated, sub)
        case Comparison():
            return _comparison(session, object_, condition)


def _comparison(session: Session, object_: Object, condition: Comparison) -> Predicate:
    field, get = _filterable(session, object_, condition.path)
    wanted = _comparable(field, condition.value)
    if condition.operator == "=":
        return lambda row: _key(field, get(row)) == wanted
    if condition.operator == "!=":
        return lambda row: _key(field, get(row)) != wanted
    if field.type in ("id", "reference", "boolean") or wanted is None:
        raise errors.Refused(
            400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {field.name}"
        )
    compare = _COMPARE[condition.operator]

    def ordered(row: Row) -> bool:
        value = _key(field, get(row))
        return value is not None and compare(value, wanted)

    return ordered


def _like(session: Session, object_: Object, path: Path, pattern: Text) -> Predicate:
    field, get = _filterable(session, object_, path)
    if field.type not in TEXTS:
        raise errors.Refused(
            400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {field.type} field"
        )
    compiled = like_pattern(pattern)
    return lambda row: bool(compiled.fullmatch(get(row) or ""))


def _in(
    session: Session,
    object_: Object,
    path: Path,
    values: tuple[Value, ...] | Query,
    negated: bool,
    sub: SubQuery,
) -> Predicate:
    field, get = _filterable(session, object_, path)
    if isinstance(values, Query):
        wanted = sub(values)
    else:
        wanted = {_comparable(field, value) for value in values}
    return lambda row: (_key(field, get(row)) in wanted) is not negated


def _filterable(
    session: Session, object_: Object, path: Path
) -> tuple[Field, Callable[[Row], Any]]:
    found = column(session, object_, path)
    if not found.field.filterable:
        raise errors.invalid_field(
            f"field '{found.field.name}' can not be filtered in a query call"
        )
    return found.field, getter(session, object_, found)


def _key(field: Field, value: Any) -> Any:
    """A stored value in the form that values are compared in."""
    if isinstance(value, str) and field.type in TEXTS:
        return value if field.case_sensitive else value.casefold()
    return value


def _comparable(field: Field, value: Value) -> Any:
    """A literal in that form. Raises Refused where its type is not the field's."""
    if value is None:
        return None
    if field.type in TEXTS:
        if not isinstance(value, Text):
            raise _wrong_type(field, "string and should be enclosed in quotes")
        return _key(field, unescaped(value)) or None
    if field.type in ("id", "reference"):
        return _id(field, value)
    if field.type == "datetime":
        if not isinstance(value, datetime):
            raise _wrong_type(field, "dateTime and should not be enclosed in quotes")
        return stamp(value)
    if field.type == "date":
        if not isinstance(value, date) or isinstance(value, datetime):
            raise _wrong_type(field, "date and should not be enclosed in quotes")
        return value.isoformat()
    if field.type == "boolean":
        if not isinstance(value, bool):
            raise _wrong_type(field, "boolean and should not be enclosed in quotes")
        return value
    if field.type in NUMBERS and isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise _wrong_type(field, f"{field.type} and should not be enclosed in quotes")


def _id(field: Field, value: Value) -> str | None:
    if not isinstance(value, Text):
        raise _wrong_type(field, "ID and should be enclosed in quotes")
    text = unescaped(value)
    id_ = canonical(text) if text else None
    if id_ is None and text:
        raise errors.Refused(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {text}")
    return id_


def _wrong_type(field: Field, expected: str) -> errors.Refused:
    return errors.invalid_field(
        f"value of filter criterion for field '{field.name}' must be of type {expected}"
    )


def candidates(
    session: Session, object_: Object, condition: Condition | None
) -> Iterable[Row] | None:
    """Records among which all matches are, where an index knows; None: any may match."""
    found = _keys(session, object_, condition)
    if found is None:
        return None
    rows: dict[str, Row] = {}
    for field, keys in found:
        if field.type == "id":
            offered = (session.rows.get(object_.key, key) for key in keys)
            rows.update((row["Id"], row) for row in offered if row is not None)
        else:
            known = session.rows.known(object_.key, field.name, keys)
            rows.update((row["Id"], row) for row in known)
    return rows.values()


_Keys = list[tuple[Field, set[str]]]


def _keys(session: Session, object_: Object, condition: Condition | None) -> _Keys | None:
    match condition:
        case Junction(terms, True):
            known = (_keys(session, object_, term) for term in terms)
            return next((keys for keys in known if keys is not None), None)
        case Junction(terms, False):
            every = [_keys(session, object_, term) for term in terms]
            complete = [keys for keys in every if keys is not None]
            if len(complete) < len(every):
                return None
            return [key for keys in complete for key in keys]
        case Comparison((name,), "=", Text() as value):
            return _indexed(object_, name, (value,))
        case In((name,), tuple() as values, False):
            texts = tuple(value for value in values if isinstance(value, Text))
            return _indexed(object_, name, texts) if len(texts) == len(values) else None
    return None


def _indexed(object_: Object, name: str, values: tuple[Text, ...]) -> _Keys | None:
    field = object_.by_lower.get(name.lower())
    if field is None or not (field.type == "id" or is_indexed(object_.key, field)):
        return None
    keys = {_comparable(field, value) for value in values}
    if None in keys:
        return None
    return [(field, keys if field.type == "id" else {index_key(field, key) for key in keys})]
