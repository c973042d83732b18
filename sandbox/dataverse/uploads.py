"""Attachments in blocks, for files above 4 MB.

Learn, "Attachment, annotation and file columns": InitializeAttachmentBlocksUpload, UploadBlock,
CommitAttachmentBlocksUpload; blocks of at most 4 MB; the list at the end gives their order.
"""

import base64
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from sandbox.dataverse import attachments, errors, payload, writes
from sandbox.dataverse.answers import empty_reply, json_reply
from sandbox.dataverse.rows import SERVICE
from sandbox.dataverse.schema import SCHEMA
from sandbox.dataverse.security import require_write
from sandbox.dataverse.session import Reply, Session
from sandbox.dataverse.values import decoded
from sandbox.store import Row

MAX_BLOCK = 4 * 1024 * 1024
_UPLOADS = "uploads"
_BLOCKS = "upload_blocks"
_TABLE = SCHEMA.tables[attachments.TABLE]


def initialize(session: Session, body: Mapping[str, Any]) -> Reply:
    """Gives the token that the blocks and the commit must carry."""
    require_write(session, _TABLE, "Create")
    given = payload.read(session, _TABLE, _target(body))
    parent = given.links.get("objectid")
    attachments.check_name(session.rows, given.values.get("filename") or "")
    attachments.require_open(session, {"objectid": parent})
    token = base64.b64encode(uuid4().bytes).decode()
    session.world.store.put(SERVICE, _UPLOADS, token, {"user": session.caller.user})
    return _answer(session, "Initialize", {"FileContinuationToken": token})


def upload(session: Session, body: Mapping[str, Any]) -> Reply:
    token = _token(session, body)
    block, data = body.get("BlockId"), body.get("BlockData")
    content = decoded(data) if isinstance(data, str) else None
    if not isinstance(block, str) or not block or content is None:
        raise errors.invalid_argument("BlockId and BlockData (base64) are required.")
    if len(content) > MAX_BLOCK:
        raise errors.invalid_argument(
            f"The block has {len(content)} bytes; at most {MAX_BLOCK} are allowed."
        )
    session.world.store.put(
        SERVICE, _BLOCKS, f"{token}/{block}", {"token": token, "block": block, "data": data}
    )
    return empty_reply()


def commit(session: Session, body: Mapping[str, Any]) -> Reply:
    """Makes the attachment of the blocks listed, in their order."""
    token = _token(session, body)
    listed = body.get("BlockList")
    if not isinstance(listed, list) or not listed:
        raise errors.invalid_argument("BlockList must name at least one block.")
    content = b"".join(base64.b64decode(_block(session, token, b)["data"]) for b in listed)
    target = {k: v for k, v in _target(body).items() if k != "body"}
    encoded = base64.b64encode(content).decode()
    id_ = writes.create(session, _TABLE, {**target, "body": encoded})
    _forget(session, token)
    sizes = {"FileSizeInBytes": len(content), "ActivityMimeAttachmentId": id_}
    return _answer(session, "Commit", sizes)


def _target(body: Mapping[str, Any]) -> Mapping[str, Any]:
    target = body.get("Target")
    if not isinstance(target, Mapping):
        raise errors.invalid_argument("The parameter 'Target' is missing.")
    return target


def _token(session: Session, body: Mapping[str, Any]) -> str:
    token = str(body.get("FileContinuationToken", ""))
    upload = session.world.store.get(SERVICE, _UPLOADS, token)
    if upload is None or upload["user"] != session.caller.user:
        raise errors.invalid_argument("The FileContinuationToken is invalid or has expired.")
    return token


def _block(session: Session, token: str, block: object) -> Row:
    found = session.world.store.get(SERVICE, _BLOCKS, f"{token}/{block}")
    if found is None:
        raise errors.invalid_argument(
            f"The specified block list is invalid: block '{block}' was not uploaded."
        )
    return found


def _forget(session: Session, token: str) -> None:
    store = session.world.store
    store.delete(SERVICE, _UPLOADS, token)
    for row in store.all(SERVICE, _BLOCKS):
        if row["token"] == token:
            store.delete(SERVICE, _BLOCKS, f"{token}/{row['block']}")


def _answer(session: Session, step: str, values: Mapping[str, Any]) -> Reply:
    name = f"Microsoft.Dynamics.CRM.{step}AttachmentBlocksUploadResponse"
    return json_reply({"@odata.context": f"{session.root}/$metadata#{name}", **values})
