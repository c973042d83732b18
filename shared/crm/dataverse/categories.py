"""Category fields as columns to write."""

from collections.abc import Mapping
from typing import Any

from shared.crm.dataverse.keys import guid
from shared.crm.dataverse.session import Session
from shared.crm.dataverse.tables import ActivityTable
from shared.domain import CategoryValue
from shared.errors import FieldError, InvalidRequest
from shared.policy import CategoryField


async def columns(
    session: Session, table: ActivityTable, values: Mapping[str, CategoryValue]
) -> dict[str, Any]:
    """Asks for the metadata of a lookup column when it is written for the first time.

    Raises `InvalidRequest` naming each field that the policy or the organisation doesn't have.
    """
    fields = {field.name: field for field in session.fields(table)}
    unknown = tuple(
        FieldError(f"categories.{name}", "There is no such field.")
        for name in values
        if name not in fields
    )
    if unknown:
        raise InvalidRequest("Some fields don't exist.", errors=unknown)
    ill_typed = tuple(
        FieldError(f"categories.{name}", "Must be the number of a choice.")
        for name, value in values.items()
        if fields[name].type == "choice" and isinstance(value, str)
    )
    if ill_typed:
        raise InvalidRequest("Some fields can't be saved like this.", errors=ill_typed)
    written: dict[str, Any] = {}
    for name, value in values.items():
        if fields[name].type == "lookup":
            written |= await _lookup(session, table, fields[name], value)
        else:
            written[name] = value
    return written


async def _lookup(
    session: Session, table: ActivityTable, field: CategoryField, value: CategoryValue
) -> dict[str, Any]:
    lookup = await session.lookup(table, field)
    id_ = guid(value) if isinstance(value, str) else None
    if lookup is None or (id_ is None and value is not None):
        reason = "There is no such field." if lookup is None else "Must be the id of a record."
        error = FieldError(f"categories.{field.name}", reason)
        raise InvalidRequest("Some fields can't be saved like this.", errors=(error,))
    bound = None if id_ is None else f"/{lookup.target.entity_set}({id_})"
    return {f"{lookup.property}@odata.bind": bound}
