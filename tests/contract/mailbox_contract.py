"""What every Mailbox must do.

A mailbox's test is a subclass named `Test…` with one fixture, `harness`, that gives a
`MailboxHarness`, fresh for every test.
"""

import email
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.policy import SMTP

import pytest

from shared.domain import (
    Attachment,
    AttachmentKind,
    Email,
    ItemRef,
    Meeting,
    Role,
    Sensitivity,
    identity,
)
from shared.errors import Forbidden, NotFound, Unsupported
from tests.contract.mailbox_gathering import MailboxGathering
from tests.contract.mailbox_harness import ANNA, BERND, SALES, MailboxHarness
from tests.contract.mailbox_items import SENT, Appointment, Enclosure, Mail


class MailboxContract(MailboxGathering):
    async def test_a_message_comes_whole(self, harness: MailboxHarness) -> None:
        ref = harness.deliver(
            ANNA,
            Mail(
                cc=(("Zoë", "zoe@partner.example"),),
                in_reply_to="<b@x.example>",
                references=("<a@x.example>", "<b@x.example>"),
                sensitivity="Company-Confidential",
            ),
        )
        item = await harness.mailbox(ANNA).fetch(ref)
        assert isinstance(item, Email)
        assert item.subject == "Offer for 40 pumps"
        assert "Dzień dobry" in item.body.content
        assert item.body.html
        assert [(p.role, p.address) for p in item.participants] == [
            (Role.SENDER, "jan.nowak@customer.example"),
            (Role.TO, ANNA),
            (Role.CC, "zoe@partner.example"),
        ]
        assert item.participants[0].name == "Jan Nowak"
        assert item.message_id == "<offer-1@customer.example>"
        assert item.in_reply_to == "<b@x.example>"
        assert item.references == ("<a@x.example>", "<b@x.example>")
        assert item.sent_at == SENT
        assert item.received_at is not None
        assert not item.is_draft
        assert item.sensitivity is Sensitivity.CONFIDENTIAL
        assert item.attachments == ()

    async def test_one_message_is_the_same_in_two_mailboxes(self, harness: MailboxHarness) -> None:
        found = []
        for address in (ANNA, BERND):
            ref = harness.deliver(address, Mail())
            found.append(identity(await harness.mailbox(address).identify(ref)))
        assert found[0] == found[1]

    async def test_identify_agrees_with_fetch(self, harness: MailboxHarness) -> None:
        mailbox = harness.mailbox(ANNA)
        refs = [
            harness.deliver(ANNA, Mail()),
            harness.deliver(ANNA, Mail(message_id=None)),
            harness.schedule(ANNA, Appointment()),
        ]
        for ref in refs:
            assert identity(await mailbox.identify(ref)) == identity(await mailbox.fetch(ref))

    async def test_what_is_not_there_is_not_found(self, harness: MailboxHarness) -> None:
        mailbox = harness.mailbox(ANNA)
        others = harness.deliver(BERND, Mail())
        for ref in (others, replace(others, kind="meeting"), ItemRef("email", "me", "AAMkAD=")):
            for read in (mailbox.fetch, mailbox.identify):
                with pytest.raises(NotFound) as missing:
                    await read(ref)
                assert missing.value.code == "item_not_found"

    async def test_a_shared_mailbox_opens_for_its_delegates_only(
        self, harness: MailboxHarness
    ) -> None:
        ref = replace(harness.deliver(SALES, Mail(enclosures=(FILE,))), mailbox=SALES)
        item = await harness.mailbox(ANNA).fetch(ref)
        assert item.subject == "Offer for 40 pumps"
        assert item.ref.mailbox == SALES
        contents = await harness.mailbox(ANNA).read_files(ref, item.attachments)
        assert contents == [FILE.content]
        bernd = harness.mailbox(BERND)
        for read in (bernd.fetch, bernd.identify, bernd.read_source):
            with pytest.raises(Forbidden):
                await read(ref)

    async def test_attachments_of_all_kinds_are_listed(self, harness: MailboxHarness) -> None:
        ref = harness.deliver(ANNA, Mail(enclosures=(FILE, LOGO, FORWARDED, LINK)))
        item = await harness.mailbox(ANNA).fetch(ref)
        listed = {(a.name, a.kind, a.inline) for a in item.attachments}
        assert listed == {
            ("offer.pdf", AttachmentKind.FILE, False),
            ("logo.png", AttachmentKind.FILE, True),
            ("An older offer.eml", AttachmentKind.ITEM, False),
            ("prices.xlsx.url", AttachmentKind.REFERENCE, False),
        }
        assert _named(item.attachments, "offer.pdf").size >= len(FILE.content)
        assert _named(item.attachments, "offer.pdf").content_type == "application/pdf"

    async def test_attachments_of_all_kinds_are_read(self, harness: MailboxHarness) -> None:
        ref = harness.deliver(ANNA, Mail(enclosures=(FILE, JSON, FORWARDED, LINK)))
        mailbox = harness.mailbox(ANNA)
        attachments = (await mailbox.fetch(ref)).attachments
        for asked in (attachments, attachments[::-1]):
            contents = dict(
                zip((a.name for a in asked), await mailbox.read_files(ref, asked), strict=True)
            )
            assert contents["offer.pdf"] == FILE.content
            assert contents["data.json"] == JSON.content
            assert contents["prices.xlsx.url"] == b"[InternetShortcut]\r\nURL=" + LINK_URL + b"\r\n"
            inner = email.message_from_bytes(contents["An older offer.eml"] or b"", policy=SMTP)
            assert inner["Subject"] == "An older offer"

    @pytest.mark.parametrize("enclosure", ["FILE", "JSON", "FORWARDED", "LINK"])
    async def test_one_attachment_alone_is_the_same(
        self, enclosure: str, harness: MailboxHarness
    ) -> None:
        ref = harness.deliver(ANNA, Mail(enclosures=(FILE, JSON, FORWARDED, LINK)))
        mailbox = harness.mailbox(ANNA)
        attachments = (await mailbox.fetch(ref)).attachments
        place = ("FILE", "JSON", "FORWARDED", "LINK").index(enclosure)
        together = await mailbox.read_files(ref, attachments)
        assert await mailbox.read_files(ref, [attachments[place]]) == [together[place]]
        assert await mailbox.read_files(ref, []) == []

    async def test_what_is_gone_is_none_and_the_rest_comes(self, harness: MailboxHarness) -> None:
        other = harness.deliver(ANNA, Mail(enclosures=(FILE,)))
        ref = harness.deliver(ANNA, Mail(enclosures=(FILE, JSON)))
        mailbox = harness.mailbox(ANNA)
        stray = (await mailbox.fetch(other)).attachments[0]
        first, second = (await mailbox.fetch(ref)).attachments
        nonsense = replace(first, id="no such thing/+=")
        asked = [stray, first, nonsense, second]
        expected = [None, FILE.content, None, JSON.content]
        assert await mailbox.read_files(ref, asked) == expected
        assert await mailbox.read_files(ref, [stray]) == [None]

    async def test_many_and_large_ones_come_right(self, harness: MailboxHarness) -> None:
        files = tuple(
            Enclosure(f"{number}.bin", bytes([number]) * (2_000_000 if number % 9 == 0 else 10))
            for number in range(45)
        )
        ref = harness.deliver(ANNA, Mail(enclosures=files))
        mailbox = harness.mailbox(ANNA)
        attachments = (await mailbox.fetch(ref)).attachments
        contents = await mailbox.read_files(ref, attachments)
        assert [a.name for a in attachments] == [f.name for f in files]
        assert [c == f.content for c, f in zip(contents, files, strict=True)] == [True] * 45

    async def test_equal_names_stay_two_files(self, harness: MailboxHarness) -> None:
        twins = (Enclosure("a.txt", b"one", "text/plain"), Enclosure("a.txt", b"two", "text/plain"))
        ref = harness.deliver(ANNA, Mail(enclosures=twins))
        mailbox = harness.mailbox(ANNA)
        attachments = (await mailbox.fetch(ref)).attachments
        assert [a.name for a in attachments] == ["a.txt", "a.txt"]
        assert await mailbox.read_files(ref, attachments) == [b"one", b"two"]

    async def test_file_names_are_safe(self, harness: MailboxHarness) -> None:
        hostile = ("../../etc/passwd", "invoice\u202efdp.exe", "CON", "x" * 300 + ".pdf")
        ref = harness.deliver(ANNA, Mail(enclosures=tuple(Enclosure(n, b"x") for n in hostile)))
        attachments = (await harness.mailbox(ANNA).fetch(ref)).attachments
        names = [a.name for a in attachments]
        assert names[:3] == ["etc_passwd", "invoicefdp.exe", "_CON"]
        assert len(names[3]) == 255
        assert names[3].endswith(".pdf")

    async def test_the_source_is_the_message_itself(self, harness: MailboxHarness) -> None:
        ref = harness.deliver(ANNA, Mail())
        source = await harness.mailbox(ANNA).read_source(ref)
        message = email.message_from_bytes(source, policy=SMTP)
        assert message["Message-ID"] == "<offer-1@customer.example>"
        with pytest.raises(NotFound):
            await harness.mailbox(BERND).read_source(ref)

    async def test_a_meeting_has_no_source(self, harness: MailboxHarness) -> None:
        ref = harness.schedule(ANNA, Appointment())
        with pytest.raises(Unsupported):
            await harness.mailbox(ANNA).read_source(ref)

    async def test_a_meeting_comes_whole(self, harness: MailboxHarness) -> None:
        ref = harness.schedule(ANNA, Appointment())
        item = await harness.mailbox(ANNA).fetch(ref)
        assert isinstance(item, Meeting)
        assert item.subject == "Kick-off"
        assert item.location == "Room 1"
        assert item.start == datetime(2026, 3, 23, 9, 0, tzinfo=UTC)
        assert item.end == datetime(2026, 3, 23, 10, 0, tzinfo=UTC)
        assert item.time_zone == "Europe/Warsaw"
        assert [(p.role, p.address) for p in item.participants] == [
            (Role.ORGANIZER, ANNA),
            (Role.REQUIRED, "jan.nowak@customer.example"),
        ]
        assert not item.all_day
        assert not item.cancelled
        assert not item.is_series
        assert item.occurrence is None

    async def test_one_meeting_is_the_same_in_two_calendars(self, harness: MailboxHarness) -> None:
        found = []
        for address in (ANNA, BERND):
            ref = harness.schedule(address, Appointment())
            found.append(identity(await harness.mailbox(address).fetch(ref)))
        assert found[0] == found[1]

    async def test_a_cancelled_meeting_says_so(self, harness: MailboxHarness) -> None:
        harness.schedule(BERND, Appointment())
        ref = harness.schedule(BERND, Appointment(cancelled=True))
        item = await harness.mailbox(BERND).fetch(ref)
        assert isinstance(item, Meeting)
        assert item.cancelled

    async def test_an_all_day_meeting_keeps_its_days(self, harness: MailboxHarness) -> None:
        day = datetime(2026, 7, 1)  # noqa: DTZ001  # wall-clock time
        ref = harness.schedule(ANNA, Appointment(start=day, length=timedelta(days=2), all_day=True))
        item = await harness.mailbox(ANNA).fetch(ref)
        assert isinstance(item, Meeting)
        assert item.all_day
        assert item.time_zone == "Europe/Warsaw"
        assert item.start == datetime(2026, 6, 30, 22, 0, tzinfo=UTC)
        assert item.end == datetime(2026, 7, 2, 22, 0, tzinfo=UTC)

    @pytest.mark.parametrize("uid", ["weekly@customer.example", "outlook"])
    async def test_a_series_and_its_occurrences_are_told_apart(
        self, uid: str, harness: MailboxHarness
    ) -> None:
        if uid == "outlook":
            uid = "040000008200E00074C5B7101A82E008" + "00000000" + "AB" * 8 + "00" * 8 + "10000000"
        appointment = Appointment(uid=uid, weeks=3)
        by_owner = []
        for address in (ANNA, BERND):
            mailbox = harness.mailbox(address)
            master = harness.schedule(address, appointment)
            refs = [master, *harness.occurrences(address, master)]
            by_owner.append([await mailbox.fetch(ref) for ref in refs])
        series, *ones = [item for item in by_owner[0] if isinstance(item, Meeting)]
        assert series.is_series
        assert series.occurrence is None
        assert [one.start for one in ones] == [s.astimezone(UTC) for s in appointment.starts]
        assert [one.occurrence for one in ones] == [one.start for one in ones]
        assert {one.uid for one in ones} == {series.uid}
        identities = [[identity(item) for item in items] for items in by_owner]
        assert len(set(identities[0])) == 4
        assert identities[0] == identities[1]


LINK_URL = b"https://files.contoso.example/prices%20list.xlsx?a=1&b=%C3%B3"
FILE = Enclosure("offer.pdf", b"%PDF-1.7 \x00\xff offer", "application/pdf")
JSON = Enclosure("data.json", b'{"spaces":   "kept",\r\n "b": 1}\n', "application/json")
LOGO = Enclosure("logo.png", b"\x89PNG", "image/png", inline=True)
FORWARDED = Enclosure("", Mail(subject="An older offer").source(), kind="item")
LINK = Enclosure("prices.xlsx", kind="reference", url=LINK_URL.decode())


def _named(attachments: Sequence[Attachment], name: str) -> Attachment:
    return next(a for a in attachments if a.name == name)
