"""A mailbox that is not there for a while, as while its owner has no licence, is no mailbox whose
items were deleted."""

from datetime import timedelta

import pytest

from shared.errors import NoMailbox
from tests.fakes.mailbox import FakeMailbox
from tests.graph_notifications.office import Office, followed

AWAY = NoMailbox("There is no such mailbox at this moment.")


async def test_a_reply_is_saved_once_the_mailbox_is_back(office: Office) -> None:
    question = await followed(office)
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


async def test_a_meeting_is_not_given_up_where_it_goes_away_in_the_middle(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its id is of no item any more, and before its series can be asked, the mailbox is gone."""
    series = office.meet(office.customer, is_series=True)
    one = office.meet(office.customer, series_master_id=series.ref.id, occurrence=office.now)
    await office.follow(one)
    office.mailboxes.remove(office.me.address, one.ref.id)

    async def away(*_: object) -> None:
        raise AWAY

    monkeypatch.setattr(FakeMailbox, "occurrences", away)
    with pytest.raises(NoMailbox):
        await office.happens(one)
    monkeypatch.undo()
    assert await office.happens(one) == "cancelled"


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
