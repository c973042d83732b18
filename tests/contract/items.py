"""Items to save, as a mailbox would give them."""

from datetime import UTC, datetime, timedelta

from shared.domain import (
    Body,
    Email,
    File,
    ItemRef,
    Meeting,
    Participant,
    Role,
)

SENT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def sender(address: str, name: str = "") -> Participant:
    return Participant(address, name, Role.SENDER)


def to(*addresses: str) -> tuple[Participant, ...]:
    return tuple(Participant(address, "", Role.TO) for address in addresses)


def organizer(address: str) -> Participant:
    return Participant(address, "", Role.ORGANIZER)


def attendees(*addresses: str) -> tuple[Participant, ...]:
    return tuple(Participant(address, "", Role.REQUIRED) for address in addresses)


def email(
    *participants: Participant,
    message_id: str | None = "<1@customer.example>",
    mailbox: str = "me",
    subject: str = "Offer for ten pumps",
    body: str = "<p>Hello</p>",
    html: bool = True,
) -> Email:
    return Email(
        ref=ItemRef("email", mailbox, f"{mailbox}/{message_id}"),
        message_id=message_id,
        conversation_id="conversation",
        subject=subject,
        body=Body(body, html),
        participants=participants,
        sent_at=SENT,
        received_at=SENT + timedelta(seconds=3),
        is_draft=False,
    )


def meeting(
    *participants: Participant,
    uid: str = "040000008200E00074C5B7101A82E00800000000A1",
    ical_uid: str | None = None,
    mailbox: str = "me",
    subject: str = "Kick-off",
    body: str = "<p>Agenda</p>",
    start: datetime = SENT,
    occurrence: datetime | None = None,
    cancelled: bool = False,
    is_series: bool = False,
) -> Meeting:
    return Meeting(
        ref=ItemRef("meeting", mailbox, f"{mailbox}/{uid}"),
        uid=uid,
        ical_uid=uid if ical_uid is None else ical_uid,
        subject=subject,
        body=Body(body, html=True),
        participants=participants,
        start=start,
        end=start + timedelta(hours=1),
        location="Room 1",
        occurrence=occurrence,
        cancelled=cancelled,
        is_series=is_series,
    )


def file(name: str, content: bytes, key: str | None = None) -> File:
    async def read() -> bytes:
        return content

    return File(
        key=name if key is None else key,
        name=name,
        content_type="application/octet-stream",
        size=len(content),
        read=read,
    )
