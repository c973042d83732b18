"""How a table is declared: columns, option sets, lookups and the relationships they make."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "string",
    "memo",
    "integer",
    "bigint",
    "decimal",
    "money",
    "double",
    "boolean",
    "datetime",
    "date",
    "guid",
    "picklist",
    "state",
    "status",
    "lookup",
]

EDM: Mapping[Kind, str] = {
    "string": "Edm.String",
    "memo": "Edm.String",
    "integer": "Edm.Int32",
    "bigint": "Edm.Int64",
    "decimal": "Edm.Decimal",
    "money": "Edm.Decimal",
    "double": "Edm.Double",
    "boolean": "Edm.Boolean",
    "datetime": "Edm.DateTimeOffset",
    "date": "Edm.Date",
    "guid": "Edm.Guid",
    "picklist": "Edm.Int32",
    "state": "Edm.Int32",
    "status": "Edm.Int32",
    "lookup": "Edm.Guid",
}


@dataclass(frozen=True, slots=True)
class Option:
    """`state` is set for status reasons only; `labels` maps a language id to the label."""

    value: int
    label: str
    state: int | None = None
    labels: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OptionSet:
    name: str
    options: tuple[Option, ...]
    is_global: bool = False

    def find(self, value: object) -> Option | None:
        return next((o for o in self.options if o.value == value), None)


@dataclass(frozen=True, slots=True)
class Target:
    """One table that a lookup may point at.

    `navigation` is the single-valued property on the table with the lookup, `collection` the
    collection-valued one on the target (empty: none is offered).
    """

    table: str
    navigation: str
    collection: str = ""
    on_delete: Literal["cascade", "unlink"] = "unlink"


@dataclass(frozen=True, slots=True)
class Column:
    """`create` and `update` tell whether a client's value counts; otherwise it is ignored, as
    Dataverse does with columns whose IsValidForCreate or IsValidForUpdate is false."""

    name: str
    kind: Kind
    label: str = ""
    max_length: int | None = None
    required: bool = False
    create: bool = True
    update: bool = True
    options: OptionSet | None = None
    targets: tuple[Target, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    default: str | int | bool | None = None
    filterable: bool = True
    custom: bool = False
    schema_name: str = ""

    @property
    def property(self) -> str:
        """The name of the OData property that holds the value."""
        return f"_{self.name}_value" if self.kind == "lookup" else self.name


@dataclass(frozen=True, slots=True)
class Navigation:
    """A single-valued navigation property."""

    name: str
    column: str
    target: str


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection-valued navigation property: the rows of `table` whose `column` points here.

    `navigation` is the single-valued property of the same relationship.
    """

    name: str
    table: str
    column: str
    navigation: str


@dataclass(frozen=True, slots=True)
class Table:
    """`title` is the primary name column. `owned` tables have an owner; the others belong to the
    organisation and everyone reads them. `has_activities`: activities may regard its rows;
    `is_party`: its rows may take part in activities, known by the columns in `addresses`."""

    name: str
    entity_set: str
    key: str
    title: str
    label: str
    object_type: int
    columns: Mapping[str, Column]
    is_activity: bool = False
    has_activities: bool = False
    is_party: bool = False
    owned: bool = True
    addresses: tuple[str, ...] = ()
    custom: bool = False
    schema_name: str = ""

    @property
    def statuses(self) -> OptionSet | None:
        column = self.columns.get("statuscode")
        return column.options if column else None


@dataclass(frozen=True)
class Schema:
    """All tables and, derived from their lookups, the navigation properties of each."""

    tables: Mapping[str, Table]
    by_set: Mapping[str, Table]
    by_property: Mapping[str, Mapping[str, Column]]
    navigations: Mapping[str, Mapping[str, Navigation]]
    collections: Mapping[str, Mapping[str, Collection]]

    def referencing(self, table: str) -> list[tuple[Table, Column, Target]]:
        """Every lookup that may point at `table`."""
        return [
            (other, column, target)
            for other in self.tables.values()
            for column in other.columns.values()
            for target in column.targets
            if target.table == table
        ]


def build(tables: tuple[Table, ...]) -> Schema:
    navigations: dict[str, dict[str, Navigation]] = {t.name: {} for t in tables}
    collections: dict[str, dict[str, Collection]] = {t.name: {} for t in tables}
    for table in tables:
        for column in table.columns.values():
            for target in column.targets:
                navigations[table.name].setdefault(
                    target.navigation, Navigation(target.navigation, column.name, target.table)
                )
                if target.collection:
                    collections[target.table][target.collection] = Collection(
                        target.collection, table.name, column.name, target.navigation
                    )
    return Schema(
        tables={t.name: t for t in tables},
        by_set={t.entity_set: t for t in tables},
        by_property={t.name: {c.property: c for c in t.columns.values()} for t in tables},
        navigations=navigations,
        collections=collections,
    )
