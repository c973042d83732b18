"""Subscriptions that can't be had, and those that tell an address which this app has left."""

from datetime import timedelta

import pytest

from shared.errors import ThreadlineError, Throttled, Unauthenticated, Unavailable, Upstream
from shared.notifications import LookAfter
from tests.graph_notifications.office import Office, answer_unnoticed, followed

HOUR = timedelta(hours=1)
FULL = Throttled("This mailbox has as many subscriptions as it may have.", retry_after=3600)
UNREACHED = Unavailable("Outlook could not reach this app.")


@pytest.mark.parametrize("error", [FULL, UNREACHED])
async def test_without_a_subscription_replies_are_found_by_the_hour(
    office: Office, error: Throttled | Unavailable
) -> None:
    question = await followed(office)
    office.feed.subscriptions.clear()
    office.now += timedelta(days=7)
    answer = answer_unnoticed(office, question)
    asked = LookAfter(mailbox=office.me.oid, kind="email", at=office.now)
    office.feed.failures["subscribe"] = error
    with pytest.raises(type(error)):
        await office.work(asked)
    office.now += HOUR + timedelta(minutes=1)
    office.feed.failures["subscribe"] = error
    assert (await office.work(asked)).outcome == "not_subscribed"
    await office.drain()
    assert office.record(answer) is not None
    assert (await office.look_after())[0] == "subscribed"


@pytest.mark.parametrize(
    "error", [UNREACHED, Upstream("The sign-in service gave no token."), Unauthenticated("No.")]
)
async def test_rounds_in_an_outage_do_not_pile_up(office: Office, error: ThreadlineError) -> None:
    question = await followed(office)
    office.feed.subscriptions.clear()
    office.now += timedelta(days=7)
    answer = answer_unnoticed(office, question)
    asked = LookAfter(mailbox=office.me.oid, kind="email", at=office.now)
    office.now += HOUR + timedelta(minutes=1)
    office.feed.failures |= {"subscribe": error, "changes": error}
    assert (await office.work(asked)).outcome == "not_caught_up"
    await office.look_after()
    assert office.record(answer) is not None


async def test_what_the_service_asked_for_is_tried_until_it_succeeds(office: Office) -> None:
    await followed(office)
    asked = LookAfter(mailbox=office.me.oid, kind="email", at=office.now, renew=True)
    office.now += timedelta(hours=5)
    office.feed.failures["renew"] = UNREACHED
    with pytest.raises(Unavailable):
        await office.work(asked)


async def test_where_this_app_has_moved_to_is_told_with_the_next_round(office: Office) -> None:
    question = await followed(office)
    (before,) = office.feed.subscriptions
    office.feed.address = "elsewhere"
    answer = answer_unnoticed(office, question)
    assert (await office.look_after())[0] == "subscribed"
    (after,) = office.feed.subscriptions
    assert after != before
    assert office.record(answer) is not None
    assert (await office.look_after())[0] == "watched"


async def test_moving_is_finished_though_it_was_interrupted(office: Office) -> None:
    await followed(office)
    office.feed.address = "elsewhere"
    office.feed.failures["subscribe"] = UNREACHED
    with pytest.raises(Unavailable):
        await office.look_after()
    assert not office.feed.subscriptions
    assert (await office.look_after())[0] == "subscribed"
    assert len(office.feed.subscriptions) == 1
