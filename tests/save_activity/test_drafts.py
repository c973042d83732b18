"""Drafts of e-mail wait to be sent, under one receipt."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import Conflict, Forbidden, InvalidRequest, NotFound, Unavailable
from shared.receipts import KEPT
from tests.save_activity.following_office import NOW, SALES, Office


@pytest.fixture
def office() -> Office:
    return Office()


async def test_a_draft_waits_with_what_was_chosen(office: Office) -> None:
    office.draft()
    later = await office.later(links=office.link(), categories={"topic": 1})
    assert office.kept(later.receipt).status == "pending_send"
    (draft,) = office.drafts()
    assert (draft.mailbox, draft.item) == (office.anna.oid, "E1")
    assert (draft.owner, draft.receipt) == (office.anna.oid, later.receipt.id)
    assert draft.until == NOW + KEPT
    assert office.crm_world.records == {}
    assert later.look_after is not None
    assert later.look_after.kind == "email"


async def test_nothing_is_saved_before_it_is_sent(office: Office) -> None:
    office.draft()
    later = await office.later()
    assert (await office.finish(later.receipt)).receipt.status == "pending_send"
    assert office.crm_world.records == {}


async def test_once_it_is_sent_it_is_saved_as_chosen_and_followed(office: Office) -> None:
    office.draft()
    later = await office.later(links=office.link(), categories={"topic": 1})
    sent = office.email(1, subject="What was sent")
    await office.ledger.replace(replace(office.kept(later.receipt), status="queued"))
    finished = await office.finish(later.receipt)
    assert finished.receipt.status == "saved"
    (record,) = office.crm_world.records.values()
    assert record.subject == sent.subject
    assert record.link is not None
    assert record.link.id == office.account
    assert record.categories == {"topic": 1}
    (thread,) = office.threads()
    assert thread.record == record.id


async def test_saving_a_draft_again_changes_what_is_chosen_under_the_same_receipt(
    office: Office,
) -> None:
    office.draft()
    first = await office.later(links=office.link())
    second = await office.later(links=office.link("opportunity"))
    assert second.receipt.id == first.receipt.id
    assert office.opportunity in office.kept(first.receipt).asked
    assert office.account not in office.kept(first.receipt).asked
    assert len(office.drafts()) == 1


async def test_many_at_once_wait_under_one_receipt(office: Office) -> None:
    office.draft()
    answers = await asyncio.gather(*(office.later() for _ in range(3)), return_exceptions=True)
    told = {one.receipt.id for one in answers if not isinstance(one, BaseException)}
    waiting = [r.id for r in office.ledger.receipts.values() if r.status == "pending_send"]
    assert waiting == [office.drafts()[0].receipt]
    assert told == set(waiting)
    assert all(isinstance(one, Conflict) for one in answers if isinstance(one, BaseException))


async def test_a_colleague_is_told_that_it_waits_already(office: Office) -> None:
    both = (office.anna.address, office.bernd.address)
    office.mailboxes.delegates = dict.fromkeys(both, frozenset({SALES}))
    office.mailboxes.put(SALES, office.draft())
    await office.later(mailbox=SALES)
    with pytest.raises(Conflict):
        await office.later(by="bernd", mailbox=SALES)


async def test_a_receipt_that_has_ended_gives_way_to_a_new_one(office: Office) -> None:
    office.draft()
    first = await office.later()
    await office.ledger.replace(replace(office.kept(first.receipt), status="failed"))
    office.now = NOW + timedelta(days=1)
    second = await office.later()
    assert second.receipt.id != first.receipt.id
    (draft,) = office.drafts()
    assert draft.receipt == second.receipt.id


async def test_where_mailboxes_are_not_followed_a_draft_is_refused(office: Office) -> None:
    office.draft()
    office.may_follow = False
    with pytest.raises(InvalidRequest) as refused:
        await office.outcome()
    assert "draft" in refused.value.detail
    assert office.ledger.receipts == {}


async def test_what_the_crm_says_against_it_is_told_at_once(office: Office) -> None:
    office.draft()
    with pytest.raises(NotFound):
        await office.outcome(
            links=[{"type": "account", "id": "5d0c1a52-0000-4000-8000-000000000000"}]
        )
    office.crm_world.failures["look_up"] = Forbidden("No.")
    with pytest.raises(Forbidden):
        await office.outcome()
    assert office.ledger.receipts == {}
    office.crm_world.failures["look_up"] = Unavailable("Down.")
    await office.later()


@pytest.mark.parametrize("call", ["draft", "put_draft"])
async def test_a_ledger_that_fails_is_told(office: Office, call: str) -> None:
    office.draft()
    office.followings.failures[call] = Unavailable("x")
    with pytest.raises(Unavailable):
        await office.outcome()
    assert office.drafts() == []


async def test_a_drafts_conversation_has_to_wait(office: Office) -> None:
    office.draft()
    with pytest.raises(InvalidRequest) as refused:
        await office.outcome(scope="conversation")
    assert [error.field for error in refused.value.errors] == ["scope"]
