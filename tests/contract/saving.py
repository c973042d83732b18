"""What saving and finding promise, whatever the CRM."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from shared.domain import (
    Activity,
    CategoryValue,
    File,
    Filing,
    Item,
    Limits,
    RecordRef,
    Saved,
    address_key,
)
from shared.errors import InvalidRequest, NotFound, Unavailable, Unsupported
from shared.ports import Crm
from tests.contract import items
from tests.contract.harness import Harness
from tests.contract.people import Cast


class HasId(Protocol):
    @property
    def id(self) -> str: ...


async def save(
    crm: Crm,
    item: Item,
    link: RecordRef | None = None,
    files: Sequence[File] = (),
    categories: Mapping[str, CategoryValue] | None = None,
) -> Saved:
    """The two calls that the save room makes."""
    known = await crm.look_up(item, link)
    return await crm.save(item, Filing(known.link, categories or {}), known, files)


def told(activity: Activity) -> Activity:
    """What every caller must be told alike: all but the passing notices."""
    return replace(activity, notices=(), rejected=())


class Saving:
    async def test_an_email_is_saved_and_found(self, harness: Harness, people: Cast) -> None:
        crm = harness.crm(people.caller.address)
        mail = items.email(items.sender(people.contact.email), *items.to(people.caller.address))
        saved = await save(crm, mail)
        assert saved.created
        assert saved.activity.kind == "email"
        assert saved.activity.crm == harness.traits.name
        assert saved.activity.subject == mail.subject
        assert saved.activity.saved_by.email == people.caller.address
        assert saved.activity.saved_by.name == people.caller.name
        assert saved.activity.url.startswith("https://")
        assert await crm.find(mail) == told(saved.activity)

    async def test_a_meeting_is_saved_and_found(self, harness: Harness, people: Cast) -> None:
        crm = harness.crm(people.caller.address)
        meet = items.meeting(
            items.organizer(people.caller.address), *items.attendees(people.contact.email)
        )
        saved = await save(crm, meet)
        assert saved.created
        assert [c.id for c in saved.activity.contacts] == [
            harness.ref("contact", people.contact.id).id
        ]
        assert await crm.find(meet) == told(saved.activity)

    async def test_a_meeting_of_a_sunday_night_is_saved(
        self, harness: Harness, people: Cast
    ) -> None:
        """Booking would look at the people's working hours and calendars; saving must not."""
        crm = harness.crm(people.caller.address)
        night = items.meeting(
            items.organizer(people.caller.address),
            *items.attendees(people.contact.email),
            start=datetime(2026, 1, 4, 2, 0, tzinfo=UTC),
        )
        saved = await save(crm, night)
        assert (saved.created, saved.activity.notices) == (True, ())
        shown = await harness.shown(saved.activity.id, "UTC")
        assert (shown.start, shown.end) == (night.start, night.end)

    async def test_what_is_not_saved_is_not_found(self, harness: Harness, people: Cast) -> None:
        crm = harness.crm(people.caller.address)
        assert await crm.find(items.email()) is None
        assert await crm.find(items.meeting()) is None
        assert (await crm.look_up(items.email(), None)).existing is None

    async def test_the_second_save_returns_the_first(self, harness: Harness, people: Cast) -> None:
        mail = items.email(items.sender(people.contact.email))
        first = await save(harness.crm(people.caller.address), mail)
        again = await save(
            harness.crm(people.colleague.address),
            replace(mail, ref=replace(mail.ref, mailbox=people.colleague.address, id="other")),
        )
        assert first.created
        assert not again.created
        assert told(again.activity) == told(first.activity)
        assert await harness.count("email") == 1

    @pytest.mark.parametrize("kind", ["email", "meeting"])
    async def test_fifty_at_once_make_one_record(
        self, harness: Harness, people: Cast, kind: str
    ) -> None:
        item: Item = items.email() if kind == "email" else items.meeting()
        callers = [people.caller.address, people.colleague.address] * 25
        results = await asyncio.gather(
            *(save(harness.crm(a), item, files=[items.file("a.txt", b"abc")]) for a in callers)
        )
        assert len({result.activity.id for result in results}) == 1
        assert sum(result.created for result in results) == 1
        assert {len(result.activity.files) for result in results} == {1}
        assert await harness.count(item.kind) == 1

    async def test_a_save_with_stale_knowledge_returns_the_first(
        self, harness: Harness, people: Cast
    ) -> None:
        mail = items.email()
        late = harness.crm(people.colleague.address)
        known = await late.look_up(mail, None)
        first = await save(harness.crm(people.caller.address), mail)
        second = await late.save(mail, Filing(), known, [])
        assert not second.created
        assert told(second.activity) == told(first.activity)

    async def test_two_messages_without_an_id_are_told_apart(
        self, harness: Harness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        first = items.email(message_id=None, subject="One")
        second = items.email(message_id=None, subject="Two")
        ids = {(await save(crm, mail)).activity.id for mail in (first, second, first)}
        assert len(ids) == 2

    async def test_occurrences_of_a_series_are_told_apart(
        self, harness: Harness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        days = [
            items.meeting(
                ical_uid=f"occurrence-{day}",
                start=items.SENT + timedelta(days=day),
                occurrence=items.SENT + timedelta(days=day),
            )
            for day in range(2)
        ]
        first = await save(crm, days[0])
        assert await crm.find(days[1]) is None
        second = await save(crm, days[1])
        assert first.activity.id != second.activity.id

    async def test_a_series_as_a_whole_is_refused(self, harness: Harness, people: Cast) -> None:
        crm = harness.crm(people.caller.address)
        with pytest.raises(Unsupported):
            await save(crm, items.meeting(is_series=True))
        assert await harness.count("meeting") == 0

    @pytest.mark.parametrize("kind", ["email", "meeting"])
    async def test_another_tools_copy_is_adopted(
        self, harness: Harness, people: Cast, kind: str
    ) -> None:
        item: Item = items.email() if kind == "email" else items.meeting()
        id_ = await harness.plant_copy(item)
        account = harness.ref("account", harness.company.accounts[0].id)
        crm = harness.crm(people.caller.address)
        found = await crm.find(item)
        assert found is not None
        assert found.id == id_
        saved = await save(crm, item, account)
        assert not saved.created
        if harness.traits.id_survives_edit:
            assert saved.activity.id == id_
        assert [(link.type, link.id) for link in saved.activity.links] == [("account", account.id)]
        assert [notice.code for notice in saved.activity.notices] == ["adopted"]
        assert await harness.count(item.kind) == 1

    async def test_adopting_overwrites_nothing(self, harness: Harness, people: Cast) -> None:
        mail = items.email()
        accounts = [harness.ref("account", account.id) for account in harness.company.accounts[:2]]
        await harness.plant_copy(mail, accounts[0])
        saved = await save(harness.crm(people.caller.address), mail, accounts[1])
        assert [link.id for link in saved.activity.links] == [accounts[0].id]

    async def test_large_and_small_files_are_stored(self, harness: Harness, people: Cast) -> None:
        await harness.set_limits(Limits(20_000_000, frozenset()))
        crm = harness.crm(people.caller.address)
        files = [
            items.file("small.txt", b"abc"),
            items.file("large.bin", b"\x00\xff" * 3_000_000),
            items.file("empty.txt", b""),
        ]
        saved = await save(crm, items.email(), files=files)
        assert sorted((f.name, f.size) for f in saved.activity.files) == [
            ("empty.txt", 0),
            ("large.bin", 6_000_000),
            ("small.txt", 3),
        ]
        again = await save(crm, items.email(), files=files)
        assert told(again.activity) == told(saved.activity)

    async def test_two_files_of_one_name_are_both_stored(
        self, harness: Harness, people: Cast
    ) -> None:
        files = [items.file("a.txt", b"one", key="1"), items.file("a.txt", b"two", key="2")]
        saved = await save(harness.crm(people.caller.address), items.meeting(), files=files)
        assert [f.name for f in saved.activity.files] == ["a.txt", "a.txt"]

    async def test_an_interrupted_save_is_finished_by_the_next(
        self, harness: Harness, people: Cast
    ) -> None:
        await harness.set_limits(Limits(20_000_000, frozenset()))
        files = [items.file("small.txt", b"abc"), items.file("large.bin", b"x" * 5_000_000)]
        for step in range(1, harness.traits.steps + 1):
            mail = items.email(message_id=f"<{step}@customer.example>")
            before = step - 1
            with harness.interrupted(step), pytest.raises(Unavailable):
                await save(harness.crm(people.caller.address), mail, files=files)
            assert await harness.count("email") <= before + 1
            saved = await save(harness.crm(people.colleague.address), mail, files=files)
            assert sorted(f.name for f in saved.activity.files) == ["large.bin", "small.txt"]
            assert await harness.count("email") == before + 1
            found = await harness.crm(people.caller.address).find(mail)
            assert found == told(saved.activity)

    async def test_limits_are_told(self, harness: Harness, people: Cast) -> None:
        wanted = Limits(3_000_000, frozenset({"exe", "js"}))
        await harness.set_limits(wanted)
        known = await harness.crm(people.caller.address).look_up(items.email(), None)
        assert known.limits.blocked_extensions == wanted.blocked_extensions
        assert abs(known.limits.max_bytes - wanted.max_bytes) < 4

    @pytest.mark.parametrize("type_", ["account", "contact", "opportunity", "case", "lead"])
    async def test_it_can_be_linked_to(self, harness: Harness, people: Cast, type_: str) -> None:
        collections: Mapping[str, Sequence[HasId]] = {
            "account": harness.company.accounts,
            "contact": harness.company.contacts,
            "opportunity": harness.company.opportunities,
            "case": harness.company.cases,
            "lead": harness.company.leads,
        }
        link = harness.ref(type_, collections[type_][0].id)
        crm = harness.crm(people.caller.address)
        for item in (items.email(), items.meeting()):
            saved = await save(crm, item, link)
            assert [(made.type, made.id) for made in saved.activity.links] == [(type_, link.id)]
            assert saved.activity.links[0].name
            assert saved.activity.links[0].url.startswith("https://")

    async def test_a_link_to_nothing_is_refused(self, harness: Harness, people: Cast) -> None:
        ghost = harness.ref("account", "5d0c1a52-0000-4000-8000-000000000000")
        with pytest.raises(NotFound) as refused:
            await harness.crm(people.caller.address).look_up(items.email(), ghost)
        assert refused.value.code == "record_not_found"

    @pytest.mark.parametrize("type_", ["user", "queue", "nonsense", "../accounts"])
    async def test_a_type_that_takes_no_activities_is_refused(
        self, harness: Harness, people: Cast, type_: str
    ) -> None:
        link = RecordRef(type_, harness.ref("account", harness.company.accounts[0].id).id)
        with pytest.raises(InvalidRequest) as refused:
            await harness.crm(people.caller.address).look_up(items.email(), link)
        assert refused.value.code == "type_not_connectable"

    @pytest.mark.parametrize("kind", ["email", "meeting"])
    async def test_categories_are_kept(self, harness: Harness, people: Cast, kind: str) -> None:
        item: Item = items.email() if kind == "email" else items.meeting()
        names = [field.name for field in harness.traits.categories[item.kind]]
        values = {name: harness.traits.category_values[name] for name in names}
        saved = await save(harness.crm(people.caller.address), item, categories=values)
        assert values
        assert saved.activity.categories == values

    async def test_an_unknown_category_is_refused(self, harness: Harness, people: Cast) -> None:
        with pytest.raises(InvalidRequest):
            await save(
                harness.crm(people.caller.address), items.email(), categories={"no_such_field": 1}
            )
        assert await harness.count("email") == 0

    async def test_participants_are_recognised(self, harness: Harness, people: Cast) -> None:
        lead, queue = harness.company.leads[0], harness.company.queues[0]
        account = next(a for a in harness.company.accounts if a.email)
        mail = items.email(
            items.sender(people.contact.email.upper()),
            *items.to(
                people.second.email2,
                lead.email,
                queue.address,
                account.email,
                people.colleague.address,
                "Nobody@Elsewhere.example",
                people.unlicensed.address,
            ),
        )
        crm = harness.crm(people.caller.address)
        known = await crm.look_up(mail, None)
        types = {
            address: known.parties[address_key(address)][0].type
            for address in (
                people.contact.email,
                people.second.email2,
                lead.email,
                queue.address,
                account.email,
                people.colleague.address,
            )
        }
        assert list(types.values()) == ["contact", "contact", "lead", "queue", "account", "user"]
        assert "nobody@elsewhere.example" not in known.parties
        saved = await save(crm, mail)
        assert {contact.id for contact in saved.activity.contacts} == {
            harness.ref("contact", contact.id).id for contact in (people.contact, people.second)
        }
        # A colleague without a licence is unknown to the CRM, yet no stranger to the company.
        assert saved.activity.unmatched == ("Nobody@Elsewhere.example",)
