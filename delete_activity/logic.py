"""Removes a saved activity."""

from shared.domain import ActivityKind, Deletion
from shared.ports import Crm


async def delete(kind: ActivityKind, id: str, *, crm: Crm) -> Deletion:
    """Raises `NotFound` (record_not_found). Nothing in a mailbox or a calendar changes."""
    return await crm.delete(kind, id)
