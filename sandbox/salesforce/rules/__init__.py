"""What holds for some objects only."""

from collections.abc import Mapping

from sandbox.salesforce.rules import email, events, files, people, sales, tasks
from sandbox.salesforce.rules.model import Rule

RULES: Mapping[str, Rule] = {
    **email.RULES,
    **events.RULES,
    **tasks.RULES,
    **files.RULES,
    **people.RULES,
    **sales.RULES,
}

JUNCTIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "EmailMessage": {
        **dict.fromkeys(email.ADDRESS_LISTS, email.PEOPLE),
        email.FILE_LIST: ("ContentDocument",),
    },
    "Event": {events.WHO_LIST: ("Contact", "Lead")},
    "Task": {tasks.WHO_LIST: ("Contact", "Lead")},
}
"""The junction lists of each object, with the objects that their ids may be of."""
