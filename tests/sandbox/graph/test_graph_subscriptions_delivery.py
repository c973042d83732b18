"""How notifications travel: batches, retries, losses on request, lifecycle, restarts."""

import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from sandbox import graph
from sandbox.entra import tokens
from sandbox.graph import subscriptions
from sandbox.running import Running
from sandbox.sample import company
from sandbox.server import listen, serving
from sandbox.store import Store
from sandbox.tls import authority
from sandbox.world import Principal, World
from tests.sandbox.graph.graph_world import ANNA, BERND, mime
from tests.sandbox.graph.receiver import Receiver
from tests.sandbox.graph.subscriber import Subscriber, in_minutes

HOUR = 3600


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 120
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.005)


def deliver(sandbox: Running, number: int) -> list[str]:
    return [sandbox.deliver_mail(mime(Message_ID=f"<{n}@x.example>"), ANNA) for n in range(number)]


def test_nothing_is_queued_without_a_subscription(subscriber: Subscriber) -> None:
    deliver(subscriber.sandbox, 1)
    counts = {"sent": 0, "dropped": 0, "duplicated": 0, "reordered": 0, "failed": 0, "pending": 0}
    assert subscriber.sandbox.notifications() == counts


def test_what_is_queued_while_the_subscriber_is_busy_comes_in_one_batch(
    subscriber: Subscriber, receiver: Receiver
) -> None:
    subscriber.subscribe()
    receiver.delay = 0.3
    ids = deliver(subscriber.sandbox, 6)
    assert [id_ for _, id_ in subscriber.changes()] == ids
    assert len(receiver.posts) < len(ids)
    assert subscriber.sandbox.notifications()["sent"] == 6


def test_each_subscription_is_told_by_itself(subscriber: Subscriber, receiver: Receiver) -> None:
    first, second = (subscriber.subscribe()["id"] for _ in range(2))
    deliver(subscriber.sandbox, 1)
    subscriber.told()
    assert sorted(post[0]["subscriptionId"] for post in receiver.posts) == sorted([first, second])


@pytest.mark.parametrize("answer", [500, 503, 429, 404, 302])
def test_any_answer_but_a_success_is_tried_again(
    subscriber: Subscriber, receiver: Receiver, answer: int
) -> None:
    subscriber.subscribe()
    subscriber.sandbox.make_mischief(backoff=0.01)
    receiver.statuses = [answer, answer]
    deliver(subscriber.sandbox, 1)
    assert len(subscriber.told()) == 1
    assert receiver.tried == 3


def test_a_slow_or_absent_subscriber_is_tried_again(
    subscriber: Subscriber, receiver: Receiver
) -> None:
    subscriber.subscribe()
    subscriber.sandbox.make_mischief(backoff=0.01, patience=0.1)
    receiver.delay = 0.3
    deliver(subscriber.sandbox, 1)
    until(lambda: receiver.tried > 0, "never tried")
    receiver.delay = 0
    assert len({t["resourceData"]["id"] for t in subscriber.told()}) == 1


def test_retries_wait_ever_longer_by_the_sandboxs_clock(
    subscriber: Subscriber, receiver: Receiver
) -> None:
    subscriber.subscribe()
    receiver.statuses = [500, 500]
    deliver(subscriber.sandbox, 1)
    until(lambda: receiver.tried == 1, "never tried")
    assert subscriber.sandbox.notifications()["pending"] == 1
    subscriber.sandbox.advance_clock(10)
    until(lambda: receiver.tried == 2, "not tried after 10 s")
    subscriber.sandbox.advance_clock(15)
    assert subscriber.sandbox.notifications(0.05)["pending"] == 1
    assert receiver.tried == 2
    subscriber.sandbox.advance_clock(5)
    assert len(subscriber.told()) == 1


def test_after_four_hours_it_is_given_up_and_reported_as_missed(
    subscriber: Subscriber, receiver: Receiver
) -> None:
    made = subscriber.subscribe()
    receiver.status = 503
    deliver(subscriber.sandbox, 2)
    until(lambda: receiver.tried > 0, "never tried")
    subscriber.sandbox.advance_clock(4 * HOUR + 1)
    until(lambda: subscriber.sandbox.notifications()["failed"] == 2, "never given up")
    receiver.status = 202
    subscriber.sandbox.advance_clock(600)
    (told,) = subscriber.told()
    assert (told["lifecycleEvent"], told["subscriptionId"]) == ("missed", made["id"])
    deliver(subscriber.sandbox, 1)
    assert subscriber.told()[-1]["changeType"] == "created"


