"""Making, renewing and ending subscriptions."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.graph import subscriptions
from sandbox.graph.ids import folder_id
from sandbox.world import TENANT, Principal
from tests.sandbox.graph.graph_world import ANNA, BERND, SALES, mime
from tests.sandbox.graph.receiver import Receiver
from tests.sandbox.graph.subscriber import Subscriber, in_minutes


def test_a_subscription_is_made_once_both_addresses_have_proved_themselves(
    subscriber: Subscriber, receiver: Receiver
) -> None:
    made = subscriber.subscribe()
    assert receiver.asked == ["/told", "/lifecycle"]
    assert made["@odata.context"].endswith("/v1.0/$metadata#subscriptions/$entity")
    assert made["resource"] == f"users/{ANNA}/messages"
    assert (made["changeType"], made["clientState"]) == ("created,updated,deleted", "secret")
    assert made["lifecycleNotificationUrl"] == f"{receiver.url}/lifecycle"
    shown = subscriber.get(f"subscriptions/{made['id']}")
    assert shown == made
    assert [row["id"] for row in subscriber.get("subscriptions")["value"]] == [made["id"]]


@pytest.mark.parametrize(
    "resource",
    [
        "/users/{who}/messages",
        "Users('{who}')/Messages",
        "users/{who}/mailFolders('inbox')/messages",
        "users/{who}/mailfolders/SentItems/messages",
        "users/{who}/mailFolders/{folder}/messages",
        "users/{who}/events",
        "users('{who}')/events",
        "users/{quoted}/messages",
    ],
)
def test_resources_are_written_in_many_ways(subscriber: Subscriber, resource: str) -> None:
    quoted = ANNA.replace(".", "%2E").replace("@", "%40")
    text = resource.format(who=ANNA, quoted=quoted, folder=folder_id(ANNA, "inbox"))
    assert subscriber.subscribe(resource=text)["resource"] == text


@pytest.mark.parametrize(
    "wrong",
    [
        {"changeType": None},
        {"changeType": "created,moved"},
        {"notificationUrl": None},
        {"notificationUrl": "http://example.org/told"},
        {"notificationUrl": "ftp://localhost/told"},
        {"notificationUrl": "http://localhost:99999/told"},
        {"notificationUrl": 7},
        {"lifecycleNotificationUrl": "told"},
        {"resource": None},
        {"resource": f"users/{ANNA}/contacts"},
        {"resource": f"users/{ANNA}/messages?$filter=isRead eq true"},
        {"resource": f"users/{ANNA}/events/AAMk="},
        {"expirationDateTime": None},
        {"expirationDateTime": "tomorrow"},
        {"clientState": "x" * 129},
        {"clientState": 7},
        {"includeResourceData": True},
        {"colour": "red"},
    ],
)
def test_bad_requests_are_refused_before_anybody_is_asked(
    subscriber: Subscriber, receiver: Receiver, wrong: dict[str, Any]
) -> None:
    refused = subscriber.refused("POST", "subscriptions", json=subscriber.body(**wrong))
    assert refused[:2] == (400, "InvalidRequest")
    assert receiver.asked == []


@pytest.mark.parametrize("minutes", [-1, 10_081])
def test_an_end_in_the_past_or_too_far_ahead_is_refused(
    subscriber: Subscriber, receiver: Receiver, minutes: int
) -> None:
    body = subscriber.body(expirationDateTime=in_minutes(minutes))
    refused = subscriber.refused("POST", "subscriptions", json=body)
    assert refused[:2] == (400, "InvalidRequest")
    assert receiver.asked == []


def test_the_limits_themselves_are_allowed(subscriber: Subscriber) -> None:
    made = subscriber.subscribe(
        clientState="x" * 128,
        expirationDateTime=in_minutes(10_079.9),
        resource=f"users/{SALES}/events",
    )
    assert len(made["clientState"]) == 128


def test_a_short_life_is_raised_to_45_minutes(subscriber: Subscriber) -> None:
    made = subscriber.subscribe(expirationDateTime=in_minutes(1))
    left = datetime.fromisoformat(made["expirationDateTime"]) - datetime.now(UTC)
    assert timedelta(minutes=44) < left <= timedelta(minutes=45)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"proof": "something else"}, "must exactly match"),
        ({"proof_type": "application/json"}, "must exactly match"),
        ({"proof_status": 403}, "HTTP status code is 'Forbidden'"),
        ({"proof_status": 202}, "HTTP status code is 'Accepted'"),
        ({"url": "http://localhost:1"}, "unreachable"),
    ],
)
def test_an_address_that_does_not_prove_itself_gets_no_subscription(
    subscriber: Subscriber, receiver: Receiver, answer: dict[str, Any], reason: str
) -> None:
    for name, value in answer.items():
        setattr(receiver, name, value)
    status, code, message = subscriber.refused("POST", "subscriptions", json=subscriber.body())
    assert (status, code) == (400, "ValidationError")
    assert reason in message
    assert subscriber.get("subscriptions")["value"] == []


def test_a_slow_address_gets_no_subscription(subscriber: Subscriber, receiver: Receiver) -> None:
    subscriber.sandbox.make_mischief(patience=0.1)
    receiver.delay = 0.3
    refused = subscriber.refused("POST", "subscriptions", json=subscriber.body())
    assert refused == (400, "ValidationError", "Subscription validation request timed out.")


def test_who_may_subscribe(subscriber: Subscriber) -> None:
    def refusal(**changed: Any) -> tuple[int, str, str]:
        return subscriber.refused("POST", "subscriptions", json=subscriber.body(**changed))

    denied = (403, "ExtensionError")
    subscriber.speak_as_app("Calendars.Read")
    assert refusal()[:2] == denied
    assert "Status Code: Forbidden; Reason: Access is denied." in refusal()[2]
    subscriber.subscribe(resource=f"users/{ANNA}/events")
    subscriber.speak_as_app("Mail.Read")
    subscriber.subscribe(resource=f"users/{SALES}/messages")
    assert refusal(resource=f"users/{ANNA}/events")[:2] == denied
    assert refusal(resource="users/nobody@contoso.example/messages")[:2] == (404, "ExtensionError")
    assert refusal(resource="me/messages")[:2] == (400, "BadRequest")


def test_a_person_subscribes_to_their_own_mailbox_only(subscriber: Subscriber) -> None:
    subscriber.speak_as(ANNA)
    subscriber.subscribe(resource="me/mailFolders('inbox')/messages")
    subscriber.subscribe(resource=f"users/{ANNA}/events")
    shared = subscriber.body(resource=f"users/{SALES}/messages")
    assert subscriber.refused("POST", "subscriptions", json=shared)[:2] == (403, "ExtensionError")
    subscriber.speak_as(ANNA, "Mail.Read.Shared")
    own = subscriber.body(resource="me/messages")
    assert subscriber.refused("POST", "subscriptions", json=own)[:2] == (403, "ExtensionError")


def test_nobody_gets_in_without_a_token(subscriber: Subscriber) -> None:
    subscriber.http.headers.pop("Authorization")
    refused = subscriber.refused("GET", "subscriptions")
    assert refused[:2] == (401, "InvalidAuthenticationToken")


def test_a_mailbox_has_a_thousand_subscriptions_at_most(subscriber: Subscriber) -> None:
    world = subscriber.sandbox.world
    who = Principal(str(TENANT), True, frozenset(), frozenset({"Mail.Read"}))
    wanted = subscriptions.read(subscriber.body(), world.clock())
    with world.store.transaction():
        for _ in range(1000):
            subscriptions.create(world, who, wanted, immutable=False)
    status, code, _ = subscriber.refused("POST", "subscriptions", json=subscriber.body())
    assert (status, code) == (403, "ExtensionError")
    subscriber.subscribe(resource=f"users/{BERND}/messages")


def test_renewing_moves_the_expiry_and_nothing_else(subscriber: Subscriber) -> None:
    made = subscriber.subscribe(lifecycleNotificationUrl=None)
    path = f"subscriptions/{made['id']}"
    later = in_minutes(10_070)
    answer = subscriber.http.patch(path, json={"expirationDateTime": later})
    assert answer.status_code == 200
    assert answer.json() == made | {"expirationDateTime": later}
    for wrong in (
        {"lifecycleNotificationUrl": made["notificationUrl"], "expirationDateTime": later},
        {"clientState": "other", "expirationDateTime": later},
        {"expirationDateTime": in_minutes(10_090)},
        {},
    ):
        assert subscriber.refused("PATCH", path, json=wrong)[:2] == (400, "InvalidRequest")
    subscriber.speak_as_app("Calendars.Read")
    change = {"expirationDateTime": later}
    assert subscriber.refused("PATCH", path, json=change)[:2] == (403, "ExtensionError")


def test_a_new_address_proves_itself_too(subscriber: Subscriber, receiver: Receiver) -> None:
    path = f"subscriptions/{subscriber.subscribe()['id']}"
    change = {"expirationDateTime": in_minutes(60), "notificationUrl": f"{receiver.url}/new"}
    assert subscriber.http.patch(path, json=change).json()["notificationUrl"].endswith("/new")
    assert receiver.asked == ["/told", "/lifecycle", "/new"]
    receiver.proof_status = 404
    assert subscriber.refused("PATCH", path, json=change)[:2] == (400, "ValidationError")


def test_reauthorizing_takes_the_permission(subscriber: Subscriber) -> None:
    path = f"subscriptions/{subscriber.subscribe()['id']}/reauthorize"
    assert subscriber.http.post(path).status_code == 204
    subscriber.speak_as_app("Calendars.Read")
    assert subscriber.refused("POST", path)[:2] == (403, "ExtensionError")


def test_a_deleted_subscription_is_gone_and_tells_nothing(subscriber: Subscriber) -> None:
    path = f"subscriptions/{subscriber.subscribe()['id']}"
    assert subscriber.http.delete(path).status_code == 204
    gone = (404, "ResourceNotFound")
    for method in ("GET", "DELETE"):
        assert subscriber.refused(method, path)[:2] == gone
    assert subscriber.refused("PATCH", path, json={})[:2] == gone
    assert subscriber.refused("POST", f"{path}/reauthorize")[:2] == gone
    subscriber.sandbox.deliver_mail(mime(), ANNA)
    assert subscriber.told() == []


def test_subscriptions_of_others_are_not_seen(subscriber: Subscriber) -> None:
    made = subscriber.subscribe()
    subscriber.speak_as(ANNA)
    assert subscriber.get("subscriptions")["value"] == []
    path = f"subscriptions/{made['id']}"
    assert subscriber.refused("GET", path)[:2] == (404, "ResourceNotFound")


def test_subscriptions_go_with_a_batch(subscriber: Subscriber) -> None:
    made = subscriber.subscribe()
    steps = [
        {"id": "1", "method": "GET", "url": f"/subscriptions/{made['id']}"},
        {
            "id": "2",
            "method": "PATCH",
            "url": f"/subscriptions/{made['id']}",
            "headers": {"content-type": "application/json"},
            "body": {"expirationDateTime": in_minutes(60)},
        },
    ]
    answer = subscriber.http.post("$batch", json={"requests": steps})
    assert sorted(r["status"] for r in answer.json()["responses"]) == [200, 200]
