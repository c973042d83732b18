"""Category fields as custom fields to write. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.crm.salesforce.composite import unreferenced
from shared.crm.salesforce.keys import record_id
from shared.crm.salesforce.knowledge import Shape
from shared.crm.salesforce.objects import ActivityObject
from shared.domain import CategoryValue
from shared.errors import FieldError, InvalidRequest
from shared.policy import CategoryField
from shared.truncation import storable


def columns(
    object_: ActivityObject,
    fields: Sequence[CategoryField],
    values: Mapping[str, CategoryValue],
    shape: Shape,
) -> dict[str, Any]:
    """Raises `InvalidRequest` naming each field that the policy or the organisation doesn't have,
    and each lookup value that is no id."""
    configured = {field.name: field for field in fields}
    errors = []
    written: dict[str, Any] = {}
    for name, value in values.items():
        field = configured.get(name)
        if field is None or not shape.has(object_.name, name):
            errors.append(FieldError(f"categories.{name}", "There is no such field."))
        elif field.type == "lookup" and value is not None and record_id(str(value)) is None:
            errors.append(FieldError(f"categories.{name}", "Must be the id of a record."))
        else:
            written[name] = _written(field, value)
    if errors:
        raise InvalidRequest("Some fields can't be saved like this.", errors=tuple(errors))
    return written


def _written(field: CategoryField, value: CategoryValue) -> CategoryValue:
    if field.type == "boolean":
        return bool(value)  # a checkbox has no third state
    return unreferenced(storable(value)) if isinstance(value, str) else value