def test_so_many_are_dropped_and_duplicated_on_request(subscriber: Subscriber) -> None:
    subscriber.subscribe()
    subscriber.sandbox.make_mischief(drop=2, duplicate=1)
    ids = deliver(subscriber.sandbox, 5)
    assert [id_ for _, id_ in subscriber.changes()] == [ids[2], ids[2], ids[3], ids[4]]
    counts = subscriber.sandbox.notifications()
    assert (counts["dropped"], counts["duplicated"], counts["sent"]) == (2, 1, 4)


def test_one_held_back_is_overtaken(subscriber: Subscriber) -> None:
    subscriber.subscribe()
    subscriber.sandbox.make_mischief(reorder=1)
    ids = deliver(subscriber.sandbox, 3)
    seen = [id_ for _, id_ in subscriber.changes()]
    assert sorted(seen) == sorted(ids)
    assert seen != ids
    assert subscriber.sandbox.notifications()["reordered"] == 1


def test_shares_are_drawn_from_the_seed(subscriber: Subscriber) -> None:
    def outcome(seed: int) -> dict[str, int]:
        subscriber.sandbox.reset()
        subscriber.subscribe()
        subscriber.sandbox.make_mischief(drop=0.1, duplicate=0.2, reorder=0.1, seed=seed)
        deliver(subscriber.sandbox, 60)
        return subscriber.sandbox.notifications(5)

    first = outcome(1)
    assert 0 < first["dropped"] < 20
    assert 0 < first["duplicated"] < 30
    assert first["sent"] == 60 - first["dropped"] + first["duplicated"]
    assert outcome(1) == first != outcome(2)


@pytest.mark.parametrize(
    "wrong", [{"drop": -1}, {"drop": "all"}, {"backoff": 0}, {"slow": 1}, {"drop": 1.5}]
)
def test_mischief_that_makes_no_sense(subscriber: Subscriber, wrong: dict[str, object]) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        subscriber.sandbox.make_mischief(**wrong)


def test_lifecycle_events_come_to_their_own_address(
    subscriber: Subscriber, receiver: Receiver
) -> None:
    made = subscriber.subscribe()
    silent = subscriber.subscribe(lifecycleNotificationUrl=None)
    assert sorted(subscriber.sandbox.lifecycle("missed")) == sorted([made["id"], silent["id"]])
    (told,) = subscriber.told()
    assert set(told) == {
        "lifecycleEvent",
        "subscriptionId",
        "subscriptionExpirationDateTime",
        "clientState",
        "tenantId",
    }
    assert (told["lifecycleEvent"], told["subscriptionId"]) == ("missed", made["id"])
    subscriber.sandbox.lifecycle("reauthorizationRequired", made["id"])
    assert [t["lifecycleEvent"] for t in subscriber.told()] == ["missed", "reauthorizationRequired"]
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        subscriber.sandbox.lifecycle("missed", "nonsense")


def test_a_removed_subscription_says_so_and_nothing_more(subscriber: Subscriber) -> None:
    made = subscriber.subscribe()
    subscriber.sandbox.lifecycle("subscriptionRemoved", made["id"])
    deliver(subscriber.sandbox, 1)
    assert [t.get("lifecycleEvent") for t in subscriber.told()] == ["subscriptionRemoved"]
    assert subscriber.get("subscriptions")["value"] == []


def test_an_expired_subscription_ends_without_a_word(subscriber: Subscriber) -> None:
    made = subscriber.subscribe(lifecycleNotificationUrl=None, expirationDateTime=in_minutes(50))
    subscriber.sandbox.advance_clock(51 * 60)
    deliver(subscriber.sandbox, 1)
    assert subscriber.told() == []
    assert subscriber.refused("GET", f"subscriptions/{made['id']}")[0] == 404


