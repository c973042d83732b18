"""Changes a saved activity within the admin's policy."""

import asyncio
from dataclasses import replace

from shared.domain import Activity, ActivityKind, Change, Notice
from shared.errors import FieldError, InvalidRequest, ThreadlineError
from shared.policy import Policy
from shared.ports import Crm, Followings
from shared.rules import check_categories, one_link
from shared.saving.keeping_up import moved
from shared.saving.standing import PATIENCE

_LEFT_BEHIND = Notice(
    "follow_unavailable",
    "It is changed, but what is saved by itself later may still go where it went before.",
)


async def edit(
    kind: ActivityKind,
    id: str,
    change: Change,
    *,
    crm: Crm,
    policy: Policy,
    followings: Followings | None = None,
) -> Activity:
    """Also takes along what follows that record. Raises `NotFound` (record_not_found) and
    `InvalidRequest`."""
    if change == Change():
        raise InvalidRequest("Nothing to change: give links, categories or contacts.")
    one_link(change.links or (), policy)
    check_categories(kind, change.categories or {}, policy, whole=False)
    _check_contacts(change)
    activity = await crm.edit(kind, id, change)
    if followings is None or (change.links is None and activity.id == id):
        return activity
    try:
        async with asyncio.timeout(PATIENCE):
            await moved(id, activity, followings)
    except (ThreadlineError, TimeoutError):
        return replace(activity, notices=(*activity.notices, _LEFT_BEHIND))
    return activity


def _check_contacts(change: Change) -> None:
    contacts = change.contacts or ()
    twice = tuple(
        FieldError(f"contacts.{place}", "Listed twice.")
        for place, contact in enumerate(contacts)
        if contact in contacts[:place]
    )
    if twice:
        raise InvalidRequest("Name every related contact once.", errors=twice)
