"""Our words to Dataverse's: the bodies of what we write. Pure.

Columns: Microsoft Learn "Email table/entity reference", "Appointment table/entity reference",
"Attachment (ActivityMimeAttachment) table/entity reference".
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from shared.crm.dataverse import keys, parties
from shared.crm.dataverse.tables import (
    APPOINTMENT,
    CANCELED,
    EMAIL,
    RECEIVED,
    SCHEDULED,
    SENT,
    ActivityTable,
    State,
    Table,
    activity_table,
)
from shared.domain import Body, Email, File, Item, LookUp, Meeting, Notice
from shared.file_names import clean_name
from shared.participants import is_outgoing
from shared.safe_html import safe_html, text_as_html
from shared.truncation import cut_html, cut_text, one_line, storable, units

_LOCATION_LIMIT: Final = 200
_CONTENT_TYPE_LIMIT: Final = 256
_NO_SUBJECT: Final = "(no subject)"
_NEVER_CUT: Final = 12
"""No HTML gets longer by a larger factor when it is made safe."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A record to create, the state that completes it, and what the user should know of it."""

    row: Mapping[str, Any]
    final: State
    notices: tuple[Notice, ...]


def draft(item: Item, known: LookUp) -> Draft:
    """The item as a new record, still without link and categories. Takes some 100 ms for a body
    of 1 MiB."""
    table = activity_table(item.kind)
    body, cut = _body(item.body, table.body_limit)
    subject = cut_text(one_line(item.subject), table.subject_limit)
    row = {
        "activityid": keys.activity_id(item),
        "subject": subject,
        "description": body,
        table.parties: [parties.row(party) for party in parties.resolved(item, known.parties)],
    }
    if isinstance(item, Meeting):
        row |= _meeting(item, subject)
    else:
        row |= _email(item, outgoing=is_outgoing(item, known.parties))
    notices = _notices(
        item, body_cut=cut, subject_cut=units(one_line(item.subject)) > units(subject)
    )
    return Draft(row, final_state(item, known), notices)


def cuts_body(item: Item) -> bool:
    """Whether the record can't hold the item's body whole. Takes as long as `draft`."""
    limit = activity_table(item.kind).body_limit
    return units(item.body.content) * _NEVER_CUT > limit and _body(item.body, limit)[1]


def final_state(item: Item, known: LookUp) -> State:
    """Completed e-mail is read-only, so this comes last. A meeting is scheduled, whether it is past
    or to come: completing it is for the people who held it."""
    if isinstance(item, Meeting):
        return CANCELED if item.cancelled else SCHEDULED
    return SENT if is_outgoing(item, known.parties) else RECEIVED


def _email(email: Email, *, outgoing: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"directioncode": outgoing}
    row |= _item_id(EMAIL, email.message_id)
    first = next(filter(None, (*email.references, email.in_reply_to, email.message_id)), None)
    if first:
        # writable, and by Microsoft's description the id of all e-mails of one conversation; the
        # columns made for what a message answers (inreplyto, conversationindex) are read-only
        row["conversationtrackingid"] = keys.conversation_id(first)
    sent = email.sent_at or email.received_at
    if sent is not None:
        # `senton` is read-only and `overriddencreatedon` would falsify who saved it when. These
        # three are what timelines and views sort and show by; the moment of sending is the same
        # in every mailbox, that of arrival is not.
        row |= dict.fromkeys(("actualstart", "actualend", "sortdate"), moment(sent))
    return row


def _meeting(meeting: Meeting, subject: str) -> dict[str, Any]:
    """With Exchange's own id of this very occurrence: by it, server-side synchronisation recognises
    the meeting and makes no second record of it [inferred; the id alone does no harm]. A cancelled
    one goes without: nothing is to be synchronised with it any more."""
    return {
        "subject": subject or _NO_SUBJECT,
        "scheduledstart": moment(meeting.start),
        "scheduledend": moment(max(meeting.start, meeting.end)),
        "sortdate": moment(meeting.start),
        "isalldayevent": meeting.all_day,
        "location": cut_text(one_line(meeting.location), _LOCATION_LIMIT),
        **({} if meeting.cancelled else _item_id(APPOINTMENT, meeting.ical_uid or meeting.uid)),
    }


def _item_id(table: ActivityTable, id_: str | None) -> dict[str, str]:
    """Left out where it does not fit: half an id could be another item's. The record's key still
    tells the item."""
    text = storable(id_ or "")
    return {table.item_column: text} if text and units(text) <= table.item_limit else {}


def _body(body: Body, limit: int) -> tuple[str, bool]:
    """The HTML to store, and whether it had to be cut."""
    content = storable(body.content)
    html = safe_html(content if body.html else text_as_html(content))
    kept = cut_html(html, limit)
    return kept, kept != html


def _notices(item: Item, *, body_cut: bool, subject_cut: bool) -> tuple[Notice, ...]:
    found = []
    if body_cut:
        found.append(
            Notice("body_truncated", "The text was too long for Dynamics 365; its end was cut off.")
        )
    if subject_cut:
        found.append(Notice("subject_truncated", "The subject was too long; its end was cut off."))
    if left_out := parties.dropped(item):
        found.append(
            Notice(
                "recipients_truncated",
                f"The first {parties.MOST} participants were kept, {left_out} were left out.",
            )
        )
    return tuple(found)


def moment(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def state(wanted: State) -> dict[str, int]:
    return {"statecode": wanted.code, "statuscode": wanted.status}


def link(table: ActivityTable, target: Table, id_: str) -> dict[str, str]:
    """Connects the activity to a record."""
    return {_link_column(table, target.logical): f"/{target.entity_set}({id_})"}


def no_link(table: ActivityTable, logical: str) -> dict[str, None]:
    """Disconnects the activity from a record of that table."""
    return {_link_column(table, logical): None}


def _link_column(table: ActivityTable, logical: str) -> str:
    return f"regardingobjectid_{logical}_{table.logical}@odata.bind"


def file_head(file: File, activity: str, table: ActivityTable) -> dict[str, Any]:
    """An attachment but for its content; its id makes storing it twice impossible."""
    owner = "activitypointers" if "activitypointer" in table.file_owner else table.entity_set
    return {
        "activitymimeattachmentid": keys.attachment_id(activity, file.key),
        "filename": clean_name(file.name),
        "mimetype": cut_text(one_line(file.content_type), _CONTENT_TYPE_LIMIT),
        "objecttypecode": table.logical,
        table.file_owner: f"/{owner}({activity})",
    }


def file_row(file: File, content: bytes, activity: str, table: ActivityTable) -> dict[str, Any]:
    return {**file_head(file, activity, table), "body": b64encode(content).decode("ascii")}


def fitting(files: Iterable[File], room: int) -> tuple[tuple[File, ...], tuple[File, ...]]:
    """Splits into those that fit into `room` bytes together, smallest first, and the others."""
    small: list[File] = []
    large: list[File] = []
    for file in sorted(files, key=lambda f: f.size):
        if file.size <= room:
            room -= file.size
            small.append(file)
        else:
            large.append(file)
    return tuple(small), tuple(large)
