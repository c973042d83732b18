"""EmailMessage and its relations. Object Reference, EmailMessage, "Special Access Rules"."""

from sandbox.salesforce import drafts, errors
from sandbox.salesforce.drafts import Draft
from sandbox.salesforce.rows import stamp
from sandbox.salesforce.rules.files import link, unlink_all
from sandbox.salesforce.rules.model import Rule
from sandbox.salesforce.session import Session
from sandbox.store import Row

NEW, READ, DRAFT = "0", "1", "5"
PEOPLE = ("Contact", "Lead", "User")
ADDRESS_LISTS = {"ToIds": "ToAddress", "CcIds": "CcAddress", "BccIds": "BccAddress"}
FILE_LIST = "ContentDocumentIds"
_NAME_LENGTH = 255
_RELATION = "EmailMessageRelation"


def _before(session: Session, draft: Draft) -> None:
    if draft.old is not None:
        _check_update(session, draft, draft.old)
    row = draft.row
    row["Name"] = (row.get("Subject") or "[No Subject]")[:_NAME_LENGTH]
    if not row.get("MessageDate"):
        row["MessageDate"] = stamp(session.rows.now())


def _check_update(session: Session, draft: Draft, old: Row) -> None:
    """Drafts may change; of others only custom fields, and the status from New to Read."""
    if old["Status"] == DRAFT:
        return
    frozen = {name for name in draft.given if not draft.object.fields[name].custom}
    if old["Status"] == NEW and draft.row["Status"] == READ:
        frozen.discard("Status")
    frozen.update(set(draft.lists) - ({FILE_LIST} if _takes_files(session, old) else set()))
    if frozen:
        raise errors.read_only(
            "You can't update an email message that isn't in Draft status.", *sorted(frozen)
        )


def _after(session: Session, draft: Draft) -> None:
    message = draft.row["Id"]
    for name, relation_type in ADDRESS_LISTS.items():
        if name in draft.lists:
            _relate(session, message, relation_type, draft.lists[name])
    if FILE_LIST in draft.lists:
        if draft.old is not None:
            unlink_all(session, message)
        for document in draft.lists[FILE_LIST]:
            link(session, document, message)


def _relate(session: Session, message: str, relation_type: str, people: tuple[str, ...]) -> None:
    for row in session.rows.pointing(_RELATION, "EmailMessageId", message):
        if row["RelationType"] == relation_type and row.get("RelationId"):
            drafts.bin_row(session, _RELATION, row)
    for person in people:
        row = {"EmailMessageId": message, "RelationType": relation_type, "RelationId": person}
        _describe_relation(session, row)
        drafts.insert(session, session.schema.objects[_RELATION], row)


def _removing(session: Session, message: Row) -> None:
    for row in session.rows.pointing(_RELATION, "EmailMessageId", message["Id"]):
        drafts.bin_row(session, _RELATION, row)
    unlink_all(session, message["Id"])


def _takes_files(session: Session, message: Row) -> bool:
    """Object Reference, EmailMessage.IsClientManaged."""
    return bool(
        message["Status"] == DRAFT
        or message.get("IsClientManaged")
        or session.org.update_email_messages
    )


def _before_relation(session: Session, draft: Draft) -> None:
    message = draft.row.get("EmailMessageId")
    if message is None:
        raise errors.missing(["EmailMessageId"])
    _check_relations(session, message)
    if not draft.row.get("RelationId") and not draft.row.get("RelationAddress"):
        raise errors.missing(["RelationId"])
    _describe_relation(session, draft.row)


def _removing_relation(session: Session, relation: Row) -> None:
    _check_relations(session, relation["EmailMessageId"])


def _check_relations(session: Session, message: str) -> None:
    row = session.rows.live("EmailMessage", message)
    if row is not None and row["Status"] != DRAFT and not session.org.update_email_messages:
        raise errors.read_only(
            "The Update Email Messages permission is required to change the relations of an email "
            "message that isn't in Draft status."
        )


def _describe_relation(session: Session, row: dict[str, str]) -> None:
    person = row.get("RelationId")
    object_ = session.schema.of_id(person) if person else None
    if person is None or object_ is None:
        return
    row["RelationObjectType"] = object_.name
    found = session.rows.get(object_.name, person)
    if not row.get("RelationAddress") and found is not None and found.get("Email"):
        row["RelationAddress"] = found["Email"]


RULES = {
    "EmailMessage": Rule(before=_before, after=_after, removing=_removing),
    _RELATION: Rule(before=_before_relation, removing=_removing_relation),
}
