"""Subscriptions are there as long as something is followed, and what no notification told of is
found."""

from dataclasses import replace
from datetime import timedelta

import pytest

from graph_notifications import caretaking
from graph_notifications.caretaking import LAPSED_KEPT, LIFETIME, Caretaker
from graph_notifications.work import Done
from shared.errors import Conflict, Forbidden, Throttled, Unavailable, Upstream
from shared.following import THREAD_FOLLOWED, ChangeKind, FollowedThread, Subscription
from shared.notifications import CaughtUp, ItemChanged, LookAfter
from tests.graph_notifications.office import Office, answer_unnoticed, followed

HOUR = timedelta(hours=1)
DOWN = Unavailable("down")


def row(office: Office, kind: ChangeKind = "email") -> Subscription:
    return office.subscriptions.kept[(office.me.oid, kind)]


async def stop_all(office: Office) -> None:
    for one in list(office.followings.followed.values()):
        if isinstance(one, FollowedThread):
            await office.followings.put_thread(replace(one, stopped=True))


async def test_the_first_thing_followed_makes_a_subscription_with_the_secret(
    office: Office,
) -> None:
    await followed(office)
    ((id_, made),) = office.feed.subscriptions.items()
    assert (made.mailbox, made.kind) == (office.me.oid, "email")
    assert made.expires == office.now + LIFETIME
    assert (row(office).id, row(office).expires) == (id_, made.expires)
    assert row(office).secret == made.secret


async def test_each_kind_has_its_own(office: Office) -> None:
    await followed(office)
    await office.follow(office.meet(office.customer))
    assert {one.kind for one in office.feed.subscriptions.values()} == {"email", "meeting"}


async def test_it_lives_as_long_as_something_is_followed_whatever_is_told(office: Office) -> None:
    await followed(office)
    for _ in range(24 * 30):
        office.now += HOUR
        await office.look_after()
        ((_, made),) = office.feed.subscriptions.items()
        assert made.expires - office.now >= LIFETIME / 2 - HOUR
    assert office.feed.calls.count("subscribe") == 1
    assert office.feed.calls.count("renew") <= 12


@pytest.mark.parametrize("renew", [True, False])
async def test_the_service_may_ask_to_renew_it_early(office: Office, renew: bool) -> None:
    await followed(office)
    office.now += HOUR
    outcomes = await office.look_after(renew=renew)
    assert outcomes[0] == ("renewed" if renew else "watched")


async def test_a_lost_one_is_made_anew_and_what_it_did_not_tell_is_found(office: Office) -> None:
    question = await followed(office)
    secret = row(office).secret
    office.feed.subscriptions.clear()
    answer = answer_unnoticed(office, question)
    office.now += HOUR
    outcomes = await office.look_after(renew=True)
    assert outcomes == ["subscribed", "saved", "caught_up"]
    assert office.record(answer) is not None
    assert len(office.feed.subscriptions) == 1
    assert row(office).secret == secret


async def test_it_is_made_before_what_changed_is_asked_for(office: Office) -> None:
    """Else what happens in between is told by nobody."""
    await followed(office)
    assert office.feed.calls == ["subscribe", "changes"]


async def test_what_was_not_told_is_found_once_and_by_the_hour(office: Office) -> None:
    question = await followed(office)
    answer = answer_unnoticed(office, question)
    office.now += HOUR
    assert await office.look_after() == ["watched", "saved", "caught_up"]
    assert office.record(answer) is not None
    office.now += HOUR
    assert await office.look_after() == ["watched"]


async def test_a_reply_between_the_save_and_the_subscription_is_found(office: Office) -> None:
    question = office.mail(office.customer, office.me.address)
    answer = answer_unnoticed(office, question)
    office.now += timedelta(seconds=20)
    await office.follow(question)
    assert office.record(answer) is not None


async def test_positions_that_the_service_forgot_lose_nothing(office: Office) -> None:
    question = await followed(office)
    meeting = office.meet(office.customer)
    await office.follow(meeting)
    answer = answer_unnoticed(office, question)
    office.mailboxes.remove(office.me.address, meeting.ref.id)
    office.feed.happened(office.me.oid, "meeting", meeting.ref.id, gone=True)
    office.feed.forget_positions()
    office.now += HOUR
    await office.look_after("email")
    await office.look_after("meeting")
    assert office.record(answer) is not None
    record = office.record(meeting)
    assert record is not None
    assert record.appointment is not None
    assert record.appointment.cancelled


