"""An edit within the admin's policy."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from edit_activity import logic
from shared.domain import Activity, ActivityKind, Change, Filing, RecordRef
from shared.errors import Forbidden, InvalidRequest, NotFound, Unavailable
from shared.following import Filed, FollowedDraft, FollowedMeeting, FollowedThread
from shared.policy import CategoryField, Policy, RecordType
from tests.contract import followed, items
from tests.fakes.crm import CrmWorld, FakeCrm
from tests.fakes.followings import FakeFollowings

CATEGORIES = (
    CategoryField(name="topic", type="choice", required=True),
    CategoryField(name="note", type="text"),
)
POLICY = Policy(
    record_types=(RecordType(type="account"), RecordType(type="case")),
    email_categories=CATEGORIES,
)


class Office:
    def __init__(self) -> None:
        self.world = CrmWorld(categories={"email": CATEGORIES})
        people = self.world.company.employees
        self.me = next(e.address for e in people if e.crm_read == "all" and e.crm_write)
        self.reader = next(e.address for e in people if e.crm_user and not e.crm_write)
        self.account = RecordRef("account", self.world.company.accounts[0].id)
        self.contact = RecordRef("contact", self.world.company.contacts[0].id)
        self.id = ""

    async def saved(self) -> Activity:
        crm, mail = FakeCrm(self.world, self.me), items.email()
        known = await crm.look_up(mail, None)
        activity = (await crm.save(mail, Filing(None, {"topic": 1}), known, ())).activity
        self.id = activity.id
        self.world.calls.clear()
        return activity

    async def edit(self, change: Change, address: str = "") -> Activity:
        crm = FakeCrm(self.world, address or self.me)
        return await logic.edit("email", self.id, change, crm=crm, policy=POLICY)


@pytest.fixture
def office() -> Office:
    return Office()


async def test_link_fields_and_contacts_are_changed_together(office: Office) -> None:
    before = await office.saved()
    after = await office.edit(
        Change(links=(office.account,), categories={"note": "x"}, contacts=(office.contact,))
    )
    assert after.id == before.id
    assert [link.id for link in after.links] == [office.account.id]
    assert after.categories == {"topic": 1, "note": "x"}
    assert [contact.id for contact in after.contacts] == [office.contact.id]


async def test_what_is_left_out_stays_and_what_is_emptied_goes(office: Office) -> None:
    await office.saved()
    await office.edit(Change(links=(office.account,), categories={"note": "x"}))
    after = await office.edit(Change(links=(), categories={"note": None}))
    assert after.links == ()
    assert after.categories == {"topic": 1}


@pytest.mark.parametrize(
    ("change", "code", "fields"),
    [
        (Change(), "invalid", []),
        (Change(links=(RecordRef("account", "1"), RecordRef("case", "2"))), "too_many_links", []),
        (Change(links=(RecordRef("opportunity", "1"),)), "type_not_connectable", []),
        (Change(categories={"topic": None}), "invalid", ["categories.topic"]),
        (Change(categories={"topic": True}), "invalid", ["categories.topic"]),
        (Change(categories={"other": 1}), "invalid", ["categories.other"]),
        (
            Change(contacts=(RecordRef("contact", "1"), RecordRef("contact", "1"))),
            "invalid",
            ["contacts.1"],
        ),
    ],
)
async def test_what_the_policy_forbids_never_reaches_the_crm(
    office: Office, change: Change, code: str, fields: list[str]
) -> None:
    await office.saved()
    with pytest.raises(InvalidRequest) as refused:
        await office.edit(change)
    assert refused.value.code == code
    assert [error.field for error in refused.value.errors] == fields
    assert office.world.calls == []


async def test_what_is_not_there_and_who_may_not_is_told(office: Office) -> None:
    with pytest.raises(NotFound):
        await office.edit(Change(links=()))
    await office.saved()
    with pytest.raises(Forbidden):
        await office.edit(Change(links=()), office.reader)


async def follow(record: str, link: RecordRef | None, followings: FakeFollowings) -> None:
    """A thread and a meeting that go where that record is."""
    filed = Filed(link, {"topic": 1})
    await followings.put_thread(replace(followed.thread("m", "t", record=record), filed=filed))
    await followings.put_meeting(replace(followed.meeting("m", record=record), filed=filed))


def where(followings: FakeFollowings) -> set[tuple[str, str]]:
    """The records of all that is followed, and the ids that it is linked to."""
    return {
        (one.record, one.filed.link.id if one.filed.link else "")
        for one in followings.followed.values()
        if not isinstance(one, FollowedDraft)
    }


async def test_what_follows_goes_where_the_record_is_linked_to_now(office: Office) -> None:
    saved = await office.saved()
    followings = FakeFollowings()
    await follow(saved.id, RecordRef("case", "1"), followings)
    crm = FakeCrm(office.world, office.me)
    change = Change(links=(office.account,))
    await logic.edit("email", saved.id, change, crm=crm, policy=POLICY, followings=followings)
    assert where(followings) == {(saved.id, office.account.id)}
    thread = await followings.thread("m", "t")
    assert thread is not None
    assert thread.filed.categories == {"topic": 1}
    away = Change(links=())
    await logic.edit("email", saved.id, away, crm=crm, policy=POLICY, followings=followings)
    assert where(followings) == {(saved.id, "")}


class RenamingCrm(FakeCrm):
    """One whose records get a new id when their link changes."""

    async def edit(self, kind: ActivityKind, id: str, change: Change) -> Activity:
        return replace(await super().edit(kind, id, change), id="new")


async def test_what_follows_knows_the_record_by_its_new_id(office: Office) -> None:
    saved = await office.saved()
    followings = FakeFollowings()
    await follow(saved.id, None, followings)
    crm = RenamingCrm(office.world, office.me)
    change = Change(categories={"note": "x"})
    await logic.edit("email", saved.id, change, crm=crm, policy=POLICY, followings=followings)
    assert where(followings) == {("new", "")}


async def test_a_change_of_anything_else_asks_the_ledger_nothing(office: Office) -> None:
    saved = await office.saved()
    followings = FakeFollowings()
    followings.failures["of_record"] = Unavailable("x")
    crm = FakeCrm(office.world, office.me)
    change = Change(categories={"note": "x"})
    after = await logic.edit(
        "email", saved.id, change, crm=crm, policy=POLICY, followings=followings
    )
    assert after.notices == ()


async def test_a_ledger_that_fails_is_told_and_the_edit_stands(office: Office) -> None:
    saved = await office.saved()
    followings = FakeFollowings()
    followings.failures["of_record"] = Unavailable("x")
    crm = FakeCrm(office.world, office.me)
    change = Change(links=(office.account,))
    after = await logic.edit(
        "email", saved.id, change, crm=crm, policy=POLICY, followings=followings
    )
    assert [link.id for link in after.links] == [office.account.id]
    assert [notice.code for notice in after.notices] == ["follow_unavailable"]


class RacingFollowings(FakeFollowings):
    """Somebody else writes between the first look and the first write."""

    async def of_record(self, record: str) -> Sequence[FollowedThread | FollowedMeeting]:
        found = await super().of_record(record)
        if not self.raced:
            self.raced = True
            for key, one in self.followed.items():
                self.followed[key] = replace(one, version=f"{one.version}+")
        return found

    raced = False


async def test_what_changed_meanwhile_is_taken_along_all_the_same(office: Office) -> None:
    saved = await office.saved()
    followings = RacingFollowings()
    await follow(saved.id, None, followings)
    crm = FakeCrm(office.world, office.me)
    change = Change(links=(office.account,))
    after = await logic.edit(
        "email", saved.id, change, crm=crm, policy=POLICY, followings=followings
    )
    assert after.notices == ()
    assert where(followings) == {(saved.id, office.account.id)}
