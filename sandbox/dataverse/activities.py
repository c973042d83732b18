"""The life of an activity: its states, what it needs, and when it can't be changed any more.

Learn, "Email table/entity reference" and "Appointment table/entity reference": completed and
cancelled activities are read-only; statecode is not valid on create.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.dataverse import errors, parties
from sandbox.dataverse.schema import SCHEMA
from sandbox.dataverse.schema.model import Table
from sandbox.dataverse.session import Session
from sandbox.store import Row

OPEN, COMPLETED, CANCELED, SCHEDULED = range(4)
_STATE_COLUMNS = frozenset({"statecode", "statuscode"})


def prepare(session: Session, table: Table, row: dict[str, Any]) -> None:
    """Before an activity is created; `row` is completed in place."""
    row["activitytypecode"] = table.name
    if "attachmentcount" in table.columns:
        row["attachmentcount"] = 0
    if table.name == "appointment":
        _check_times(row)
    row.setdefault("sortdate", row.get("scheduledstart") or row["createdon"])


def check_change(table: Table, row: Row, new: Mapping[str, Any], changed: frozenset[str]) -> None:
    """Before an activity is updated to `new`."""
    if is_closed(row) and not changed <= _STATE_COLUMNS:
        raise errors.read_only()
    if table.name == "appointment":
        _check_times(new)


def finish(session: Session, table: Table, id_: str, row: Row) -> Row:
    """After an activity was created or updated: what the server derives from it."""
    parties.follow_owner_and_regarding(session, table.name, id_, row)
    derived = dict(row)
    if row.get("statecode") in (COMPLETED, CANCELED):
        derived.setdefault("actualend", session.rows.now())
    if table.name == "email":
        derived.setdefault("sender", next(iter(_to(session, id_, parties.SENDER)), None))
        recipients = ";".join(_to(session, id_, parties.TO))
        derived["torecipients"] = recipients[:500] or None
    if derived == dict(row):
        return row
    return session.rows.put(table.name, id_, derived)


def is_closed(row: Row) -> bool:
    return row.get("statecode") in (COMPLETED, CANCELED)


def is_canceled(row: Mapping[str, Any]) -> bool:
    return row.get("statecode") == CANCELED


def require_open(session: Session, table: str, id_: str) -> None:
    """Before parties or attachments of an activity change."""
    row = session.rows.get(table, id_)
    if row is not None and SCHEMA.tables[table].is_activity and is_closed(row):
        raise errors.read_only()


def _to(session: Session, id_: str, mask: int) -> list[str]:
    return parties.recipients(session, id_, mask)


def _check_times(row: Mapping[str, Any]) -> None:
    if not row.get("subject"):
        raise errors.Refused(
            400, "0x8004203e", "The column 'subject' of 'appointment' is required."
        )
    if not row.get("scheduledstart") or not row.get("scheduledend"):
        raise errors.Refused(
            400,
            "0x80040275",
            "Scheduled End and Scheduled Start must be set for Appointments in order to sync with "
            "Outlook.",
        )
    if row["scheduledend"] < row["scheduledstart"]:
        raise errors.invalid_argument(
            "The appointment's scheduledend must not be before its scheduledstart."
        )


def states(table: Table, row: Row, given: Mapping[str, Any]) -> dict[str, Any]:
    """The state and status that an update asks for, as a pair that fits.

    A state alone brings its default status; a status must belong to the state.
    """
    if not _STATE_COLUMNS & given.keys() or table.statuses is None:
        return {}
    state = given.get("statecode")
    if state is None:
        state = row.get("statecode", 0)
    status = given.get("statuscode")
    if status is None:
        status = next(o.value for o in table.statuses.options if o.state == state)
    check_pair(table, state, status, row.get(table.key, ""))
    return {"statecode": state, "statuscode": status}


def check_pair(table: Table, state: int, status: int, id_: str) -> None:
    option = table.statuses.find(status) if table.statuses else None
    if option is None or option.state != state:
        states = table.columns["statecode"].options
        name = states.find(state) if states else None
        raise errors.Refused(
            400,
            "0x80048408",
            f"{status} is not a valid status code for state code "
            f"{table.schema_name}State.{name.label if name else state} on {table.name} with Id "
            f"{id_}.",
        )