# A run that ends in the middle


async def test_the_position_moves_only_once_all_before_it_is_queued(office: Office) -> None:
    question = await followed(office)
    answer = answer_unnoticed(office, question)
    before = row(office)
    await office.look_after_without_queueing()
    assert row(office).position == before.position
    assert row(office).since == before.since
    office.now += HOUR
    assert await office.look_after() == ["watched", "saved", "caught_up"]
    assert office.record(answer) is not None
    assert row(office).position != before.position
    assert row(office).ahead == {}


async def test_the_message_that_moves_on_comes_last(office: Office) -> None:
    question = await followed(office)
    answer_unnoticed(office, question)
    done = await office.work(LookAfter(mailbox=office.me.oid, kind="email", at=office.now))
    assert [type(one) for one in done.messages] == [ItemChanged, CaughtUp]


async def test_a_stale_or_repeated_one_moves_nothing(office: Office) -> None:
    question = await followed(office)
    answer_unnoticed(office, question)
    first = await office.work(LookAfter(mailbox=office.me.oid, kind="email", at=office.now))
    answer = answer_unnoticed(office, question)
    office.now += HOUR
    second = await office.work(LookAfter(mailbox=office.me.oid, kind="email", at=office.now))
    end = first.messages[-1]
    assert (await office.work(end)).outcome == "overtaken"
    end = second.messages[-1]
    assert [(await office.work(end)).outcome for _ in range(2)] == ["caught_up", "overtaken"]
    await office.drain()
    assert office.record(answer) is not None


async def test_more_than_fits_one_run_is_gone_on_with(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caretaking, "MOST_AT_ONCE", 10)
    question = await followed(office)
    office.feed.most = 7
    since = row(office).since
    answers = [answer_unnoticed(office, question) for _ in range(50)]
    office.now += HOUR
    done = await office.work(LookAfter(mailbox=office.me.oid, kind="email", at=office.now))
    assert len(done.messages) == 14 + 1
    began = office.now
    office.now += timedelta(minutes=3)
    for _ in range(14 + 1):
        await office.work(office.queue.popleft())
    assert row(office).position["log"].endswith("/14")
    assert row(office).since == since
    await office.drain()
    assert all(office.record(one) for one in answers)
    assert row(office).since == began
    office.now += HOUR
    assert await office.look_after() == ["watched"]


@pytest.mark.parametrize("method", ["subscribe", "changes", "renew"])
@pytest.mark.parametrize("error", [DOWN, Throttled("wait", retry_after=5), Upstream("?")])
async def test_a_service_that_is_down_is_asked_again(
    office: Office, method: str, error: Unavailable | Throttled | Upstream
) -> None:
    question = office.mail(office.customer, office.me.address)
    office.feed.failures["subscribe"] = DOWN
    with pytest.raises(Unavailable):
        await office.follow(question)
    office.queue.clear()
    if method == "renew":
        await office.look_after()
        office.now += LIFETIME + HOUR
    answer = answer_unnoticed(office, question)
    office.feed.failures[method] = error
    with pytest.raises(type(error)):
        await office.look_after()
    await office.look_after()
    assert office.record(answer) is not None
    live = [one for one in office.feed.subscriptions.values() if one.expires > office.now]
    assert len(live) == 1


@pytest.mark.parametrize("error", [DOWN, Throttled("wait", retry_after=5)])
async def test_while_the_service_is_away_rounds_do_not_pile_up_and_nothing_is_lost(
    office: Office, error: Unavailable | Throttled
) -> None:
    question = await followed(office)
    answer = answer_unnoticed(office, question)
    for _ in range(10):
        office.now += HOUR
        office.feed.failures["changes"] = error
        assert await office.look_after() == ["not_caught_up"]
    office.now += HOUR
    assert await office.look_after() == ["watched", "saved", "caught_up"]
    assert office.record(answer) is not None


async def test_one_that_lives_may_fail_to_be_renewed_and_is_caught_up_with_all_the_same(
    office: Office,
) -> None:
    question = await followed(office)
    office.now += LIFETIME * 0.6
    answer = answer_unnoticed(office, question)
    office.feed.failures["renew"] = DOWN
    assert await office.look_after() == ["not_renewed", "saved", "caught_up"]
    assert office.record(answer) is not None
    assert (await office.look_after())[0] == "renewed"


