"""Who sees which records.

Salesforce Help, "Organization-Wide Sharing Defaults": here records are private to their owners
where a person reads only their own. Activities' parts and files are seen with what they belong to.
Object Reference, EmailMessage: the creator always has access.
"""

from sandbox.salesforce import errors
from sandbox.salesforce.schema.model import Object
from sandbox.salesforce.session import Session
from sandbox.store import Row

_WITH_PARENT = {
    "EmailMessageRelation": ("EmailMessageId",),
    "EventRelation": ("EventId",),
    "TaskRelation": ("TaskId",),
    "OpportunityContactRole": ("OpportunityId",),
    "ContentDocumentLink": ("LinkedEntityId",),
}
_PUBLIC = frozenset(("User", "Group", "Organization", "Campaign"))


def sees(session: Session, object_: str, row: Row) -> bool:
    """`object_` is the name under which the row is stored."""
    me = session.caller.user
    if object_ == "EmailMessage" and row.get("IsPrivateDraft") and row["CreatedById"] != me:
        return False
    if session.caller.reads_all or object_ in _PUBLIC:
        return True
    if object_ in _WITH_PARENT:
        return all(_sees_id(session, row.get(field)) for field in _WITH_PARENT[object_])
    if object_ in ("ContentVersion", "ContentDocument"):
        document = row["Id"] if object_ == "ContentDocument" else row["ContentDocumentId"]
        return row["OwnerId"] == me or _sees_a_place(session, document)
    return bool(row.get("OwnerId", row.get("CreatedById")) == me)


def _sees_id(session: Session, id_: str | None) -> bool:
    object_ = session.schema.of_id(id_) if id_ else None
    row = session.rows.get(object_.name, id_) if object_ and id_ else None
    return object_ is not None and row is not None and sees(session, object_.name, row)


def _sees_a_place(session: Session, document: str) -> bool:
    links = session.rows.pointing("ContentDocumentLink", "ContentDocumentId", document)
    places = (link["LinkedEntityId"] for link in links)
    # A link to a user is that user's own library.
    return any(
        place == session.caller.user or (not place.startswith("005") and _sees_id(session, place))
        for place in places
    )


def readable(session: Session, object_: Object, id_: str) -> Row:
    """The live record. Raises Refused (404) where there is none that the caller may see."""
    row = session.rows.live(object_.key, id_)
    if row is None or not sees(session, object_.key, row):
        raise errors.not_found()
    return row


def writable(session: Session, object_: Object, id_: str) -> Row:
    """The live record, for a change or a deletion. Raises Refused."""
    row = session.rows.get(object_.key, id_)
    if row is None:
        raise errors.no_such_record()
    if row["IsDeleted"]:
        raise errors.deleted()
    if not sees(session, object_.key, row) or not session.caller.writes:
        raise errors.read_only()
    return row
