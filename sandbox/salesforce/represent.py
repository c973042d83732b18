"""Records as the API shows them."""

from typing import Any

from sandbox.salesforce.schema.model import Field, Object
from sandbox.salesforce.session import Session
from sandbox.store import Row


def attributes(session: Session, object_: Object, id_: str) -> dict[str, str]:
    return {"type": object_.name, "url": session.url(object_, id_)}


def shown(session: Session, object_: Object, field: Field, row: Row) -> Any:
    """The field's value; a boolean is never null, and a file's content is an address."""
    if field.type == "base64":
        return f"{session.url(object_, row['Id'])}/{field.name}"
    value = row.get(field.name)
    return False if value is None and field.type == "boolean" else value


def record(session: Session, object_: Object, row: Row, fields: list[Field]) -> dict[str, Any]:
    values = {f.name: shown(session, object_, f, row) for f in fields}
    return {"attributes": attributes(session, object_, row["Id"]), **values}