def test_renewal_is_asked_for_an_hour_before_the_end(subscriber: Subscriber) -> None:
    made = subscriber.subscribe(expirationDateTime=in_minutes(600))
    subscriber.sandbox.advance_clock(538 * 60)
    assert subscriber.told() == []
    subscriber.sandbox.advance_clock(3 * 60)
    until(lambda: len(subscriber.receiver.told) == 1, "never asked")
    (told,) = subscriber.told()
    assert told["lifecycleEvent"] == "reauthorizationRequired"

    moment = subscriber.sandbox.world.clock() + timedelta(minutes=600)
    change = {"expirationDateTime": moment.isoformat()}
    assert subscriber.http.patch(f"subscriptions/{made['id']}", json=change).status_code == 200
    subscriber.sandbox.advance_clock(100 * 60)
    assert len(subscriber.told()) == 1
    deliver(subscriber.sandbox, 1)
    assert subscriber.told()[-1]["changeType"] == "created"


def test_the_clock_leaves_tokens_alone_and_a_reset_sets_it_right(subscriber: Subscriber) -> None:
    subscriber.sandbox.advance_clock(48 * HOUR)
    assert subscriber.get("subscriptions")["value"] == []
    fresh = subscriber.sandbox.token(ANNA, "graph")
    assert tokens.read(subscriber.sandbox.world, fresh, "graph").app_only is False
    assert subscriber.sandbox.world.clock() > datetime.now(UTC) + timedelta(hours=47)
    subscriber.sandbox.reset()
    assert abs(subscriber.sandbox.world.clock() - datetime.now(UTC)) < timedelta(seconds=5)


def test_the_clock_is_set_and_read(subscriber: Subscriber) -> None:
    trust = ssl.create_default_context(cafile=str(subscriber.sandbox.ca))
    with httpx.Client(base_url=f"{subscriber.sandbox.url}/sandbox/", verify=trust) as http:
        answer = http.post("clock", json={"to": "2030-01-01T12:00:00+01:00"})
        assert answer.json()["now"].startswith("2030-01-01T11:00:0")
        assert http.get("clock").json()["now"].startswith("2030-01-01T11:00:0")
        for wrong in ({}, {"to": "2030-01-01T12:00:00"}, {"advance": 1, "to": "2030-01-01T12:00Z"}):
            assert http.post("clock", json=wrong).status_code == 422


def test_a_reset_ends_subscriptions_and_what_they_wait_for(
    subscriber: Subscriber, receiver: Receiver
) -> None:
    subscriber.subscribe()
    receiver.status = 500
    subscriber.sandbox.make_mischief(backoff=0.05)
    deliver(subscriber.sandbox, 3)
    until(lambda: receiver.tried > 0, "never tried")
    subscriber.sandbox.reset()
    tried = 0
    while tried < receiver.tried:  # what was under way
        tried = receiver.tried
        time.sleep(0.2)
    receiver.status = 202
    deliver(subscriber.sandbox, 1)
    time.sleep(0.15)
    assert subscriber.told() == []
    assert subscriber.get("subscriptions")["value"] == []
    assert subscriber.sandbox.notifications()["sent"] == 0


def test_what_is_pending_survives_a_restart(receiver: Receiver, tmp_path: Path) -> None:
    ca = authority(tmp_path)

    def world() -> World:
        return World(Store(tmp_path / "sandbox.db"), company(), "https://localhost:0")

    before = world()
    graph.seed(before)
    who = Principal("app", True, frozenset(), frozenset({"Mail.Read"}))
    wanted = subscriptions.read(
        {
            "changeType": "created",
            "notificationUrl": f"{receiver.url}/told",
            "resource": f"users/{ANNA}/messages",
            "expirationDateTime": in_minutes(60),
        },
        before.clock(),
    )
    subscriptions.create(before, who, wanted, immutable=False)
    id_ = graph.deliver_mail(before, ANNA, "inbox", mime())
    assert graph.notification_counts(before)["pending"] == 1

    after = world()
    with serving(after, ca, listen(0)):
        until(lambda: graph.notification_counts(after)["pending"] == 0, "never delivered")
    assert [t["resourceData"]["id"] for t in receiver.told] == [id_]
    assert graph.notification_counts(world())["sent"] == 1


def test_a_change_that_fails_is_not_told(subscriber: Subscriber) -> None:
    """The notification is part of the transaction of its change."""
    draft = subscriber.sandbox.deliver_mail(mime(To=BERND), ANNA, "drafts")
    subscriber.subscribe()
    with pytest.raises(httpx.HTTPStatusError):
        subscriber.sandbox.change_message(draft, body="no body at all")
    assert subscriber.told() == []
