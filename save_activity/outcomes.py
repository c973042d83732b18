"""What is written on receipts."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from shared.domain import Activity, Notice
from shared.errors import Conflict, ThreadlineError
from shared.ports import Ledger
from shared.receipts import Failure, Receipt
from shared.saving.standing import FOLLOWING

_REASONS = {
    "too_large": "too large",
    "blocked_type": "of a type that the CRM refuses",
    "inline": "pictures in the text",
    "unavailable": "not to be read",
}


async def succeed(receipt: Receipt, notices: tuple[Notice, ...], ledger: Ledger) -> Receipt:
    """The receipt as saved, with what the user should know of it."""

    def saved(current: Receipt) -> Receipt:
        return replace(current, status="saved", failure=None, notices=notices)

    return await _conclude(receipt, saved, ledger)


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


async def keep_wait(
    receipt: Receipt, error: ThreadlineError, ledger: Ledger, now: datetime
) -> None:
    """The next tries leave a service that asked for more time alone."""
    wait = not_before(error, now)
    if wait is None:
        return
    try:
        await ledger.replace(replace(receipt, not_before=wait))
    except ThreadlineError:
        return  # another try has said more by now, or will


def not_before(error: ThreadlineError, now: datetime) -> datetime | None:
    """When the service that raised it may be asked again, if it said so."""
    wait: float | None = getattr(error, "retry_after", None)
    return now + timedelta(seconds=wait) if wait else None


def notices(activity: Activity) -> tuple[Notice, ...]:
    """What the user should know of the save. The names of files are not kept, only their count; nor
    is whether it is followed, which changes."""
    lasting = tuple(notice for notice in activity.notices if notice.code != FOLLOWING)
    if not activity.rejected:
        return lasting
    counts = Counter(one.reason for one in activity.rejected)
    reasons = ", ".join(f"{count} {_REASONS[reason]}" for reason, count in sorted(counts.items()))
    rejected = Notice("attachments_rejected", f"Some attachments were not saved: {reasons}.")
    return (*lasting, rejected)
