"""A record on its way into the store, and what the platform keeps for every record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.salesforce.ids import new_id
from sandbox.salesforce.rows import stamp
from sandbox.salesforce.schema.model import Object
from sandbox.salesforce.session import Session
from sandbox.store import Row


@dataclass(slots=True)
class Draft:
    """`row` is the record as it shall become, `old` as it was (None: it is new). `given` are the
    fields that the client named. `lists` are the junction lists it sent, as ids; `data` is a
    file's content."""

    object: Object
    row: dict[str, Any]
    old: Row | None = None
    given: frozenset[str] = frozenset()
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    data: bytes | None = None


def insert(session: Session, object_: Object, values: Mapping[str, Any]) -> str:
    """Stores a new record, past every rule. `values` may bring its own id."""
    now = stamp(session.rows.now())
    user = session.caller.user
    defaults = {f.name: f.default for f in object_.fields.values() if f.default is not None}
    audit = {
        "Id": new_id(object_.prefix),
        "IsDeleted": False,
        "OwnerId": user,
        "CreatedDate": now,
        "CreatedById": user,
        "LastModifiedDate": now,
        "LastModifiedById": user,
        "SystemModstamp": now,
    }
    row = {k: v for k, v in {**audit, **defaults}.items() if k in object_.fields} | {
        k: v for k, v in values.items() if v is not None
    }
    session.rows.put(object_.key, row)
    return str(row["Id"])


def replace(session: Session, object_: Object, row: Mapping[str, Any]) -> None:
    """Stores a changed record, past every rule."""
    now = stamp(session.rows.now())
    changed = {
        "LastModifiedDate": now,
        "LastModifiedById": session.caller.user,
        "SystemModstamp": now,
    }
    kept = {k: v for k, v in changed.items() if k in object_.fields}
    session.rows.put(object_.key, {**row, **kept})


def touch(session: Session, object_: str, id_: str, **values: Any) -> None:
    """Changes what the platform derives itself, which counts as no modification by anyone."""
    row = session.rows.get(object_, id_)
    if row is not None and any(row.get(name) != value for name, value in values.items()):
        session.rows.put(object_, {**row, **values})


def bin_row(session: Session, object_: str, row: Row) -> None:
    """Moves a record to the recycle bin."""
    now = stamp(session.rows.now())
    session.rows.put(object_, {**row, "IsDeleted": True, "SystemModstamp": now})
