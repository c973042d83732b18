"""How an object is declared, after the describe calls that it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

Kind = Literal[
    "id",
    "string",
    "textarea",
    "email",
    "phone",
    "url",
    "picklist",
    "combobox",
    "boolean",
    "int",
    "double",
    "currency",
    "percent",
    "date",
    "datetime",
    "reference",
    "base64",
]
Access = Literal["write", "create", "update", "read"]

TEXTS: frozenset[Kind] = frozenset(
    ("string", "textarea", "email", "phone", "url", "picklist", "combobox")
)
NUMBERS: frozenset[Kind] = frozenset(("int", "double", "currency", "percent"))


@dataclass(frozen=True, slots=True)
class Field:
    """`picklist` entries are `value` or `value:label`. `relationship` is the name by which SOQL
    goes to the record that a reference points at, `children` the name on that record by which it
    comes back. `defaulted`: Salesforce fills the field where a create leaves it out."""

    name: str
    type: Kind
    label: str = ""
    length: int = 0
    access: Access = "write"
    nillable: bool = True
    defaulted: bool = False
    default: str | int | bool | None = None
    picklist: tuple[str, ...] = ()
    restricted: bool = False
    references: tuple[str, ...] = ()
    relationship: str = ""
    children: str = ""
    filterable: bool = True
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    custom: bool = False
    precision: int = 0
    scale: int = 0
    requires: str = ""

    @property
    def createable(self) -> bool:
        return self.access in ("write", "create")

    @property
    def updateable(self) -> bool:
        return self.access in ("write", "update")

    @property
    def required(self) -> bool:
        """A create must bring a value."""
        filled = self.defaulted or self.default is not None or self.type == "boolean"
        return self.createable and not self.nillable and not filled

    @property
    def values(self) -> tuple[tuple[str, str], ...]:
        """The picklist's values with their labels."""
        pairs = (entry.partition(":") for entry in self.picklist)
        return tuple((value, label or value) for value, _, label in pairs)

    @property
    def indexed(self) -> bool:
        return self.type in ("reference", "email") or self.external_id or self.unique


@dataclass(frozen=True, slots=True)
class Children:
    """The records of `object` whose reference `field` points here."""

    name: str
    object: str
    field: str


@dataclass(frozen=True)
class Object:
    """`prefix` begins the ids of its records. `name_field` holds what people call a record.
    `view_of`: it has no records of its own but shows some of that object's."""

    name: str
    prefix: str
    label: str
    plural: str
    fields: Mapping[str, Field]
    access: Access = "write"
    createable: bool = True
    name_field: str = "Name"
    custom: bool = False
    view_of: str = ""
    requires: str = ""

    @cached_property
    def by_lower(self) -> Mapping[str, Field]:
        """API names mean the same in any case."""
        return {name.lower(): f for name, f in self.fields.items()}

    @cached_property
    def relationships(self) -> Mapping[str, Field]:
        return {f.relationship.lower(): f for f in self.fields.values() if f.relationship}

    @cached_property
    def key(self) -> str:
        """The object under whose name the records are stored."""
        return self.view_of or self.name


@dataclass(frozen=True)
class Schema:
    objects: Mapping[str, Object]
    children: Mapping[str, Mapping[str, Children]] = field(default_factory=dict)

    @cached_property
    def by_lower(self) -> Mapping[str, Object]:
        return {name.lower(): o for name, o in self.objects.items()}

    @cached_property
    def by_prefix(self) -> Mapping[str, Object]:
        return {o.prefix: o for o in self.objects.values() if not o.view_of}

    def of_id(self, id_: str) -> Object | None:
        return self.by_prefix.get(id_[:3])

    def referencing(self, name: str) -> list[tuple[Object, Field]]:
        """Every reference that may point at records of that object."""
        return [
            (other, f)
            for other in self.objects.values()
            if not other.view_of
            for f in other.fields.values()
            if name in f.references
        ]


def build(objects: Mapping[str, Object]) -> Schema:
    children: dict[str, dict[str, Children]] = {name: {} for name in objects}
    for object_ in objects.values():
        for f in object_.fields.values():
            for target in f.references if f.children else ():
                if target in children:
                    named = Children(f.children, object_.name, f.name)
                    children[target][f.children.lower()] = named
    return Schema(objects, children)
