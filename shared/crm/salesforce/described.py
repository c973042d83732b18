"""Objects and fields of the organisation, as the API describes them. Frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_PARENT_NAMES: Final[Mapping[str, str]] = {
    "Case": "CaseNumber",
    "Contract": "ContractNumber",
    "Order": "OrderNumber",
    "WorkOrder": "WorkOrderNumber",
}
"""What people call a record of those objects that have no Name."""


@dataclass(frozen=True, slots=True)
class Field:
    """`type` is Salesforce's own. `options` map the active values of a picklist to their labels, in
    their order. `targets` are the objects that a reference may point at, `relationship` the way
    there."""

    name: str
    label: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    required: bool = False
    createable: bool = False
    filterable: bool = False
    sortable: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    relationship: str = ""

    @property
    def parent_name(self) -> str:
        """The path to the name of the record that a reference points at; empty for others."""
        if self.type != "reference" or not self.relationship:
            return ""
        only = self.targets[0] if len(self.targets) == 1 else ""
        return f"{self.relationship}.{_PARENT_NAMES.get(only, 'Name')}"


@dataclass(frozen=True, slots=True)
class Described:
    """An object. `fields` are those of the ones asked for that there are; `name_field` holds what
    people call a record, empty where none does. `searched` says that it is in the search index."""

    name: str
    label: str
    plural: str
    name_field: str
    searched: bool
    fields: Mapping[str, Field]
