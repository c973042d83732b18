"""Removes a saved activity."""

import asyncio
from dataclasses import replace

from shared.domain import ActivityKind, Deletion
from shared.errors import ThreadlineError
from shared.ports import Crm, Followings
from shared.saving.keeping_up import ended
from shared.saving.standing import PATIENCE

_STILL_FOLLOWED = "What happens next may still be saved; stop following it to prevent that."


async def delete(
    kind: ActivityKind, id: str, *, crm: Crm, followings: Followings | None = None
) -> Deletion:
    """Also ends what follows that record. Raises `NotFound` (record_not_found). Nothing in a
    mailbox or a calendar changes."""
    deletion = await crm.delete(kind, id)
    if followings is None:
        return deletion
    try:
        async with asyncio.timeout(PATIENCE):
            await ended({id, deletion.id}, followings)
    except (ThreadlineError, TimeoutError):
        return replace(deletion, message=f"{deletion.message} {_STILL_FOLLOWED}")
    return deletion
