"""What deleting a synchronised appointment does in Exchange.

Learn, "OrgDBOrgSettings": server-side synchronisation cancels the meeting when its appointment is
deleted, unless DistinctPhysicalAndLogicalDeletesForExchangeSync is true.
"""

import re

from sandbox.dataverse.attachments import organization
from sandbox.dataverse.session import Session
from sandbox.store import Row

SYNCED = "_synced"
"""A mark in an appointment's row that no client sees: server-side synchronisation keeps it."""
_SETTING = "DistinctPhysicalAndLogicalDeletesForExchangeSync"


def cancel_if_synced(session: Session, appointment: Row) -> None:
    """Marks the Graph events with the appointment's global object id as cancelled."""
    if not appointment.get(SYNCED) or _deletes_stay_here(session):
        return
    uid = appointment.get("globalobjectid")
    store = session.world.store
    for event in store.all("graph", "events"):
        if uid and uid in (event.get("uid"), event.get("iCalUId")):
            store.put("graph", "events", event["id"], {**event, "isCancelled": True})


def _deletes_stay_here(session: Session) -> bool:
    settings = organization(session.rows).get("orgdborgsettings", "")
    return re.search(rf"<{_SETTING}>\s*true\s*</{_SETTING}>", settings, re.I) is not None
