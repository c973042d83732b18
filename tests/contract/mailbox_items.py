"""Mail and meetings to put into mailboxes, in words that a real one and a fake both understand."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Literal

SENT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Enclosure:
    """`content` is the file, or the attached message; a reference has a `url` instead."""

    name: str
    content: bytes = b""
    content_type: str = "application/octet-stream"
    kind: Literal["file", "item", "reference"] = "file"
    inline: bool = False
    url: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    sender: tuple[str, str] = ("Jan Nowak", "jan.nowak@customer.example")
    to: tuple[tuple[str, str], ...] = (("Anna", "anna.kowalska@contoso.example"),)
    cc: tuple[tuple[str, str], ...] = ()
    subject: str = "Offer for 40 pumps"
    html: str = "<p>Dzień dobry</p>"
    message_id: str | None = "<offer-1@customer.example>"
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    sensitivity: str | None = None
    enclosures: tuple[Enclosure, ...] = ()
    sent: datetime = SENT

    def source(self) -> bytes:
        """As RFC 822 bytes, the way such a message travels."""
        message = EmailMessage(policy=SMTP.clone(utf8=False))
        message["From"] = _mailbox(self.sender)
        message["To"] = ", ".join(map(_mailbox, self.to))
        if self.cc:
            message["Cc"] = ", ".join(map(_mailbox, self.cc))
        message["Subject"] = self.subject
        message["Date"] = format_datetime(self.sent)
        for name, value in (
            ("Message-ID", self.message_id),
            ("In-Reply-To", self.in_reply_to),
            ("References", " ".join(self.references)),
            ("Sensitivity", self.sensitivity),
        ):
            if value:
                message[name] = value
        message.set_content(self.html, subtype="html")
        for enclosure in self.enclosures:
            _enclose(message, enclosure)
        return message.as_bytes()


@dataclass(frozen=True, slots=True)
class Appointment:
    """`weeks` above 1 makes it a series of so many, a week apart. `zone` is an IANA name; `start`
    and `end` are wall-clock times there."""

    uid: str = "kick-off@customer.example"
    subject: str = "Kick-off"
    start: datetime = datetime(2026, 3, 23, 10, 0)  # noqa: DTZ001  # wall-clock time of `zone`
    length: timedelta = timedelta(hours=1)
    zone: str = "Europe/Warsaw"
    all_day: bool = False
    weeks: int = 1
    organizer: tuple[str, str] = ("Anna Kowalska", "anna.kowalska@contoso.example")
    attendees: tuple[tuple[str, str], ...] = field(
        default=(("Jan Nowak", "jan.nowak@customer.example"),)
    )
    cancelled: bool = False
    enclosures: tuple[Enclosure, ...] = ()

    def calendar(self) -> bytes:
        """As an iCalendar file."""
        from icalendar import Calendar, Event, vBinary, vCalAddress, vText
        from icalendar.prop import vRecur

        event = Event()
        event.add("uid", self.uid)
        event.add("summary", self.subject)
        event.add("location", "Room 1")
        if self.all_day:
            event.add("dtstart", self.start.date())
            event.add("dtend", (self.start + self.length).date())
        else:
            event.add("dtstart", self.starts[0])
            event.add("dtend", self.starts[0] + self.length)
        if self.weeks > 1:
            event.add("rrule", vRecur({"FREQ": "WEEKLY", "COUNT": self.weeks}))
        organizer = vCalAddress(f"mailto:{self.organizer[1]}")
        organizer.params["CN"] = vText(self.organizer[0])
        event["organizer"] = organizer
        for name, address in self.attendees:
            attendee = vCalAddress(f"mailto:{address}")
            attendee.params["CN"] = vText(name)
            attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
            event.add("attendee", attendee, encode=False)
        for enclosure in self.enclosures:
            named = {"FILENAME": enclosure.name, "FMTTYPE": enclosure.content_type}
            event.add("attach", vBinary(enclosure.content), named)
        calendar = Calendar()
        calendar.add("prodid", "-//Contract//EN")
        calendar.add("version", "2.0")
        calendar.add("method", "CANCEL" if self.cancelled else "REQUEST")
        calendar.add("x-wr-timezone", self.zone)
        calendar.add_component(event)
        written: bytes = calendar.to_ical()
        return written

    @property
    def starts(self) -> list[datetime]:
        """The start of each occurrence."""
        from zoneinfo import ZoneInfo

        first = self.start.replace(tzinfo=ZoneInfo(self.zone))
        return [first + timedelta(weeks=week) for week in range(self.weeks)]


def _mailbox(person: tuple[str, str]) -> str:
    return f"{person[0]} <{person[1]}>"


def _enclose(message: EmailMessage, enclosure: Enclosure) -> None:
    if enclosure.kind == "item":
        import email

        inner = email.message_from_bytes(enclosure.content, policy=SMTP)
        message.add_attachment(inner)
        return
    main, _, sub = enclosure.content_type.partition("/")
    message.add_attachment(
        enclosure.content,
        maintype=main,
        subtype=sub,
        filename=enclosure.name,
        disposition="inline" if enclosure.inline else "attachment",
        cid="<logo@customer.example>" if enclosure.inline else None,
        headers=[f"X-Reference-Attachment: {enclosure.url}"] if enclosure.url else None,
    )
