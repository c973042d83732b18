"""Stops following an item in one mailbox."""

from dataclasses import replace

from shared.domain import Email, ItemRef, Meeting
from shared.errors import Conflict
from shared.following import FollowedDraft, thread_id
from shared.ports import Followings, Ledger, Mailbox
from shared.receipts import Failure

_TRIES = 4
_NOT_WANTED = Failure(
    "not_saved", "Somebody stopped this before the draft was sent, so it is not saved."
)


async def stop(
    ref: ItemRef,
    path: str,
    *,
    mailbox: Mailbox,
    followings: Followings | None,
    ledger: Ledger | None,
) -> None:
    """Whoever can read the item may stop it, whoever began. `path` is the mailbox's.

    Raises `NotFound` (item_not_found), `Conflict` where it changes all the time, and what the
    ledger raises.
    """
    item = await mailbox.identify(ref)
    if followings is None:
        return
    for attempt in range(1, _TRIES + 1):
        try:
            if isinstance(item, Meeting):
                await _stop_meeting(item, path, followings)
            else:
                await _stop_email(item, path, followings, ledger)
        except Conflict:
            if attempt == _TRIES:
                raise
        else:
            return


async def _stop_email(
    email: Email, path: str, followings: Followings, ledger: Ledger | None
) -> None:
    thread = await followings.thread(path, thread_id(email.conversation_id, email.message_id))
    if thread is not None and not thread.stopped:
        await followings.put_thread(replace(thread, stopped=True))
    draft = await followings.draft(path, email.ref.id) if email.is_draft else None
    if draft is not None:
        if ledger is not None:
            await _fail(draft, ledger)
        await followings.remove(draft)


async def _fail(draft: FollowedDraft, ledger: Ledger) -> None:
    """The receipt of a draft that waits no more. Raises `Conflict` where it is being saved."""
    receipt = await ledger.find(draft.owner, draft.receipt)
    if receipt is not None and receipt.status == "pending_send":
        await ledger.replace(replace(receipt, status="failed", failure=_NOT_WANTED))


async def _stop_meeting(meeting: Meeting, path: str, followings: Followings) -> None:
    """Of a series, that is all of its meetings. Raises `Conflict` where one of them was written
    between the look and the removal, which leaves it alone then."""
    for followed in await followings.meetings(path, meeting.ref.id):
        await followings.remove(followed)
    if await followings.meetings(path, meeting.ref.id):
        raise Conflict("This meeting changes at this moment; try again.")
