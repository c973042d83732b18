"""Saves that the CRM can't take now: kept, and finished later as the same person.

A save is put off only once the caller has read the item and nothing but waiting is in the way, so
that what is done later is what they were allowed. Later runs are ordinary saves: repeated or side
by side they give the one record, and the first to tell the outcome to the receipt has told it.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from save_activity import logic
from save_activity.payload import SaveRequest
from shared.domain import Activity, Notice, Saved
from shared.errors import Conflict, ThreadlineError, Throttled, Unavailable
from shared.policy import Policy
from shared.ports import Crm, Ledger, Mailbox
from shared.receipts import Failure, Receipt, new_id

_REASONS = {
    "too_large": "too large",
    "blocked_type": "of a type that the CRM refuses",
    "inline": "pictures in the text",
    "unavailable": "not to be read",
}


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and the moment."""

    owner: str
    now: datetime


async def save_or_defer(
    request: SaveRequest,
    asker: Asker,
    *,
    crm: Crm,
    mailbox: Mailbox,
    policy: Policy,
    ledger: Ledger | None,
) -> Saved | Receipt:
    """As `logic.save`; where waiting would help, a new `queued` receipt, if there is a ledger.

    A mailbox that can't be read now puts nothing off: nobody would know what they asked for. Nor
    does a ledger that fails: the CRM's own error is told then.
    """
    opened = await logic.open_item(request, mailbox=mailbox, policy=policy)
    try:
        return await logic.save_opened(opened, request, crm=crm, mailbox=mailbox, policy=policy)
    except (Throttled, Unavailable) as error:
        if ledger is None:
            raise
        receipt = _receipt(request, opened.item.ref.id, asker, error)
        try:
            return await ledger.add(receipt)
        except ThreadlineError:
            raise error from None


def _receipt(request: SaveRequest, item_id: str, asker: Asker, error: ThreadlineError) -> Receipt:
    """`item_id` is the one that stays when the item is moved to another folder."""
    item = request.item.model_copy(update={"id": item_id})
    asked = request.model_copy(update={"item": item})
    return Receipt(
        id=new_id(asker.now),
        owner=asker.owner,
        asked=asked.model_dump_json(by_alias=True),
        not_before=_not_before(error, asker.now),
    )


async def finish(
    receipt: Receipt,
    *,
    crm: Crm,
    mailbox: Mailbox,
    policy: Policy,
    ledger: Ledger,
    now: datetime,
) -> Receipt:
    """Saves what a queued receipt asks for, and gives the receipt with its outcome.

    Raises `Throttled`, `Unavailable` and `Conflict` where it is to be tried again; any other
    refusal is final and becomes the receipt's failure. A receipt with an outcome stays as it is.
    """
    if receipt.status != "queued":
        return receipt
    if receipt.not_before is not None and now < receipt.not_before:
        wait = (receipt.not_before - now).total_seconds()
        raise Throttled("A service asked to wait.", retry_after=wait)
    request = SaveRequest.model_validate_json(receipt.asked)
    try:
        saved = await logic.save(request, crm=crm, mailbox=mailbox, policy=policy)
    except (Throttled, Unavailable) as error:
        await _keep_wait(receipt, error, ledger, now)
        raise
    except Conflict:
        raise
    except ThreadlineError as error:
        return await fail(receipt, Failure(error.code, error.detail), ledger)
    return await _conclude(
        receipt,
        lambda current: replace(
            current, status="saved", failure=None, notices=_notices(saved.activity)
        ),
        ledger,
    )


async def fail(receipt: Receipt, failure: Failure, ledger: Ledger) -> Receipt:
    """The receipt with that failure, unless it has an outcome already."""
    return await _conclude(
        receipt, lambda current: replace(current, status="failed", failure=failure), ledger
    )


async def _conclude(
    receipt: Receipt, outcome: Callable[[Receipt], Receipt], ledger: Ledger
) -> Receipt:
    """What was saved is saved, so that this outcome takes the place of a failure told meanwhile."""
    while True:
        wanted = outcome(receipt)
        if receipt.status == "saved" or receipt.status == wanted.status:
            return receipt
        try:
            return await ledger.replace(wanted)
        except Conflict:
            current = await ledger.find(receipt.owner, receipt.id)
            if current is None:
                return wanted
            receipt = current


async def _keep_wait(
    receipt: Receipt, error: ThreadlineError, ledger: Ledger, now: datetime
) -> None:
    """The next tries leave a service that asked for more time alone."""
    not_before = _not_before(error, now)
    if not_before is None:
        return
    try:
        await ledger.replace(replace(receipt, not_before=not_before))
    except ThreadlineError:
        return  # another try has said more by now, or will


def _not_before(error: ThreadlineError, now: datetime) -> datetime | None:
    wait: float | None = getattr(error, "retry_after", None)
    return now + timedelta(seconds=wait) if wait else None


def _notices(activity: Activity) -> tuple[Notice, ...]:
    """What the user should know of the save. The names of files are not kept, only their count."""
    if not activity.rejected:
        return activity.notices
    counts = Counter(one.reason for one in activity.rejected)
    reasons = ", ".join(f"{count} {_REASONS[reason]}" for reason, count in sorted(counts.items()))
    rejected = Notice("attachments_rejected", f"Some attachments were not saved: {reasons}.")
    return (*activity.notices, rejected)


async def told(
    receipt: Receipt, find: Callable[[SaveRequest], Awaitable[Activity | None]]
) -> Activity | None:
    """The activity of a saved receipt as the CRM has it now, with the notices of its save.

    None where there is none yet or any more, and where `find` can't tell at this moment.
    """
    if receipt.status != "saved":
        return None
    try:
        activity = await find(SaveRequest.model_validate_json(receipt.asked))
    except ThreadlineError:
        return None
    if activity is None:
        return None
    known = {notice.code for notice in activity.notices}
    more = tuple(notice for notice in receipt.notices if notice.code not in known)
    return replace(activity, notices=(*activity.notices, *more))
