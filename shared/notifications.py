"""The messages on the queue of what happened in mailboxes: ids only."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from shared.following import ChangeKind

QUEUE = "graph-notifications"

PUT_BACK_FOR_DAYS = 7
"""How long a message that fails is put back on the queue, counted from `at`."""

_Path = Annotated[str, Field(min_length=1, max_length=400)]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    mailbox: _Path
    kind: ChangeKind
    at: datetime


class ItemChanged(_Message):
    """Something happened to an item at `at` or before: what, is to be looked at."""

    what: Literal["item"] = "item"
    item: Annotated[str, Field(min_length=1, max_length=1024)]


class LookAfter(_Message):
    """A mailbox's subscription is to be made, renewed or ended, as what is followed there asks, and
    what was missed is to be caught up with.

    `renew` says that the service asked for it, however long it lasts yet."""

    what: Literal["look_after"] = "look_after"
    renew: bool = False


class CaughtUp(_Message):
    """All that a look at a mailbox's changes found was put on the queue before this message, so
    that the next look may begin where that one ended.

    `at` is when the look began. `position` is the digest of where it ended; `more` says that there
    is more to be found at once.
    """

    what: Literal["caught_up"] = "caught_up"
    position: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    more: bool = False


Message = ItemChanged | LookAfter | CaughtUp
_MESSAGES: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="what")])


def read(body: bytes) -> Message:
    """Raises pydantic's ValidationError."""
    return _MESSAGES.validate_json(body)
