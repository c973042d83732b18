"""Our words to Salesforce's: the records that we write. Pure.

Fields: Object Reference for the Salesforce Platform, pages of EmailMessage, Event, Task and
ContentVersion.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.crm.salesforce import keys, notes, people
from shared.crm.salesforce.composite import MADE_ID, unreferenced
from shared.crm.salesforce.knowledge import Shape
from shared.crm.salesforce.moments import moment, times
from shared.crm.salesforce.objects import (
    BUSY,
    DRAFT,
    EMAIL_MESSAGE,
    EVENT,
    FREE,
    ITEM_ID,
    KEY,
    LINK,
    PEOPLE,
    READ,
    SENT,
    TASK,
    ActivityObject,
    object_name,
)
from shared.crm.salesforce.plain import plain
from shared.domain import Body, Email, File, Item, LookUp, Meeting, Notice
from shared.file_names import clean_name
from shared.participants import distinct, is_outgoing, party_key
from shared.safe_html import safe_html, text_as_html
from shared.truncation import cut_html, cut_text, one_line, storable, units

_LOCATION_LIMIT: Final = 255
_THREAD_LIMIT: Final = 765
_PATH_LIMIT: Final = 500
_NO_SUBJECT: Final = "(no subject)"
_CANCELED: Final = ("canceled:", "cancelled:")
_NEVER_CUT: Final = 12
"""No HTML gets longer by a larger factor when it is made safe."""
_SAVED_AS_TASK: Final = Notice(
    "saved_as_task",
    "Enhanced Email is switched off in your Salesforce organisation, so it was saved as a "
    "completed task.",
)


@dataclass(frozen=True, slots=True)
class Target:
    """The record that an activity is linked to."""

    object: str
    id: str

    @property
    def is_person(self) -> bool:
        return self.object in PEOPLE


@dataclass(frozen=True, slots=True)
class Draft:
    """A record to create, its relation records, the fields that complete it, and what the user
    should know of it."""

    object: ActivityObject
    row: Mapping[str, Any]
    relations: Sequence[Mapping[str, Any]]
    closing: Mapping[str, Any]
    notices: tuple[Notice, ...]


def draft(item: Item, known: LookUp, link: Target | None, shape: Shape) -> Draft:
    """The item as a new record, still without categories. Takes some 100 ms for a body of 1 MiB."""
    if isinstance(item, Meeting):
        return _event(item, known, link, shape)
    if shape.email is EMAIL_MESSAGE:
        return _message(item, known, link, shape)
    return _task(item, known, link, shape)


def cuts_body(item: Item, shape: Shape) -> bool:
    """Whether the record can't hold the item's body whole. Takes as long as `draft`."""
    object_ = EVENT if item.kind == "meeting" else shape.email
    if units(item.body.content) * _NEVER_CUT < object_.body_limit:
        return False
    if object_ is EMAIL_MESSAGE:
        return units(_html(item.body)) > object_.body_limit
    return units(plain(item.body)) > object_.body_limit


def _message(email: Email, known: LookUp, link: Target | None, shape: Shape) -> Draft:
    html = _html(email.body)
    kept = cut_html(html, EMAIL_MESSAGE.body_limit)
    subject, subject_cut = _subject(email.subject, EMAIL_MESSAGE)
    parties = people.resolved(email, known.parties)
    columns = people.columns(parties.parties)
    outgoing = is_outgoing(email, known.parties)
    relations = list(columns.relations)
    row: dict[str, Any] = {
        "Status": DRAFT,
        "Incoming": not outgoing,
        "IsClientManaged": True,
        "Subject": subject,
        "HtmlBody": kept,
        "FromName": people.sender_name(email) or None,
        **columns.fields,
        **_keyed(email, EMAIL_MESSAGE, shape),
        **_thread(email),
    }
    if sent := email.sent_at or email.received_at:
        row["MessageDate"] = moment(sent)
    if message_id := keys.message_id(email):
        row["MessageIdentifier"] = unreferenced(message_id)
    if link is not None:
        row |= link_fields(EMAIL_MESSAGE, link, shape)
        if link.is_person and not any(p.id == link.id for p in parties.parties):
            relations.append(people.person_relation(link.id))
    notices = cuts(
        body_cut=kept != html,
        subject_cut=subject_cut,
        left_out=parties.left_out + columns.left_out,
    )
    return Draft(EMAIL_MESSAGE, row, relations, {"Status": SENT if outgoing else READ}, notices)


def _thread(email: Email) -> dict[str, str]:
    """The thread is named by its first message."""
    first = next(iter(email.references), None) or email.in_reply_to or email.message_id
    text = storable(first or "").strip()
    return {"ThreadIdentifier": unreferenced(text)} if 0 < units(text) <= _THREAD_LIMIT else {}


def _event(meeting: Meeting, known: LookUp, link: Target | None, shape: Shape) -> Draft:
    fields, notices = _activity(meeting, EVENT, known, link, shape)
    row: dict[str, Any] = {
        **fields,
        **schedule(meeting),
        "IsReminderSet": False,
        "ShowAs": FREE if meeting.cancelled else BUSY,
    }
    return Draft(EVENT, row, (), _marked(meeting, EVENT, shape), notices + shortened(meeting))


def schedule(meeting: Meeting) -> dict[str, Any]:
    """When and where an event takes place."""
    start, end, _ = times(meeting)
    return {
        "StartDateTime": moment(start),
        "EndDateTime": moment(end),
        "IsAllDayEvent": meeting.all_day,
        "Location": unreferenced(cut_text(one_line(meeting.location), _LOCATION_LIMIT)),
    }


def shortened(meeting: Meeting) -> tuple[Notice, ...]:
    if not times(meeting)[2]:
        return ()
    text = "Salesforce takes events of up to 14 days; this one ends earlier there."
    return (Notice("meeting_shortened", text),)


def _task(email: Email, known: LookUp, link: Target | None, shape: Shape) -> Draft:
    fields, notices = _activity(email, TASK, known, link, shape)
    row: dict[str, Any] = {**fields, "TaskSubtype": "Email", "Status": "Completed"}
    if sent := email.sent_at or email.received_at:
        row["ActivityDate"] = moment(sent)[:10]
    return Draft(TASK, row, (), _marked(email, TASK, shape), (_SAVED_AS_TASK, *notices))


def _activity(
    item: Item, object_: ActivityObject, known: LookUp, link: Target | None, shape: Shape
) -> tuple[dict[str, Any], tuple[Notice, ...]]:
    """What an event and a task have in common."""
    related, unrelated, left_out = _whos(item, known, link, object_, shape)
    noted = notes.noted(
        plain(item.body), unrelated, noted_id(item, object_, shape), object_.body_limit
    )
    subject, subject_cut = title(item, object_)
    row: dict[str, Any] = {
        "Subject": subject,
        "Description": unreferenced(noted.text),
        **_keyed(item, object_, shape),
        **(link_fields(object_, link, shape) if link else {}),
        **who_fields(object_, related, shape),
    }
    notices = cuts(body_cut=noted.cut, subject_cut=subject_cut, left_out=left_out + noted.left_out)
    return row, notices


def noted_id(item: Item, object_: ActivityObject, shape: Shape) -> str:
    """What the notes of an activity name its item by; empty where a field of ours does."""
    return "" if shape.has(object_.name, ITEM_ID) else keys.activity_key(item)


def title(item: Item, object_: ActivityObject) -> tuple[str, bool]:
    """The subject of an event or task, and whether it had to be cut. A cancelled meeting says so in
    front, since an event has no state that could."""
    if not isinstance(item, Meeting):
        return _subject(item.subject, object_)
    subject = one_line(item.subject) or _NO_SUBJECT
    return _subject(canceled(subject) if item.cancelled else subject, object_)


def canceled(subject: str) -> str:
    """With the words that Outlook begins the subject of a cancelled meeting with, once."""
    return subject if is_canceled(subject) else f"Canceled: {subject}"


def is_canceled(subject: str) -> bool:
    return subject.lstrip().casefold().startswith(_CANCELED)


def _whos(
    item: Item, known: LookUp, link: Target | None, object_: ActivityObject, shape: Shape
) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    """The people to relate, the addresses to note, and how many could have been related but for
    their number."""
    addresses: dict[str, str] = {}
    others: list[str] = []
    for participant in distinct(item):
        found = known.parties.get(party_key(participant), ())
        address = cut_text(one_line(participant.address), people.LONGEST)
        if not found:
            others.append(address)
        elif object_name(found[0].type) in PEOPLE:
            addresses.setdefault(found[0].id, address)
    related = relatable(addresses, link, several=shape.lists(object_))
    left_out = [id_ for id_ in addresses if id_ not in related]
    return related, (*others, *(addresses[id_] for id_ in left_out)), len(left_out)


def relatable(ids: Iterable[str], link: Target | None, *, several: bool) -> tuple[str, ...]:
    """Whom an event or task may relate to of these people, the primary one first: up to 50
    contacts, or one lead where it is about no other record."""
    first = (link.id,) if link is not None and link.is_person else ()
    wanted = list(dict.fromkeys((*first, *ids)))
    leads = [id_ for id_ in wanted if id_.startswith("00Q")]
    if first and first[0] in leads:
        return first
    contacts = [id_ for id_ in wanted if id_ not in leads]
    if not contacts:
        return tuple(leads[:1]) if link is None else ()
    return tuple(contacts[: people.MOST_WHO if several else 1])


def who_fields(object_: ActivityObject, related: Sequence[str], shape: Shape) -> dict[str, Any]:
    if shape.lists(object_):
        return {object_.who_list: list(related)} if related else {}
    return {"WhoId": related[0]} if related else {}


def link_fields(object_: ActivityObject, link: Target, shape: Shape) -> dict[str, Any]:
    """Links a new record. A person is no "related to" record: which of its people the activity is
    about stands in a field of ours."""
    if not link.is_person:
        return {object_.what: link.id}
    return {LINK: link.id} if shape.has(object_.name, LINK) else {}


def _keyed(item: Item, object_: ActivityObject, shape: Shape) -> dict[str, str]:
    return {KEY: keys.activity_key(item)} if shape.has(object_.name, KEY) else {}


def _marked(item: Item, object_: ActivityObject, shape: Shape) -> dict[str, str]:
    """An event or task of ours is unfinished as long as it doesn't name its item."""
    if not shape.has(object_.name, ITEM_ID):
        return {}
    ids = keys.item_ids(item) or (keys.activity_key(item),)
    return {ITEM_ID: unreferenced(ids[0])}


