"""Graph's answers as domain values. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

from shared import domain
from shared.domain import AttachmentKind, ItemRef, Participant, Role, Sensitivity, address_key
from shared.file_names import clean_name, with_extension
from shared.outlook import wire
from shared.outlook.time_zones import iana_name, zone

_MESSAGE_ID = re.compile(r"<[^<>\s]+>")
_SPAM = re.compile(r"\bSCL:[5-9]\b|\bSFV:(SPM|SKS|SKB|BLK)\b", re.IGNORECASE)
_TO_JUNK = re.compile(r"\bdest:J\b", re.IGNORECASE)
_SENSITIVITIES = tuple(Sensitivity)
_NEVER = datetime(1601, 1, 2, tzinfo=UTC)
"""Exchange's first day; it and year 1 stand for "no time"."""

# MS-OXOCAL 2.2.1.27: the class id of a global object id, and how a foreign uid is wrapped in one.
_GLOBAL_OBJECT_ID = re.compile(r"040000008200E00074C5B7101A82E008([0-9A-F]{2}){24,}", re.IGNORECASE)
_FOREIGN_UID = b"vCal-Uid\x01\x00\x00\x00"


def email(ref: ItemRef, message: wire.Message) -> domain.Email:
    draft = bool(message.is_draft)
    named = _named(message)
    headers = _headers(message, named)
    references = _message_ids(headers.get(wire.REFERENCES))
    return domain.Email(
        ref=replace(ref, id=message.id),
        message_id=message.internet_message_id or None,
        conversation_id=message.conversation_id or None,
        subject=message.subject or "",
        body=_body(message.body),
        participants=tuple(_correspondents(message)),
        sent_at=None if draft else moment(message.sent_date_time),
        received_at=None if draft else moment(message.received_date_time),
        is_draft=draft,
        in_reply_to=next(iter(_message_ids(headers.get(wire.IN_REPLY_TO))), None),
        references=references,
        sensitivity=_sensitivity_of(headers.get(wire.SENSITIVITY)),
        attachments=_attachments(message.attachments),
        automatic="eventmessage" in (message.odata_type or "").casefold() or is_automatic(named),
        suspected=is_suspected(named),
    )


def meeting(ref: ItemRef, event: wire.Event) -> domain.Meeting:
    all_day = bool(event.is_all_day)
    own_zone = iana_name(event.original_start_time_zone)
    start = beginning(event)
    is_series = event.type == "seriesMaster"
    one_of_series = event.type in ("occurrence", "exception")
    ical_uid = event.i_cal_u_id or event.id
    occurrence = (moment(event.original_start) or start) if one_of_series else None
    return domain.Meeting(
        ref=replace(ref, id=event.id),
        uid=series_uid(ical_uid),
        ical_uid=ical_uid,
        subject=event.subject or "",
        body=_body(event.body),
        participants=tuple(_attendance(event)),
        start=start,
        end=_instant(event.end, all_day=all_day, own_zone=own_zone),
        location=(event.location and event.location.display_name) or "",
        all_day=all_day,
        time_zone=own_zone,
        cancelled=bool(event.is_cancelled),
        is_draft=bool(event.is_draft),
        occurrence=occurrence,
        day=original_day(ical_uid) if occurrence else None,
        series_master_id=event.series_master_id or None,
        is_series=is_series,
        sensitivity=_sensitivity_named(event.sensitivity),
        attachments=_attachments(event.attachments),
        is_organizer=bool(event.is_organizer),
    )


def beginning(event: wire.Event) -> datetime:
    """In UTC."""
    own_zone = iana_name(event.original_start_time_zone)
    return _instant(event.start, all_day=bool(event.is_all_day), own_zone=own_zone)


def series_uid(ical_uid: str) -> str:
    """The uid that all occurrences of a series share, in everyone's mailbox.

    Graph v1.0 has no such property: `iCalUId` carries the date of an occurrence in bytes 17–20 of
    the global object id, which are zero in the series' own (MS-OXOCAL 2.2.1.27). A uid given by
    another calendar system is unwrapped.
    """
    if not _GLOBAL_OBJECT_ID.fullmatch(ical_uid):
        return ical_uid
    data = bytes.fromhex(ical_uid)[40:]
    if data.startswith(_FOREIGN_UID):
        return data.removeprefix(_FOREIGN_UID).rstrip(b"\0").decode("utf-8", "replace")
    return f"{ical_uid[:32]}00000000{ical_uid[40:]}".upper()


def original_day(ical_uid: str) -> date | None:
    """The date in an occurrence's `iCalUId` (see `series_uid`). Exchange has one occurrence a day
    at most, and names it by that day: a series that is moved to another hour keeps its occurrences,
    whose `originalStart` is another one then."""
    if not _GLOBAL_OBJECT_ID.fullmatch(ical_uid):
        return None
    year, month, day = bytes.fromhex(ical_uid[32:36]), ical_uid[36:38], ical_uid[38:40]
    try:
        return date(int.from_bytes(year), int(month, 16), int(day, 16))
    except ValueError:
        return None


def _named(message: wire.Message) -> dict[str, str]:
    """The first header of each name, in small letters."""
    return {
        header.name.casefold(): header.value or ""
        for header in reversed(message.internet_message_headers or ())
    }


