"""A draft that somebody saved: its record is made once it is sent."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from graph_notifications.work import Done, Parts, ref
from shared.domain import Email, identity
from shared.errors import Conflict, NotFound
from shared.following import FollowedDraft, Origin
from shared.ports import Mailbox
from shared.receipts import Failure, Receipt
from shared.saving import queueing

MISSING = timedelta(minutes=10)
"""For so long a draft may be nowhere: while it is being sent it lies in no folder for a moment."""

HANDED_OVER = timedelta(hours=2)
"""For so long a sent draft's save is queued again whenever it is looked at; in an outage those
messages would pile up. Where all are lost, the daily round over the receipts queues another."""

_DISCARDED = Failure("item_not_found", "The draft was discarded before it was sent.")


async def look(draft: FollowedDraft, mailbox: Mailbox, parts: Parts) -> Done | None:
    """None for one that is done with, so that it is a message like any other.

    Whether sent or discarded, its receipt tells; it is looked at again until that has an outcome.
    Raises `Conflict` where the receipt changed meanwhile.
    """
    receipt = await parts.ledger.find(draft.owner, draft.receipt)
    if receipt is None or receipt.status in ("saved", "failed"):
        await parts.books.followings.remove(draft)
        return None
    if receipt.status == "queued":
        is_new = receipt.queued_at is None or parts.now - receipt.queued_at < HANDED_OVER
        return Done("draft_sent", saves=(queueing.message(receipt),) if is_new else ())
    try:
        email = await mailbox.identify(ref("email", draft.item))
        if isinstance(email, Email) and not email.is_draft:
            return await _sent(email, draft, receipt, parts)
        if await mailbox.is_discarded(ref("email", draft.item)):
            return await _discarded(draft, receipt, parts)
    except NotFound:
        return await _missing(draft, receipt, parts)
    if draft.missing_since is not None:
        await _note_missing(draft, None, parts)
    return Done("draft")


async def _sent(email: Email, draft: FollowedDraft, receipt: Receipt, parts: Parts) -> Done:
    origin = Origin(identity(email), "draft_sent", draft.owner, draft.mailbox)
    await parts.books.origins.add(origin)
    queued = await parts.ledger.replace(replace(receipt, status="queued", queued_at=parts.now))
    return Done("draft_sent", saves=(queueing.message(queued),))


async def _missing(draft: FollowedDraft, receipt: Receipt, parts: Parts) -> Done:
    """A clock that was set back makes it wait longer, never give up earlier."""
    if draft.missing_since is None:
        await _note_missing(draft, parts.now, parts)
        return Done("draft_missing")
    if parts.now - draft.missing_since < MISSING:
        return Done("draft_missing")
    return await _discarded(draft, receipt, parts)


async def _note_missing(draft: FollowedDraft, since: datetime | None, parts: Parts) -> None:
    with suppress(Conflict):  # whoever looked at the same moment noted the same
        await parts.books.followings.put_draft(replace(draft, missing_since=since))


async def _discarded(draft: FollowedDraft, receipt: Receipt, parts: Parts) -> Done:
    await parts.ledger.replace(replace(receipt, status="failed", failure=_DISCARDED))
    await parts.books.followings.remove(draft)
    return Done("draft_discarded")
