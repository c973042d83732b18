"""What we know of Dataverse's tables, and how our words map to theirs.

Sources: Microsoft Learn "Email", "Appointment" and "ActivityParty table/entity reference"
(powerapps-docs developer/data-platform/reference/entities), "ActivityParty entity".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.domain import ActivityKind, Role


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose records are linked to or take part. `name_column` may be empty."""

    logical: str
    entity_set: str
    id_column: str
    name_column: str
    takes_activities: bool


@dataclass(frozen=True, slots=True)
class State:
    """A statecode and its statuscode."""

    code: int
    status: int


@dataclass(frozen=True, slots=True)
class ActivityTable:
    """One of the two activity tables that we write.

    `item_column` holds what identifies the Outlook item, in at most `item_limit` UTF-16 units;
    `editable` are the states in which a record can be changed, `reopened` the one to put it in for
    that.
    """

    kind: ActivityKind
    logical: str
    entity_set: str
    parties: str
    attachments: str
    file_owner: str
    item_column: str
    item_limit: int
    columns: tuple[str, ...]
    editable: frozenset[int]
    reopened: State
    subject_limit: int
    body_limit: int


OPEN: Final = 0

EMAIL: Final = ActivityTable(
    kind="email",
    logical="email",
    entity_set="emails",
    parties="email_activity_parties",
    attachments="email_activity_mime_attachment",
    file_owner="objectid_email@odata.bind",
    item_column="messageid",
    item_limit=320,
    columns=("messageid",),
    editable=frozenset({OPEN}),
    reopened=State(OPEN, 1),
    subject_limit=800,
    body_limit=1_073_741_823,
)
APPOINTMENT: Final = ActivityTable(
    kind="meeting",
    logical="appointment",
    entity_set="appointments",
    parties="appointment_activity_parties",
    attachments="appointment_activity_mime_attachment",
    file_owner="objectid_activitypointer@odata.bind",
    item_column="globalobjectid",
    item_limit=300,
    columns=("globalobjectid", "scheduledstart", "scheduledend", "isalldayevent", "location"),
    editable=frozenset({OPEN, 3}),
    reopened=State(OPEN, 1),
    subject_limit=200,
    body_limit=1_048_576,
)
SENT: Final = State(1, 3)
RECEIVED: Final = State(1, 4)
SCHEDULED: Final = State(3, 5)
CANCELED: Final = State(2, 4)
LEAVING: Final = frozenset({State(1, 6), State(1, 7)})
"""Pending Send and Sending: touching the state of such an e-mail could send it again."""

_TABLES: Final = (
    Table("contact", "contacts", "contactid", "fullname", True),
    Table("account", "accounts", "accountid", "name", True),
    Table("lead", "leads", "leadid", "fullname", True),
    Table("opportunity", "opportunities", "opportunityid", "name", True),
    Table("incident", "incidents", "incidentid", "title", True),
    Table("systemuser", "systemusers", "systemuserid", "fullname", False),
    Table("queue", "queues", "queueid", "name", False),
)
STANDARD: Final[Mapping[str, Table]] = {table.logical: table for table in _TABLES}

_LOGICAL: Final = {"user": "systemuser", "case": "incident"}
_NEUTRAL: Final = {logical: neutral for neutral, logical in _LOGICAL.items()}
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,99}\Z")

OWNER_MASK: Final = 9
REGARDING_MASK: Final = 8
RELATED_MASK: Final = 13
DERIVED_MASKS: Final = frozenset({REGARDING_MASK, OWNER_MASK})
"""Parties that Dataverse keeps itself, from `regardingobjectid` and `ownerid`."""

MASKS: Final[Mapping[Role, int]] = {
    Role.SENDER: 1,
    Role.TO: 2,
    Role.CC: 3,
    Role.BCC: 4,
    Role.REQUIRED: 5,
    Role.OPTIONAL: 6,
    Role.ORGANIZER: 7,
    # Mask 10, Resource, belongs to service activities; an appointment has no such field.
    Role.RESOURCE: 6,
}


def activity_table(kind: ActivityKind) -> ActivityTable:
    return EMAIL if kind == "email" else APPOINTMENT


def logical_name(type_: str) -> str | None:
    """Dataverse's name of a record type, or None where it can't be one."""
    name = _LOGICAL.get(type_, type_)
    return name if _NAME.match(name) else None


def neutral_name(logical: str) -> str:
    return _NEUTRAL.get(logical, logical)
