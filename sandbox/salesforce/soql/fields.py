"""From a path in a query to the field that it means and the way there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.salesforce import errors
from sandbox.salesforce.represent import shown
from sandbox.salesforce.schema.model import Field, Object
from sandbox.salesforce.session import Session
from sandbox.salesforce.soql.model import Path
from sandbox.store import Row

MAX_STEPS = 5
"""SOQL and SOSL Reference, "Understanding Relationship Query Limitations"."""

NAME_FIELDS = {
    "id": Field("Id", "id"),
    "name": Field("Name", "string"),
    "type": Field("Type", "picklist"),
    "firstname": Field("FirstName", "string"),
    "lastname": Field("LastName", "string"),
    "email": Field("Email", "email"),
    "phone": Field("Phone", "phone"),
    "title": Field("Title", "string"),
    "username": Field("Username", "string"),
    "isactive": Field("IsActive", "boolean"),
}
"""What a polymorphic relationship shows of whatever it points at. Object Reference, Name."""

Getter = Callable[[Row], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A field that a path leads to. `steps` are the references on the way."""

    steps: tuple[Field, ...]
    object: Object | None
    field: Field


def column(session: Session, object_: Object, path: Path) -> Column:
    """Raises Refused (INVALID_FIELD). `object` is None behind a polymorphic relationship."""
    steps: list[Field] = []
    if path[0].lower() == object_.name.lower() and len(path) > 1:
        path = path[1:]
    current: Object | None = object_
    for name in path[:-1]:
        step = current.relationships.get(name.lower()) if current else None
        if step is None or len(steps) == MAX_STEPS:
            raise _no_relationship(name, object_)
        steps.append(step)
        single = len(step.references) == 1
        current = session.schema.objects.get(step.references[0]) if single else None
    known = current.by_lower if current else NAME_FIELDS
    field = known.get(path[-1].lower())
    if field is None:
        raise errors.no_such_column(path[-1], current.name if current else "Name")
    return Column(tuple(steps), current, field)


def _no_relationship(name: str, object_: Object) -> errors.Refused:
    return errors.invalid_field(
        f"Didn't understand relationship '{name}' in field path. If you are attempting to use a "
        "custom relationship, be sure to append the '__r' after the custom relationship name. "
        f"Please reference your WSDL or the describe call for the appropriate names of "
        f"{object_.name}."
    )


def target(session: Session, step: Field, row: Row) -> tuple[Object, Row] | None:
    """The record that a reference points at."""
    id_ = row.get(step.name)
    object_ = session.schema.of_id(id_) if id_ else None
    found = session.rows.get(object_.name, id_) if object_ and id_ else None
    return None if object_ is None or found is None else (object_, found)


def getter(session: Session, object_: Object, wanted: Column) -> Getter:
    """Gives the column's value for a row of `object_`."""
    field = wanted.field
    if not wanted.steps:
        return lambda row: shown(session, object_, field, row)

    def far(row: Row) -> Any:
        at: Row = row
        home = object_
        for step in wanted.steps:
            found = target(session, step, at)
            if found is None:
                return None
            home, at = found
        return shown(session, home, field, at) if wanted.object else name_value(home, field, at)

    return far


def name_value(object_: Object, field: Field, row: Row) -> Any:
    """A field of the Name object, taken from the record itself."""
    if field.name == "Type":
        return object_.name
    if field.name == "Name":
        return row.get(object_.name_field)
    return row.get(field.name) if field.name in object_.fields else None
