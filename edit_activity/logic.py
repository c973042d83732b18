"""Changes a saved activity within the admin's policy."""

from shared.domain import Activity, ActivityKind, Change
from shared.errors import FieldError, InvalidRequest
from shared.policy import Policy
from shared.ports import Crm
from shared.rules import check_categories, one_link


async def edit(
    kind: ActivityKind, id: str, change: Change, *, crm: Crm, policy: Policy
) -> Activity:
    """Raises `NotFound` (record_not_found) and `InvalidRequest`."""
    if change == Change():
        raise InvalidRequest("Nothing to change: give links, categories or contacts.")
    one_link(change.links or (), policy)
    check_categories(kind, change.categories or {}, policy, whole=False)
    _check_contacts(change)
    return await crm.edit(kind, id, change)


def _check_contacts(change: Change) -> None:
    contacts = change.contacts or ()
    twice = tuple(
        FieldError(f"contacts.{place}", "Listed twice.")
        for place, contact in enumerate(contacts)
        if contact in contacts[:place]
    )
    if twice:
        raise InvalidRequest("Name every related contact once.", errors=twice)
