"""Values on their way in: checked against the column's declaration, brought to the stored form."""

import base64
import binascii
import re
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any
from uuid import UUID

from sandbox.dataverse import errors
from sandbox.dataverse.rows import stamp
from sandbox.dataverse.schema.model import EDM, Column, Table

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0, in which Dataverse passes values between its parts, can't hold."""
_EARLIEST = datetime(1753, 1, 1, tzinfo=UTC)
_RANGE = (
    "A validation error occurred. The value {0} of '{1}' on record of type '{2}' is outside the "
    "valid range."
)


def stored(table: Table, column: Column, value: Any) -> Any:
    """The stored form of a client's value. Raises Refused."""
    if value is None:
        return None
    match column.kind:
        case "string" | "memo":
            return _text(table, column, value)
        case "boolean":
            return value if isinstance(value, bool) else _wrong(table, column, value)
        case "integer" | "bigint":
            return _integer(table, column, value)
        case "decimal" | "money" | "double":
            number = isinstance(value, int | float) and not isinstance(value, bool)
            return value if number and isfinite(value) else _wrong(table, column, value)
        case "picklist" | "state" | "status":
            return _choice(table, column, value)
        case "datetime":
            return _moment(table, column, value)
        case "date":
            return _day(table, column, value)
        case "guid":
            return guid(value) or _wrong(table, column, value)
        case _:
            return _wrong(table, column, value)


def guid(value: object) -> str | None:
    """A GUID in its stored form, or None where it isn't one."""
    if not isinstance(value, str) or len(value) not in (36, 38):
        return None
    try:
        return str(UUID(value))
    except ValueError:
        return None


def decoded(text: str) -> bytes | None:
    """The bytes behind strict base64, or None."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def moment(value: object) -> datetime | None:
    """A time with its offset, or None."""
    if not isinstance(value, str) or "T" not in value:
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else None


def _wrong(table: Table, column: Column, value: Any) -> Any:
    literal = str(value).lower() if isinstance(value, bool) else str(value)[:100]
    raise errors.bad_payload(
        table.entity_set,
        f"Cannot convert the literal '{literal}' to the expected type '{EDM[column.kind]}'.",
    )


def _text(table: Table, column: Column, value: Any) -> Any:
    if not isinstance(value, str):
        return _wrong(table, column, value)
    plain = value.isascii() and value.isprintable()  # much faster than the search
    bad = None if plain else _FORBIDDEN.search(value)
    if bad:
        raise errors.Refused(
            400,
            "0x80040278",
            f"Invalid character in field '{column.name}': hexadecimal value "
            f"0x{ord(bad.group()):02X}, is an invalid character.",
        )
    units = len(value) + sum(ch > "\uffff" for ch in value) if not value.isascii() else len(value)
    if column.max_length is not None and units > column.max_length:
        raise errors.Refused(
            400,
            "0x80044331",
            f"A validation error occurred.  The length of the '{column.name}' attribute of the "
            f"'{table.name}' entity exceeded the maximum allowed length of '{column.max_length}'.",
        )
    return value


def _integer(table: Table, column: Column, value: Any) -> Any:
    if not isinstance(value, int) or isinstance(value, bool):
        return _wrong(table, column, value)
    low, high = column.minimum, column.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        raise errors.Refused(
            400,
            "0x8004432f",
            _RANGE.format(value, column.name, table.name) + f" Accepted Values: {low} to {high}",
        )
    return value


def _choice(table: Table, column: Column, value: Any) -> Any:
    if not isinstance(value, int) or isinstance(value, bool):
        return _wrong(table, column, value)
    if column.options is None or column.options.find(value) is None:
        accepted = ",".join(str(o.value) for o in column.options.options) if column.options else ""
        raise errors.Refused(
            400,
            "0x8004431a",
            _RANGE.format(value, column.name, table.name) + f" Accepted Values: {accepted}",
        )
    return value


def _moment(table: Table, column: Column, value: Any) -> Any:
    parsed = moment(value)
    if parsed is None:
        return _wrong(table, column, value)
    if parsed < _EARLIEST:
        raise errors.Refused(
            400,
            "0x80040239",
            "DateTime is less than minumum value supported by CrmDateTime. Actual value: "
            f"{value}, Minimum value supported: 01/01/1753 00:00:00",
        )
    return stamp(parsed)


def _day(table: Table, column: Column, value: Any) -> Any:
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        return _wrong(table, column, value)
