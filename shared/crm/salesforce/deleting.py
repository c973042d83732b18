"""Removing a record. Nothing of it reaches anyone's calendar: ours invites nobody."""

from typing import Final

from shared.crm.salesforce import keys
from shared.crm.salesforce.channel import Request
from shared.crm.salesforce.faults import fault
from shared.crm.salesforce.objects import activity_object
from shared.crm.salesforce.session import Session, not_there
from shared.domain import ActivityKind, Deletion
from shared.errors import NotFound

_DONE: Final = (
    "It was moved to Salesforce's Recycle Bin, from where it can be restored for 15 days; its "
    "files stay in Salesforce Files, and nothing changed in Outlook."
)


async def delete(session: Session, kind: ActivityKind, id_: str) -> Deletion:
    """As `Crm.delete` promises. One round trip."""
    checked = keys.record_id(id_)
    object_ = activity_object(kind, checked) if checked else None
    if object_ is None:
        raise not_there()
    request = Request("DELETE", f"sobjects/{object_.name}/{checked}")
    reply, repeated = await session.wire.send(request)
    if not reply.ok:
        problem = fault(reply)
        # An unanswered try before this one removed it.
        if not (repeated and isinstance(problem, NotFound)):
            raise problem
    return Deletion(kind, id_, _DONE)
