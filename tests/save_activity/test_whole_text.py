"""What goes along where the CRM can't hold a text whole."""

from dataclasses import replace

import pytest

from save_activity import logic
from save_activity.payload import SaveRequest
from shared.domain import Body, Item, Limits, LookUp, RecordRef, Rejection, Saved
from shared.policy import AttachmentMode, Policy
from tests.contract import items
from tests.fakes.crm import CrmWorld, FakeCrm
from tests.fakes.mailbox import FakeMailbox, MailboxWorld

SOURCE = b"Message-ID: <1@customer.example>\r\n\r\nthe whole message"
LONG = Body("<p>Agenda</p><script>alert(1)</script>", html=True)


class ShortRecords(FakeCrm):
    """A CRM whose records hold no text as long as these."""

    async def look_up(self, item: Item, link: RecordRef | None) -> LookUp:
        return replace(await super().look_up(item, link), body_cut=True)


class Office:
    def __init__(self) -> None:
        self.crm = CrmWorld(limits=Limits(5_000_000, frozenset({"exe"})))
        self.me = self.crm.company.employees[0].address
        self.mail = MailboxWorld()

    async def save(
        self, item: Item, crm: type[FakeCrm] = ShortRecords, mode: AttachmentMode = "all"
    ) -> Saved:
        self.mail.put(self.me, replace(item, ref=replace(item.ref, id="A1")), source=SOURCE)
        return await logic.save(
            SaveRequest.model_validate({"item": {"kind": item.kind, "id": "A1"}}),
            crm=crm(self.crm, self.me),
            mailbox=FakeMailbox(self.mail, self.me),
            policy=Policy(attachments=mode),
        )

    @property
    def stored(self) -> list[tuple[str, bytes]]:
        (record,) = self.crm.records.values()
        return [(saved.name, content) for saved, content in record.files.values()]


async def test_an_email_goes_along_as_the_message_that_it_is() -> None:
    office = Office()
    saved = await office.save(items.email(subject="Offer: 10 pumps"))
    assert office.stored == [("Offer_ 10 pumps.eml", SOURCE)]
    assert [file.name for file in saved.activity.files] == ["Offer_ 10 pumps.eml"]


async def test_a_meetings_text_goes_along_as_a_page_that_does_nothing() -> None:
    office = Office()
    await office.save(replace(items.meeting(subject="Kick-off"), body=LONG))
    ((name, content),) = office.stored
    assert name == "Kick-off.html"
    assert b"<p>Agenda</p>" in content
    assert b"alert" not in content


async def test_plain_text_stays_plain() -> None:
    office = Office()
    await office.save(replace(items.meeting(subject=""), body=Body("a < b", html=False)))
    assert office.stored == [("meeting.txt", b"a < b")]


async def test_a_text_that_fits_needs_no_file() -> None:
    office = Office()
    await office.save(items.email(), FakeCrm)
    assert office.stored == []
    assert "read_source" not in office.mail.calls


async def test_saving_again_stores_no_second_file() -> None:
    office = Office()
    await office.save(items.email())
    again = await office.save(items.email())
    assert not again.created
    assert len(office.stored) == 1
    assert office.mail.calls.count("read_source") == 1


async def test_an_interrupted_save_is_finished_with_it() -> None:
    office = Office()
    mail = items.email()
    office.crm.breaks_after = 1
    with pytest.raises(Exception, match="did not answer"):
        await office.save(mail)
    office.crm.breaks_after = None
    saved = await office.save(mail)
    assert len(saved.activity.files) == 1


async def test_who_switched_attachments_off_gets_none_by_this_way() -> None:
    office = Office()
    await office.save(items.email(), mode="off")
    assert office.stored == []
    assert "read_source" not in office.mail.calls


@pytest.mark.parametrize(
    ("limits", "rejection"),
    [
        (Limits(10, frozenset()), Rejection("Offer.eml", "too_large", 10)),
        (Limits(5_000_000, frozenset({"eml"})), Rejection("Offer.eml", "blocked_type")),
    ],
)
async def test_what_the_crm_does_not_take_is_told(limits: Limits, rejection: Rejection) -> None:
    office = Office()
    office.crm.limits = limits
    saved = await office.save(items.email(subject="Offer"))
    assert office.stored == []
    assert saved.activity.rejected == (rejection,)
