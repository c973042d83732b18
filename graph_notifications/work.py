"""What the queue's work needs, and what it ends in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.domain import ActivityKind, ItemRef
from shared.errors import (
    Forbidden,
    InvalidRequest,
    NotFound,
    ThreadlineError,
    TooLarge,
    Unsupported,
)
from shared.following import Filed
from shared.notifications import Message
from shared.policy import Policy
from shared.ports import Crm, Ledger, Mailbox
from shared.saving.standing import Books

Alarm = Literal["mailbox_not_followed", "change_refused"]
"""The admin should know: the app may not read a mailbox that somebody follows; the CRM, or the
policy, refused for good what somebody follows."""


@dataclass(frozen=True, slots=True)
class Done:
    """`outcome` is a word of ours. `messages` go back on the queue, in this order; `saves` on the
    one of saves to be finished. `alarm` comes with the `code` of the error behind it."""

    outcome: str
    messages: tuple[Message, ...] = ()
    saves: tuple[str, ...] = ()
    alarm: Alarm | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """`mailbox` opens one by its path, `crm` the CRM as the person with that Entra object id."""

    books: Books
    ledger: Ledger
    policy: Policy
    mailbox: Callable[[str], Mailbox]
    crm: Callable[[str], Crm]
    now: datetime


FINAL = (Forbidden, InvalidRequest, NotFound, TooLarge, Unsupported)
"""What of a CRM's refusals trying again won't mend."""


def refused(error: ThreadlineError) -> Done:
    """It ends there, and the admin is told."""
    return Done("refused", alarm="change_refused", code=error.code)


def unfiled(filed: Filed) -> Filed:
    """What is left of the choices where the CRM or the policy doesn't take them any more, as when
    the record to connect with is gone: better saved without them than not at all."""
    return Filed(default_files=filed.default_files)


def ref(kind: ActivityKind, item: str) -> ItemRef:
    """An item of the mailbox that was opened."""
    return ItemRef(kind, "me", item)
