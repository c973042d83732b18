"""What a record owes the meeting that changes, whatever the CRM."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain import Activity, Body, Change, Limits, LookUp, Meeting
from shared.errors import Conflict, Forbidden, NotFound, Unavailable
from shared.ports import Crm
from tests.contract import items
from tests.contract.editing import NOTHING
from tests.contract.guarding import HOSTILE
from tests.contract.harness import Harness
from tests.contract.people import Cast
from tests.contract.saving import save, told

STRANGER = "stranger@elsewhere.example"
OTHER_STRANGER = "other@elsewhere.example"


async def refresh(crm: Crm, meeting: Meeting) -> Activity:
    """The two calls that follow a change."""
    return await crm.refresh(meeting, await crm.look_up(meeting, None))


def moved(meeting: Meeting, by: timedelta = timedelta(days=2)) -> Meeting:
    return replace(
        meeting,
        subject="Kick-off, later",
        body=Body("<p>New agenda</p>", html=True),
        location="Room 2",
        start=meeting.start + by,
        end=meeting.end + by,
    )


class Refreshing:
    @pytest.fixture
    def crm(self, harness: Harness, people: Cast) -> Crm:
        return harness.crm(people.caller.address)

    @pytest.fixture
    def meet(self, people: Cast) -> Meeting:
        return items.meeting(
            items.organizer(people.caller.address),
            *items.attendees(people.contact.email, STRANGER),
        )

    async def test_what_changed_reaches_the_record_and_all_else_stays(
        self, harness: Harness, people: Cast, crm: Crm, meet: Meeting
    ) -> None:
        account = harness.ref("account", harness.company.accounts[0].id)
        names = [field.name for field in harness.traits.categories["meeting"]]
        values = {name: harness.traits.category_values[name] for name in names}
        files = [items.file("a.txt", b"abc")]
        before = (await save(crm, meet, account, files, values)).activity
        now = moved(meet)
        after = await refresh(harness.crm(people.colleague.address), now)
        assert told(after) == replace(told(before), subject=now.subject)
        assert await crm.find(now) == told(after)
        shown = await harness.shown(after.id, "UTC")
        assert (shown.start, shown.end) == (now.start, now.end)
        assert (shown.subject, shown.location) == (now.subject, now.location)
        assert "New agenda" in shown.body
        assert "Agenda</p>" not in shown.body
        assert not shown.cancelled
        assert await harness.count("meeting") == 1

    async def test_back_and_forth_ends_where_it_began(
        self, harness: Harness, crm: Crm, meet: Meeting
    ) -> None:
        saved = (await save(crm, meet)).activity
        before = await harness.shown(saved.id, "UTC")
        await refresh(crm, moved(meet, timedelta(days=400)))
        assert await refresh(crm, meet) == told(saved)
        assert await harness.shown(saved.id, "UTC") == before

    async def test_attendees_come_and_go(
        self, harness: Harness, people: Cast, crm: Crm, meet: Meeting
    ) -> None:
        saved = (await save(crm, meet)).activity
        come = items.attendees(people.other_contact.email, people.second.email2, OTHER_STRANGER)
        now = replace(meet, participants=(*meet.participants[:1], *come))
        after = await refresh(crm, now)
        assert {contact.id for contact in after.contacts} == {
            harness.ref("contact", one.id).id for one in (people.other_contact, people.second)
        }
        assert after.unmatched == (OTHER_STRANGER,)
        assert after == await crm.find(now)
        assert await refresh(crm, meet) == told(saved)
        none = await refresh(crm, replace(meet, participants=meet.participants[:1]))
        assert none.contacts == ()
        assert none.unmatched == ()

    async def test_an_address_stays_what_a_person_made_of_it(
        self, harness: Harness, people: Cast, crm: Crm, meet: Meeting
    ) -> None:
        saved = (await save(crm, meet)).activity
        await crm.edit("meeting", saved.id, Change(contacts=()))
        after = await refresh(crm, moved(meet))
        assert after.contacts == ()
        assert set(after.unmatched) == {people.contact.email, STRANGER}
        contact = harness.ref("contact", people.contact.id)
        await crm.edit("meeting", saved.id, Change(contacts=(contact,)))
        now = replace(meet, participants=tuple(reversed(meet.participants)))
        back = await refresh(crm, now)
        assert [one.id for one in back.contacts] == [contact.id]
        assert back.unmatched == (STRANGER,)

    async def test_a_contact_that_a_person_added_stays(
        self, harness: Harness, people: Cast, crm: Crm, meet: Meeting
    ) -> None:
        if not harness.traits.adds_strangers_to_meetings:
            return  # see test_a_stranger_is_added_to_a_meeting_only_where_nobody_gets_invited
        contact = harness.ref("contact", people.contact.id)
        added = harness.ref("contact", people.other_contact.id)
        saved = (await save(crm, meet)).activity
        await crm.edit("meeting", saved.id, Change(contacts=(contact, added)))
        after = await refresh(crm, moved(meet))
        assert {one.id for one in after.contacts} == {contact.id, added.id}
        assert after.unmatched == (STRANGER,)
        left = await refresh(crm, replace(meet, participants=meet.participants[:1]))
        assert [one.id for one in left.contacts] == [added.id]
        account = harness.ref("account", harness.company.accounts[0].id)
        await crm.edit("meeting", saved.id, Change(links=(account,)))
        assert [one.id for one in (await refresh(crm, meet)).contacts if one.id == added.id]
        await crm.edit("meeting", saved.id, Change(contacts=(contact,)))
        gone = await refresh(crm, moved(meet))
        assert [one.id for one in gone.contacts] == [contact.id]
        assert gone.unmatched == (STRANGER,)

    async def test_a_contact_that_it_is_linked_to_stays(
        self, harness: Harness, people: Cast, crm: Crm, meet: Meeting
    ) -> None:
        link = harness.ref("contact", people.second.id)
        before = (await save(crm, meet, link)).activity
        after = await refresh(crm, moved(meet))
        assert (after.links, after.contacts) == (before.links, before.contacts)

    async def test_a_cancellation_reaches_the_record(
        self, harness: Harness, crm: Crm, meet: Meeting
    ) -> None:
        saved = (await save(crm, meet)).activity
        off = replace(meet, cancelled=True)
        for _ in range(2):
            assert (await refresh(crm, off)).id == saved.id
            shown = await harness.shown(saved.id, "UTC")
            assert shown.cancelled
            assert shown.subject == meet.subject
        found = await crm.find(off)
        assert found is not None
        assert found.contacts == saved.contacts
        later = await refresh(crm, moved(off))
        shown = await harness.shown(later.id, "UTC")
        assert shown.cancelled
        assert (shown.subject, shown.location) == ("Kick-off, later", "Room 2")
        assert await harness.count("meeting") == 1

    async def test_what_was_cancelled_is_on_again_where_the_meeting_is(
        self, harness: Harness, crm: Crm, meet: Meeting
    ) -> None:
        saved = (await save(crm, meet)).activity
        before = await harness.shown(saved.id, "UTC")
        await refresh(crm, replace(meet, cancelled=True))
        assert told(await refresh(crm, meet)) == told(saved)
        assert await harness.shown(saved.id, "UTC") == before
        await crm.cancel(saved.id)
        assert told(await refresh(crm, meet)) == told(saved)
        assert await harness.shown(saved.id, "UTC") == before

    async def test_a_meeting_cancelled_before_it_is_saved_is_saved_as_cancelled(
        self, harness: Harness, crm: Crm, meet: Meeting
    ) -> None:
        off = replace(meet, cancelled=True)
        saved = await save(crm, off)
        assert saved.created
        assert (await harness.shown(saved.activity.id, "UTC")).cancelled
        assert await crm.find(off) == told(saved.activity)
        assert (await crm.look_up(off, None)).existing is not None
        before = await harness.version(saved.activity.id)
        assert await refresh(crm, off) == told(saved.activity)
        assert await harness.version(saved.activity.id) == before

    async def test_a_record_is_cancelled_by_its_id(
        self, harness: Harness, people: Cast, crm: Crm, meet: Meeting
    ) -> None:
        account = harness.ref("account", harness.company.accounts[0].id)
        saved = (await save(crm, meet, account, [items.file("a.txt", b"abc")])).activity
        before = await harness.shown(saved.id, "UTC")
        for address in (people.caller.address, people.colleague.address):
            await harness.crm(address).cancel(saved.id)
            assert await harness.shown(saved.id, "UTC") == replace(before, cancelled=True)
        found = await crm.find(meet)
        assert found is not None
        assert replace(found, subject=saved.subject) == told(saved)
        version = await harness.version(saved.id)
        await crm.cancel(saved.id)
        assert await harness.version(saved.id) == version

    @pytest.mark.parametrize("id_", [NOTHING, "", "1", "x') or true", "../accounts", "a\x00b"])
    async def test_what_is_not_there_is_not_cancelled(self, crm: Crm, id_: str) -> None:
        with pytest.raises(NotFound) as refused:
            await crm.cancel(id_)
        assert refused.value.code == "record_not_found"

    async def test_an_email_is_not_cancelled(self, crm: Crm, people: Cast) -> None:
        mail = items.email(items.sender(people.contact.email))
        saved = (await save(crm, mail)).activity
        with pytest.raises(NotFound):
            await crm.cancel(saved.id)
        assert await crm.find(mail) == told(saved)

    async def test_where_nothing_changed_nothing_is_written(
        self, harness: Harness, people: Cast, crm: Crm, meet: Meeting
    ) -> None:
        saved = (await save(crm, meet)).activity
        before = await harness.version(saved.id)
        assert told(await refresh(harness.crm(people.colleague.address), meet)) == told(saved)
        assert await harness.version(saved.id) == before
        await refresh(crm, moved(meet))
        assert await harness.version(saved.id) != before
        before = await harness.version(saved.id)
        await refresh(crm, moved(meet))
        assert await harness.version(saved.id) == before

    async def test_a_record_that_is_gone_is_not_made_again(
        self, harness: Harness, crm: Crm, meet: Meeting
    ) -> None:
        with pytest.raises(NotFound) as refused:
            await refresh(crm, meet)
        assert refused.value.code == "record_not_found"
        saved = (await save(crm, meet)).activity
        known = await crm.look_up(meet, None)
        await crm.delete("meeting", saved.id)
        for changed in (moved(meet), replace(meet, cancelled=True)):
            with pytest.raises(NotFound):
                await crm.refresh(changed, known)
        with pytest.raises(NotFound):
            await crm.cancel(saved.id)
        assert await harness.count("meeting") == 0

    async def test_what_changed_meanwhile_is_not_overwritten(
        self, harness: Harness, people: Cast, crm: Crm, meet: Meeting
    ) -> None:
        saved = (await save(crm, meet)).activity
        known = await crm.look_up(meet, None)
        await harness.crm(people.colleague.address).edit("meeting", saved.id, Change(contacts=()))
        with pytest.raises(Conflict):
            await crm.refresh(moved(meet), known)
        found = await crm.find(meet)
        assert found is not None
        assert found.contacts == ()
        assert found.subject == meet.subject
        assert (await refresh(crm, moved(meet))).contacts == ()

    async def test_the_same_news_twice_is_no_conflict(
        self, harness: Harness, people: Cast, crm: Crm, meet: Meeting
    ) -> None:
        await save(crm, meet)
        late = harness.crm(people.colleague.address)
        known = await late.look_up(meet, None)
        first = await refresh(crm, moved(meet))
        assert told(await late.refresh(moved(meet), known)) == told(first)

    async def test_many_workers_at_once_end_with_the_news(
        self, harness: Harness, people: Cast, crm: Crm, meet: Meeting
    ) -> None:
        saved = (await save(crm, meet)).activity
        callers = [people.caller.address, people.colleague.address] * 5
        results = await asyncio.gather(
            *(refresh(harness.crm(address), moved(meet)) for address in callers),
            return_exceptions=True,
        )
        assert all(isinstance(result, Activity | Conflict) for result in results)
        assert any(isinstance(result, Activity) for result in results)
        assert (await harness.shown(saved.id, "UTC")).start == moved(meet).start

    async def test_an_unfinished_record_is_left_to_who_saves_it(
        self, harness: Harness, crm: Crm, meet: Meeting
    ) -> None:
        await harness.set_limits(Limits(20_000_000, frozenset()))
        files = [items.file("large.bin", b"x" * 5_000_000)]
        with harness.interrupted(1), pytest.raises(Unavailable):
            await save(harness.crm(harness.company.employees[0].address), meet, files=files)
        with pytest.raises(Conflict):
            await refresh(crm, moved(meet))

    async def test_without_what_look_up_saw_it_is_read_again(self, crm: Crm, meet: Meeting) -> None:
        saved = (await save(crm, meet)).activity
        known = await crm.look_up(meet, None)
        assert known.existing is not None
        bare = LookUp(replace(known.existing), known.parties, known.limits)
        assert (await crm.refresh(moved(meet), bare)).id == saved.id

    async def test_another_tools_record_is_brought_in_line_too(
        self, harness: Harness, crm: Crm, meet: Meeting
    ) -> None:
        account = harness.ref("account", harness.company.accounts[0].id)
        id_ = await harness.plant_copy(meet, account)
        after = await refresh(crm, replace(moved(meet), start=meet.start))
        assert after.id == id_
        assert [link.id for link in after.links] == [account.id]
        shown = await harness.shown(id_, "UTC")
        assert (shown.subject, shown.location) == ("Kick-off, later", "Room 2")
        assert shown.end == moved(meet).end

    async def test_who_may_not_write_changes_nothing(
        self, harness: Harness, people: Cast, crm: Crm, meet: Meeting
    ) -> None:
        saved = (await save(crm, meet)).activity
        before = await harness.version(saved.id)
        reader = harness.crm(people.reader.address)
        with pytest.raises(Forbidden):
            await refresh(reader, moved(meet))
        with pytest.raises(Forbidden):
            await reader.cancel(saved.id)
        assert await harness.version(saved.id) == before

    @pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
    async def test_hostile_text_does_no_harm_and_is_written_once(
        self, harness: Harness, people: Cast, crm: Crm, meet: Meeting, text: str
    ) -> None:
        fresh = (await save(crm, meet)).activity
        now = replace(
            meet,
            subject=text,
            location=text,
            body=Body(text, html=False),
            participants=(*meet.participants, *items.attendees(f"{text}@elsewhere.example")),
        )
        after = await refresh(crm, now)
        assert after.id == fresh.id
        assert "\x00" not in after.subject
        version = await harness.version(fresh.id)
        assert told(await refresh(harness.crm(people.colleague.address), now)) == told(after)
        assert await harness.version(fresh.id) == version
        shown = await harness.shown(fresh.id, "UTC")
        other = await save(crm, replace(now, uid="another"))
        same = await harness.shown(other.activity.id, "UTC")
        assert (shown.subject, shown.body, shown.location) == (
            same.subject,
            same.body,
            same.location,
        )
        await refresh(crm, replace(now, cancelled=True))
        assert (await harness.shown(fresh.id, "UTC")).cancelled

    async def test_a_long_body_is_cut_and_said_so_again(
        self, harness: Harness, crm: Crm, meet: Meeting
    ) -> None:
        await save(crm, meet)
        long = replace(meet, body=Body(f"<p>{'x' * harness.traits.meeting_body_limit}</p>", True))
        for _ in range(2):
            after = await refresh(crm, long)
            assert [notice.code for notice in after.notices] == ["body_truncated"]
        assert (await refresh(crm, meet)).notices == ()
