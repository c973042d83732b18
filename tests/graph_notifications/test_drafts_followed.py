"""A draft that was saved: what becomes of its receipt."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from graph_notifications.drafts import MISSING
from shared.domain import Email
from shared.errors import Conflict, Unavailable
from shared.following import FollowedDraft
from shared.receipts import Receipt
from tests.graph_notifications.office import Office, followed


def kept(office: Office, receipt: Receipt) -> Receipt:
    return office.ledger.receipts[(receipt.owner, receipt.id)]


def is_followed(office: Office) -> bool:
    return any(isinstance(one, FollowedDraft) for one in office.followings.followed.values())


def send(office: Office, draft: Email) -> Email:
    """It keeps its id, and gets the Message-ID that it is sent with."""
    sent: Email = office.deliver(
        replace(draft, is_draft=False, sent_at=office.now, message_id="<sent@contoso.example>")
    )
    return sent


async def test_what_is_sent_is_handed_to_the_saves_with_its_reason(office: Office) -> None:
    draft, receipt = await office.write_draft(office.customer)
    sent = send(office, draft)
    office.now += timedelta(days=8)
    assert await office.happens(sent) == "draft_sent"
    assert (kept(office, receipt).status, kept(office, receipt).queued_at) == ("queued", office.now)
    assert [json.loads(one) for one in office.saves] == [
        {"owner": office.me.oid, "receipt": receipt.id}
    ]
    assert office.reason(sent) == "draft_sent"


async def test_it_is_handed_over_again_until_its_receipt_has_an_outcome(office: Office) -> None:
    """A worker that was killed may have handed over nothing."""
    draft, receipt = await office.write_draft(office.customer)
    sent = send(office, draft)
    assert [await office.happens(sent) for _ in range(2)] == ["draft_sent"] * 2
    assert len(office.saves) == 2
    await office.ledger.replace(replace(kept(office, receipt), status="saved"))
    assert await office.happens(sent) == "not_followed"
    assert not is_followed(office)


async def test_in_an_outage_what_is_handed_over_does_not_pile_up(office: Office) -> None:
    draft, receipt = await office.write_draft(office.customer)
    await office.happens(send(office, draft))
    for _ in range(24):
        office.now += timedelta(hours=1)
        office.queue.append(office.told(draft))
        await office.drain()
    assert kept(office, receipt).status == "queued"
    assert len(office.saves) <= 3


async def test_what_is_handed_over_is_left_to_the_saves_whatever_becomes_of_the_message(
    office: Office,
) -> None:
    draft, receipt = await office.write_draft(office.customer)
    sent = send(office, draft)
    await office.happens(sent)
    office.mailboxes.remove(office.me.address, sent.ref.id)
    assert await office.happens(sent) == "draft_sent"
    assert kept(office, receipt).status == "queued"


async def test_a_draft_that_is_written_on_waits(office: Office) -> None:
    draft, receipt = await office.write_draft(office.customer)
    assert await office.happens(draft) == "draft"
    assert kept(office, receipt).status == "pending_send"


async def test_a_draft_in_deleted_items_is_discarded_at_once(office: Office) -> None:
    draft, receipt = await office.write_draft(office.customer)
    office.mailboxes.throw_away(office.me.address, draft.ref.id)
    assert await office.happens(draft) == "draft_discarded"
    failed = kept(office, receipt)
    assert failed.status == "failed"
    assert failed.failure is not None
    assert failed.failure.code == "item_not_found"
    assert "discarded" in failed.failure.detail
    assert not is_followed(office)


async def test_a_sent_message_in_deleted_items_was_sent(office: Office) -> None:
    draft, _ = await office.write_draft(office.customer)
    sent = send(office, draft)
    office.mailboxes.throw_away(office.me.address, sent.ref.id)
    assert await office.happens(sent) == "draft_sent"


async def test_while_it_is_on_its_way_it_is_nowhere_and_waited_for(office: Office) -> None:
    """Sending is told as a removal and a new message."""
    draft, receipt = await office.write_draft(office.customer)
    office.mailboxes.remove(office.me.address, draft.ref.id)
    assert await office.happens(draft) == "draft_missing"
    sent = send(office, draft)
    assert await office.happens(sent) == "draft_sent"
    assert kept(office, receipt).status == "queued"


async def test_what_is_nowhere_for_a_while_was_discarded(office: Office) -> None:
    draft, receipt = await office.write_draft(office.customer)
    office.mailboxes.remove(office.me.address, draft.ref.id)
    await office.happens(draft)
    office.now += MISSING - timedelta(seconds=1)
    assert await office.happens(draft) == "draft_missing"
    office.now += timedelta(seconds=1)
    assert await office.happens(draft) == "draft_discarded"
    assert kept(office, receipt).status == "failed"


async def test_what_came_back_has_its_time_anew(office: Office) -> None:
    draft, receipt = await office.write_draft(office.customer)
    office.mailboxes.remove(office.me.address, draft.ref.id)
    await office.happens(draft)
    office.deliver(draft)
    assert await office.happens(draft) == "draft"
    office.mailboxes.remove(office.me.address, draft.ref.id)
    office.now += MISSING * 2
    assert await office.happens(draft) == "draft_missing"
    assert kept(office, receipt).status == "pending_send"


async def test_the_hourly_round_looks_at_every_draft(office: Office) -> None:
    """Nobody tells of what is removed for good."""
    draft, receipt = await office.write_draft(office.customer)
    office.mailboxes.remove(office.me.address, draft.ref.id)
    assert "draft_missing" in await office.look_after()
    office.now += timedelta(hours=1)
    assert "draft_discarded" in await office.look_after()
    assert kept(office, receipt).status == "failed"
    office.now += timedelta(hours=1)
    assert await office.look_after() == ["ended"]


async def test_a_receipt_that_changes_at_the_same_moment_is_looked_at_again(
    office: Office,
) -> None:
    draft, receipt = await office.write_draft(office.customer)
    sent = send(office, draft)
    office.ledger.failures["replace"] = Conflict("now")
    with pytest.raises(Conflict):
        await office.happens(sent)
    assert await office.happens(sent) == "draft_sent"
    assert kept(office, receipt).status == "queued"


@pytest.mark.parametrize("method", ["find", "replace"])
async def test_a_ledger_that_is_down_loses_nothing(office: Office, method: str) -> None:
    draft, receipt = await office.write_draft(office.customer)
    sent = send(office, draft)
    office.ledger.failures[method] = Unavailable("down")
    with pytest.raises(Unavailable):
        await office.happens(sent)
    assert await office.happens(sent) == "draft_sent"
    assert kept(office, receipt).status == "queued"


async def test_a_draft_whose_receipt_is_forgotten_is_a_message_like_any_other(
    office: Office,
) -> None:
    question = await followed(office)
    draft, receipt = await office.write_draft(office.customer)
    del office.ledger.receipts[(receipt.owner, receipt.id)]
    sent = send(office, replace(draft, in_reply_to=question.message_id))
    assert await office.happens(sent) == "saved"
