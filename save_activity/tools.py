"""What a save is done with, and what comes of it."""

from dataclasses import dataclass

from shared.domain import Saved
from shared.notifications import LookAfter
from shared.policy import Policy
from shared.ports import Crm, Mailbox
from shared.receipts import Receipt
from shared.saving.standing import Books


@dataclass(frozen=True, slots=True)
class Tools:
    """One person's CRM and mailbox. `books` is None where there is no ledger; `may_follow` says
    whether this app hears of what happens in mailboxes."""

    crm: Crm
    mailbox: Mailbox
    policy: Policy
    books: Books | None = None
    may_follow: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """It is saved. `look_after` is to be queued, if it is there."""

    saved: Saved
    look_after: LookAfter | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """It will be saved, and its receipt tells when. `look_after` is to be queued, if it is there;
    so is the receipt, if it is `queued`."""

    receipt: Receipt
    look_after: LookAfter | None = None
