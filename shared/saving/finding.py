"""The record of an item, with how it came to be and whether it is followed."""

import asyncio
from datetime import datetime

from shared.domain import Activity, Item, ItemRef, Meeting
from shared.ports import Crm, Mailbox
from shared.saving import series
from shared.saving.standing import Books, look_or_nothing, told
from shared.saving.turns import in_turns

_LOOKED_AT = 24
_AT_ONCE = 8


async def find(
    ref: ItemRef,
    path: str,
    *,
    crm: Crm,
    mailbox: Mailbox,
    books: Books | None,
    now: datetime,
) -> Activity | None:
    """None where it isn't saved. Of a whole series it is the record of the next meeting that is
    saved, of the next `_LOOKED_AT`. `path` is the mailbox's.

    Raises `NotFound` (item_not_found).
    """
    item = await mailbox.identify(ref)
    if isinstance(item, Meeting) and item.is_series:
        return await _next_of_series(ref, path, crm, mailbox, books, now)
    return await _find(item, path, crm, books)


async def _find(item: Item, path: str, crm: Crm, books: Books | None) -> Activity | None:
    looking = asyncio.ensure_future(look_or_nothing(item, path, books))
    try:
        activity = await crm.find(item)
        if activity is None:
            return None
        standing = await looking
    finally:
        looking.cancel()
    return told(activity, origin=standing.origin, following=standing.following)


async def _next_of_series(
    ref: ItemRef, path: str, crm: Crm, mailbox: Mailbox, books: Books | None, now: datetime
) -> Activity | None:
    async def find(meeting: Meeting) -> Activity | None:
        return await _find(meeting, path, crm, books)

    meetings = await series.upcoming(ref, mailbox=mailbox, now=now)
    ahead = [one for one in meetings if one.end > now] or meetings
    for start in range(0, min(len(ahead), _LOOKED_AT), _AT_ONCE):
        found = await in_turns(find, ahead[start : start + _AT_ONCE], _AT_ONCE)
        activity = next((one for one in found if one is not None), None)
        if activity is not None:
            return activity
    return None
