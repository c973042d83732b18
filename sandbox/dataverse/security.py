"""Who calls, and what they may do.

Learn, "Impersonate another user using the Web API": CallerObjectId (Entra object id) or
MSCRMCallerID (systemuserid) need prvActOnBehalfOfAnotherUser, and the rights are the intersection
of both users'.
"""

from collections.abc import Mapping
from dataclasses import replace

from sandbox.dataverse import errors
from sandbox.dataverse.rows import Rows
from sandbox.dataverse.schema import SCHEMA
from sandbox.dataverse.schema.model import Table
from sandbox.dataverse.session import Caller, Session
from sandbox.dataverse.values import guid
from sandbox.store import Row
from sandbox.world import Principal, World

_INHERITED = {"activityparty": "activityid", "activitymimeattachment": "objectid"}
"""Tables whose rows are seen and changed with the activity that this lookup points at."""


def caller_of(world: World, rows: Rows, principal: Principal, headers: Mapping[str, str]) -> Caller:
    """Raises Refused with 403 for whoever is no enabled user here."""
    me = _enabled(_by_object_id(rows, principal.oid))
    caller = _rights(world, me)
    other = _impersonated(rows, headers)
    if other is None:
        return caller
    if not principal.app_only:
        raise errors.denied(caller.user, "prvActOnBehalfOfAnotherUser", "systemuser", 8)
    theirs = _rights(world, _enabled(other[0]))
    return replace(
        theirs,
        reads_all=theirs.reads_all and caller.reads_all,
        writes=theirs.writes and caller.writes,
        acting=caller.user,
    )


def _by_object_id(rows: Rows, oid: str) -> Row | None:
    key = oid.lower()
    found = (r for r in rows.all("systemuser") if r.get("azureactivedirectoryobjectid") == key)
    return next(found, None)


def _impersonated(rows: Rows, headers: Mapping[str, str]) -> tuple[Row | None] | None:
    """The row named by a header (None: no such user), or None where no header came."""
    if "callerobjectid" in headers:
        return (_by_object_id(rows, headers["callerobjectid"].strip()),)
    if "mscrmcallerid" in headers:
        return (rows.get("systemuser", guid(headers["mscrmcallerid"].strip()) or ""),)
    return None


def _enabled(user: Row | None) -> Row:
    if user is None:
        raise errors.Refused(403, "0x80072560", "The user is not a member of the organization.")
    if user.get("isdisabled"):
        raise errors.Refused(
            403,
            "0x80040225",
            f"The user with SystemUserId={user['systemuserid']} in OrganizationContext is "
            "disabled.",
        )
    return user


def _rights(world: World, user: Row) -> Caller:
    oid = user.get("azureactivedirectoryobjectid")
    person = next((p for p in world.company.employees if p.oid.lower() == oid), None)
    if person is None:
        return Caller(user["systemuserid"], reads_all=True, writes=True)
    return Caller(user["systemuserid"], person.crm_read == "all", person.crm_write)


def may_read(session: Session, table: str, row: Row) -> bool:
    if session.caller.reads_all:
        return True
    if table in _INHERITED:
        parent = row.get(_INHERITED[table])
        owner = session.rows.get(parent[0], parent[1]) if parent else None
        return parent is None or owner is None or may_read(session, parent[0], owner)
    if not SCHEMA.tables[table].owned:
        return True
    owner = row.get("ownerid")
    return owner is not None and bool(owner[1] == session.caller.user)


def require_write(session: Session, table: Table, privilege: str) -> None:
    """`privilege` is Create, Write, Delete, Append or AppendTo. Raises Refused with 403."""
    if not session.caller.writes:
        name = f"prv{privilege}{_privilege_name(table)}"
        raise errors.denied(session.caller.user, name, table.name, table.object_type)


def _privilege_name(table: Table) -> str:
    """Activities share their privileges; attachments use those of activities."""
    shared = table.is_activity or table.name in _INHERITED
    return "Activity" if shared else table.schema_name


def visible(session: Session, table: Table, id_: str) -> Row:
    """The row, if it is there and the caller may read it. Raises Refused (404, 403)."""
    row = session.rows.get(table.name, id_)
    if row is None:
        raise errors.does_not_exist(table.name, id_)
    if not may_read(session, table.name, row):
        raise errors.no_access(session.caller.user, "ReadAccess", id_, table.object_type)
    return row
