"""An edit within the admin's policy."""

import pytest

from edit_activity import logic
from shared.domain import Activity, Change, Filing, RecordRef
from shared.errors import Forbidden, InvalidRequest, NotFound
from shared.policy import CategoryField, Policy, RecordType
from tests.contract import items
from tests.fakes.crm import CrmWorld, FakeCrm

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
