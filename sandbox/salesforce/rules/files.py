"""Files: ContentVersion, ContentDocument and their links. Object Reference, the objects' pages."""

import base64
import binascii
from hashlib import md5
from pathlib import PurePath

from sandbox.salesforce import drafts, errors
from sandbox.salesforce.drafts import Draft
from sandbox.salesforce.ids import new_id
from sandbox.salesforce.rules.model import Rule
from sandbox.salesforce.session import Session
from sandbox.store import Row

MAX_BASE64 = 37_500_000
"""Bytes of a file that comes as base64 inside JSON; REST API Developer Guide, "Insert or Update
Blob Data"."""
_TYPES = {
    "txt": "TEXT",
    "pdf": "PDF",
    "png": "PNG",
    "jpg": "JPG",
    "jpeg": "JPG",
    "gif": "GIF",
    "csv": "CSV",
    "html": "HTML",
    "docx": "WORD_X",
    "xlsx": "EXCEL_X",
    "pptx": "POWER_POINT_X",
    "zip": "ZIP",
    "xml": "XML",
}
_LINK = "ContentDocumentLink"
_VERSION = "ContentVersion"


def _before_version(session: Session, draft: Draft) -> None:
    row = draft.row
    if draft.old is not None:
        if "VersionData" in draft.given:
            raise errors.not_writable(["VersionData"])
        return
    if not row.get("PathOnClient"):
        raise errors.missing(["PathOnClient"])
    content = _content(session, draft)
    path = PurePath(row["PathOnClient"].replace("\\", "/"))
    extension = path.suffix.removeprefix(".").lower()
    if extension in session.org.blocked_extensions:
        raise errors.integrity(
            f"Your company doesn't support the following file types: .{extension}"
        )
    row["Title"] = row.get("Title") or path.stem or path.name
    row["FileExtension"] = extension[:40] or None
    row["FileType"] = _TYPES.get(extension, "UNKNOWN")
    row["ContentSize"] = len(content)
    row["Checksum"] = md5(content, usedforsecurity=False).hexdigest()
    row["IsLatest"] = True
    draft.data = content
    row.pop("VersionData", None)
    if row.get("FirstPublishLocationId"):
        _check_place(session, row["FirstPublishLocationId"])
    if not row.get("ContentDocumentId"):
        row["ContentDocumentId"] = new_id("069")
        row["VersionNumber"] = "1"


def _content(session: Session, draft: Draft) -> bytes:
    """What the multipart body brought, else what the JSON holds."""
    content = draft.data
    if content is None:
        encoded = draft.row.get("VersionData")
        if encoded is None:
            raise errors.missing(["VersionData"])
        try:
            content = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise errors.bad_json("VersionData: not a valid base64 string") from None
        if len(content) > MAX_BASE64:
            raise errors.bad_input("Maximum size of a file as base64 is 37.5 MB")
    if len(content) > session.org.max_file_bytes:
        raise errors.integrity("File size exceeds the maximum allowed size", "VersionData")
    return content


def _after_version(session: Session, draft: Draft) -> None:
    row = draft.row
    if draft.old is not None:
        return
    session.rows.put_contents(row["Id"], base64.b64encode(draft.data or b"").decode())
    document = row["ContentDocumentId"]
    shared = ("Title", "FileType", "FileExtension", "ContentSize", "OwnerId")
    facts = {name: row.get(name) for name in shared}
    facts |= {"LatestPublishedVersionId": row["Id"], "PublishStatus": "P"}
    if session.rows.get("ContentDocument", document) is None:
        object_ = session.schema.objects["ContentDocument"]
        drafts.insert(session, object_, {"Id": document, **facts})
        owner = session.caller.user
        _insert_link(session, document, owner, "I")
    else:
        _supersede(session, row)
        drafts.touch(session, "ContentDocument", document, **facts)
    if row.get("FirstPublishLocationId"):
        link(session, document, row["FirstPublishLocationId"])


def _supersede(session: Session, row: dict[str, str]) -> None:
    older = [
        other
        for other in session.rows.pointing(_VERSION, "ContentDocumentId", row["ContentDocumentId"])
        if other["Id"] != row["Id"]
    ]
    for other in older:
        drafts.touch(session, _VERSION, other["Id"], IsLatest=False)
    drafts.touch(session, _VERSION, row["Id"], VersionNumber=str(len(older) + 1))


def _removing_version(_session: Session, _version: Row) -> None:
    raise errors.Refused(
        400, "INVALID_TYPE_FOR_OPERATION", "entity type cannot be deleted: Content Version", ()
    )


def _removing_document(session: Session, document: Row) -> None:
    for version in session.rows.pointing(_VERSION, "ContentDocumentId", document["Id"]):
        drafts.bin_row(session, _VERSION, version)
    for row in session.rows.pointing(_LINK, "ContentDocumentId", document["Id"]):
        _unlink(session, row)


def _before_link(session: Session, draft: Draft) -> None:
    row = draft.row
    if draft.old is not None or not row.get("LinkedEntityId") or not row.get("ContentDocumentId"):
        return
    _check_place(session, row["LinkedEntityId"])
    if _linked(session, row["ContentDocumentId"], row["LinkedEntityId"]):
        raise errors.Refused(
            400,
            "DUPLICATE_VALUE",
            f"Document with ID: {row['ContentDocumentId'][:15]} is already linked with the entity "
            f"with ID: {row['LinkedEntityId'][:15]}",
            (),
        )


def _after_link(session: Session, draft: Draft) -> None:
    _mark(session, draft.row["LinkedEntityId"])


def _removing_link(session: Session, row: Row) -> None:
    _check_place(session, row["LinkedEntityId"])
    _unlink(session, row)


def _check_place(session: Session, place: str) -> None:
    """An e-mail takes files as a draft, when its client manages it, or from those with the
    permission. Object Reference, EmailMessage."""
    message = session.rows.live("EmailMessage", place)
    if message is None or message["Status"] == "5" or message.get("IsClientManaged"):
        return
    if not session.org.update_email_messages:
        raise errors.read_only(
            "You can't change the files of an email message that isn't in Draft status.",
            "LinkedEntityId",
        )


def link(session: Session, document: str, place: str) -> None:
    """Links a file to a record, past the rules; a link that is there already stays the one."""
    if not _linked(session, document, place):
        _insert_link(session, document, place, "V")
        _mark(session, place)


def unlink_all(session: Session, place: str) -> None:
    for row in session.rows.pointing(_LINK, "LinkedEntityId", place):
        _unlink(session, row)


def _insert_link(session: Session, document: str, place: str, share: str) -> None:
    row = {"ContentDocumentId": document, "LinkedEntityId": place, "ShareType": share}
    drafts.insert(session, session.schema.objects[_LINK], row)


def _linked(session: Session, document: str, place: str) -> bool:
    links = session.rows.pointing(_LINK, "ContentDocumentId", document)
    return any(row["LinkedEntityId"] == place for row in links)


def _unlink(session: Session, row: Row) -> None:
    drafts.bin_row(session, _LINK, row)
    _mark(session, row["LinkedEntityId"])


def _mark(session: Session, place: str) -> None:
    if session.rows.get("EmailMessage", place) is not None:
        has = bool(session.rows.pointing(_LINK, "LinkedEntityId", place))
        drafts.touch(session, "EmailMessage", place, HasAttachment=has)


RULES = {
    _VERSION: Rule(before=_before_version, after=_after_version, removing=_removing_version),
    "ContentDocument": Rule(removing=_removing_document),
    _LINK: Rule(before=_before_link, after=_after_link, removing=_removing_link),
}
