"""What Threadline talks about: frozen values and pure functions, no I/O, no vendor.

Times are timezone-aware `datetime`s. Sizes are bytes. Record types use the neutral names
`contact, account, lead, user, queue, opportunity, case`; any other type is the CRM's own
name for it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Literal

ActivityKind = Literal["email", "meeting"]
Scope = Literal["occurrence", "series"]


@dataclass(frozen=True, slots=True)
class ItemRef:
    """Names one Outlook item. `mailbox` is "me" or the address of a shared or delegate mailbox."""

    kind: ActivityKind
    mailbox: str
    id: str


class Role(StrEnum):
    """How a participant takes part; the first four belong to e-mail, the others to meetings."""

    SENDER = "sender"
    TO = "to"
    CC = "cc"
    BCC = "bcc"
    ORGANIZER = "organizer"
    REQUIRED = "required"
    OPTIONAL = "optional"
    RESOURCE = "resource"


@dataclass(frozen=True, slots=True)
class Participant:
    """One address in one role. `address` is as written; compare with `address_key`."""

    address: str
    name: str
    role: Role


class AttachmentKind(StrEnum):
    FILE = "file"
    ITEM = "item"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Attachment:
    """An attachment as Outlook lists it, without its content.

    `size` counts raw bytes as Outlook reports them. `url` is set for references only.
    """

    id: str
    name: str
    content_type: str
    size: int
    kind: AttachmentKind
    inline: bool = False
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """A message body. `html` tells whether `content` is HTML or plain text."""

    content: str
    html: bool


class Sensitivity(StrEnum):
    NORMAL = "normal"
    PERSONAL = "personal"
    PRIVATE = "private"
    CONFIDENTIAL = "confidential"


@dataclass(frozen=True, slots=True)
class Email:
    """An e-mail message, the same from whichever mailbox it was read.

    `message_id` is the Internet Message-ID with its angle brackets, or None where the message has
    none. `sent_at` is None for a draft. `references` holds the ids of the References header,
    oldest first; `in_reply_to` the id of the In-Reply-To header. `automatic` is what no person
    wrote as a mail: an automatic reply, a delivery or read report, an invitation or an answer to
    one. `suspected` says that the mail service took it for spam when it came.
    """

    ref: ItemRef
    message_id: str | None
    conversation_id: str | None
    subject: str
    body: Body
    participants: tuple[Participant, ...]
    sent_at: datetime | None
    received_at: datetime | None
    is_draft: bool
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    sensitivity: Sensitivity = Sensitivity.NORMAL
    attachments: tuple[Attachment, ...] = ()
    automatic: bool = False
    suspected: bool = False
    kind: Literal["email"] = field(default="email", init=False)


@dataclass(frozen=True, slots=True)
class Meeting:
    """A meeting: a single one, one occurrence of a series, or (scope "series") the whole series.

    `uid` is shared by all occurrences of a series; `ical_uid` may differ for each. `occurrence` is
    the original start of an occurrence or exception (it stays when the occurrence is moved), None
    for a single meeting or a series master; `day` is its day, which stays when the whole series is
    moved to another hour, too, and is None where nobody knows it. `start` and `end` are UTC; an
    all-day meeting runs from midnight to midnight in `time_zone`, `start` and `end` being those
    instants in UTC. `is_organizer` says that the owner of the mailbox it was read from organises
    it.
    """

    ref: ItemRef
    uid: str
    ical_uid: str
    subject: str
    body: Body
    participants: tuple[Participant, ...]
    start: datetime
    end: datetime
    location: str = ""
    all_day: bool = False
    time_zone: str = "UTC"
    cancelled: bool = False
    is_draft: bool = False
    occurrence: datetime | None = None
    day: date | None = None
    series_master_id: str | None = None
    is_series: bool = False
    sensitivity: Sensitivity = Sensitivity.NORMAL
    attachments: tuple[Attachment, ...] = ()
    is_organizer: bool = False
    kind: Literal["meeting"] = field(default="meeting", init=False)


Item = Email | Meeting


@dataclass(frozen=True, slots=True)
class RecordRef:
    """Points at a CRM record. `name`, `url` and `email` are empty where not known."""

    type: str
    id: str
    name: str = ""
    url: str = ""
    email: str = ""


CategoryValue = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Limits:
    """What the CRM takes as an attachment. `max_bytes` counts raw bytes, however the CRM counts."""

    max_bytes: int
    blocked_extensions: frozenset[str]


RejectionReason = Literal["too_large", "blocked_type", "inline", "unavailable"]


@dataclass(frozen=True, slots=True)
class Rejection:
    """An attachment that was not saved. `limit` is in bytes, for `too_large` only."""

    name: str
    reason: RejectionReason
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A file to store on an activity. `read` gives the whole content; it may be called again.

    `key` tells two files of one activity apart and is the same in every mailbox that holds the
    item, so that a save repeated from another mailbox stores no second copy.
    """

    key: str
    name: str
    content_type: str
    size: int
    read: Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class SavedFile:
    id: str
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know that is no error. `code` is stable, `text` is for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Activity:
    """A saved e-mail or meeting as the CRM has it."""

    kind: ActivityKind
    id: str
    crm: str
    url: str
    subject: str
    saved_by: Person
    saved_at: datetime
    links: tuple[RecordRef, ...] = ()
    contacts: tuple[RecordRef, ...] = ()
    unmatched: tuple[str, ...] = ()
    categories: Mapping[str, CategoryValue] = field(default_factory=dict)
    files: tuple[SavedFile, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Filing:
    """What the user chose for a save: where it goes and how it is classed."""

    link: RecordRef | None = None
    categories: Mapping[str, CategoryValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """An edit. None leaves a part as it is; an empty `links` disconnects, an empty `contacts`
    leaves every participant a plain address."""

    links: tuple[RecordRef, ...] | None = None
    categories: Mapping[str, CategoryValue] | None = None
    contacts: tuple[RecordRef, ...] | None = None


@dataclass(frozen=True, slots=True)
class Existing:
    """An activity found in the CRM for an item.

    `complete` is False while a save of ours was interrupted before its last step. `adopted` says
    that another tool made the record. `seen` is what the CRM's adapter keeps of the record as it
    was found, for itself alone.
    """

    activity: Activity
    complete: bool
    adopted: bool
    seen: object = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LookUp:
    """All that a save asks of the CRM beforehand, in one round trip.

    `parties` maps an `address_key` to the records that carry that address, best first (user and
    queue before contact, lead, account); addresses unknown to the CRM are absent. `link` is the
    requested record with its name and URL filled in. `body_cut` says that the CRM can't hold the
    item's body whole.
    """

    existing: Existing | None
    parties: Mapping[str, tuple[RecordRef, ...]]
    limits: Limits
    link: RecordRef | None = None
    body_cut: bool = False


@dataclass(frozen=True, slots=True)
class Saved:
    """`created` is False where the activity was in the CRM already."""

    activity: Activity
    created: bool


@dataclass(frozen=True, slots=True)
class Deletion:
    """`message` tells the user what happened and how it can be undone."""

    kind: ActivityKind
    id: str
    message: str


def address_key(address: str) -> str:
    """The form of an address to compare by: trimmed and case-folded."""
    return address.strip().casefold()


def identity(item: Item) -> str:
    """What makes two items the same one, in whichever mailbox each lies.

    An e-mail is its Message-ID (RFC 5322 section 3.6.4); without one, the sender, the moment of
    sending, the subject and the recipients stand in. A meeting is its uid; an occurrence is the
    uid and its day, or its original start; a series is told apart from a single meeting of the same
    uid.
    """
    if isinstance(item, Email):
        if item.message_id:
            return f"email:{item.message_id}"
        return f"email:{_fingerprint(item)}"
    if item.is_series:
        return f"meeting:{item.uid}/series"
    if item.day is not None:
        return f"meeting:{item.uid}/{item.day:%Y%m%d}"
    if item.occurrence is not None:
        return f"meeting:{item.uid}/{item.occurrence.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    return f"meeting:{item.uid}"


def _fingerprint(email: Email) -> str:
    sent = email.sent_at.astimezone(UTC).isoformat() if email.sent_at else email.ref.id
    people = sorted(f"{p.role}:{address_key(p.address)}" for p in email.participants)
    parts = [sent, email.subject, *people]
    # JSON may carry lone surrogates; they are as good as any other character here.
    text = "\x1f".join(parts).encode("utf-8", errors="surrogatepass")
    return "sha256:" + sha256(text).hexdigest()