def _subject(subject: str, object_: ActivityObject) -> tuple[str, bool]:
    whole = one_line(subject)
    kept = unreferenced(cut_text(whole, object_.subject_limit - _SPARE * ("@{" in whole)))
    return kept, units(kept) < units(whole)


_SPARE: Final = 100
"""Left free where keeping a reference from being one takes room."""


def _html(body: Body) -> str:
    """The HTML to store; an at sign before a brace is written as the entity that it is in HTML, so
    that no reference stands there."""
    content = storable(body.content)
    html = safe_html(content if body.html else text_as_html(content))
    return html.replace("@{", "&#64;{")


def cuts(*, body_cut: bool, subject_cut: bool, left_out: int) -> tuple[Notice, ...]:
    found = []
    if body_cut:
        found.append(
            Notice("body_truncated", "The text was too long for Salesforce; its end was cut off.")
        )
    if subject_cut:
        found.append(Notice("subject_truncated", "The subject was too long; its end was cut off."))
    if left_out:
        found.append(
            Notice(
                "recipients_truncated",
                f"Not all participants could be related to it; {left_out} were left out.",
            )
        )
    return tuple(found)


def file_row(file: File, owner: str | None, shape: Shape) -> dict[str, Any]:
    """A file but for its content. `owner` is the activity's id, None for the one that is made in
    the same transaction.

    What a file is called is read from its path, whose folder tells it from the activity's others.
    """
    digest = keys.file_digest(file.key)
    name = unreferenced(clean_name(file.name))
    stem = name.rpartition(".")[0] or name
    row = {
        "Title": cut_text(stem, 255),
        "PathOnClient": cut_text(f"{digest}/{name}", _PATH_LIMIT),
        "FirstPublishLocationId": owner or MADE_ID,
    }
    if shape.has("ContentVersion", KEY):
        row[KEY] = keys.file_key(owner, digest)
    return row


def encoded(content: bytes) -> str:
    return b64encode(content).decode("ascii")


def fitting(
    files: Iterable[File], room: int, places: int
) -> tuple[tuple[File, ...], tuple[File, ...]]:
    """Splits into those that fit into `room` bytes and so many subrequests together, smallest
    first, and the others."""
    along: list[File] = []
    later: list[File] = []
    for file in sorted(files, key=lambda f: f.size):
        if file.size <= room and len(along) < places:
            room -= file.size
            along.append(file)
        else:
            later.append(file)
    return tuple(along), tuple(later)
