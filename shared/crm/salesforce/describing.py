"""The organisation's objects and fields, as a form shows them."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from shared.crm.salesforce.described import Described, Field
from shared.crm.salesforce.metadata import learn
from shared.crm.salesforce.objects import EVENT, neutral_name, object_name
from shared.crm.salesforce.session import Session
from shared.crm.salesforce.yes_no import yes_no
from shared.domain import ActivityKind
from shared.records import Description, FieldDescription, FieldType, Option, TypeDescription, Wanted

PRODUCT: Final = "Salesforce"

_TYPES: Final[Mapping[str, FieldType]] = {
    "picklist": "choice",
    "reference": "lookup",
    "string": "text",
    "email": "text",
    "phone": "text",
    "url": "text",
    "combobox": "text",
    "textarea": "multiline",
    "boolean": "boolean",
    "int": "integer",
}
_WHOLE: Final = frozenset({"double", "currency", "percent"})
"""Numbers that a custom field keeps whole by having no decimal places."""
_TEXTS: Final = frozenset({"text", "multiline"})
_ID: Final = re.compile(r"[ -]ID\Z")
_INT: Final = 2**31


async def describe(
    session: Session, kind: ActivityKind, wanted: Sequence[Wanted], language: str
) -> Description:
    """As `Crm.describe` promises; one round trip, or none where all is remembered.

    Labels come in the caller's own language at Salesforce, whatever `language` is; only what
    Salesforce has no words for, the two values of a checkbox, comes in `language`. Fields that the
    caller can read and not fill in are left out.
    """
    shape = await session.shape()
    object_ = EVENT if kind == "meeting" else shape.email
    categories = [field.name for field in session.fields(object_)]
    names = {name: one for one in wanted if (name := object_name(one.type))}
    known = await learn(
        session, {**{name: one.key_fields for name, one in names.items()}, object_.name: categories}
    )
    fields = known[object_.name].fields if object_.name in known else {}
    return Description(
        product=PRODUCT,
        types=tuple(
            _type(known[name], one, shape.takes(object_, name), language)
            for name, one in names.items()
            if name in known
        ),
        fields=tuple(
            field_description(fields[name], language)
            for name in categories
            if name in fields and fields[name].createable
        ),
        limits=session.knowledge.limits,
    )


def _type(known: Described, wanted: Wanted, connectable: bool, language: str) -> TypeDescription:
    return TypeDescription(
        type=wanted.type,
        label=known.label,
        plural=known.plural,
        connectable=connectable,
        key_fields=tuple(
            field_description(known.fields[name], language)
            for name in wanted.key_fields
            if name in known.fields
        ),
    )


def label(field: Field) -> str:
    """What people call the field: standard lookups are described as `Account ID`, and show the
    account."""
    return _ID.sub("", field.label) if field.type == "reference" else field.label


def field_description(field: Field, language: str) -> FieldDescription:
    type_ = _field_type(field)
    most = _largest(field) if type_ == "integer" else None
    return FieldDescription(
        name=field.name,
        label=label(field),
        type=type_,
        required=field.required,
        options=_options(field, type_, language),
        max_length=field.length or None if type_ in _TEXTS else None,
        minimum=None if most is None else -most,
        maximum=most,
        lookup_types=tuple(map(neutral_name, field.targets)),
    )


def _field_type(field: Field) -> FieldType:
    if field.type in _WHOLE and field.precision and not field.scale:
        return "integer"
    return _TYPES.get(field.type, "other")


def _largest(field: Field) -> int:
    return _INT - 1 if field.type == "int" else 10**field.precision - 1


def _options(field: Field, type_: FieldType, language: str) -> tuple[Option, ...]:
    if type_ == "boolean":
        yes, no = yes_no(language)
        return Option(1, yes), Option(0, no)
    if type_ != "choice":
        return ()
    return tuple(Option(value, text) for value, text in field.options.items())
