"""What to ask Salesforce for when a person searches. Pure."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final

from simple_salesforce.format import format_soql

from shared.crm.salesforce import keys
from shared.crm.salesforce.conditions import escaped
from shared.crm.salesforce.described import Described, Field
from shared.crm.salesforce.moments import moment
from shared.errors import InvalidRequest
from shared.policy import Condition
from shared.records import Wanted
from shared.truncation import storable

QUICK_FIND: Final[Mapping[str, tuple[str, ...]]] = {
    "Account": ("Name", "AccountNumber"),
    "Contact": ("Name", "Email", "AccountId"),
    "Lead": ("Name", "Company", "Email"),
    "Opportunity": ("Name", "AccountId"),
    "Case": ("Subject", "CaseNumber", "AccountId"),
    "User": ("Name", "Email"),
}
"""What people look these up by; a reference stands for the name of the record it points at."""

_TITLES: Final = {"Case": "Subject"}
"""What says more to people than the name field does."""
_ACTIVE: Final = {"Lead": ("IsConverted", "false"), "User": ("IsActive", "true")}
"""Deals and cases can be of use after they are closed."""

TEXTS: Final = frozenset(
    {"string", "email", "phone", "url", "textarea", "picklist", "combobox", "encryptedstring"}
)
FORMATTED: Final = frozenset({"int", "double", "currency", "percent", "date", "datetime", "time"})
_NUMBERS: Final = frozenset({"int", "double", "currency", "percent"})
_COMPARISONS: Final = {"equals": "=", "notEquals": "!=", "atLeast": ">=", "atMost": "<="}
_UNORDERED: Final = frozenset({"boolean", "id", "reference"})
_OPERATORS: Final = frozenset({"and", "or", "not"})
_VARYING: Final = frozenset("aceilnosuyz")
"""Letters that European languages put marks on most."""
_SHORTEST_LIKENESS: Final = 3
_MOST_LIKENESSES: Final = 200


def wanted_fields(wanted: Wanted, object_: str) -> frozenset[str]:
    """The fields to know of an object before it can be searched."""
    also = (*QUICK_FIND.get(object_, ()), *_TITLES.get(object_, "").split())
    flag = _ACTIVE.get(object_, ("",))[0]
    order = wanted.order.field if wanted.order else ""
    conditions = (condition.field for condition in wanted.conditions)
    names = (*also, flag, order, *conditions, *wanted.key_fields)
    return frozenset(name for name in names if name)


def title(known: Described) -> str:
    """The field that people know a record by; empty where there is none."""
    field = _TITLES.get(known.name, "")
    return field if field in known.fields else known.name_field


def statement(words: Sequence[str], longest: int) -> str:
    """Each word as the beginning of one, all of them needed. The words are of letters and digits,
    so that none of the signs of the search syntax is among them."""
    chosen = ""
    for word in words:
        term = f'"{word}"' if word.casefold() in _OPERATORS else f"{word}*"
        longer = f"{chosen} AND {term}" if chosen else term
        if len(longer) > longest:
            break
        chosen = longer
    return chosen


def indexed(words: str, scopes: Sequence[tuple[Wanted, Described]], limit: int) -> str:
    """The SOSL statement; every object brings its own records, the most relevant first."""
    if not words or not scopes:
        return ""
    returned = []
    for wanted, known in scopes:
        conditions = _always(wanted, known)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        columns = ", ".join(columns_of(wanted, known))
        returned.append(f"{known.name}({columns}{where} LIMIT {limit})")
    return f"FIND {{{words}}} IN ALL FIELDS RETURNING {', '.join(returned)}"


def quick(
    wanted: Wanted, known: Described, text: str, words: Sequence[str], limit: int
) -> Iterator[str]:
    """Records whose name begins with the text, so that they aren't crowded out; those that have
    each word in one field or another; and those that may have it with other marks on its letters,
    which need a look at each. Without words, those changed last."""
    if not words:
        yield _list(wanted, known, [], limit)
        return
    searched = searched_paths(wanted, known)
    name = title(known)
    if name in searched and wanted.order is None:
        begins = f"{name} LIKE '{escaped(text)}%'"
        yield _list(wanted, known, [begins], limit, name)
    if searched:
        exact = [f"%{escaped(word)}%" for word in words]
        yield _list(wanted, known, [_somewhere(searched, one) for one in exact], limit)
        loose = [f"%{likeness(word)}%" for word in words]
        if loose != exact:
            conditions = [_somewhere(searched, one) for one in loose]
            yield _list(wanted, known, conditions, _MOST_LIKENESSES)


def likeness(word: str) -> str:
    """A LIKE pattern that the word fits whatever marks its letters have; of a short word, and of
    one without any other letter, the word itself."""
    parts = [
        "_" if _varies(letter) else escaped(letter) for letter in unicodedata.normalize("NFC", word)
    ]
    tells = len(parts) >= _SHORTEST_LIKENESS and set(parts) != {"_"}
    return "".join(parts) if tells else escaped(word)


def _varies(letter: str) -> bool:
    return letter.casefold() in _VARYING or (
        not letter.isascii() and unicodedata.name(letter, "").startswith("LATIN")
    )


def searched_paths(wanted: Wanted, known: Described) -> tuple[str, ...]:
    """The fields to look into, or the names of what they point at."""
    standard = QUICK_FIND.get(known.name, (known.name_field,))
    found = (known.fields.get(name) for name in (*standard, *wanted.key_fields))
    paths = (
        field.parent_name or field.name
        for field in found
        if field is not None
        and (field.parent_name or (field.type in TEXTS - {"picklist"} and field.filterable))
    )
    return tuple(dict.fromkeys(paths))


def columns_of(wanted: Wanted, known: Described) -> tuple[str, ...]:
    """The id, the name, the key fields as people read them, and what is looked into."""
    fields = (known.fields.get(name) for name in wanted.key_fields)
    shown = (shown_as(field) for field in fields if field is not None)
    names = ("Id", title(known), known.name_field, *searched_paths(wanted, known), *shown)
    return tuple(dict.fromkeys(filter(None, names)))


def shown_as(field: Field) -> str:
    """What to select for people to read (SOQL and SOSL Reference, "FORMAT ()")."""
    if field.type in FORMATTED:
        return f"FORMAT({field.name}) {alias(field)}"
    return field.parent_name or field.name


def alias(field: Field) -> str:
    return f"shown_{field.name}"


def _somewhere(paths: Sequence[str], pattern: str) -> str:
    alternatives = (f"{path} LIKE '{pattern}'" for path in paths)
    return f"({' OR '.join(alternatives)})"


def _list(
    wanted: Wanted,
    known: Described,
    conditions: Sequence[str],
    limit: int,
    order: str = "LastModifiedDate DESC",
) -> str:
    parts = [*conditions, *_always(wanted, known)]
    where = f" WHERE {' AND '.join(parts)}" if parts else ""
    # names that were described, and values that `format_soql` quoted
    return (
        f"SELECT {', '.join(columns_of(wanted, known))} FROM {known.name}{where} "  # noqa: S608
        f"ORDER BY {_order(wanted, known) or order} LIMIT {limit}"
    )


def _always(wanted: Wanted, known: Described) -> list[str]:
    parts = [_condition(one, known) for one in wanted.conditions]
    flag, value = _ACTIVE.get(known.name, ("", ""))
    return [*parts, f"{flag} = {value}"] if flag in known.fields else parts


def _order(wanted: Wanted, known: Described) -> str:
    field = known.fields.get(wanted.order.field) if wanted.order else None
    if field is None or wanted.order is None or not field.sortable:
        return ""
    path = field.parent_name or field.name
    return f"{path} {'DESC' if wanted.order.descending else 'ASC'} NULLS LAST"


def _condition(condition: Condition, known: Described) -> str:
    field = known.fields.get(condition.field)
    if field is None:
        raise _unfit(condition, "there is no such field")
    if not field.filterable:
        raise _unfit(condition, "Salesforce can't filter by it")
    if condition.operator == "empty":
        return f"{field.name} = null"
    if condition.operator == "notEmpty":
        return f"{field.name} != null"
    if condition.operator == "contains":
        if field.type not in TEXTS:
            raise _unfit(condition, "it is no text")
        return f"{field.name} LIKE '%{escaped(str(condition.value))}%'"
    if condition.operator in ("atLeast", "atMost") and field.type in _UNORDERED:
        raise _unfit(condition, "its values have no order")
    return f"{field.name} {_COMPARISONS[condition.operator]} {_value(field, condition)}"


def _value(field: Field, condition: Condition) -> str:
    """The condition's value as a SOQL literal of the field's type."""
    value = condition.value
    if field.type in TEXTS:
        return str(format_soql("{}", storable(str(value))))
    if field.type == "boolean" and isinstance(value, bool):
        return str(value).lower()
    if field.type in _NUMBERS and type(value) is int:
        return str(value)
    if field.type in ("id", "reference"):
        id_ = keys.record_id(str(value))
        if id_ is not None:
            return f"'{id_}'"
    try:
        if field.type == "date":
            return date.fromisoformat(str(value)).isoformat()
        if field.type == "datetime":
            time = datetime.fromisoformat(str(value))
            return moment(time if time.tzinfo else time.replace(tzinfo=UTC))
    except ValueError:
        raise _unfit(condition, "its value is no date") from None
    raise _unfit(condition, "its value does not fit the field")


def _unfit(condition: Condition, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"Your admin's filter on {condition.field} does not fit Salesforce: {why}."
    )
