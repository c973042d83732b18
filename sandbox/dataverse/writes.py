"""Create, update, delete: the same for every table, with the rules of some tables hooked in."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from sandbox.dataverse import activities, attachments, errors, parties, payload
from sandbox.dataverse.calendar import cancel_if_synced
from sandbox.dataverse.payload import Payload
from sandbox.dataverse.schema import SCHEMA
from sandbox.dataverse.schema.model import Table
from sandbox.dataverse.security import require_write, visible
from sandbox.dataverse.session import Session
from sandbox.dataverse.values import guid
from sandbox.store import Row

_NO_MESSAGE = frozenset({"activityparty", "activitypointer"})
"""Tables that only RetrieveMultiple reaches, and that no client writes to."""


def create(session: Session, table: Table, body: Mapping[str, Any], id_: str | None = None) -> str:
    """Inserts a row with all its deep inserts; `id_` is the key of an upsert. The new key."""
    _require_message("Create", table)
    require_write(session, table, "Create")
    given = payload.read(session, table, body)
    if "statecode" in given.values:
        raise errors.Refused(
            400, "0x80048408", f"The column 'statecode' of '{table.name}' is not valid on create."
        )
    if id_ is not None and given.deep:
        raise errors.unsupported("deep insert by PATCH")
    key = id_ or given.values.get(table.key) or str(uuid4())
    if session.rows.get(table.name, key) is not None:
        raise errors.duplicate_key()
    for navigation, nested in given.parents:
        target = SCHEMA.tables[navigation.target]
        given.links[navigation.column] = (target.name, create(session, target, nested))
    row = _new_row(session, table, key, given)
    _before_create(session, table, row)
    _check_duplicates(session, table, row)
    session.rows.put(table.name, key, row)
    _add_related(session, table, key, given)
    _after(session, table, key)
    return key


def update(session: Session, table: Table, id_: str, body: Mapping[str, Any]) -> None:
    """Changes the columns named in `body`. Raises Refused, 404 where there is no such row."""
    _require_message("Update", table)
    row = visible(session, table, id_)
    require_write(session, table, "Write")
    given = payload.read(session, table, body)
    if given.deep:
        raise errors.unsupported("deep update")
    if given.values.pop(table.key, id_) != id_:
        raise errors.invalid_argument("The primary key of a record can't be changed.")
    values = {n: v for n, v in given.values.items() if table.columns[n].update}
    values.update(activities.states(table, row, values))
    links = {n: v for n, v in given.links.items() if table.columns[n].update}
    _check_links(session, links)
    changed = frozenset(values) | frozenset(links)
    new = {**row, **values, **_stored(links)}
    _stamp(session, new, "modified")
    _before_update(session, table, row, new, changed)
    if changed & set(table.addresses):
        _check_duplicates(session, table, new)
    session.rows.put(table.name, id_, new)
    if table.name == "appointment" and activities.is_canceled(new) > activities.is_canceled(row):
        cancel_if_synced(session, new)
    _after(session, table, id_)


def delete(session: Session, table: Table, id_: str) -> None:
    """Removes the row and what hangs on it. Raises Refused, 404 where there is no such row."""
    _require_message("Delete", table)
    row = visible(session, table, id_)
    require_write(session, table, "Delete")
    if table.name == attachments.TABLE:
        attachments.require_open(session, row)
    _remove(session, table.name, id_)
    if table.name == attachments.TABLE and row.get("objectid"):
        attachments.recount(session, row["objectid"])


def replace_parties(session: Session, table: Table, id_: str, entries: Any) -> None:
    visible(session, table, id_)
    require_write(session, table, "Write")
    activities.require_open(session, table.name, id_)
    parties.replace(session, table.name, id_, entries)
    _after(session, table, id_)


def _require_message(message: str, table: Table) -> None:
    if table.name in _NO_MESSAGE:
        raise errors.Refused(
            400,
            "0x80040800",
            f"The '{message}' method does not support entities of type '{table.name}'. "
            "MessageProcessorCache returned MessageProcessor.Empty.",
        )


def _new_row(session: Session, table: Table, key: str, given: Payload) -> dict[str, Any]:
    row: dict[str, Any] = {
        c.name: c.default for c in table.columns.values() if c.default is not None
    }
    row.update({n: v for n, v in given.values.items() if table.columns[n].create})
    links = {n: v for n, v in given.links.items() if table.columns[n].create}
    _check_links(session, links)
    row.update(_stored(links))
    row[table.key] = key
    _stamp(session, row, "created")
    _stamp(session, row, "modified")
    if "overriddencreatedon" in given.values and "createdon" in table.columns:
        row["overriddencreatedon"], row["createdon"] = row["createdon"], row["overriddencreatedon"]
    if "ownerid" in table.columns:
        row.setdefault("ownerid", ["systemuser", session.caller.user])
        row["owningbusinessunit"] = _business_unit(session, row["ownerid"][1])
    if table.statuses is not None:
        activities.check_pair(table, row["statecode"], row["statuscode"], key)
    return {n: v for n, v in row.items() if n in table.columns}


def _stored(links: Mapping[str, payload.Reference | None]) -> dict[str, Any]:
    return {name: list(link) if link else None for name, link in links.items()}


def _stamp(session: Session, row: dict[str, Any], verb: str) -> None:
    row[f"{verb}on"] = session.rows.now()
    row[f"{verb}by"] = ["systemuser", session.caller.user]
    acting = session.caller.acting
    row[f"{verb}onbehalfby"] = ["systemuser", acting] if acting else None


def _business_unit(session: Session, user: str) -> Any:
    row = session.rows.get("systemuser", user)
    return row.get("businessunitid") if row else None


def _check_links(session: Session, links: Mapping[str, payload.Reference | None]) -> None:
    """A record can be linked to only by who may see it (the AppendTo right)."""
    for link in links.values():
        if link is not None:
            visible(session, SCHEMA.tables[link[0]], link[1])


def _before_create(session: Session, table: Table, row: dict[str, Any]) -> None:
    _derive(row, table)
    if table.is_activity:
        activities.prepare(session, table, row)
    elif table.name in attachments.BODIES:
        attachments.prepare(session, table.name, row)
        if table.name == attachments.TABLE:
            attachments.require_open(session, row)


def _before_update(
    session: Session, table: Table, row: Row, new: dict[str, Any], changed: frozenset[str]
) -> None:
    _derive(new, table)
    if table.is_activity:
        activities.check_change(table, row, new, changed)
    elif table.name in attachments.BODIES:
        attachments.prepare(session, table.name, new)
        if table.name == attachments.TABLE:
            attachments.require_open(session, row)


def _check_duplicates(session: Session, table: Table, row: Mapping[str, Any]) -> None:
    """The rules that every organisation starts with: the same e-mail address in one table.

    Learn, "Manage duplicate detection during create and update": only where the request asks.
    """
    if not session.detect_duplicates or "emailaddress1" not in table.columns:
        return
    address = (row.get("emailaddress1") or "").casefold()
    for other in session.rows.all(table.name) if address else ():
        same = other.get("emailaddress1", "").casefold() == address
        if same and other[table.key] != row[table.key]:
            raise errors.duplicate_record()


def _derive(row: dict[str, Any], table: Table) -> None:
    """Columns that are always worked out from others."""
    if table.name in ("contact", "lead"):
        names = (row.get("firstname"), row.get("lastname"))
        row["fullname"] = " ".join(n for n in names if n) or None
    if "owninguser" in table.columns:
        row["owninguser"] = row.get("ownerid")


def _add_related(session: Session, table: Table, key: str, given: Payload) -> None:
    for collection, entries in given.children:
        if collection.table == parties.PARTY.name:
            if not table.is_activity:
                raise errors.invalid_argument("Activity parties belong to an activity.")
            parties.add(session, table.name, key, entries)
            continue
        target = SCHEMA.tables[collection.table]
        for entry in entries:
            link = {f"{collection.navigation}{payload.BIND}": f"/{table.entity_set}({key})"}
            create(session, target, {**entry, **link})
    for collection, bound in given.binds:
        for name, id_ in bound:
            link = {f"{collection.navigation}{payload.BIND}": f"/{table.entity_set}({key})"}
            update(session, SCHEMA.tables[name], id_, link)


def _after(session: Session, table: Table, id_: str) -> None:
    row = session.rows.get(table.name, id_)
    if row is None:
        return
    if table.is_activity:
        activities.finish(session, table, id_, row)
    elif table.name == attachments.TABLE:
        attachments.recount(session, row["objectid"])


def _remove(session: Session, table: str, id_: str) -> None:
    row = session.rows.get(table, id_)
    if row is None:
        return
    if table == "appointment":
        cancel_if_synced(session, row)
    session.rows.delete(table, id_)
    for other, column, target in SCHEMA.referencing(table):
        if other.name == "activitypointer":
            continue
        for child in list(session.rows.pointing(other.name, column.name, (id_,))):
            if target.on_delete == "cascade":
                _remove(session, other.name, child[other.key])
            else:
                _unlink(session, other, column.name, child)


def _unlink(session: Session, table: Table, column: str, row: Row) -> None:
    cut = {**row, column: None}
    if table.name == parties.PARTY.name:
        cut["ispartydeleted"] = True
    session.rows.put(table.name, row[table.key], cut)


def key_of(text: str) -> str | None:
    """The GUID in a key segment: `<guid>` or `<name>=<guid>`."""
    return guid(text.rpartition("=")[2].strip())
