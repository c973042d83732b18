"""From the JSON of a request to what is stored, field by field. Everything raises Refused."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from sandbox.salesforce import errors
from sandbox.salesforce.ids import canonical
from sandbox.salesforce.rows import stamp
from sandbox.salesforce.schema.model import NUMBERS, TEXTS, Field
from sandbox.salesforce.session import Session
from sandbox.salesforce.sharing import sees

_EMAIL = re.compile(r"[\w!#$%&'*/=?^+\-`{|}~.]+@[A-Za-z0-9\-]+(\.[A-Za-z0-9\-]+)+", re.ASCII)
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_FIRST_YEAR, _LAST_YEAR = 1700, 4000
_DEFAULT_PRECISION = 18


def stored(session: Session, field: Field, value: Any) -> Any:
    """The value to keep; None where the field is left or made empty."""
    if value is None:
        return None
    if field.type in TEXTS:
        return _text(field, value)
    if field.type in NUMBERS:
        return _number(field, value)
    return _OTHERS[field.type](session, field, value)


def _text(field: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        raise errors.cannot_read("string", value)
    if _UNSTORABLE.search(value):
        raise errors.bad_json(f"{field.label}: the value holds a character that can't be stored.")
    text = value.strip()
    if not text:
        return None
    if field.type == "picklist":
        if field.restricted and text not in {option for option, _ in field.values}:
            raise errors.bad_option(field.label, field.name, text)
        return text
    # Apex counts UTF-16 units (String.length); the pages on limits only say characters.
    if len(text.encode("utf-16-le")) > 2 * field.length:
        raise errors.too_long(field.label, field.name, text, field.length)
    if field.type == "email" and not _EMAIL.fullmatch(text):
        raise errors.bad_email(field.label, field.name, text)
    return text


def _number(field: Field, value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise errors.cannot_read(field.type, value)
    digits = (field.precision or _DEFAULT_PRECISION) - field.scale
    if abs(value) >= 10**digits:
        raise errors.number_outside(field.label, field.name)
    if field.type == "int" and value != int(value):
        raise errors.cannot_read("int", value)
    return int(value) if field.type == "int" else float(round(value, field.scale or 8))


def _boolean(_session: Session, _field: Field, value: Any) -> bool:
    if not isinstance(value, bool):
        raise errors.cannot_read("boolean", value)
    return value


def _datetime(_session: Session, _field: Field, value: Any) -> str:
    moment = parse_datetime(value) if isinstance(value, str) else None
    if moment is None:
        raise errors.cannot_read("datetime", value)
    return stamp(moment)


def _date(_session: Session, _field: Field, value: Any) -> str:
    day = parse_date(value) if isinstance(value, str) else None
    if day is None:
        raise errors.cannot_read("date", value)
    return day.isoformat()


def _reference(session: Session, field: Field, value: Any) -> str:
    id_ = canonical(value) if isinstance(value, str) else None
    target = session.schema.of_id(id_) if id_ else None
    if id_ is None or target is None or target.name not in field.references:
        raise errors.wrong_id(field.label, field.name, value)
    row = session.rows.get(target.name, id_)
    if row is None:
        raise errors.bad_reference()
    if row["IsDeleted"]:
        raise errors.deleted()
    if not sees(session, target.name, row):
        raise errors.no_access_to(id_)
    return id_


def _base64(_session: Session, _field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise errors.cannot_read("base64", value)
    return value


_OTHERS: Mapping[str, Callable[[Session, Field, Any], Any]] = {
    "boolean": _boolean,
    "datetime": _datetime,
    "date": _date,
    "reference": _reference,
    "base64": _base64,
}


def parse_datetime(text: str) -> datetime | None:
    """In UTC; a time without an offset is UTC."""
    if not _DATETIME.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if _FIRST_YEAR <= moment.year <= _LAST_YEAR else None


def parse_date(text: str) -> date | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if _FIRST_YEAR <= day.year <= _LAST_YEAR else None
