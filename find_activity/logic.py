"""Looks an Outlook item up in the CRM."""

from shared.domain import Activity, ItemRef
from shared.errors import NotFound
from shared.ports import Crm, Mailbox


async def find(ref: ItemRef, *, crm: Crm, mailbox: Mailbox) -> Activity:
    """Raises `NotFound` (item_not_found, not_saved)."""
    activity = await crm.find(await mailbox.identify(ref))
    if activity is None:
        raise NotFound("This item is not in the CRM.", code="not_saved")
    return activity