@pytest.mark.parametrize("method", ["begin", "replace", "find"])
async def test_a_store_that_is_down_is_asked_again(office: Office, method: str) -> None:
    question = await followed(office)
    office.feed.subscriptions.clear()
    office.now += LIFETIME
    answer = answer_unnoticed(office, question)
    office.subscriptions.failures[method] = DOWN
    with pytest.raises(Unavailable):
        await office.look_after()
    await office.drain()
    await office.look_after()
    await office.look_after()
    assert office.record(answer) is not None
    assert row(office).id in office.feed.subscriptions


# Two at once


async def test_two_workers_make_one_subscription(office: Office) -> None:
    await followed(office)
    office.feed.subscriptions.clear()
    office.now += LIFETIME
    subscribe = office.feed.subscribe
    asked = LookAfter(mailbox=office.me.oid, kind="email", at=office.now)

    async def slow(*given: object) -> object:
        office.feed.subscribe = subscribe  # type: ignore[method-assign]
        assert (await office.work(asked)).outcome == "subscribed"
        return await subscribe(*given)  # type: ignore[arg-type]

    office.feed.subscribe = slow  # type: ignore[method-assign,assignment]
    await office.work(asked)
    assert list(office.feed.subscriptions) == [row(office).id]


async def test_what_was_made_while_somebody_ended_it_is_not_left_behind(office: Office) -> None:
    office.subscriptions.failures["replace"] = Conflict("ended meanwhile")
    with pytest.raises(Conflict):
        await followed(office)
    assert office.feed.subscriptions == {}
    assert (await office.look_after())[0] == "subscribed"


async def test_a_save_that_begins_while_it_is_ended_is_followed(office: Office) -> None:
    """Whoever saves has seen the subscription alive just before it was ended."""
    await followed(office)
    await stop_all(office)
    end = office.feed.end
    late = office.mail(office.customer, office.me.address)

    async def meanwhile(id: str) -> None:
        office.feed.end = end  # type: ignore[method-assign]
        await office.follow_while_told_of(late)
        await end(id)

    office.feed.end = meanwhile  # type: ignore[method-assign]
    assert await office.look_after() == ["ended", "subscribed"]
    assert len(office.feed.subscriptions) == 1
    answer = answer_unnoticed(office, late)
    await office.look_after()
    assert office.record(answer) is not None


# What ends it


async def test_where_nothing_is_followed_any_more_it_ends(office: Office) -> None:
    await followed(office)
    await stop_all(office)
    assert await office.look_after() == ["ended"]
    assert office.feed.subscriptions == {}
    calls = len(office.feed.calls)
    assert await office.look_after() == ["ended"]
    assert len(office.feed.calls) == calls


async def test_the_row_goes_when_all_that_was_followed_is_forgotten(office: Office) -> None:
    await followed(office)
    office.now += THREAD_FOLLOWED + HOUR
    await office.look_after()
    assert office.feed.subscriptions == {}
    assert len(office.subscriptions.kept) == 1
    office.now += LAPSED_KEPT
    await office.look_after()
    assert office.subscriptions.kept == {}
    assert office.followings.followed == {}
    assert await office.look_after() == ["nothing_followed"]


async def test_what_came_while_nothing_was_followed_is_not_looked_at(office: Office) -> None:
    await followed(office)
    await stop_all(office)
    for _ in range(24 * 60):
        office.now += HOUR
        if office.now.hour == 0:
            other = office.mail(office.customer, office.me.address)
            office.feed.happened(office.me.oid, "email", other.ref.id)
        await office.look_after()
    office.now += HOUR
    office.mailboxes.calls.clear()
    question = await followed(office)
    assert office.mailboxes.calls == ["fetch"]  # the click's own
    answer = answer_unnoticed(office, question)
    await office.look_after()
    assert office.record(answer) is not None


async def test_one_kind_ends_without_the_other(office: Office) -> None:
    await followed(office)
    await office.follow(office.meet(office.customer))
    await stop_all(office)
    await office.look_after()
    assert [one.kind for one in office.feed.subscriptions.values()] == ["meeting"]


# Mailboxes that may not be read


