"""Drafts of e-mail: saved once they are sent, with what was chosen before."""

from contextlib import suppress
from dataclasses import replace

from save_activity.payload import SaveRequest
from save_activity.tools import Later, Tools
from shared.errors import Conflict, Throttled, Unavailable
from shared.following import FollowedDraft
from shared.ports import Ledger
from shared.receipts import KEPT, Failure, Receipt, new_id
from shared.saving.beginning import Follower, to_look_after
from shared.saving.save import Opened
from shared.saving.standing import Books

_TRIES = 4


async def wait_for_sending(
    opened: Opened,
    request: SaveRequest,
    follower: Follower,
    *,
    tools: Tools,
    books: Books,
    ledger: Ledger,
) -> Later:
    """A receipt that is `pending_send`: the one that there is of this draft already, now with these
    choices, or a new one. `request` names the draft by the id that lasts.

    Raises what the CRM says against it now, except that it can't be asked; `Conflict` where the
    draft waits for somebody else; and what the ledger raises.
    """
    with suppress(Throttled, Unavailable):
        await tools.crm.look_up(opened.item, opened.link)
    asked = request.model_dump_json(by_alias=True)
    for _ in range(_TRIES):
        known = await books.followings.draft(follower.mailbox, request.item.id)
        receipt = await _receipt_of(known, follower, ledger)
        if receipt is not None:
            kept = await ledger.replace(replace(receipt, asked=asked))
            return Later(kept, await to_look_after(follower, "email", books.subscriptions))
        new = Receipt(new_id(follower.now), follower.owner, asked, status="pending_send")
        kept = await ledger.add(new)
        try:
            await books.followings.put_draft(_draft(kept, request, follower, known))
        except Conflict:  # the same draft is being saved at this moment
            ended = Failure("in_progress", "This draft waits under another receipt.")
            await ledger.replace(replace(kept, status="failed", failure=ended))
            continue
        return Later(kept, await to_look_after(follower, "email", books.subscriptions))
    raise Conflict("This draft is being saved at this moment; try again.")


async def _receipt_of(
    known: FollowedDraft | None, follower: Follower, ledger: Ledger
) -> Receipt | None:
    """The receipt that the draft still waits under, if it is this person's."""
    if known is None:
        return None
    receipt = await ledger.find(known.owner, known.receipt)
    if receipt is None or receipt.status != "pending_send":
        return None
    if known.owner != follower.owner:
        raise Conflict("A colleague has chosen already how this draft is saved once it is sent.")
    return receipt


def _draft(
    receipt: Receipt, request: SaveRequest, follower: Follower, known: FollowedDraft | None
) -> FollowedDraft:
    return FollowedDraft(
        mailbox=follower.mailbox,
        item=request.item.id,
        owner=follower.owner,
        receipt=receipt.id,
        until=follower.now + KEPT,
        version=known.version if known else "",
    )
