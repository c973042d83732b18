"""What is decided about saves that the CRM can't take now, over fakes."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from save_activity import deferring, outcomes
from save_activity.payload import SaveRequest
from save_activity.tools import Later, Tools
from shared.domain import Activity, Attachment, AttachmentKind, Item, Saved
from shared.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    NoMailbox,
    NotFound,
    ThreadlineError,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Upstream,
)
from shared.policy import Policy
from shared.receipts import Failure, Receipt, made_at
from shared.saving.beginning import Follower
from tests.contract import items
from tests.fakes.crm import CrmWorld, FakeCrm
from tests.fakes.ledger import FakeLedger
from tests.fakes.mailbox import FakeMailbox, MailboxWorld

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OWNER = "8b1d3a60-0000-4000-8000-000000000001"
DOWN = Unavailable("The CRM did not answer.")
BUSY = Throttled("Wait.", retry_after=90)


class Office:
    def __init__(self) -> None:
        self.crm_world = CrmWorld()
        self.me = next(e.address for e in self.crm_world.company.employees if e.crm_read == "all")
        self.mailboxes = MailboxWorld()
        self.ledger = FakeLedger()
        self.receive(items.email())

    def receive(self, item: Item, *attachments: Attachment) -> None:
        item = replace(item, attachments=attachments, ref=replace(item.ref, id="A1"))
        self.mailboxes.put(self.me, item, {one.id: b"abc" for one in attachments})

    def tools(self) -> Tools:
        return Tools(
            crm=FakeCrm(self.crm_world, self.me),
            mailbox=FakeMailbox(self.mailboxes, self.me),
            policy=Policy(),
        )

    async def save(self, *, ledger: bool = True, **fields: Any) -> Saved | Receipt:
        request = SaveRequest.model_validate(
            {"item": {"kind": "email", "id": "A1"}} | fields, strict=False
        )
        outcome = await deferring.save_or_defer(
            request,
            Follower(OWNER, OWNER, NOW),
            tools=self.tools(),
            ledger=self.ledger if ledger else None,
        )
        return outcome.receipt if isinstance(outcome, Later) else outcome.saved

    async def put_off(self, error: ThreadlineError = DOWN, **fields: Any) -> Receipt:
        self.crm_world.failures["look_up"] = error
        receipt = await self.save(**fields)
        assert isinstance(receipt, Receipt)
        return receipt

    async def finish(
        self, receipt: Receipt, now: datetime = NOW, *, odd_is_final: bool = True
    ) -> Receipt:
        follower = Follower(OWNER, OWNER, now)
        finished = await deferring.finish(
            receipt, follower, self.tools, self.ledger, odd_is_final=odd_is_final
        )
        return finished.receipt

    def kept(self, receipt: Receipt) -> Receipt:
        return self.ledger.receipts[(receipt.owner, receipt.id)]


@pytest.fixture
def office() -> Office:
    return Office()


async def test_a_save_that_works_leaves_no_receipt(office: Office) -> None:
    assert isinstance(await office.save(), Saved)
    assert office.ledger.receipts == {}


@pytest.mark.parametrize("error", [DOWN, BUSY])
@pytest.mark.parametrize("method", ["look_up", "save"])
async def test_what_waiting_would_mend_is_put_off(
    office: Office, error: ThreadlineError, method: str
) -> None:
    office.crm_world.failures[method] = error
    receipt = await office.save()
    assert isinstance(receipt, Receipt)
    assert (receipt.status, receipt.owner) == ("queued", OWNER)
    assert made_at(receipt.id) == NOW
    assert office.kept(receipt) == receipt
    assert office.crm_world.records == {}


@pytest.mark.parametrize(
    "error",
    [
        Forbidden("No."),
        NotFound("No."),
        InvalidRequest("No."),
        Upstream("No."),
        Conflict("No."),
        Unauthenticated("No."),
    ],
)
async def test_what_waiting_would_not_mend_is_told_at_once(
    office: Office, error: ThreadlineError
) -> None:
    office.crm_world.failures["look_up"] = error
    with pytest.raises(type(error)):
        await office.save()
    assert office.ledger.receipts == {}


async def test_what_the_policy_refuses_is_never_put_off(office: Office) -> None:
    office.crm_world.failures["look_up"] = DOWN
    with pytest.raises(InvalidRequest):
        await office.save(categories={"strange": 1})
    assert office.ledger.receipts == {}


async def test_without_a_ledger_the_crms_own_error_is_told(office: Office) -> None:
    office.crm_world.failures["look_up"] = BUSY
    with pytest.raises(Throttled) as told:
        await office.save(ledger=False)
    assert told.value is BUSY


@pytest.mark.parametrize("error", [Unavailable("Ledger."), TooLarge("Ledger.")])
async def test_a_ledger_that_fails_puts_nothing_off(office: Office, error: ThreadlineError) -> None:
    office.crm_world.failures["look_up"] = DOWN
    office.ledger.failures["add"] = error
    with pytest.raises(Unavailable) as told:
        await office.save()
    assert told.value is DOWN


async def test_a_receipt_holds_choices_and_ids_and_nothing_of_the_item(office: Office) -> None:
    office.receive(
        items.email(items.sender("s3cret@customer.example"), subject="s3cret"),
        Attachment("F1", "s3cret.txt", "text/plain", 3, AttachmentKind.FILE),
    )
    account = office.crm_world.company.accounts[0].id
    receipt = await office.put_off(links=[{"type": "account", "id": account}], attachments=["F1"])
    assert "s3cret" not in repr(receipt)
    assert "@" not in repr(receipt)
    done = await office.finish(receipt)
    (record,) = office.crm_world.records.values()
    assert done.status == "saved"
    assert record.link is not None
    assert record.link.id == account
    assert [file.name for file, _ in record.files.values()] == ["s3cret.txt"]


async def test_finishing_again_does_nothing_more(office: Office) -> None:
    receipt = await office.put_off()
    done = await office.finish(receipt)
    assert await office.finish(office.kept(receipt)) == done
    office.crm_world.records.clear()  # the user has deleted it since
    assert (await office.finish(office.kept(receipt))).status == "saved"
    assert office.crm_world.records == {}


async def test_many_deliveries_at_once_agree(office: Office) -> None:
    receipt = await office.put_off()
    outcomes = await asyncio.gather(*(office.finish(receipt) for _ in range(10)))
    assert {one.status for one in outcomes} == {"saved"}
    assert len(office.crm_world.records) == 1


@pytest.mark.parametrize("error", [DOWN, BUSY, Conflict("Now.")])
async def test_it_stays_queued_while_waiting_helps(office: Office, error: ThreadlineError) -> None:
    receipt = await office.put_off()
    office.crm_world.failures["look_up"] = error
    with pytest.raises(type(error)):
        await office.finish(receipt)
    assert office.kept(receipt).status == "queued"


async def test_a_service_that_asked_to_wait_is_not_asked_before(office: Office) -> None:
    receipt = await office.put_off(BUSY)
    office.crm_world.calls.clear()
    with pytest.raises(Throttled) as told:
        await office.finish(receipt, NOW + timedelta(seconds=30))
    assert told.value.retry_after == 60
    assert office.crm_world.calls == []
    office.crm_world.failures["look_up"] = BUSY
    later = NOW + timedelta(seconds=90)
    with pytest.raises(Throttled):
        await office.finish(receipt, later)
    again = office.kept(receipt)
    assert again.not_before == later + timedelta(seconds=90)
    assert (await office.finish(again, later + timedelta(seconds=90))).status == "saved"


@pytest.mark.parametrize(
    "error", [Upstream("Odd."), Unauthenticated("This app?"), NoMailbox("Not at this moment.")]
)
async def test_an_odd_answer_is_tried_again_before_it_is_final(
    office: Office, error: ThreadlineError
) -> None:
    receipt = await office.put_off()
    office.crm_world.failures["save"] = error
    with pytest.raises(type(error)):
        await office.finish(receipt, odd_is_final=False)
    assert office.kept(receipt).status == "queued"
    office.crm_world.failures["save"] = error
    assert (await office.finish(receipt)).failure == Failure(error.code, error.detail)


@pytest.mark.parametrize(
    "error", [Forbidden("You may not."), NotFound("Gone."), Upstream("Odd."), TooLarge("Big.")]
)
async def test_a_refusal_ends_it(office: Office, error: ThreadlineError) -> None:
    receipt = await office.put_off()
    office.crm_world.failures["look_up"] = error
    done = await office.finish(receipt)
    assert done.failure == Failure(error.code, error.detail)
    assert office.kept(receipt) == done


async def test_a_failure_told_meanwhile_gives_way_to_what_was_saved(office: Office) -> None:
    receipt = await office.put_off()
    await outcomes.fail(receipt, Failure("unavailable", "Given up."), office.ledger)
    done = await office.finish(receipt)
    assert (done.status, done.failure) == ("saved", None)
    late = await outcomes.fail(receipt, Failure("unavailable", "Given up."), office.ledger)
    assert late.status == "saved"
    assert office.kept(receipt).status == "saved"


async def test_files_left_out_are_counted_and_not_named(office: Office) -> None:
    files = [
        Attachment(f"F{n}", f"s3cret{n}.exe", "text/plain", 3, AttachmentKind.FILE)
        for n in range(2)
    ]
    office.receive(items.email(), *files)
    done = await office.finish(await office.put_off())
    (notice,) = done.notices
    assert notice.code == "attachments_rejected"
    assert "2 of a type that the CRM refuses" in notice.text
    assert "s3cret" not in repr(done)


async def test_a_saved_receipt_tells_the_activity_with_the_notices_of_its_save(
    office: Office,
) -> None:
    receipt = await office.put_off(follow=True)

    async def find(request: SaveRequest) -> Activity | None:
        item = await office.tools().mailbox.identify(request.item.ref())
        return await office.tools().crm.find(item)

    async def broken(request: SaveRequest) -> Activity | None:
        raise DOWN

    assert await deferring.told(receipt, find) is None
    done = await office.finish(receipt)
    activity = await deferring.told(done, find)
    assert activity is not None
    assert [notice.code for notice in activity.notices] == ["follow_unavailable"]
    assert await deferring.told(done, broken) is None
