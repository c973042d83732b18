"""What editing and deleting promise, whatever the CRM."""

import asyncio
from dataclasses import replace

import pytest

from shared.domain import Activity, Change, Item, RecordRef
from shared.errors import Conflict, InvalidRequest, NotFound
from tests.contract import items
from tests.contract.harness import Harness
from tests.contract.people import Cast
from tests.contract.saving import save, told

NOTHING = "5d0c1a52-0000-4000-8000-000000000000"


def _same_but_id(harness: Harness, now: Activity, before: Activity) -> bool:
    """An edit keeps who saved it and when, and the files, even where it replaces the record."""
    if harness.traits.id_survives_edit:
        assert now.id == before.id
    return (
        now.subject == before.subject
        and now.saved_by == before.saved_by
        and [(f.name, f.size) for f in now.files] == [(f.name, f.size) for f in before.files]
    )


class Editing:
    @pytest.mark.parametrize("kind", ["email", "meeting"])
    async def test_the_link_is_changed_and_removed(
        self, harness: Harness, people: Cast, kind: str
    ) -> None:
        item: Item = items.email() if kind == "email" else items.meeting()
        account = harness.ref("account", harness.company.accounts[0].id)
        opportunity = harness.ref("opportunity", harness.company.opportunities[0].id)
        crm = harness.crm(people.caller.address)
        saved = (await save(crm, item, account, [items.file("a.txt", b"abc")])).activity
        changed = await crm.edit(item.kind, saved.id, Change(links=(opportunity,)))
        assert [(link.type, link.id) for link in changed.links] == [("opportunity", opportunity.id)]
        assert _same_but_id(harness, changed, saved)
        assert await crm.find(item) == told(changed)
        removed = await crm.edit(item.kind, changed.id, Change(links=()))
        assert removed.links == ()
        assert await crm.find(item) == told(removed)
        assert await harness.count(item.kind) == 1

    @pytest.mark.parametrize("kind", ["email", "meeting"])
    async def test_categories_are_changed_and_cleared(
        self, harness: Harness, people: Cast, kind: str
    ) -> None:
        item: Item = items.email() if kind == "email" else items.meeting()
        crm = harness.crm(people.caller.address)
        saved = (await save(crm, item)).activity
        for field in harness.traits.categories[item.kind]:
            value = harness.traits.category_values[field.name]
            saved = await crm.edit(item.kind, saved.id, Change(categories={field.name: value}))
            assert saved.categories[field.name] == value
            saved = await crm.edit(item.kind, saved.id, Change(categories={field.name: None}))
            assert not saved.categories.get(field.name)

    async def test_a_contact_is_added_and_removed(self, harness: Harness, people: Cast) -> None:
        mail = items.email(items.sender(people.contact.email), *items.to(people.caller.address))
        first = harness.ref("contact", people.contact.id)
        other = harness.ref("contact", people.other_contact.id)
        crm = harness.crm(people.caller.address)
        saved = (await save(crm, mail)).activity
        both = await crm.edit("email", saved.id, Change(contacts=(first, other)))
        assert {contact.id for contact in both.contacts} == {first.id, other.id}
        one = await crm.edit("email", both.id, Change(contacts=(other,)))
        assert [contact.id for contact in one.contacts] == [other.id]
        assert one.unmatched == (people.contact.email,)
        back = await crm.edit("email", one.id, Change(contacts=(first,)))
        assert [contact.id for contact in back.contacts] == [first.id]
        assert back.unmatched == ()
        none = await crm.edit("email", back.id, Change(contacts=()))
        assert none.contacts == ()
        assert none.unmatched == (people.contact.email,)

    async def test_a_stranger_is_added_to_a_meeting_only_where_nobody_gets_invited(
        self, harness: Harness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        saved = (await save(crm, items.meeting(items.organizer(people.caller.address)))).activity
        contact = harness.ref("contact", people.contact.id)
        change = Change(contacts=(contact,))
        if harness.traits.adds_strangers_to_meetings:
            changed = await crm.edit("meeting", saved.id, change)
            assert [contact.id for contact in changed.contacts] == [contact.id]
        else:
            with pytest.raises(InvalidRequest):
                await crm.edit("meeting", saved.id, change)

    async def test_a_change_of_nothing_changes_nothing(
        self, harness: Harness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        saved = (await save(crm, items.email(items.sender(people.contact.email)))).activity
        assert told(await crm.edit("email", saved.id, Change())) == told(saved)

    async def test_an_edit_is_all_or_nothing(self, harness: Harness, people: Cast) -> None:
        account = harness.ref("account", harness.company.accounts[0].id)
        crm = harness.crm(people.caller.address)
        mail = items.email(items.sender(people.contact.email))
        saved = (await save(crm, mail)).activity
        for change in (
            Change(links=(account,), categories={"no_such_field": 1}),
            Change(links=(RecordRef("user", NOTHING),), contacts=()),
            Change(links=(account, account), contacts=()),
            Change(links=(account,), contacts=(harness.ref("contact", NOTHING),)),
        ):
            with pytest.raises((InvalidRequest, NotFound)):
                await crm.edit("email", saved.id, change)
            assert await crm.find(mail) == told(saved)

    async def test_two_edits_at_once_lose_nothing(self, harness: Harness, people: Cast) -> None:
        account = harness.ref("account", harness.company.accounts[0].id)
        mail = items.email(items.sender(people.contact.email))
        saved = (await save(harness.crm(people.caller.address), mail)).activity
        results = await asyncio.gather(
            harness.crm(people.caller.address).edit("email", saved.id, Change(links=(account,))),
            harness.crm(people.colleague.address).edit("email", saved.id, Change(contacts=())),
            return_exceptions=True,
        )
        assert all(isinstance(result, Activity | Conflict | NotFound) for result in results)
        found = await harness.crm(people.caller.address).find(mail)
        assert found is not None
        if all(isinstance(result, Activity) for result in results):
            assert [link.id for link in found.links] == [account.id]
            assert found.contacts == ()

    @pytest.mark.parametrize("id_", [NOTHING, "", "1", "x') or true", "../accounts", "a\x00b"])
    async def test_what_is_not_there_is_not_edited_or_deleted(
        self, harness: Harness, people: Cast, id_: str
    ) -> None:
        crm = harness.crm(people.caller.address)
        with pytest.raises(NotFound) as refused:
            await crm.edit("email", id_, Change(links=()))
        assert refused.value.code == "record_not_found"
        with pytest.raises(NotFound) as refused:
            await crm.delete("meeting", id_)
        assert refused.value.code == "record_not_found"

    @pytest.mark.parametrize("kind", ["email", "meeting"])
    async def test_a_record_is_deleted_once(
        self, harness: Harness, people: Cast, kind: str
    ) -> None:
        item: Item = items.email() if kind == "email" else items.meeting()
        crm = harness.crm(people.caller.address)
        saved = (await save(crm, item, files=[items.file("a.txt", b"abc")])).activity
        deletion = await crm.delete(item.kind, saved.id)
        assert (deletion.kind, deletion.id) == (item.kind, saved.id)
        assert deletion.message
        assert await crm.find(item) is None
        with pytest.raises(NotFound):
            await crm.delete(item.kind, saved.id)
        assert await harness.count(item.kind) == 0

    async def test_what_was_deleted_can_be_saved_again(
        self, harness: Harness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        saved = (await save(crm, items.email())).activity
        await crm.delete("email", saved.id)
        again = await save(crm, items.email())
        assert again.created
        assert await crm.find(items.email()) == told(again.activity)

    async def test_a_cancelled_meeting_can_be_saved_and_edited(
        self, harness: Harness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        meet = items.meeting(cancelled=True)
        account = harness.ref("account", harness.company.accounts[0].id)
        saved = (await save(crm, meet)).activity
        changed = await crm.edit("meeting", saved.id, Change(links=(account,)))
        assert [link.id for link in changed.links] == [account.id]
        assert await crm.find(replace(meet, subject="anything")) == told(changed)
