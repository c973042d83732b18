"""What deleting or cancelling a synchronised appointment does in Exchange.

Learn, "OrgDBOrgSettings": server-side synchronisation cancels the meeting when its appointment is
deleted, unless DistinctPhysicalAndLogicalDeletesForExchangeSync is true. Cancelling it reaches the
attendees too (people report it; no page says so), and is taken alike here.
"""

import re

from sandbox.dataverse.attachments import organization
from sandbox.dataverse.rows import rows_of
from sandbox.dataverse.session import Session
from sandbox.graph.events import keep
from sandbox.graph.ids import ItemKey
from sandbox.store import Row
from sandbox.world import World

_SETTING = "DistinctPhysicalAndLogicalDeletesForExchangeSync"
_OUTLOOK_UID = "040000008200E00074C5B7101A82E008"
"""How the hexadecimal global object ids of Outlook begin (MS-OXOCAL 2.2.1.27)."""
_DATE = slice(32, 40)
"""The hexadecimal digits in which such an id tells an occurrence's date."""


def mark_synced(world: World, appointment: str) -> None:
    """Server-side synchronisation has found the appointment's Exchange item, as `exchangeitemid`
    then tells. Raises KeyError for an id that no appointment has."""
    rows = rows_of(world)
    row = rows.get("appointment", appointment)
    if row is None:
        raise KeyError(appointment)
    rows.put("appointment", appointment, {**row, "exchangeitemid": f"AAMk{appointment}"})


def cancel_if_synced(session: Session, appointment: Row) -> None:
    """Cancels the meeting in everyone's calendar."""
    uid = appointment.get("globalobjectid")
    if not uid or not appointment.get("exchangeitemid") or _deletes_stay_here(session):
        return
    store = session.world.store
    for table in ("events", "exceptions"):
        for event in store.all("graph", table):
            if _same_meeting(event["uid"], uid):
                keep(store, ItemKey(event["key"], event["occurrence"]), _cancelled(event))


def _cancelled(event: Row) -> Row:
    fields = {**event["fields"], "isCancelled": True, "showAs": "free"}
    return {**event, "fields": fields, "version": event["version"] + 1}


def _same_meeting(uid: str, global_id: str) -> bool:
    """Whether an appointment's id, perhaps an occurrence's, means the meeting with this uid."""
    one, other = uid.upper(), global_id.upper()
    if not other.startswith(_OUTLOOK_UID):
        return one == other
    undated = other[: _DATE.start] + other[_DATE.stop :]
    return undated == one[: _DATE.start] + one[_DATE.stop :] or uid.encode().hex().upper() in other


def _deletes_stay_here(session: Session) -> bool:
    settings = organization(session.rows).get("orgdborgsettings", "")
    return re.search(rf"<{_SETTING}>\s*true\s*</{_SETTING}>", settings, re.I) is not None
