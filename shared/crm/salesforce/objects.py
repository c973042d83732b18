"""What we know of Salesforce's objects, and how our words map to theirs.

Sources: Object Reference for the Salesforce Platform, pages of EmailMessage, Event and Task.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.domain import ActivityKind

KEY: Final = "Threadline_Key__c"
ITEM_ID: Final = "Threadline_Item_Id__c"
LINK: Final = "Threadline_Link__c"
SAVED_BY: Final = "Threadline_Saved_By__c"
SAVED_AT: Final = "Threadline_Saved_At__c"

DRAFT: Final = "5"
READ: Final = "1"
SENT: Final = "3"

BUSY: Final = "Busy"
FREE: Final = "Free"
"""Of `Event.ShowAs`."""


@dataclass(frozen=True, slots=True)
class ActivityObject:
    """One of the objects that hold activities.

    `what` refers to the record that one is linked to, `people` names the child relationship of
    the people related to it; `who_list` is the field that sets those, empty where each is a record
    of its own.
    """

    kind: ActivityKind
    name: str
    prefix: str
    what: str
    what_relationship: str
    people: str
    who_list: str
    subject_limit: int
    body_limit: int


EMAIL_MESSAGE: Final = ActivityObject(
    "email",
    "EmailMessage",
    "02s",
    "RelatedToId",
    "RelatedTo",
    "EmailMessageRelations",
    "",
    subject_limit=4000,
    body_limit=131_072,
)
TASK: Final = ActivityObject(
    "email",
    "Task",
    "00T",
    "WhatId",
    "What",
    "TaskWhoRelations",
    "TaskWhoIds",
    subject_limit=255,
    body_limit=32_000,
)
EVENT: Final = ActivityObject(
    "meeting",
    "Event",
    "00U",
    "WhatId",
    "What",
    "EventWhoRelations",
    "EventWhoIds",
    subject_limit=255,
    body_limit=32_000,
)
ACTIVITIES: Final = (EMAIL_MESSAGE, TASK, EVENT)

PEOPLE: Final = frozenset({"Contact", "Lead"})
"""The objects whose records are people: an activity is about them as Name, not as Related To."""

_NAMES: Final[Mapping[str, str]] = {
    "contact": "Contact",
    "account": "Account",
    "lead": "Lead",
    "user": "User",
    "queue": "Group",
    "opportunity": "Opportunity",
    "case": "Case",
}
_NEUTRAL: Final = {name: neutral for neutral, name in _NAMES.items()}
_API_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}\Z")

NAME_FIELDS: Final[Mapping[str, str]] = {
    "Contact": "Name",
    "Account": "Name",
    "Lead": "Name",
    "Opportunity": "Name",
    "Campaign": "Name",
    "Case": "CaseNumber",
}
"""What people call a record of these; others are asked for their id alone, since not each has a
Name. The name itself comes along when the activity is read."""

_PREFIXES: Final[Mapping[str, str]] = {
    "001": "Account",
    "003": "Contact",
    "00Q": "Lead",
    "006": "Opportunity",
    "500": "Case",
    "701": "Campaign",
}


def object_name(type_: str) -> str | None:
    """Salesforce's name of a record type, or None where it can't be one."""
    if type_ in _NAMES:
        return _NAMES[type_]
    # An object that has a word of ours is known by that word alone.
    return type_ if _API_NAME.match(type_) and type_ not in _NEUTRAL else None


def neutral_name(object_: str) -> str:
    return _NEUTRAL.get(object_, object_)


def object_of(id_: str) -> str:
    """The standard object that an id belongs to; empty for others."""
    return _PREFIXES.get(id_[:3], "")


def activity_object(kind: ActivityKind, id_: str) -> ActivityObject | None:
    """Which of the activity objects holds that record; None where none of that kind does."""
    found = (o for o in ACTIVITIES if o.kind == kind and id_.startswith(o.prefix))
    return next(found, None)
