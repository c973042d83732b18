"""Short ways to declare columns, and the columns that many tables share."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sandbox.dataverse.schema.model import Column, Option, OptionSet, Target


def text(name: str, length: int, label: str = "", *, required: bool = False) -> Column:
    return Column(name, "string", label, max_length=length, required=required)


def memo(name: str, length: int, label: str = "") -> Column:
    return Column(name, "memo", label, max_length=length)


def whole(name: str, label: str = "", minimum: int = -(2**31), maximum: int = 2**31 - 1) -> Column:
    return Column(name, "integer", label, minimum=minimum, maximum=maximum)


def flag(name: str, label: str = "", *, default: bool = False) -> Column:
    return Column(name, "boolean", label, default=default)


def when(name: str, label: str = "") -> Column:
    return Column(name, "datetime", label)


def choice(name: str, options: OptionSet, label: str = "", default: int | None = None) -> Column:
    return Column(name, "picklist", label, options=options, default=default)


def lookup(name: str, *targets: Target, label: str = "") -> Column:
    return Column(name, "lookup", label, targets=targets)


def fixed(column: Column) -> Column:
    """The same column, set by the server alone."""
    return replace(column, create=False, update=False)


def custom(column: Column, schema_name: str, label: str) -> Column:
    return replace(column, custom=True, schema_name=schema_name, label=label)


def options(name: str, labels: Mapping[int, str]) -> OptionSet:
    return OptionSet(name, tuple(Option(value, label) for value, label in labels.items()))


def user(name: str, label: str = "") -> Column:
    return fixed(lookup(name, Target("systemuser", name), label=label))


def states(
    table: str, labels: Mapping[int, str], reasons: Iterable[tuple[int, str, int]]
) -> tuple[Column, Column]:
    """`reasons` are (value, label, state); the first of a state is its default."""
    state = OptionSet(f"{table}_statecode", tuple(Option(v, t) for v, t in labels.items()))
    status = OptionSet(f"{table}_statuscode", tuple(Option(v, t, s) for v, t, s in reasons))
    first = status.options[0].value
    return (
        Column("statecode", "state", "Status", options=state, default=0),
        Column("statuscode", "status", "Status Reason", options=status, default=first),
    )


def owned() -> tuple[Column, ...]:
    """What every table with an owner has beside its own columns."""
    return (
        *tracked(),
        lookup("ownerid", Target("systemuser", "ownerid"), label="Owner"),
        user("owninguser", "Owning User"),
        fixed(lookup("owningbusinessunit", Target("businessunit", "owningbusinessunit"))),
    )


def tracked() -> tuple[Column, ...]:
    return (
        fixed(when("createdon", "Created On")),
        fixed(when("modifiedon", "Modified On")),
        user("createdby", "Created By"),
        user("modifiedby", "Modified By"),
        user("createdonbehalfby", "Created By (Delegate)"),
        user("modifiedonbehalfby", "Modified By (Delegate)"),
        replace(when("overriddencreatedon", "Record Created On"), update=False),
        replace(whole("importsequencenumber", "Import Sequence Number"), update=False),
        fixed(Column("versionnumber", "bigint", "Version Number")),
    )


def key(name: str, label: str = "") -> Column:
    return Column(name, "guid", label, required=True, update=False)


def columns(*parts: Column | Iterable[Column]) -> dict[str, Column]:
    """By name; a later declaration of a name replaces an earlier one."""
    flat: dict[str, Column] = {}
    for part in parts:
        for column in (part,) if isinstance(part, Column) else part:
            flat[column.name] = column
    return flat
