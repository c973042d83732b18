"""Looking for records to link to, and what a CRM tells of itself for a form. Frozen values."""

from dataclasses import dataclass
from typing import Literal

from shared.domain import Limits, RecordRef
from shared.policy import Condition, Order


@dataclass(frozen=True, slots=True)
class Wanted:
    """A record type to search, by its neutral name. `conditions` must all hold; without `order`,
    the best match comes first. Fields go by the CRM's own names; those it lacks are left out of
    `key_fields`."""

    type: str
    key_fields: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    order: Order | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """All words of `text` must occur; an empty one finds what was changed last. `language` is a
    BCP 47 tag, for the labels, or empty for the CRM's own language."""

    text: str
    wanted: tuple[Wanted, ...]
    limit: int
    language: str = ""


@dataclass(frozen=True, slots=True)
class KeyField:
    """`value` is as people read it; empty where the record has none."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class FoundRecord:
    record: RecordRef
    key_fields: tuple[KeyField, ...] = ()


FieldType = Literal["choice", "lookup", "text", "multiline", "boolean", "integer", "other"]


@dataclass(frozen=True, slots=True)
class Option:
    value: int | str
    label: str


@dataclass(frozen=True, slots=True)
class FieldDescription:
    """A field as the CRM has it. `max_length` counts UTF-16 units; `lookup_types` are the record
    types that a lookup takes; `options` are those of a choice, in their order. A yes/no field has
    two options, worded for people."""

    name: str
    label: str
    type: FieldType
    required: bool = False
    options: tuple[Option, ...] = ()
    max_length: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    lookup_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TypeDescription:
    """A record type. `connectable` says that it takes activities."""

    type: str
    label: str
    plural: str
    connectable: bool
    key_fields: tuple[FieldDescription, ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """What of a form only the CRM knows. `product` is its name for people. Types and fields that it
    does not have are absent."""

    product: str
    types: tuple[TypeDescription, ...]
    fields: tuple[FieldDescription, ...]
    limits: Limits
