"""What every `Followings` must do. A test of one is a subclass with one fixture, `followings`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from shared.domain import RecordRef
from shared.errors import Conflict
from shared.following import (
    MOST_PEOPLE,
    Filed,
    Followed,
    FollowedDraft,
    FollowedMeeting,
    FollowedThread,
    people_of,
)
from shared.ports import Followings
from tests.contract.followed import DAY, NOW, draft, meeting, some_id, thread

_F = TypeVar("_F", FollowedThread, FollowedDraft, FollowedMeeting)


def bare(followed: _F) -> _F:
    return replace(followed, version="")


async def meeting_of(followings: Followings, mailbox: str, event: str) -> FollowedMeeting:
    (found,) = await followings.meetings(mailbox, event)
    return found


class FollowingsContract:
    async def test_a_thread_is_found_as_it_was_put(self, followings: Followings) -> None:
        new = thread(some_id())
        put = await followings.put_thread(new)
        assert put.version
        assert bare(put) == new
        assert await followings.thread(new.mailbox, new.id) == put

    async def test_a_draft_is_found_as_it_was_put(self, followings: Followings) -> None:
        new = draft(some_id())
        put = await followings.put_draft(new)
        assert bare(put) == new
        assert await followings.draft(new.mailbox, new.item) == put
        missing = await followings.put_draft(replace(put, missing_since=NOW))
        assert await followings.draft(new.mailbox, new.item) == missing
        assert (await followings.put_draft(replace(missing, missing_since=None))).missing_since is (
            None
        )

    async def test_a_meeting_is_found_by_either_of_its_ids(self, followings: Followings) -> None:
        mailbox, series = some_id(), some_id()
        new = meeting(mailbox, watched=series)
        put = await followings.put_meeting(new)
        assert bare(put) == new
        for event in (new.item, series):
            assert bare(await meeting_of(followings, mailbox, event)) == new
        assert await followings.meetings(mailbox, some_id()) == []
        assert await followings.meetings(some_id(), series) == []

    async def test_what_a_series_has_seen_is_kept(self, followings: Followings) -> None:
        seen = people_of(str(n) for n in range(400))
        series = replace(meeting(some_id()), scope="series", record="", seen=seen)
        await followings.put_meeting(series)
        assert bare(await meeting_of(followings, series.mailbox, series.item)) == series

    async def test_a_series_and_its_occurrences_are_found_together(
        self, followings: Followings
    ) -> None:
        mailbox, series = some_id(), some_id()
        whole = replace(meeting(mailbox, series), scope="series", record="")
        occurrences = [meeting(mailbox, watched=series) for _ in range(5)]
        for one in (whole, *occurrences):
            await followings.put_meeting(one)
        found = await followings.meetings(mailbox, series)
        assert {one.item for one in found} == {series, *(one.item for one in occurrences)}
        assert [one.item for one in await followings.meetings(mailbox, occurrences[0].item)] == [
            occurrences[0].item
        ]

    async def test_nothing_is_found_in_another_mailbox(self, followings: Followings) -> None:
        put = await followings.put_thread(thread(some_id()))
        sketch = await followings.put_draft(draft(put.mailbox))
        other = some_id()
        assert await followings.thread(other, put.id) is None
        assert await followings.draft(other, sketch.item) is None
        assert await followings.of_mailbox(other) == []

    async def test_of_a_link_type_and_id_are_kept(self, followings: Followings) -> None:
        link = RecordRef("contact", some_id(), "Kim", "https://crm.example", "kim@fabrikam.example")
        put = await followings.put_thread(
            replace(thread(some_id()), filed=Filed(link, default_files=True))
        )
        found = await followings.thread(put.mailbox, put.id)
        assert found == put
        assert found.filed == Filed(RecordRef("contact", link.id))

    async def test_people_are_bounded_and_stay_the_same(self, followings: Followings) -> None:
        many = people_of(f"{n}@fabrikam.example" for n in range(MOST_PEOPLE + 500))
        put = await followings.put_thread(replace(thread(some_id()), people=many))
        assert len(put.people) == MOST_PEOPLE
        assert put.people < many
        again = await followings.put_thread(replace(put, people=put.people | many))
        assert again.people == put.people
        assert await followings.thread(put.mailbox, put.id) == again

    async def test_a_replaced_one_has_a_new_version(self, followings: Followings) -> None:
        put = await followings.put_thread(thread(some_id()))
        stopped = await followings.put_thread(replace(put, stopped=True))
        assert stopped.version != put.version
        assert await followings.thread(put.mailbox, put.id) == stopped

    async def test_what_is_there_is_not_put_anew(self, followings: Followings) -> None:
        mailbox = some_id()
        one = await followings.put_thread(thread(mailbox))
        two = await followings.put_draft(draft(mailbox))
        three = await followings.put_meeting(meeting(mailbox, watched=some_id()))
        puts: list[Callable[[], Awaitable[Followed]]] = [
            lambda: followings.put_thread(bare(one)),
            lambda: followings.put_draft(bare(two)),
            lambda: followings.put_meeting(bare(three)),
            lambda: followings.put_meeting(replace(bare(three), watched=some_id())),
        ]
        for put in puts:
            with pytest.raises(Conflict):
                await put()
        assert len(await followings.of_mailbox(mailbox)) == 3

    async def test_an_older_version_replaces_nothing(self, followings: Followings) -> None:
        put = await followings.put_thread(thread(some_id()))
        newer = await followings.put_thread(replace(put, stopped=True))
        with pytest.raises(Conflict):
            await followings.put_thread(put)
        assert await followings.thread(put.mailbox, put.id) == newer

    async def test_what_is_gone_is_not_replaced(self, followings: Followings) -> None:
        put = await followings.put_draft(draft(some_id()))
        await followings.remove(put)
        with pytest.raises(Conflict):
            await followings.put_draft(put)
        assert await followings.draft(put.mailbox, put.item) is None
        await followings.put_draft(bare(put))

    async def test_a_meeting_is_replaced_by_whichever_id_it_was_read(
        self, followings: Followings
    ) -> None:
        mailbox, series = some_id(), some_id()
        put = await followings.put_meeting(meeting(mailbox, watched=series))
        by_series = await meeting_of(followings, mailbox, series)
        by_item = await meeting_of(followings, mailbox, put.item)
        newer = await followings.put_meeting(replace(by_series, identity="meeting:newer"))
        for older in (put, by_series, by_item):
            with pytest.raises(Conflict):
                await followings.put_meeting(replace(older, identity="meeting:older"))
        for event in (series, put.item):
            assert bare(await meeting_of(followings, mailbox, event)) == bare(newer)
        newest = await followings.put_meeting(replace(newer, identity="meeting:newest"))
        assert bare(await meeting_of(followings, mailbox, series)) == bare(newest)

    @pytest.mark.parametrize("by", ["item", "watched"])
    async def test_what_is_watched_may_change(self, followings: Followings, by: str) -> None:
        mailbox, before, after = some_id(), some_id(), some_id()
        put = await followings.put_meeting(meeting(mailbox, watched=before))
        read = await meeting_of(followings, mailbox, put.item if by == "item" else before)
        moved = await followings.put_meeting(replace(read, watched=after))
        assert await followings.meetings(mailbox, before) == []
        assert bare(await meeting_of(followings, mailbox, after)) == bare(moved)
        alone = await followings.put_meeting(replace(moved, watched=put.item))
        assert await followings.meetings(mailbox, after) == []
        assert bare(await meeting_of(followings, mailbox, put.item)) == bare(alone)

    async def test_of_twenty_who_put_one_version_one_succeeds(self, followings: Followings) -> None:
        put = await followings.put_thread(thread(some_id()))
        outcomes = await asyncio.gather(
            *(followings.put_thread(replace(put, record=str(n))) for n in range(20)),
            return_exceptions=True,
        )
        (winner,) = [one for one in outcomes if isinstance(one, FollowedThread)]
        assert sum(isinstance(one, Conflict) for one in outcomes) == 19
        assert await followings.thread(put.mailbox, put.id) == winner

    async def test_of_twenty_who_begin_one_meeting_one_succeeds(
        self, followings: Followings
    ) -> None:
        new = meeting(some_id(), watched=some_id())
        outcomes = await asyncio.gather(
            *(followings.put_meeting(replace(new, record=str(n))) for n in range(20)),
            return_exceptions=True,
        )
        (winner,) = [one for one in outcomes if isinstance(one, FollowedMeeting)]
        assert sum(isinstance(one, Conflict) for one in outcomes) == 19
        for event in (new.item, new.watched):
            assert bare(await meeting_of(followings, new.mailbox, event)) == bare(winner)

    async def test_what_was_removed_is_gone(self, followings: Followings) -> None:
        mailbox, record = some_id(), some_id()
        one = await followings.put_thread(thread(mailbox, record=record))
        two = await followings.put_draft(draft(mailbox))
        three = await followings.put_meeting(meeting(mailbox, watched=some_id(), record=record))
        for followed in (one, two, await meeting_of(followings, mailbox, three.watched)):
            await followings.remove(followed)
        assert await followings.of_mailbox(mailbox) == []
        assert await followings.meetings(mailbox, three.item) == []
        assert await followings.meetings(mailbox, three.watched) == []
        assert await followings.of_record(record) == []
        for followed in (one, two, three):
            await followings.remove(followed)  # once more

    async def test_what_changed_since_is_not_removed(self, followings: Followings) -> None:
        mailbox = some_id()
        old = await followings.put_thread(thread(mailbox))
        new = await followings.put_thread(replace(old, stopped=True))
        was = await followings.put_meeting(meeting(mailbox, watched=some_id()))
        now = await followings.put_meeting(replace(was, organizer=False))
        for followed in (old, was, bare(new), bare(now)):
            await followings.remove(followed)
        assert await followings.thread(mailbox, old.id) == new
        for event in (was.item, was.watched):
            assert bare(await meeting_of(followings, mailbox, event)) == bare(now)
        assert await followings.of_record(now.record) == [now]

    async def test_a_record_tells_what_has_it_in_every_mailbox(
        self, followings: Followings
    ) -> None:
        record = some_id()
        one: Followed = await followings.put_thread(thread(some_id(), record=record))
        two: Followed = await followings.put_meeting(
            meeting("sales@contoso.example", watched=some_id(), record=record)
        )
        await followings.put_thread(thread(one.mailbox))
        found = await followings.of_record(record)
        assert sorted(found, key=lambda f: f.mailbox) == sorted([one, two], key=lambda f: f.mailbox)
        assert await followings.of_record(some_id()) == []

    async def test_a_record_tells_only_what_has_it_now(self, followings: Followings) -> None:
        before, after = some_id(), some_id()
        put = await followings.put_thread(thread(some_id(), record=before))
        moved = await followings.put_thread(replace(put, record=after))
        assert await followings.of_record(before) == []
        assert await followings.of_record(after) == [moved]
        back = await followings.put_thread(replace(moved, record=before))
        assert await followings.of_record(before) == [back]
        assert await followings.of_record(after) == []

    async def test_what_has_no_record_is_told_of_none(self, followings: Followings) -> None:
        series = replace(meeting(some_id()), scope="series", record="")
        waiting = replace(thread(series.mailbox), record="")
        await followings.put_meeting(series)
        put = await followings.put_thread(waiting)
        assert await followings.of_record("") == []
        named = await followings.put_thread(replace(put, record=some_id()))
        assert await followings.of_record(named.record) == [named]

    async def test_a_mailbox_tells_each_once(self, followings: Followings) -> None:
        mailbox = some_id()
        await followings.know_messages(mailbox, "0" * 32, [some_id()])
        put: list[Followed] = [
            await followings.put_thread(thread(mailbox)),
            await followings.put_draft(draft(mailbox)),
            await followings.put_meeting(meeting(mailbox)),
            await followings.put_meeting(meeting(mailbox, watched=some_id())),
        ]
        await followings.put_thread(thread(some_id()))
        found = await followings.of_mailbox(mailbox)
        assert {one.version for one in found} == {one.version for one in put}
        assert all(one in put for one in found)

    async def test_known_messages_tell_their_thread(self, followings: Followings) -> None:
        mailbox = some_id()
        one, two = [await followings.put_thread(thread(mailbox)) for _ in range(2)]
        ids = [f"<{n}.{some_id()}@contoso.example>" for n in range(100)]
        await followings.know_messages(mailbox, one.id, ids)
        await followings.know_messages(mailbox, two.id, ids[:3] + ids[:3])
        await followings.know_messages(mailbox, two.id, [])
        asked = ["<unknown@contoso.example>", *ids[:60], *ids[:2]]
        found = await followings.threads_of(mailbox, asked)
        assert found == dict.fromkeys(ids[:3], two.id) | dict.fromkeys(ids[3:60], one.id)
        assert await followings.threads_of(some_id(), ids) == {}
        assert await followings.threads_of(mailbox, []) == {}

    async def test_more_messages_than_promised_are_a_mistake(self, followings: Followings) -> None:
        with pytest.raises(ValueError, match="100"):
            await followings.know_messages(some_id(), "0" * 32, [str(n) for n in range(101)])

    async def test_only_what_is_over_is_forgotten(self, followings: Followings) -> None:
        mailbox = some_id()
        over: list[Followed] = [
            await followings.put_thread(replace(thread(mailbox), until=NOW - DAY)),
            await followings.put_draft(replace(draft(mailbox), until=NOW - DAY)),
            await followings.put_meeting(
                replace(meeting(mailbox, watched=some_id()), until=NOW - DAY)
            ),
        ]
        kept: list[Followed] = [
            await followings.put_thread(replace(thread(mailbox), until=NOW)),
            await followings.put_draft(draft(mailbox)),
            await followings.put_meeting(meeting(mailbox, watched=some_id())),
        ]
        elsewhere = await followings.put_draft(replace(draft(some_id()), until=NOW - DAY))
        assert await followings.forget(mailbox, NOW) == len(over)
        found = await followings.of_mailbox(mailbox)
        assert {one.version for one in found} == {one.version for one in kept}
        for one in over:
            if not isinstance(one, FollowedDraft):
                assert await followings.of_record(one.record) == []
        assert await followings.of_mailbox(elsewhere.mailbox) == [elsewhere]
        assert await followings.forget(mailbox, NOW) == 0

    async def test_messages_go_with_their_thread(self, followings: Followings) -> None:
        mailbox = some_id()
        over = await followings.put_thread(replace(thread(mailbox), until=NOW - DAY))
        removed = await followings.put_thread(thread(mailbox))
        kept = await followings.put_thread(thread(mailbox))
        ids = [some_id() for _ in range(350)]
        for start in range(0, 200, 100):
            await followings.know_messages(mailbox, over.id, ids[start : start + 100])
        await followings.know_messages(mailbox, removed.id, ids[200:300])
        await followings.know_messages(mailbox, kept.id, ids[300:])
        await followings.remove(removed)
        assert await followings.forget(mailbox, NOW) == 301
        assert await followings.threads_of(mailbox, ids[:60]) == {}
        assert await followings.threads_of(mailbox, ids[250:]) == dict.fromkeys(ids[300:], kept.id)
