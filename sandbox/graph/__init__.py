"""The Microsoft Graph stand-in: Outlook mail and calendars of the sample company."""

from sandbox.graph import events, messages, samples
from sandbox.graph.delivery import delivering
from sandbox.graph.errors import GraphError
from sandbox.graph.event_views import event_id
from sandbox.graph.hands import (
    cancel_event,
    change_event,
    change_message,
    delete_event,
    delete_message,
    forget_delta_tokens,
    make_mischief,
    move_message,
    notification_counts,
    notifications_settled,
    reply,
    send_draft,
    tell_lifecycle,
)
from sandbox.graph.ics import NotACalendar
from sandbox.graph.message_views import message_id
from sandbox.graph.outbox import Mischief
from sandbox.graph.people import UnknownMailbox, mailbox_of
from sandbox.graph.routes import routes
from sandbox.world import World

__all__ = [
    "GraphError",
    "Mischief",
    "NotACalendar",
    "UnknownMailbox",
    "cancel_event",
    "change_event",
    "change_message",
    "delete_event",
    "delete_message",
    "deliver_mail",
    "deliver_meeting",
    "delivering",
    "forget_delta_tokens",
    "make_mischief",
    "move_message",
    "notification_counts",
    "notifications_settled",
    "reply",
    "routes",
    "sample_id",
    "seed",
    "send_draft",
    "tell_lifecycle",
]


def seed(world: World) -> None:
    """Fills the mailboxes with the sample items."""
    samples.fill(world)


def sample_id(world: World, alias: str) -> str:
    """The regular Graph id of a sample item, such as `quote-request-en`.

    `sample/manifest.json` lists the aliases. Raises KeyError for one that it doesn't have, and for
    a message that is gone.
    """
    entry, key = samples.find(alias)
    if entry["kind"] == "meeting":
        return event_id(entry["mailbox"], key, False)
    row = world.store.get(messages.SERVICE, "messages", key.row)
    if row is None:
        raise KeyError(alias)
    return message_id(row, False)


def deliver_mail(world: World, mailbox: str, folder: str, raw: bytes) -> str:
    """Puts RFC 822 bytes into a folder, by its well-known name; gives its regular id.

    Raises UnknownMailbox (a KeyError) for an address without a mailbox.
    """
    owner = mailbox_of(world, mailbox)
    key = messages.deliver(world.store, owner, folder, raw, world.clock())
    row = world.store.get(messages.SERVICE, "messages", key.row)
    assert row is not None
    return message_id(row, False)


def deliver_meeting(world: World, mailbox: str, raw: bytes) -> str:
    """Puts a text/calendar meeting into a calendar, or changes or cancels it; gives its regular id.

    Raises UnknownMailbox (a KeyError), and NotACalendar (a ValueError) for bytes without an event.
    """
    owner = mailbox_of(world, mailbox)
    key = events.deliver(world.store, owner, raw, world.clock())
    return event_id(owner.address, key, False)
