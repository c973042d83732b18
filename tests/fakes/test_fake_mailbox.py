"""The fake keeps the promises that the real one keeps, so that a test over it can be believed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from itertools import count

import pytest

from sandbox.sample import company
from shared.domain import (
    Attachment,
    AttachmentKind,
    Body,
    Email,
    ItemRef,
    Meeting,
    Participant,
    Role,
    Sensitivity,
)
from shared.errors import Unavailable
from shared.file_names import clean_name, with_extension
from tests.contract.mailbox_contract import MailboxContract
from tests.contract.mailbox_harness import ANNA
from tests.contract.mailbox_items import Appointment, Enclosure, Mail
from tests.fakes.mailbox import FakeMailbox, MailboxWorld

_KINDS = {
    "file": AttachmentKind.FILE,
    "item": AttachmentKind.ITEM,
    "reference": AttachmentKind.REFERENCE,
}


class FakeMailboxHarness:
    def __init__(self) -> None:
        delegates = {e.address: frozenset(e.delegates) for e in company().employees}
        self.world = MailboxWorld(delegates)
        self._numbers = count(1)
        self._meetings: dict[tuple[str, str], str] = {}

    def mailbox(self, address: str) -> FakeMailbox:
        return FakeMailbox(self.world, address)

    def deliver(self, address: str, mail: Mail, folder: str = "inbox") -> ItemRef:
        ref = ItemRef("email", "me", f"message-{next(self._numbers)}")
        draft = folder == "drafts"
        attachments = _attachments(ref.id, mail.enclosures)
        files = {a.id: _content(e) for a, e in zip(attachments, mail.enclosures, strict=True)}
        email = Email(
            ref=ref,
            message_id=mail.message_id,
            conversation_id=next(iter(mail.references), mail.message_id),
            subject=mail.subject,
            body=Body(mail.html, html=True),
            participants=(
                Participant(mail.sender[1], mail.sender[0], Role.SENDER),
                *(Participant(address, name, Role.TO) for name, address in mail.to),
                *(Participant(address, name, Role.CC) for name, address in mail.cc),
            ),
            sent_at=None if draft else mail.sent,
            received_at=None if draft else mail.sent,
            is_draft=draft,
            in_reply_to=mail.in_reply_to,
            references=mail.references,
            sensitivity=Sensitivity.CONFIDENTIAL if mail.sensitivity else Sensitivity.NORMAL,
            attachments=attachments,
        )
        put = self.world.put(address, email, files, mail.source())
        return self.move(address, put, folder)

    def move(self, address: str, ref: ItemRef, folder: str) -> ItemRef:
        self.world.move(address, ref.id, folder)
        return ref

    def remove(self, address: str, ref: ItemRef) -> None:
        self.world.remove(address, ref.id)

    def schedule(self, address: str, appointment: Appointment) -> ItemRef:
        id_ = self._meetings.setdefault(
            (address, appointment.uid), f"meeting-{next(self._numbers)}"
        )
        series = appointment.weeks > 1
        if series:
            for place in range(appointment.weeks):
                one = _meeting(f"{id_}/{place}", appointment, place, master=id_)
                self._put(address, one)
        return self._put(address, _meeting(id_, appointment, 0, is_series=series))

    def postpone(self, address: str, ref: ItemRef, by: timedelta) -> None:
        item = self.world.item(address, ref)
        assert isinstance(item, Meeting)
        self._put(address, replace(item, start=item.start + by, end=item.end + by))

    def occurrences(self, address: str, series: ItemRef) -> Sequence[ItemRef]:
        return [ItemRef("meeting", "me", f"{series.id}/{place}") for place in range(3)]

    def _put(self, address: str, meeting: Meeting) -> ItemRef:
        organizer = next(p for p in meeting.participants if p.role is Role.ORGANIZER)
        return self.world.put(address, replace(meeting, is_organizer=organizer.address == address))


def _attachments(parent: str, enclosures: Sequence[Enclosure]) -> tuple[Attachment, ...]:
    return tuple(_attachment(parent, place, one) for place, one in enumerate(enclosures))


def _attachment(parent: str, place: int, enclosure: Enclosure) -> Attachment:
    name = clean_name(enclosure.name)
    if enclosure.kind == "item":
        name = with_extension("An older offer", ".eml")
    elif enclosure.kind == "reference":
        name = with_extension(name, ".url")
    return Attachment(
        id=f"{parent}/{place}",
        name=name,
        content_type=enclosure.content_type,
        size=len(enclosure.content),
        kind=_KINDS[enclosure.kind],
        inline=enclosure.inline,
        url=enclosure.url or None,
    )


def _content(enclosure: Enclosure) -> bytes:
    if enclosure.kind == "reference":
        return f"[InternetShortcut]\r\nURL={enclosure.url}\r\n".encode()
    return enclosure.content


def _meeting(
    id_: str,
    appointment: Appointment,
    place: int,
    *,
    is_series: bool = False,
    master: str | None = None,
) -> Meeting:
    start = appointment.starts[place].astimezone(UTC)
    return Meeting(
        ref=ItemRef("meeting", "me", id_),
        uid=appointment.uid,
        ical_uid=f"{appointment.uid}/{place}" if master else appointment.uid,
        subject=appointment.subject,
        body=Body("", html=True),
        participants=(
            Participant(appointment.organizer[1], appointment.organizer[0], Role.ORGANIZER),
            *(Participant(at, name, Role.REQUIRED) for name, at in appointment.attendees),
        ),
        start=start,
        end=(appointment.starts[place] + appointment.length).astimezone(UTC),
        location="Room 1",
        all_day=appointment.all_day,
        time_zone=appointment.zone,
        cancelled=appointment.cancelled,
        occurrence=start if master else None,
        series_master_id=master,
        is_series=is_series,
        attachments=_attachments(id_, appointment.enclosures),
    )


class TestFakeMailbox(MailboxContract):
    @pytest.fixture
    def harness(self) -> FakeMailboxHarness:
        return FakeMailboxHarness()


async def test_the_fake_fails_as_told() -> None:
    harness = FakeMailboxHarness()
    ref = harness.deliver(ANNA, Mail())
    harness.world.failure = Unavailable("Outlook is down.")
    with pytest.raises(Unavailable):
        await harness.mailbox(ANNA).fetch(ref)
    harness.world.failure = None
    assert await harness.mailbox(ANNA).fetch(ref)
    assert harness.world.calls == ["fetch", "fetch"]