def is_automatic(headers: Mapping[str, str]) -> bool:
    """Whether these are an automatic reply's headers (RFC 3834) or a report's (RFC 6522).

    "auto-generated" alone is not enough: helpdesks put it on what their people write. Exchange puts
    it on automatic replies, and names the message that they answer.
    """
    submitted = headers.get("auto-submitted", "").strip().casefold()
    by_exchange = "x-ms-exchange-parent-message-id" in headers
    return (
        submitted.startswith("auto-replied")
        or (submitted.startswith("auto-generated") and by_exchange)
        or headers.get("content-type", "").strip().casefold().startswith("multipart/report")
    )


def is_suspected(headers: Mapping[str, str]) -> bool:
    """Whether Microsoft's filter took the message for spam, or put it into Junk Email
    (https://learn.microsoft.com/en-us/defender-office-365/message-headers-eop-mdo)."""
    return bool(
        _SPAM.search(headers.get("x-forefront-antispam-report", ""))
        or _TO_JUNK.search(headers.get("x-microsoft-antispam-mailbox-delivery", ""))
    )


def _headers(message: wire.Message, named: Mapping[str, str]) -> dict[str, str]:
    """The properties by id; where one is missing, the header of the same meaning stands in."""
    found = {
        wire.IN_REPLY_TO: named.get("in-reply-to", ""),
        wire.REFERENCES: named.get("references", ""),
    }
    for own in message.single_value_extended_properties or ():
        if own.value:
            found[_property_id(own.id)] = own.value
    return found


def _property_id(id_: str) -> str:
    """Graph may answer `Integer 0x0036` or `integer 0x36` for what was asked as `Integer 0x36`."""
    kind, _, tag = id_.partition(" ")
    try:
        return f"{kind.capitalize()} {int(tag, 16):#x}"
    except ValueError:
        return id_


def _message_ids(value: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_MESSAGE_ID.findall(value or "")))


def _body(body: wire.Body | None) -> domain.Body:
    if body is None:
        return domain.Body("", html=True)
    html = (body.content_type or "html").casefold() == "html"
    return domain.Body(body.content or "", html=html)


def _correspondents(message: wire.Message) -> Iterator[Participant]:
    yield from _people([message.from_ or message.sender], Role.SENDER)
    yield from _people(message.to_recipients, Role.TO)
    yield from _people(message.cc_recipients, Role.CC)
    yield from _people(message.bcc_recipients, Role.BCC)


def _attendance(event: wire.Event) -> Iterator[Participant]:
    organizer = list(_people([event.organizer], Role.ORGANIZER))
    yield from organizer
    keys = {address_key(person.address) for person in organizer}
    for attendee in event.attendees or ():
        role = {"optional": Role.OPTIONAL, "resource": Role.RESOURCE}.get(
            (attendee.type or "").casefold(), Role.REQUIRED
        )
        # Outlook lists the organizer among the attendees of some meetings
        yield from (p for p in _people([attendee], role) if address_key(p.address) not in keys)


def _people(
    recipients: Iterable[wire.Recipient | None] | None, role: Role
) -> Iterator[Participant]:
    for recipient in recipients or ():
        who = recipient.email_address if recipient else None
        if who and who.address:
            yield Participant(who.address, who.name or "", role)


def _attachments(listed: Iterable[wire.Attachment] | None) -> tuple[domain.Attachment, ...]:
    return tuple(attachment(one) for one in listed or ())


def attachment(listed: wire.Attachment) -> domain.Attachment:
    """Its name ends as its content will: a message in .eml, a link in .url.

    Graph v1.0 doesn't tell where a reference points to, so `url` stays None here.
    """
    kind = (listed.odata_type or "").casefold()
    name, size = listed.name or "", listed.size or 0
    if kind.endswith("itemattachment"):
        return domain.Attachment(
            id=listed.id,
            name=with_extension(name, ".eml"),
            content_type="message/rfc822",
            size=size,
            kind=AttachmentKind.ITEM,
        )
    if kind.endswith("referenceattachment"):
        return domain.Attachment(
            id=listed.id,
            name=with_extension(name, ".url"),
            content_type="application/internet-shortcut",
            size=size,
            kind=AttachmentKind.REFERENCE,
        )
    return domain.Attachment(
        id=listed.id,
        name=clean_name(name),
        content_type=listed.content_type or "application/octet-stream",
        size=size,
        kind=AttachmentKind.FILE,
        inline=bool(listed.is_inline),
    )


def _sensitivity_of(value: str | None) -> Sensitivity:
    """PidTagSensitivity: 0 normal, 1 personal, 2 private, 3 confidential (MS-OXCMSG 2.2.1.13)."""
    if value and value.isdecimal() and int(value) < len(_SENSITIVITIES):
        return _SENSITIVITIES[int(value)]
    return Sensitivity.NORMAL


def _sensitivity_named(name: str | None) -> Sensitivity:
    try:
        return Sensitivity((name or "normal").casefold())
    except ValueError:
        return Sensitivity.NORMAL


def moment(value: datetime | None) -> datetime | None:
    """In UTC, whatever offset it came with; None for none."""
    if value is None:
        return None
    known = value if value.tzinfo else value.replace(tzinfo=UTC)
    return known.astimezone(UTC) if known > _NEVER else None


def _instant(time: wire.ZonedTime, *, all_day: bool, own_zone: str) -> datetime:
    """In UTC. Graph gives the days of an all-day event as midnights whatever zone was asked for
    (microsoft-graph-docs-contrib issue 8057): they are midnights of the event's own zone."""
    value = time.date_time
    if value.tzinfo is None:
        floating = all_day and value.time() == value.time().min
        value = value.replace(tzinfo=zone(own_zone if floating else time.time_zone))
    return value.astimezone(UTC)
