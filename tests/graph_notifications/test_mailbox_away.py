"""A mailbox that is not there for a while, as while its owner has no licence, is no mailbox whose
items were deleted."""

from datetime import timedelta

import pytest

from shared.errors import NoMailbox
from tests.graph_notifications.office import Office

AWAY = NoMailbox("There is no such mailbox at this moment.")


@pytest.fixture
def office() -> Office:
    return Office()


async def test_a_reply_is_saved_once_the_mailbox_is_back(office: Office) -> None:
    question = office.mail(office.customer, office.me.address)
    await office.follow(question)
    answer = office.mail(office.customer, office.me.address, answers=question)
    office.mailboxes.failure = AWAY
    with pytest.raises(NoMailbox):
        await office.happens(answer)
    office.mailboxes.failure = None
    assert await office.happens(answer) == "saved"


async def test_a_meeting_is_not_cancelled(office: Office) -> None:
    meeting = office.meet(office.customer)
    record = await office.follow(meeting)
    office.mailboxes.failure = AWAY
    with pytest.raises(NoMailbox):
        await office.happens(meeting)
    assert record.appointment is not None
    assert not record.appointment.cancelled
    office.mailboxes.failure = None
    assert await office.happens(meeting) == "refreshed"


async def test_a_draft_is_not_discarded(office: Office) -> None:
    draft, receipt = await office.write_draft(office.customer)
    office.mailboxes.failure = AWAY
    for _ in range(3):
        office.now += timedelta(hours=1)
        with pytest.raises(NoMailbox):
            await office.happens(draft)
    kept = await office.ledger.find(receipt.owner, receipt.id)
    assert kept is not None
    assert kept.status == "pending_send"
