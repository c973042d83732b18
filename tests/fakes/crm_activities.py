"""An activity as the CRM in memory keeps it: made of an item, brought in line with it later."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sandbox.company import DOMAIN, Employee
from shared.domain import (
    Activity,
    ActivityKind,
    CategoryValue,
    Item,
    Meeting,
    Notice,
    Participant,
    Person,
    RecordRef,
    SavedFile,
    address_key,
)

MOST_PARTIES = 1000
MEETING_BODY_LIMIT = 10_000

Known = Mapping[str, tuple[RecordRef, ...]]


@dataclass(frozen=True, slots=True)
class Party:
    """`related` was added by an edit and takes no part in the item itself."""

    address: str
    record: RecordRef | None
    related: bool = False


@dataclass(frozen=True, slots=True)
class Appointment:
    """What a meeting's record says of the meeting."""

    start: datetime
    end: datetime
    all_day: bool
    time_zone: str
    location: str
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Record:
    id: str
    kind: ActivityKind
    identity: str
    subject: str
    owner: Employee
    saved_at: datetime
    ours: bool
    complete: bool = False
    link: RecordRef | None = None
    categories: Mapping[str, CategoryValue] = field(default_factory=dict)
    parties: tuple[Party, ...] = ()
    files: Mapping[str, tuple[SavedFile, bytes]] = field(default_factory=dict)
    thread: tuple[str, ...] = ()
    body: str = ""
    appointment: Appointment | None = None


def appointment(item: Item) -> Appointment | None:
    if not isinstance(item, Meeting):
        return None
    return Appointment(
        start=item.start,
        end=item.end,
        all_day=item.all_day,
        time_zone=item.time_zone,
        location=plain(item.location),
        cancelled=item.cancelled,
    )


def body(item: Item) -> str:
    whole = plain(item.body.content)
    return whole[:MEETING_BODY_LIMIT] if item.kind == "meeting" else whole


def parties(item: Item, known: Known) -> tuple[Party, ...]:
    return tuple(_party(one, known) for one in item.participants[:MOST_PARTIES])


def _party(participant: Participant, known: Known) -> Party:
    found = known.get(address_key(participant.address), (None,))
    return Party(plain(participant.address), found[0])


def refreshed(record: Record, meeting: Meeting, known: Known) -> Record:
    """The record in line with the meeting; who stays keeps what they were related to."""
    present = {address_key(party.address): party for party in record.parties if not party.related}
    return replace(
        record,
        subject=plain(meeting.subject),
        body=body(meeting),
        appointment=appointment(meeting),
        parties=(
            *(present.get(address_key(one.address), one) for one in parties(meeting, known)),
            *(party for party in record.parties if party.related),
        ),
    )


def cancelled(record: Record) -> Record:
    if record.appointment is None:
        return record
    return replace(record, appointment=replace(record.appointment, cancelled=True))


def plain(text: str) -> str:
    """Without what no database takes: control characters and lone surrogates."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "".join(c for c in whole if c.isprintable() or c == " ")


def notices(item: Item) -> tuple[Notice, ...]:
    found = []
    if item.kind == "meeting" and len(item.body.content) > MEETING_BODY_LIMIT:
        found.append(Notice("body_truncated", "The body was too long and was cut."))
    if len(item.participants) > MOST_PARTIES:
        found.append(Notice("recipients_truncated", "Not all recipients were kept."))
    return tuple(found)


def activity(record: Record) -> Activity:
    contacts = {p.record.id: p.record for p in record.parties if p.record}
    return Activity(
        kind=record.kind,
        id=record.id,
        crm="fake",
        url=f"https://crm.example/{record.kind}/{record.id}",
        subject=record.subject,
        saved_by=Person(record.owner.name, record.owner.address),
        saved_at=record.saved_at,
        links=(record.link,) if record.link else (),
        contacts=tuple(one for one in contacts.values() if one.type == "contact"),
        unmatched=tuple(
            party.address
            for party in record.parties
            if party.record is None and not address_key(party.address).endswith(f"@{DOMAIN}")
        ),
        categories={name: value for name, value in record.categories.items() if value is not None},
        files=tuple(saved for saved, _ in record.files.values()),
    )
