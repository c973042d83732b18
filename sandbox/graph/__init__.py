"""The Microsoft Graph stand-in: Outlook mail and calendars of the sample company."""

from sandbox.graph import messages
from sandbox.graph.message_views import message_id
from sandbox.graph.people import UnknownMailbox, mailbox_of
from sandbox.graph.routes import routes
from sandbox.world import World

__all__ = ["UnknownMailbox", "deliver_mail", "routes", "seed"]


def seed(world: World) -> None:
    """Fills the mailboxes with the sample items."""


def deliver_mail(world: World, mailbox: str, folder: str, raw: bytes) -> str:
    """Puts RFC 822 bytes into a folder (`inbox`, `sentitems`, `drafts`); gives its regular id.

    Raises UnknownMailbox (a KeyError) for an address without a mailbox.
    """
    owner = mailbox_of(world, mailbox)
    key = messages.deliver(world.store, owner, folder, raw, world.clock())
    row = world.store.get(messages.SERVICE, "messages", key.row)
    assert row is not None
    return message_id(row, False)
