"""A draft that was sent while the CRM is down: what is answered before it is saved isn't lost."""

from dataclasses import replace

import pytest

from shared.domain import RecordRef
from shared.errors import Unavailable
from shared.receipts import Receipt
from tests.save_activity.following_office import Office


@pytest.fixture
def office() -> Office:
    return Office()


async def sent(office: Office) -> Receipt:
    """A draft that was saved with following, and is sent now."""
    office.draft()
    receipt = (await office.later(links=office.link(), follow=True)).receipt
    office.email(1)
    return await office.ledger.replace(replace(office.kept(receipt), status="queued"))


async def try_in_vain(office: Office, receipt: Receipt) -> None:
    office.crm_world.failures["look_up"] = Unavailable("Down.")
    with pytest.raises(Unavailable):
        await office.finish(receipt)


async def test_its_thread_is_followed_before_it_is_saved(office: Office) -> None:
    receipt = await sent(office)
    await try_in_vain(office, receipt)
    (thread,) = office.threads()
    assert (thread.record, thread.filed.link) == ("", RecordRef("account", office.account))
    assert await office.followings.threads_of(thread.mailbox, ["<1@c.example>"])
    assert (await office.finish(receipt)).receipt.status == "saved"
    (record,) = office.crm_world.records
    assert office.threads()[0].record == record


async def test_what_was_stopped_meanwhile_is_not_begun_by_another_try(office: Office) -> None:
    receipt = await sent(office)
    await try_in_vain(office, receipt)
    await office.followings.put_thread(replace(office.threads()[0], stopped=True))
    await try_in_vain(office, receipt)
    assert office.threads()[0].stopped
