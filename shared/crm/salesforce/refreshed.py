"""What brings an event in line with its meeting, worked out from what is there. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.crm.salesforce import moments, notes, payloads, people
from shared.crm.salesforce.composite import unreferenced
from shared.crm.salesforce.editing import is_added, link_of, who_changes
from shared.crm.salesforce.knowledge import Shape
from shared.crm.salesforce.objects import BUSY, EVENT, FREE, PEOPLE, object_name
from shared.crm.salesforce.plain import plain
from shared.crm.salesforce.replies import Record
from shared.domain import Meeting, Notice, RecordRef, address_key
from shared.participants import distinct, party_key
from shared.truncation import cut_text, one_line

_TIMES: Final = ("StartDateTime", "EndDateTime")

Known = Mapping[str, Sequence[RecordRef]]


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The fields to write, none where the event is in line with the meeting, and what the user
    should know of it."""

    fields: Mapping[str, Any]
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class _Attendees:
    """The people to relate, the addresses to note, and the notes of those who were added."""

    related: tuple[str, ...]
    others: tuple[str, ...]
    added: tuple[str, ...]
    left_out: int


def refreshed(record: Record, meeting: Meeting, known: Known, shape: Shape) -> Refreshed:
    attendees = _attendees(record, meeting, known, shape)
    noted = notes.noted(
        plain(meeting.body),
        attendees.others,
        payloads.noted_id(meeting, EVENT, shape),
        EVENT.body_limit,
        attendees.added,
    )
    subject, subject_cut = payloads.title(meeting, EVENT)
    fields = {
        **_texts(record, {"Subject": subject, "Description": unreferenced(noted.text)}),
        **_schedule(record, payloads.schedule(meeting)),
        **_availability(record, meeting, subject),
        **who_changes(record, attendees.related, shape),
    }
    notices = payloads.cuts(
        body_cut=noted.cut,
        subject_cut=subject_cut,
        left_out=attendees.left_out + noted.left_out,
    )
    return Refreshed(fields, notices + payloads.shortened(meeting))


def cancelled(record: Record) -> dict[str, str]:
    """The fields that mark an event as cancelled; none where they do."""
    before = str(record.row.get("Subject") or "")
    subject = cut_text(payloads.canceled(before), EVENT.subject_limit)
    changed = {} if subject == before else {"Subject": unreferenced(subject)}
    return changed | ({} if record.row.get("ShowAs") == FREE else {"ShowAs": FREE})


def _texts(record: Record, wanted: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in wanted.items() if _stored(record, name) != text.strip()}


def _stored(record: Record, name: str) -> str:
    """Salesforce keeps no blanks around a text, nothing for an empty one, and may end lines as HTTP
    does."""
    return str(record.row.get(name) or "").replace("\r\n", "\n").strip()


def _schedule(record: Record, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The times all together: what each of them means depends on the others."""
    row = record.row
    place = _texts(record, {"Location": wanted["Location"]})
    same = bool(row.get("IsAllDayEvent")) == wanted["IsAllDayEvent"] and all(
        row.get(name) and moments.read(row[name]) == moments.read(wanted[name]) for name in _TIMES
    )
    return place if same else {**wanted, **place}


def _availability(record: Record, meeting: Meeting, subject: str) -> dict[str, str]:
    """Only where the meeting was cancelled, or is on again: else it is for people to choose."""
    free = record.row.get("ShowAs") == FREE
    if meeting.cancelled:
        return {} if free else {"ShowAs": FREE}
    before = str(record.row.get("Subject") or "")
    revived = payloads.is_canceled(before) and not payloads.is_canceled(subject)
    return {"ShowAs": BUSY} if revived and free else {}


def _attendees(record: Record, meeting: Meeting, known: Known, shape: Shape) -> _Attendees:
    link, added = link_of(record), notes.added_of(record.description)
    taking_part, others = _taking_part(record, meeting, known)
    staying = {
        id_: address
        for id_, address in record.whos.items()
        # Without an address it belongs to no attendee.
        if id_ in taking_part
        or not address
        or is_added(id_, address, added)
        or (link is not None and id_ == link.id)
    }
    addresses = {**staying, **taking_part}
    related = payloads.relatable(addresses, link, several=shape.lists(EVENT))
    left_out = [id_ for id_ in addresses if id_ not in related]
    return _Attendees(
        related,
        (*others, *filter(None, (addresses[id_] for id_ in left_out))),
        tuple(one for one in added if any(is_added(i, a, (one,)) for i, a in staying.items())),
        sum(id_ in taking_part for id_ in left_out),
    )


def _taking_part(
    record: Record, meeting: Meeting, known: Known
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The people by id with their addresses, and the addresses without one. Who stays keeps what
    they were related to, if it was nothing too."""
    noted = set(map(address_key, notes.others_of(record.description)))
    by_address = {address_key(address): id_ for id_, address in record.whos.items() if address}
    found: dict[str, str] = {}
    others: list[str] = []
    for participant in distinct(meeting):
        key = party_key(participant)
        address = cut_text(one_line(participant.address), people.LONGEST)
        records = known.get(key, ())
        stays = by_address.get(key) or next((r.id for r in records if r.id in record.whos), None)
        if stays:
            found.setdefault(stays, address)
        elif not records or key in noted:
            others.append(address)
        elif object_name(records[0].type) in PEOPLE:
            found.setdefault(records[0].id, address)
    return found, tuple(others)
