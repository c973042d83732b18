"""Everyone is told the same of one item."""

from dataclasses import replace
from datetime import timedelta

import pytest

from find_activity import logic
from save_activity import logic as saving
from save_activity.payload import SaveRequest
from shared.domain import Activity, Filing, ItemRef, identity
from shared.errors import NotFound, Unavailable
from shared.following import Origin, mailbox_path, thread_id
from shared.policy import Policy
from shared.saving.standing import Books
from tests.contract import followed, items
from tests.fakes.crm import CrmWorld, FakeCrm
from tests.fakes.followings import FakeFollowings
from tests.fakes.mailbox import FakeMailbox, MailboxWorld
from tests.fakes.origins import FakeOrigins
from tests.fakes.subscriptions import FakeSubscriptions

MINE = ItemRef("email", "me", "A1")


class Office:
    def __init__(self) -> None:
        self.crm_world = CrmWorld()
        able = [e for e in self.crm_world.company.employees if e.crm_read == "all" and e.crm_write]
        self.me, self.colleague = (e.address for e in able[:2])
        self.limited = next(
            e.address for e in self.crm_world.company.employees if e.crm_read == "own"
        )
        self.followings, self.origins = FakeFollowings(), FakeOrigins()
        self.subscriptions = FakeSubscriptions()
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
            mailbox_path(ref.mailbox, address),
            crm=FakeCrm(self.crm_world, address),
            mailbox=FakeMailbox(self.mailboxes, address),
            books=Books(self.followings, self.subscriptions, self.origins),
            now=items.SENT,
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


def codes(activity: Activity) -> list[str]:
    return [notice.code for notice in activity.notices]


async def follow(office: Office, stopped: bool = False) -> None:
    mail = office.item
    id_ = thread_id(mail.conversation_id, mail.message_id)
    await office.followings.put_thread(replace(followed.thread(office.me, id_), stopped=stopped))


async def test_it_says_whether_it_is_followed_from_this_mailbox(office: Office) -> None:
    await office.save()
    await follow(office)
    assert codes(await office.find(office.me)) == ["following"]
    assert codes(await office.find(office.colleague)) == []


async def test_what_was_stopped_is_not_followed(office: Office) -> None:
    await office.save()
    await follow(office, stopped=True)
    assert codes(await office.find(office.me)) == []


async def test_everyone_is_told_how_the_record_came_to_be(office: Office) -> None:
    await office.save()
    await office.origins.add(
        Origin(identity(office.item), "followed_thread", "x", "shared@contoso.example")
    )
    for address in (office.me, office.colleague):
        found = await office.find(address)
        assert codes(found) == ["followed_thread", "shared_mailbox"]
        assert "shared@contoso.example" in found.notices[1].text
        assert found.saved_by.name in found.notices[1].text


async def test_a_ledger_that_is_down_takes_nothing_but_the_notices(office: Office) -> None:
    saved = await office.save()
    await follow(office)
    for fake in (office.followings, office.origins):
        fake.failures.update(dict.fromkeys(("thread", "find"), Unavailable("x")))
    assert await office.find(office.me) == saved


class Meetings:
    """A series of weekly meetings in a mailbox."""

    def __init__(self, office: Office, count: int) -> None:
        self.office = office
        self.made = []
        master = items.meeting(is_series=True)
        self.ref = replace(master.ref, id="S")
        office.mailboxes.put(office.me, replace(master, ref=self.ref))
        for n in range(count):
            start = items.SENT + timedelta(weeks=n)
            one = items.meeting(start=start, occurrence=start)
            one = replace(one, ref=replace(one.ref, id=f"S-{n}"), series_master_id="S")
            office.mailboxes.put(office.me, one)
            self.made.append(one)

    async def save(self, number: int) -> str:
        crm = FakeCrm(self.office.crm_world, self.office.me)
        known = await crm.look_up(self.made[number], None)
        return (await crm.save(self.made[number], Filing(), known, ())).activity.id


async def test_of_a_series_the_next_saved_meeting_is_found(office: Office) -> None:
    meetings = Meetings(office, 12)
    with pytest.raises(NotFound) as missing:
        await office.find(office.me, meetings.ref)
    assert missing.value.code == "not_saved"
    later = await meetings.save(10)
    assert (await office.find(office.me, meetings.ref)).id == later
    sooner = await meetings.save(3)
    assert (await office.find(office.me, meetings.ref)).id == sooner
