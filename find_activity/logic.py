"""Looks an Outlook item up in the CRM."""

from datetime import datetime

from shared.domain import Activity, ItemRef
from shared.errors import NotFound
from shared.ports import Crm, Mailbox
from shared.saving import finding
from shared.saving.standing import Books


async def find(
    ref: ItemRef,
    path: str,
    *,
    crm: Crm,
    mailbox: Mailbox,
    books: Books | None,
    now: datetime,
) -> Activity:
    """The item's record, as `shared.saving.finding.find` says.

    Raises `NotFound` (item_not_found, not_saved).
    """
    activity = await finding.find(ref, path, crm=crm, mailbox=mailbox, books=books, now=now)
    if activity is None:
        raise NotFound("This item is not in the CRM.", code="not_saved")
    return activity
