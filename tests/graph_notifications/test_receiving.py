"""What Graph posts: which of it is ours, and what is queued."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_notifications.known_secrets import KEPT, KEPT_UNKNOWN, KnownSecrets
from graph_notifications.payload import LARGEST_BODY, MOST
from graph_notifications.receiving import MOST_UNKNOWN, Received, lifecycle, notifications
from shared.errors import Unavailable
from shared.following import ChangeKind, Subscription
from shared.notifications import ItemChanged, LookAfter

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANNA, BERND = "anna-oid", "bernd-oid"


def subscription(mailbox: str, kind: ChangeKind = "email") -> Subscription:
    return Subscription(mailbox, kind, f"secret of {mailbox} {kind}", "id", NOW, NOW)


class Door:
    """Two mailboxes are followed. `asked` are the secrets that were looked up."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.known = KnownSecrets(lambda: self.seconds)
        self.there = {
            one.secret: one for one in (subscription(ANNA), subscription(BERND, "meeting"))
        }
        self.asked: list[str] = []
        self.failure: Exception | None = None

    async def find(self, secret: str) -> Subscription | None:
        self.asked.append(secret)
        if self.failure:
            raise self.failure
        return self.there.get(secret)

    async def tell(self, *told: Any, body: bytes | None = None) -> Received:
        content = json.dumps({"value": told}).encode() if body is None else body
        return await notifications(content, NOW, known=self.known, find=self.find)

    async def tell_lifecycle(self, *told: Any) -> Received:
        content = json.dumps({"value": told}).encode()
        return await lifecycle(content, NOW, known=self.known, find=self.find)


@pytest.fixture
def door() -> Door:
    return Door()


def counts(received: Received) -> tuple[int, int, int]:
    return received.accepted, received.forged, received.malformed


def told(
    secret: str = f"secret of {ANNA} email",
    item: str = "AAMk=",
    change: str = "created",
    **more: Any,
) -> dict[str, Any]:
    """As in Microsoft's documentation, with fields that nobody here reads."""
    return {
        "subscriptionId": "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
        "subscriptionExpirationDateTime": "2026-03-20T11:00:00.0000000Z",
        "tenantId": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
        "changeType": change,
        "resource": "Users('x')/messages('somebody elses id')",
        "clientState": secret,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.etag": 'W/"CQAAABYA"',
            "id": item,
        },
        **more,
    }


async def test_what_is_ours_is_queued_by_the_mailbox_of_its_secret(door: Door) -> None:
    received = await door.tell(
        told(item="AbC"), told(f"secret of {BERND} meeting", "AbC", "deleted")
    )
    assert received.messages == (
        ItemChanged(mailbox=ANNA, kind="email", at=NOW, item="AbC"),
        ItemChanged(mailbox=BERND, kind="meeting", at=NOW, item="AbC"),
    )
    assert counts(received) == (2, 0, 0)


async def test_the_same_told_twice_is_queued_once_and_case_tells_ids_apart(door: Door) -> None:
    received = await door.tell(told(item="aa"), told(item="aa"), told(item="AA"))
    assert [m.item for m in received.messages if isinstance(m, ItemChanged)] == ["aa", "AA"]
    assert received.accepted == 3


async def test_what_is_forged_or_cannot_be_read_is_counted_and_the_rest_is_queued(
    door: Door,
) -> None:
    received = await door.tell(
        told("guessed"),
        told(secret="x" * 129),
        told(item="i" * 2000),
        {**told(), "clientState": None},
        {**told(), "resourceData": None},
        {},
        None,
        7,
        told(),
    )
    assert len(received.messages) == 1
    assert counts(received) == (1, 1, 7)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'{"value": 3}',
        b"\xff\xfe",
        b'{"value": {}}',
        b"[" * 100_000,
    ],
)
async def test_a_body_of_another_form_is_dropped(door: Door, body: bytes) -> None:
    assert counts(await door.tell(body=body)) == (0, 0, 1)
    assert door.asked == []


async def test_a_body_that_is_far_too_large_is_not_read(door: Door) -> None:
    body = json.dumps({"value": [told(padding="x" * LARGEST_BODY)]}).encode()
    assert counts(await door.tell(body=body)) == (0, 0, 1)


async def test_of_too_many_notifications_the_first_are_read(door: Door) -> None:
    body = b'{"value": [' + b",".join([b"{}"] * (MOST + 5)) + b"]}"
    assert counts(await door.tell(body=body)) == (0, 0, MOST + 5)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["value", "clientState", "resourceData", "id", "changeType"]), inner
            )
        ),
        max_leaves=20,
    )
)
async def test_nothing_that_is_sent_breaks_it_or_is_queued_without_its_secret(sent: Any) -> None:
    door = Door()
    received = await door.tell(body=json.dumps(sent).encode())
    assert received.messages == ()


async def test_a_store_that_is_down_is_told_so_that_graph_comes_again(door: Door) -> None:
    door.failure = Unavailable("down")
    with pytest.raises(Unavailable):
        await door.tell(told())
    door.failure = None
    assert len((await door.tell(told())).messages) == 1


async def test_a_secret_is_looked_up_once_in_a_while(door: Door) -> None:
    for _ in range(100):
        await door.tell(told(), told("guessed"))
    assert sorted(door.asked) == ["guessed", f"secret of {ANNA} email"]
    door.seconds = KEPT_UNKNOWN + 1
    await door.tell(told(), told("guessed"))
    assert len(door.asked) == 3
    door.seconds = KEPT + 1
    await door.tell(told())
    assert len(door.asked) == 4


async def test_a_secret_made_just_now_is_soon_known(door: Door) -> None:
    door.asked.clear()
    assert (await door.tell(told("new"))).forged == 1
    door.there["new"] = subscription("new")
    door.seconds = KEPT_UNKNOWN + 1
    assert (await door.tell(told("new"))).accepted == 1


async def test_forged_secrets_cost_little_and_drive_out_no_real_one(door: Door) -> None:
    door.known = KnownSecrets(lambda: door.seconds, most=10)
    await door.tell(told())
    flood = [told(f"guess {number}") for number in range(MOST_UNKNOWN * 2)]
    received = await door.tell(*flood, told())
    assert (received.accepted, received.forged) == (1, MOST_UNKNOWN * 2)
    assert len(door.asked) == MOST_UNKNOWN + 1
    await door.tell(told())
    assert door.asked.count(f"secret of {ANNA} email") == 1


def event(name: str, secret: str = f"secret of {ANNA} email") -> dict[str, Any]:
    return {
        "subscriptionId": "an older one",
        "tenantId": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
        "clientState": secret,
        "lifecycleEvent": name,
    }


@pytest.mark.parametrize(
    ("name", "renew"),
    [("reauthorizationRequired", True), ("subscriptionRemoved", True), ("missed", False)],
)
async def test_a_lifecycle_event_asks_to_look_after_the_mailbox(
    door: Door, name: str, renew: bool
) -> None:
    received = await door.tell_lifecycle(event(name), event(name))
    assert received.messages == (LookAfter(mailbox=ANNA, kind="email", at=NOW, renew=renew),)
    assert counts(received) == (2, 0, 0)


async def test_unknown_events_are_counted_and_forged_ones_dropped(door: Door) -> None:
    received = await door.tell_lifecycle(event("brandNew"), event("missed", "guessed"), {}, told())
    assert received == Received((), accepted=0, forged=1, malformed=2, unknown=1)
