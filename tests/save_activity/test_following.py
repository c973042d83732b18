"""A save begins to follow what happens next, and never fails by it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain import RecordRef, identity
from shared.errors import Forbidden, ThreadlineError, Throttled, TooLarge, Unavailable, Upstream
from shared.following import (
    MEETING_FOLLOWED,
    THREAD_FOLLOWED,
    Origin,
    people_of,
    thread_id,
)
from shared.saving import standing
from tests.contract import items
from tests.fakes.followings import FakeFollowings
from tests.save_activity.following_office import CUSTOMER, NOW, SALES, Office, codes


@pytest.fixture
def office() -> Office:
    return Office()


async def test_a_saved_email_is_followed_with_what_was_chosen(office: Office) -> None:
    mail = office.email(in_reply_to="<0@c.example>", references=("<00@c.example>", "<0@c.example>"))
    done = await office.save(links=office.link(), categories={"topic": 3}, attachments=[])
    (thread,) = office.threads()
    assert thread.id == thread_id(mail.conversation_id, mail.message_id)
    assert (thread.mailbox, thread.owner) == (office.anna.oid, office.anna.oid)
    assert thread.filed.link == RecordRef("account", office.account)
    assert thread.filed.categories == {"topic": 3}
    assert not thread.filed.default_files
    assert thread.people == people_of([CUSTOMER, office.anna.address])
    assert thread.record == done.saved.activity.id
    assert (thread.since, thread.until) == (NOW, NOW + THREAD_FOLLOWED)
    assert office.known() == {"<1@c.example>", "<0@c.example>", "<00@c.example>"}
    assert codes(done.saved.activity) == ["following"]
    assert done.saved.created


async def test_nobody_tells_us_yet_so_that_the_mailbox_is_looked_after(office: Office) -> None:
    office.email()
    first = (await office.save()).look_after
    assert first is not None
    assert (first.mailbox, first.kind, first.at) == (office.anna.oid, "email", NOW)
    row = await office.subscriptions.find(office.anna.oid, "email")
    assert row is not None  # the timer finds it, should the message be lost
    assert row.since <= NOW
    await office.subscribe("email", NOW + timedelta(hours=1))
    assert (await office.save()).look_after is None
    office.now = NOW + timedelta(hours=2)
    assert (await office.save()).look_after is not None


@pytest.mark.parametrize(
    ("asked", "default", "followed"),
    [
        (None, True, True),
        (None, False, False),
        (True, False, True),
        (False, True, False),
    ],
)
@pytest.mark.parametrize("id_", ["E1", "M1"])
async def test_who_asks_is_followed_and_who_says_nothing_as_the_admin_chose(
    office: Office, asked: bool | None, default: bool, followed: bool, id_: str
) -> None:
    office.email()
    office.meeting()
    office.policy = office.policy.model_copy(update={"follow_replies": default})
    done = await office.save(id_, follow=asked)
    assert bool(office.followings.followed) == followed
    assert codes(done.saved.activity) == (["following"] if followed else [])
    assert (done.look_after is not None) == followed


@pytest.mark.parametrize(("asked", "told"), [(True, ["follow_unavailable"]), (None, [])])
async def test_where_it_is_not_possible_only_who_asked_is_told(
    office: Office, asked: bool | None, told: list[str]
) -> None:
    office.email()
    office.may_follow = False
    done = await office.save(follow=asked)
    assert codes(done.saved.activity) == told
    assert office.followings.followed == {}
    assert done.look_after is None


@pytest.mark.parametrize(
    "error", [Unavailable("x"), Throttled("x", retry_after=9), Upstream("x"), TooLarge("x")]
)
@pytest.mark.parametrize("id_", ["E1", "M1"])
async def test_a_ledger_that_fails_never_fails_the_save(
    office: Office, error: ThreadlineError, id_: str
) -> None:
    office.email()
    office.meeting()
    office.break_ledger(error)
    done = await office.save(id_)
    assert done.saved.created
    assert codes(done.saved.activity) == ["follow_unavailable"]
    assert done.look_after is not None


class SlowFollowings(FakeFollowings):
    async def put_thread(self, thread: object) -> object:  # type: ignore[override]
        await asyncio.sleep(3600)
        return thread


async def test_a_ledger_that_hangs_does_not_hold_the_save_up(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("save_activity.following.PATIENCE", 0.05)
    office.followings = SlowFollowings()
    office.email()
    async with asyncio.timeout(60):
        done = await office.save()
    assert codes(done.saved.activity) == ["follow_unavailable"]


async def test_a_save_is_not_followed_where_it_failed(office: Office) -> None:
    office.email()
    office.crm_world.failures["look_up"] = Forbidden("No.")
    with pytest.raises(Forbidden):
        await office.save()
    assert office.followings.followed == {}
    assert office.known() == set()


async def test_what_is_saved_already_is_followed_with_the_link_that_it_has(office: Office) -> None:
    office.email()
    await office.save(links=office.link(), follow=False)
    again = await office.save(links=office.link("opportunity"), follow=True)
    assert not again.saved.created
    assert codes(again.saved.activity) == ["already_saved", "following"]
    (thread,) = office.threads()
    assert thread.filed.link == RecordRef("account", office.account)


async def test_a_later_message_filed_elsewhere_takes_the_thread_along(office: Office) -> None:
    office.email(1)
    await office.save("E1", links=office.link())
    office.email(2, references=("<9@c.example>", "<1@c.example>"))
    second = await office.save("E2", links=office.link("opportunity"))
    (thread,) = office.threads()
    assert thread.filed.link == RecordRef("opportunity", office.opportunity)
    assert thread.record == second.saved.activity.id
    # an earlier message that it refers to may still wait to be saved
    assert office.known() == {"<1@c.example>", "<2@c.example>"}


async def test_who_files_it_elsewhere_goes_on_with_their_own_rights(office: Office) -> None:
    """Whoever began it need not see the record that it goes to now."""
    office.email(1, SALES)
    await office.save("E1", mailbox=SALES, links=office.link())
    office.mailboxes.delegates = {
        who.address: frozenset({SALES}) for who in (office.anna, office.bernd)
    }
    office.email(2, SALES)
    await office.save("E2", by="bernd", mailbox=SALES, links=office.link("opportunity"))
    (thread,) = office.threads()
    assert thread.owner == office.bernd.oid


async def test_a_later_message_filed_alike_changes_neither_record_nor_owner(office: Office) -> None:
    office.email(1, SALES)
    first = await office.save("E1", mailbox=SALES, links=office.link())
    office.mailboxes.delegates = {
        who.address: frozenset({SALES}) for who in (office.anna, office.bernd)
    }
    office.email(2, SALES, participants=(items.sender("new@customer.example"),))
    office.now = NOW + timedelta(days=3)
    await office.save("E2", by="bernd", mailbox=SALES, links=office.link())
    (thread,) = office.threads()
    assert (thread.owner, thread.record) == (office.anna.oid, first.saved.activity.id)
    assert people_of(["new@customer.example", CUSTOMER]) <= thread.people
    assert thread.until == office.now + THREAD_FOLLOWED


async def test_saving_again_writes_nothing_again(office: Office) -> None:
    office.email()
    await office.save()
    (before,) = office.threads()
    office.now = NOW + timedelta(hours=1)
    await office.save()
    assert office.threads() == [before]


async def test_what_was_stopped_is_begun_again_by_an_explicit_wish_only(office: Office) -> None:
    office.email()
    await office.save()
    (thread,) = office.threads()
    await office.followings.put_thread(replace(thread, stopped=True))
    silent = await office.save()
    assert office.threads()[0].stopped
    assert codes(silent.saved.activity) == []
    asked = await office.save(follow=True)
    assert not office.threads()[0].stopped
    assert codes(asked.saved.activity) == ["following"]


async def test_what_was_stopped_stays_so_where_the_ledger_stutters(office: Office) -> None:
    office.email()
    await office.save()
    (thread,) = office.threads()
    await office.followings.put_thread(replace(thread, stopped=True))
    office.followings.failures["thread"] = Unavailable("x")
    await office.save()
    assert office.threads()[0].stopped


async def test_what_is_on_its_way_is_not_taken_for_saved_where_the_ledger_stutters(
    office: Office,
) -> None:
    office.email(1)
    await office.save("E1")
    office.email(3, in_reply_to="<2@c.example>", references=("<1@c.example>", "<2@c.example>"))
    office.followings.failures["thread"] = Unavailable("x")
    await office.save("E3")
    assert office.known() == {"<1@c.example>", "<3@c.example>"}


async def test_many_saves_at_once_follow_once(office: Office) -> None:
    office.email()
    answers = await asyncio.gather(*(office.save() for _ in range(20)))
    assert len(office.threads()) == 1
    assert {tuple(codes(one.saved.activity)) for one in answers} == {("following",)}


async def test_a_meeting_is_followed_until_a_week_after_its_end(office: Office) -> None:
    meeting = office.meeting()
    done = await office.save("M1", links=office.link())
    (followed,) = office.meetings()
    assert (followed.item, followed.watched, followed.scope) == ("M1", "M1", "occurrence")
    assert followed.identity == identity(meeting)
    assert followed.record == done.saved.activity.id
    assert followed.organizer
    assert followed.until == meeting.end + MEETING_FOLLOWED
    assert done.look_after is not None
    assert done.look_after.kind == "meeting"


async def test_of_an_occurrence_the_series_is_watched(office: Office) -> None:
    office.series(2)
    await office.save("S-1")
    (followed,) = office.meetings()
    assert (followed.item, followed.watched) == ("S-1", "S")


@pytest.mark.parametrize(("asked", "told"), [(True, ["follow_unavailable"]), (None, [])])
async def test_a_meeting_long_over_is_not_followed(
    office: Office, asked: bool | None, told: list[str]
) -> None:
    office.meeting()
    office.now = NOW + timedelta(days=30)
    assert codes((await office.save("M1", follow=asked)).saved.activity) == told
    assert office.meetings() == []


async def test_a_save_from_a_shared_mailbox_says_from_where_and_by_whom(office: Office) -> None:
    mail = office.email(address=SALES)
    office.mailboxes.put(office.bernd.address, mail)
    done = await office.save(mailbox=SALES)
    expected = Origin(identity(mail), "asked", office.anna.oid, SALES)
    assert office.origins.kept == {identity(mail): expected}
    (thread,) = office.threads()
    assert (thread.mailbox, thread.owner) == (SALES, office.anna.oid)
    assert codes(done.saved.activity) == ["shared_mailbox", "following"]
    again = await office.save(by="bernd", follow=False)
    (notice,) = again.saved.activity.notices
    assert notice.code == "shared_mailbox"
    assert SALES in notice.text
    assert office.anna.name in notice.text


async def test_of_what_was_there_before_a_shared_mailbox_claims_nothing(office: Office) -> None:
    mail = office.email()
    office.mailboxes.put(SALES, mail)
    await office.save(follow=False)
    await office.save(mailbox=SALES, follow=False)
    assert office.origins.kept == {}


@pytest.mark.parametrize("reason", ["followed_thread", "draft_sent", "conversation", "series"])
async def test_a_repeated_save_tells_how_the_record_came_to_be(
    office: Office, reason: standing.Reason
) -> None:
    mail = office.email()
    await office.save(follow=False)
    await office.origins.add(Origin(identity(mail), reason, office.anna.oid, SALES))
    again = await office.save(follow=False)
    assert codes(again.saved.activity) == [reason, "shared_mailbox"]
    assert office.anna.name in again.saved.activity.notices[0].text


async def test_a_save_put_off_is_followed_from_the_click_on(office: Office) -> None:
    office.email()
    office.crm_world.failures["look_up"] = Unavailable("Down.")
    later = await office.later(links=office.link(), categories={"topic": 2})
    (thread,) = office.threads()
    assert (thread.record, thread.filed.link) == ("", RecordRef("account", office.account))
    assert thread.filed.categories == {"topic": 2}
    assert later.look_after is not None
    finished = await office.finish(later.receipt)
    assert finished.receipt.status == "saved"
    (record,) = office.crm_world.records
    assert office.threads()[0].record == record


async def test_what_is_refused_in_the_end_is_not_followed_any_more(office: Office) -> None:
    office.email()
    office.crm_world.failures["look_up"] = Unavailable("Down.")
    later = await office.later()
    office.crm_world.failures["look_up"] = Forbidden("No.")
    finished = await office.finish(later.receipt)
    assert finished.receipt.status == "failed"
    assert office.threads() == []


async def test_what_is_stopped_while_its_save_is_put_off_stays_stopped(office: Office) -> None:
    office.email()
    office.crm_world.failures["look_up"] = Unavailable("Down.")
    later = await office.later(follow=True)
    (thread,) = office.threads()
    await office.followings.put_thread(replace(thread, stopped=True))
    assert (await office.finish(later.receipt)).receipt.status == "saved"
    assert office.threads()[0].stopped


async def test_what_was_stopped_before_is_begun_again_by_a_save_put_off(office: Office) -> None:
    office.email()
    await office.save()
    (thread,) = office.threads()
    await office.followings.put_thread(replace(thread, stopped=True))
    office.crm_world.failures["look_up"] = Unavailable("Down.")
    later = await office.later(follow=True)
    assert not office.threads()[0].stopped
    await office.finish(later.receipt)
    assert not office.threads()[0].stopped


async def test_a_save_put_off_does_not_end_what_another_began(office: Office) -> None:
    office.email(1)
    await office.save()
    office.email(2)
    office.crm_world.failures["look_up"] = Unavailable("Down.")
    later = await office.later("E2")
    office.crm_world.failures["look_up"] = Forbidden("No.")
    await office.finish(later.receipt)
    assert len(office.threads()) == 1
