"""What the save form shows: the admin's choices, with what only the CRM knows of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from shared.domain import ActivityKind, Limits, Notice
from shared.policy import CategoryField, Policy
from shared.ports import Crm
from shared.records import Description, FieldDescription, TypeDescription, Wanted


@dataclass(frozen=True, slots=True)
class FormType:
    """`filters` are the names of those that users may choose from."""

    described: TypeDescription
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """`notices` tell the admin what of the policy does not fit the CRM and was left out."""

    kind: ActivityKind
    crm: str
    product: str
    types: tuple[FormType, ...]
    categories: tuple[FieldDescription, ...]
    limits: Limits
    notices: tuple[Notice, ...]


async def describe(kind: ActivityKind, *, language: str, crm: Crm, policy: Policy) -> Form:
    """Labels come in `language` where the CRM has them."""
    wanted = [Wanted(one.type, one.key_fields) for one in policy.record_types]
    described = await crm.describe(kind, wanted, language)
    categories = _categories(policy.categories(kind), described)
    types = _types(policy, described)
    return Form(
        kind=kind,
        crm=crm.name,
        product=described.product,
        types=types,
        categories=categories,
        limits=described.limits,
        notices=tuple(_notices(policy, kind, types, categories)),
    )


def _types(policy: Policy, described: Description) -> tuple[FormType, ...]:
    by_name = {one.type: one for one in described.types if one.connectable}
    return tuple(
        FormType(by_name[one.type], tuple(view.name for view in one.filters))
        for one in policy.record_types
        if one.type in by_name
    )


def _categories(
    chosen: Sequence[CategoryField], described: Description
) -> tuple[FieldDescription, ...]:
    """Required is what the admin or the CRM requires. A field of another type than the admin says
    can't be filled in so that both take it."""
    by_name = {one.name: one for one in described.fields}
    found = []
    for one in chosen:
        field = by_name.get(one.name)
        if field is None or field.type != one.type:
            continue
        lookup_types = (one.lookup_type,) if one.lookup_type else field.lookup_types
        required = one.required or field.required
        found.append(replace(field, required=required, lookup_types=lookup_types))
    return tuple(found)


def _notices(
    policy: Policy,
    kind: ActivityKind,
    types: Sequence[FormType],
    categories: Sequence[FieldDescription],
) -> Iterator[Notice]:
    there = {one.described.type: {f.name for f in one.described.key_fields} for one in types}
    for record_type in policy.record_types:
        if record_type.type not in there:
            text = f"Records of type {record_type.type} can't be connected to in this CRM."
            yield Notice("type_left_out", text)
            continue
        for name in record_type.key_fields:
            if name not in there[record_type.type]:
                text = f"{record_type.type} has no field {name}."
                yield Notice("field_left_out", text)
    filled = {field.name for field in categories}
    for category in policy.categories(kind):
        if category.name not in filled:
            text = f"There is no field {category.name} of type {category.type}."
            yield Notice("field_left_out", text)
