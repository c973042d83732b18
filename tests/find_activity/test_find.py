"""Everyone is told the same of one item."""

from dataclasses import replace

import pytest

from find_activity import logic
from save_activity import logic as saving
from save_activity.payload import SaveRequest
from shared.domain import Activity, ItemRef
from shared.errors import NotFound, Unavailable
from shared.policy import Policy
from tests.contract import items
from tests.fakes.crm import CrmWorld, FakeCrm
from tests.fakes.mailbox import FakeMailbox, MailboxWorld

MINE = ItemRef("email", "me", "A1")


class Office:
    def __init__(self) -> None:
        self.crm_world = CrmWorld()
        able = [e for e in self.crm_world.company.employees if e.crm_read == "all" and e.crm_write]
        self.me, self.colleague = (e.address for e in able[:2])
        self.limited = next(
            e.address for e in self.crm_world.company.employees if e.crm_read == "own"
        )
        self.mailboxes = MailboxWorld(delegates={self.me: frozenset({"shared@contoso.example"})})
        self.item = items.email()
        for address in (self.me, self.colleague, self.limited, "shared@contoso.example"):
            self.mailboxes.put(address, replace(self.item, ref=MINE))

    async def save(self) -> Activity:
        request = SaveRequest.model_validate_json('{"item": {"kind": "email", "id": "A1"}}')
        crm, mailbox = FakeCrm(self.crm_world, self.me), FakeMailbox(self.mailboxes, self.me)
        return (await saving.save(request, crm=crm, mailbox=mailbox, policy=Policy())).activity

    async def find(self, address: str, ref: ItemRef = MINE) -> Activity:
        return await logic.find(
            ref,
            crm=FakeCrm(self.crm_world, address),
            mailbox=FakeMailbox(self.mailboxes, address),
        )


@pytest.fixture
def office() -> Office:
    return Office()


async def test_what_one_saved_the_others_find_in_whichever_mailbox(office: Office) -> None:
    saved = await office.save()
    assert await office.find(office.me) == saved
    assert await office.find(office.colleague) == saved
    shared = ItemRef("email", "shared@contoso.example", "A1")
    assert await office.find(office.me, shared) == saved


async def test_another_tools_record_counts_as_saved(office: Office) -> None:
    owner = next(e for e in office.crm_world.company.employees if e.address == office.colleague)
    id_ = office.crm_world.plant(office.item, owner)
    assert (await office.find(office.me)).id == id_


async def test_what_is_not_saved_or_not_wholly_or_not_visible_is_not_saved(office: Office) -> None:
    for prepare in ("nothing", "interrupted", "hidden"):
        address = office.me
        if prepare == "interrupted":
            office.crm_world.breaks_after = 1
            with pytest.raises(Unavailable):
                await office.save()
            office.crm_world.breaks_after = None
        if prepare == "hidden":
            await office.save()
            address = office.limited
        with pytest.raises(NotFound) as missing:
            await office.find(address)
        assert missing.value.code == "not_saved"


async def test_an_item_that_is_not_there_is_told_apart(office: Office) -> None:
    with pytest.raises(NotFound) as missing:
        await office.find(office.me, ItemRef("email", "me", "other"))
    assert missing.value.code == "item_not_found"
    with pytest.raises(NotFound):
        await office.find(office.me, ItemRef("meeting", "me", "A1"))


async def test_the_item_is_only_identified_not_read(office: Office) -> None:
    await office.save()
    office.mailboxes.calls.clear()
    await office.find(office.me)
    assert office.mailboxes.calls == ["identify"]
