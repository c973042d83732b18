"""FORMAT() in a SELECT: values as people in the United States read them.

SOQL and SOSL Reference, "FORMAT ()": numbers, dates, times and currencies in the user's locale.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from sandbox.salesforce import errors
from sandbox.salesforce.schema.model import NUMBERS, Field
from sandbox.salesforce.values import parse_date, parse_datetime

_DATES = frozenset(("date", "datetime"))


def formatter(field: Field) -> Callable[[Any], str | None]:
    """Raises Refused for a field of another type."""
    if field.type not in NUMBERS | _DATES:
        raise errors.malformed_query(f"field {field.name} does not support the FORMAT function")
    return lambda value: None if value is None else _shown(field, value)


def _shown(field: Field, value: Any) -> str:
    if field.type == "date":
        day = parse_date(value)
        return _day(day) if day else ""
    if field.type == "datetime":
        moment = parse_datetime(value)
        return f"{_day(moment)}, {moment:%-I:%M %p}" if moment else ""
    if field.type == "currency":
        return f"${value:,.2f}"
    number = f"{value:,.{field.scale}f}"
    return f"{number}%" if field.type == "percent" else number


def _day(day: date | datetime) -> str:
    return f"{day.month}/{day.day}/{day.year}"
