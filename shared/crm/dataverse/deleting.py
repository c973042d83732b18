"""Removing a record, without a meeting disappearing from anyone's calendar."""

from collections.abc import Sequence
from typing import Any, Final

from shared.crm.dataverse import keys, payloads, queries
from shared.crm.dataverse.batch import Changeset, Write, patch
from shared.crm.dataverse.faults import NOT_THERE, code, fault
from shared.crm.dataverse.looking import organization
from shared.crm.dataverse.replies import Organization
from shared.crm.dataverse.session import Session, not_there
from shared.crm.dataverse.tables import APPOINTMENT, ActivityTable, activity_table
from shared.domain import ActivityKind, Deletion
from shared.errors import InvalidRequest

_DONE: Final = (
    "It was removed from Dynamics 365; nothing changed in Outlook. Where your organisation keeps "
    "deleted records, an administrator can restore it for a while."
)


async def delete(session: Session, kind: ActivityKind, id_: str) -> Deletion:
    """As `Crm.delete` promises. One round trip for an e-mail, two for a meeting."""
    table, checked = activity_table(kind), keys.guid(id_)
    if checked is None:
        raise not_there()
    path = f"{table.entity_set}({checked})"
    before = [] if kind == "email" else await _detachment(session, table, checked)
    change = Changeset((*before, Write("DELETE", path)))
    answer = await session.wire.batch([change])
    refused = next((reply for reply in answer.replies if not reply.ok), None)
    if refused is not None:
        gone = refused.status == 404 or code(refused) == NOT_THERE
        # An unanswered try before this one removed it.
        if not (gone and answer.repeated):
            raise fault(refused)
    return Deletion(kind, id_, _DONE)


async def _detachment(session: Session, table: ActivityTable, id_: str) -> Sequence[Write]:
    """What to write so that server-side synchronisation can't take the removal for one of the
    meeting itself, and cancel it for everybody.

    That happens unless the organisation tells the two apart (Microsoft Learn "An appointment is
    canceled or deleted unexpectedly during server-side synchronization"). Without its Exchange id
    a record has nothing to synchronise with any more [inferred]; that is tried on our own records
    only, since one that another tool made may be linked to the meeting in other ways too.
    """
    paths = [f"{table.entity_set}({id_})?$select=globalobjectid,statecode"]
    if session.knowledge.organization is None:
        paths.append(queries.ORGANIZATION)
    row, *rest = await session.wire.ask(paths)
    if not row.ok:
        raise fault(row)
    settings, item_id = organization(session, rest), row.json.get("globalobjectid")
    check_tie(id_, item_id, settings)
    if settings.spares_calendars or not item_id:
        return ()
    return _without_exchange_id(table, id_, int(row.json["statecode"]))


def check_tie(id_: str, item_id: str | None, settings: Organization) -> None:
    """Raises `InvalidRequest` for another tool's record whose end could be that of the meeting in
    people's calendars. `item_id` is its Exchange id."""
    if item_id and not settings.spares_calendars and not keys.is_ours(id_):
        raise InvalidRequest(
            "Another tool made this record, and ending it could cancel the meeting for everybody "
            "as your organisation is set up. Ask an administrator to switch on "
            "DistinctPhysicalAndLogicalDeletesForExchangeSync."
        )


def _without_exchange_id(table: ActivityTable, id_: str, state: int) -> Sequence[Write]:
    path = f"{table.entity_set}({id_})"
    detach: dict[str, Any] = {APPOINTMENT.item_column: None}
    if state in table.editable:
        return (patch(path, detach),)
    return (patch(path, payloads.state(table.reopened)), patch(path, detach))