@pytest.mark.parametrize(
    ("kept_from", "code"), [("forbidden", "forbidden"), ("missing", "item_not_found")]
)
async def test_a_mailbox_that_the_app_may_not_read_is_told_to_the_admin_and_tried_by_the_hour(
    office: Office, kept_from: str, code: str
) -> None:
    question = office.mail(office.customer, office.me.address)
    getattr(office.feed, kept_from).add(office.me.oid)
    await office.follow(question)
    asked = LookAfter(mailbox=office.me.oid, kind="email", at=office.now)
    refused = await office.work(asked)
    assert refused == Done("mailbox_not_followed", alarm="mailbox_not_followed", code=code)
    answer = answer_unnoticed(office, question)
    getattr(office.feed, kept_from).clear()
    office.now += HOUR
    await office.look_after()
    assert office.record(answer) is not None


async def test_a_permission_that_was_taken_away_is_told_too(office: Office) -> None:
    await followed(office)
    office.now += LIFETIME * 0.6
    office.feed.failures["renew"] = Forbidden("no")
    done = await office.work(LookAfter(mailbox=office.me.oid, kind="email", at=office.now))
    assert (done.alarm, done.code) == ("mailbox_not_followed", "forbidden")


# Clocks


@pytest.mark.parametrize("jump", [timedelta(weeks=5), timedelta(days=-1), timedelta(days=2)])
async def test_a_clock_that_jumps_and_is_set_right_loses_nothing(
    office: Office, jump: timedelta
) -> None:
    """The service's own clock is right all the while, and refuses what lies too far ahead."""
    question = await followed(office)
    meeting = office.meet(office.customer)
    await office.follow(meeting)
    await office.look_after("meeting")
    true = office.now
    office.feed.now = lambda: true

    async def rounds(offset: timedelta, hours: int) -> None:
        nonlocal true
        for _ in range(hours):
            true += HOUR
            office.now = true + offset
            office.feed.failures.update(
                {"renew": Upstream("too far")} if offset > timedelta(days=1) else {}
            )
            for kind in ("email", "meeting"):
                try:
                    await office.look_after(kind)
                except Upstream:
                    office.queue.clear()
        office.feed.failures.clear()

    answers = [answer_unnoticed(office, question)]
    await rounds(jump, 5)
    answers.append(answer_unnoticed(office, question))
    await rounds(timedelta(0), 3)
    answers.append(answer_unnoticed(office, question))
    await rounds(timedelta(0), 2)
    assert all(office.record(one) for one in answers)
    office.deliver(replace(meeting, location="Room 9"))
    office.feed.happened(office.me.oid, "meeting", meeting.ref.id)
    await rounds(timedelta(0), 1)
    record = office.record(meeting)
    assert record is not None
    assert record.appointment is not None
    assert record.appointment.location == "Room 9"
    for kind in ("email", "meeting"):
        live = row(office, kind)
        assert live.id in office.feed.subscriptions
        assert timedelta(0) < live.expires - office.now <= timedelta(days=7)


async def test_a_clock_that_was_set_forward_when_it_looked_hides_nothing_later(
    office: Office,
) -> None:
    """What is kept of the last look lies in the future then, and the position may be lost too."""
    question = await followed(office)
    true = office.now
    office.now += timedelta(days=5)
    await office.look_after()
    assert row(office).since > true
    office.now = true + HOUR
    answer = answer_unnoticed(office, question)
    office.now += HOUR
    office.feed.forget_positions()
    await office.look_after()
    assert office.record(answer) is not None


async def test_a_subscription_that_is_changed_all_the_time_is_tried_again(office: Office) -> None:
    question = await followed(office)
    answer_unnoticed(office, question)
    done = await office.work(LookAfter(mailbox=office.me.oid, kind="email", at=office.now))

    class Busy:
        def __getattr__(self, name: str) -> object:
            return getattr(office.subscriptions, name)

        async def replace(self, subscription: Subscription) -> Subscription:
            raise Conflict("busy")

    busy = Caretaker(office.feed, office.followings, Busy(), office.now)  # type: ignore[arg-type]
    end = done.messages[-1]
    assert isinstance(end, CaughtUp)
    with pytest.raises(Conflict):
        await busy.caught_up(end)


async def test_what_ends_a_look_at_a_mailbox_of_no_subscription_is_no_fault(
    office: Office,
) -> None:
    end = CaughtUp(mailbox="x", kind="email", at=office.now, position="0" * 32)
    assert (await office.work(end)).outcome == "overtaken"
