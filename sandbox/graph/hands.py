"""What people do to their mailboxes in Outlook, by item id, for the sandbox's handles.

Items are named by either of their ids. Every function raises KeyError for one that names nothing,
and GraphError for what Outlook would not do.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sandbox.graph import (
    changes,
    drafts,
    event_changes,
    events,
    messages,
    outbox,
    replies,
    snapshots,
)
from sandbox.graph import subscriptions as subscribed
from sandbox.graph.events import Event
from sandbox.graph.message_views import message_id
from sandbox.graph.outbox import SERVICE
from sandbox.store import Row
from sandbox.world import World


def send_draft(world: World, id_: str) -> str:
    """Gives its new regular id. Raises KeyError for what is no draft too."""
    row = _message(world, id_)
    if not row["fields"]["isDraft"]:
        raise KeyError(id_)
    return message_id(drafts.send(world, row), False)


def change_message(world: World, id_: str, properties: Mapping[str, Any]) -> None:
    """The properties are those of a PATCH."""
    wanted = changes.read(changes.MessageChange, properties)
    drafts.change(world.store, _message(world, id_), wanted, world.clock())


def move_message(world: World, id_: str, folder: str) -> str:
    """Gives its new regular id."""
    moved = messages.move(world.store, _message(world, id_), folder, world.clock())
    return message_id(moved, False)


def delete_message(world: World, id_: str) -> None:
    """For good; that is also how a draft is discarded."""
    messages.delete(world.store, _message(world, id_), world.clock())


def reply(world: World, id_: str, text: str, *, everyone: bool = False) -> str:
    """Answers from the mailbox that the message lies in; gives the regular id of what was sent."""
    answered = _message(world, id_)
    with world.store.transaction():
        draft = replies.draft(world, answered, text, everyone=everyone)
        return message_id(drafts.send(world, draft), False)


def change_event(world: World, id_: str, properties: Mapping[str, Any]) -> None:
    """Besides those of a PATCH: subject, body, location, attendees, start and end."""
    wanted = changes.read(changes.EventRevision, properties)
    event_changes.change(world.store, _event(world, id_), wanted, world.clock())


def cancel_event(world: World, id_: str) -> None:
    event_changes.cancel(world.store, _event(world, id_), world.clock())


def delete_event(world: World, id_: str) -> None:
    event_changes.delete(world.store, _event(world, id_), world.clock())


def notification_counts(world: World) -> dict[str, int]:
    """`pending` now; `sent`, `dropped`, `duplicated`, `reordered` and `failed` since the reset."""
    return outbox.counts(world.store)


async def notifications_settled(world: World, seconds: float) -> None:
    """Returns when none is pending, or the time is over."""
    changed = asyncio.Event()
    end = world.store.watch(SERVICE, "outbox", changed.set)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while outbox.counts(world.store)["pending"]:
                    changed.clear()
                    await changed.wait()
    finally:
        end()


def make_mischief(world: World, wanted: outbox.Mischief) -> None:
    outbox.make_mischief(world.store, wanted)


def tell_lifecycle(world: World, event: outbox.Lifecycle, subscription: str | None) -> list[str]:
    """Tells one subscription, or all; gives the ids of those told. `subscriptionRemoved` ends
    them."""
    store = world.store
    rows = store.all(SERVICE, "subscriptions")
    if subscription is not None:
        rows = [row for row in rows if row["id"] == subscription]
        if not rows:
            raise KeyError(subscription)
    with store.transaction():
        for row in rows:
            outbox.lifecycle(store, row, event, world.clock())
            if event == "subscriptionRemoved":
                subscribed.remove(store, row["id"])
    return [row["id"] for row in rows]


def forget_delta_tokens(world: World) -> None:
    """All of them are too old from now on."""
    snapshots.forget(world.store)


def _message(world: World, id_: str) -> Row:
    try:
        found = messages.find_message(world.store, None, id_)
    except ValueError:
        found = None
    if found is None:
        raise KeyError(id_)
    return found[0]


def _event(world: World, id_: str) -> Event:
    try:
        event = events.find_event(world.store, None, id_)
    except ValueError:
        event = None
    if event is None:
        raise KeyError(id_)
    return event
