"""Who takes part in an activity: the activityparty rows.

Learn, "ActivityParty entity" and "Email table/entity reference". The server itself adds the owner
(9) and the regarding record (8); a client names the others, by record or by address alone.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

from sandbox.dataverse import errors, payload
from sandbox.dataverse.represent import name_of
from sandbox.dataverse.schema import SCHEMA
from sandbox.dataverse.session import Session
from sandbox.store import Row

SENDER, TO, CC, BCC, REQUIRED, OPTIONAL, ORGANIZER, REGARDING, OWNER = range(1, 10)
RELATED = 13
_SERVER_MADE = (REGARDING, OWNER)
_MASKS: Mapping[str, frozenset[int]] = {
    "email": frozenset({SENDER, TO, CC, BCC, RELATED}),
    "appointment": frozenset({REQUIRED, OPTIONAL, ORGANIZER}),
    "task": frozenset(),
}
_FROM_OUTGOING = ("queue", "systemuser")
PARTY = SCHEMA.tables["activityparty"]


def add(session: Session, activity: str, id_: str, entries: Iterable[Mapping[str, Any]]) -> None:
    """Raises Refused for a mask or a record type that this activity does not take."""
    row = session.rows.get(activity, id_) or {}
    for entry in entries:
        given = payload.read(session, PARTY, entry)
        _check(activity, row, given)
        _put(session, activity, id_, given.values, given.links.get("partyid"))


def replace(session: Session, activity: str, id_: str, entries: Any) -> None:
    """Takes the place of all parties but those that the server made."""
    if not isinstance(entries, list) or not all(isinstance(e, Mapping) for e in entries):
        raise errors.bad_payload(
            PARTY.entity_set, "A collection of activity parties was expected in 'value'."
        )
    for party in of(session, id_):
        if party.get("participationtypemask") not in _SERVER_MADE:
            session.rows.delete(PARTY.name, party["activitypartyid"])
    add(session, activity, id_, entries)


def of(session: Session, id_: str) -> list[Row]:
    return list(session.rows.pointing(PARTY.name, "activityid", (id_,)))


def follow_owner_and_regarding(session: Session, activity: str, id_: str, row: Row) -> None:
    """Keeps the server-made parties true to the activity."""
    wanted = {OWNER: row.get("ownerid"), REGARDING: _as_party(row.get("regardingobjectid"))}
    for party in of(session, id_):
        mask = party.get("participationtypemask")
        if mask in wanted:
            if party.get("partyid") == wanted[mask]:
                del wanted[mask]
            else:
                session.rows.delete(PARTY.name, party["activitypartyid"])
    for mask, pair in wanted.items():
        if pair:
            _put(session, activity, id_, {"participationtypemask": mask}, (pair[0], pair[1]))


def recipients(session: Session, id_: str, mask: int) -> list[str]:
    return [p["addressused"] for p in of(session, id_) if _has(p, mask)]


def _has(party: Row, mask: int) -> bool:
    return party.get("participationtypemask") == mask and "addressused" in party


def _as_party(pair: Any) -> Any:
    allowed = {target.table for target in PARTY.columns["partyid"].targets}
    return pair if pair and pair[0] in allowed else None


def _check(activity: str, row: Row, given: payload.Payload) -> None:
    if given.deep:
        raise errors.unsupported("deep insert below an activity party")
    mask = given.values.get("participationtypemask")
    if mask not in _MASKS[activity]:
        raise errors.Refused(400, "0x80043515", "Invalid party mapping.")
    link = given.links.get("partyid")
    if link is None:
        if not given.values.get("addressused"):
            raise errors.invalid_argument(
                "An activity party needs a partyid or an addressused value."
            )
        return
    outgoing_sender = mask == SENDER and row.get("directioncode", True)
    is_party = SCHEMA.tables[link[0]].is_party
    if not is_party or (outgoing_sender and link[0] not in _FROM_OUTGOING):
        raise errors.Refused(
            400, "0x80043506", "Cannot create activity party of specified object type."
        )


def _put(
    session: Session,
    activity: str,
    id_: str,
    values: Mapping[str, Any],
    link: payload.Reference | None,
) -> None:
    row = {**values, "activityid": [activity, id_], "ispartydeleted": False, "instancetypecode": 0}
    row["activitypartyid"] = str(uuid4())
    if link:
        row["partyid"] = list(link)
        row["partyidname"] = name_of(session, *link)
        row.setdefault("addressused", _address(session, link))
    else:
        row["partyidname"] = values.get("addressused")
    session.rows.put(PARTY.name, row["activitypartyid"], row)


def _address(session: Session, link: payload.Reference) -> str | None:
    record = session.rows.get(*link)
    columns = SCHEMA.tables[link[0]].addresses
    return next((record[c] for c in columns if record and record.get(c)), None)
