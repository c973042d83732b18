"""What waits to be told to subscribers: rows written in the transaction of the change itself.

Table `outbox` holds one row for each notification not yet delivered; its times are seconds since
1970. An id is a running number, so ids sort by age. `post` holds the running number, the counters
and the mischief asked for.

Outlook's ways that a subscriber must live with, all kept here: the resource is spelled in two ways
and the expiry comes with any offset (concepts/outlook-change-notifications-overview.md has
both), an item that moves is `deleted` and `created`
(github.com/microsoftgraph/microsoft-graph-docs/issues/11710), and whatever happens to one
occurrence is told as an update of its series (issues/5520 there).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from sandbox.graph import ids
from sandbox.graph.ids import ItemKey
from sandbox.store import Row, Store
from sandbox.world import TENANT

SERVICE = "graph"
Change = Literal["created", "updated", "deleted"]
Kind = Literal["messages", "events"]
Lifecycle = Literal["reauthorizationRequired", "subscriptionRemoved", "missed"]
_COUNTERS = ("sent", "dropped", "duplicated", "reordered", "failed")
_HELD_BACK = (0.05, 0.5)
"""Seconds that a notification waits for others to overtake it."""


_Share = Annotated[float, Field(ge=0, le=1)]


class Mischief(BaseModel):
    """What to do to notifications: an integer is for the next so many, a fraction for that share
    of all from now on, drawn from `seed`. Times are seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    drop: NonNegativeInt | _Share = 0
    duplicate: NonNegativeInt | _Share = 0
    reorder: NonNegativeInt | _Share = 0
    seed: int = 0
    backoff: float = Field(10, gt=0, description="Before the first retry; doubled for each more.")
    patience: float = Field(10, gt=0, description="For the answers of the notified.")


def message_changed(store: Store, row: Row, change: Change, now: datetime) -> None:
    """Queues what the subscribers of that mailbox, or of the folder, want to know."""
    _announce(store, "messages", row, row["folder"], change, now)


def message_moved(store: Store, old: Row, new: Row, now: datetime) -> None:
    message_changed(store, old, "deleted", now)
    message_changed(store, new, "created", now)


def event_changed(store: Store, row: Row, change: Change, now: datetime) -> None:
    """`row` is that of a single event or a series."""
    _announce(store, "events", row, "calendar", change, now)


def lifecycle(store: Store, subscription: Row, event: Lifecycle, now: datetime) -> None:
    """Queues a lifecycle event, where the subscription has an address for it."""
    url = subscription["lifecycleUrl"]
    if url:
        number = _take_number(store)
        told = {"lifecycleEvent": event, **_about(subscription, number)}
        _put(store, number, subscription["id"], url, told, now, now)


def mischief(store: Store) -> Mischief:
    row = store.get(SERVICE, "post", "mischief")
    return Mischief.model_validate(row) if row else Mischief()


def make_mischief(store: Store, wanted: Mischief) -> None:
    store.put(SERVICE, "post", "mischief", wanted.model_dump())


def counts(store: Store) -> dict[str, int]:
    """`pending` are those not delivered yet, the others totals since the last reset."""
    row = store.get(SERVICE, "post", "counters") or {}
    totals = {name: row.get(name, 0) for name in _COUNTERS}
    return {**totals, "pending": len(store.items(SERVICE, "outbox"))}


def count(store: Store, name: str, number: int = 1) -> None:
    row = store.get(SERVICE, "post", "counters") or {}
    store.put(SERVICE, "post", "counters", {**row, name: row.get(name, 0) + number})


def _announce(
    store: Store, kind: Kind, row: Row, folder: str, change: Change, now: datetime
) -> None:
    for subscription in store.all(SERVICE, "subscriptions"):
        if (
            subscription["mailbox"] == row["mailbox"]
            and subscription["kind"] == kind
            and subscription["folder"] in (None, folder)
            and change in subscription["changes"]
            and datetime.fromisoformat(subscription["expires"]) > now
        ):
            with store.transaction():
                number = _take_number(store)
                told = _told(subscription, kind, row, folder, change, number)
                _queue(store, number, subscription, told, now)


def _queue(
    store: Store, number: int, subscription: Row, told: Mapping[str, Any], now: datetime
) -> None:
    chance = Random(f"{mischief(store).seed}/{number}")
    if _struck(store, "drop", chance):
        count(store, "dropped")
        return
    due = now
    if _struck(store, "reorder", chance):
        count(store, "reordered")
        due += timedelta(seconds=chance.uniform(*_HELD_BACK))
    _put(store, number, subscription["id"], subscription["url"], told, now, due)
    if _struck(store, "duplicate", chance):
        count(store, "duplicated")
        _put(store, _take_number(store), subscription["id"], subscription["url"], told, now, due)


def _struck(store: Store, name: str, chance: Random) -> bool:
    wanted = mischief(store)
    share: int | float = getattr(wanted, name)
    if isinstance(share, float):
        return chance.random() < share
    if share:
        make_mischief(store, wanted.model_copy(update={name: share - 1}))
    return share > 0


def _put(
    store: Store,
    number: int,
    subscription: str,
    url: str,
    told: Mapping[str, Any],
    now: datetime,
    due: datetime,
) -> None:
    id_ = f"{number:012}"
    row = {
        "id": id_,
        "subscription": subscription,
        "url": url,
        "told": dict(told),
        "first": now.timestamp(),
        "due": due.timestamp(),
        "attempts": 0,
    }
    store.put(SERVICE, "outbox", id_, row)


def _take_number(store: Store) -> int:
    row = store.get(SERVICE, "post", "number") or {"next": 1}
    number: int = row["next"]
    store.put(SERVICE, "post", "number", {"next": number + 1})
    return number


def _told(
    subscription: Row, kind: Kind, row: Row, folder: str, change: Change, number: int
) -> dict[str, Any]:
    key = ItemKey(row["key"])
    owner: str = row["mailbox"]
    immutable = subscription["immutable"]
    id_ = ids.immutable_id(owner, key) if immutable else ids.regular_id(owner, folder, key)
    path = _spelled(subscription["oid"], kind, id_, number)
    return {
        **_about(subscription, number),
        "changeType": change,
        "resource": path,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph." + ("Message" if kind == "messages" else "Event"),
            "@odata.id": path,
            "@odata.etag": f'W/"{ids.change_key(owner, row["key"], row["version"])}"',
            "id": id_,
        },
    }


def _spelled(oid: str, kind: Kind, id_: str, number: int) -> str:
    if number % 2:
        return f"Users/{oid}/{kind.title()}/{id_}"
    return f"Users('{oid}')/{kind}('{id_}')"


def _about(subscription: Row, number: int) -> dict[str, Any]:
    east = timezone(timedelta(hours=5, minutes=30)) if number % 3 == 0 else UTC
    expires = datetime.fromisoformat(subscription["expires"]).astimezone(east)
    offset = "+05:30" if east is not UTC else "Z" if number % 2 else "+00:00"
    return {
        "subscriptionId": subscription["id"],
        "subscriptionExpirationDateTime": f"{expires:%Y-%m-%dT%H:%M:%S.%f}0{offset}",
        "clientState": subscription["clientState"],
        "tenantId": TENANT,
    }
