"""Drafts: making them, changing them, sending them."""

import email
from base64 import b64decode
from binascii import Error as Base64Error
from datetime import datetime
from email.message import Message
from email.policy import compat32
from email.utils import format_datetime
from typing import Any
from uuid import uuid4

from sandbox.graph import changes, messages, outbox
from sandbox.graph.bodies import preview
from sandbox.graph.compose import composed, written
from sandbox.graph.errors import GraphError, bad_request
from sandbox.graph.ids import ItemKey
from sandbox.graph.messages import SERVICE, attachments_of, stamp
from sandbox.graph.mime import ParsedAttachment, recipient
from sandbox.graph.people import Mailbox, find_mailbox, mailbox_of
from sandbox.store import Row, Store
from sandbox.world import World


def create(
    store: Store,
    mailbox: Mailbox,
    new: changes.NewMessage,
    now: datetime,
    answered: Row | None = None,
) -> ItemKey:
    """A draft in the mailbox's Drafts folder, in the conversation of the message that it answers.

    Raises GraphError 400.
    """
    key = uuid4().hex
    owner = recipient((mailbox.name, mailbox.address))
    message_id = messages.made_message_id(key, mailbox)
    fields = {**_EMPTY, "internetMessageId": message_id, "from": owner, "sender": owner}
    fields |= {"receivedDateTime": stamp(now), "sentDateTime": stamp(now)}
    files = [_file(upload) for upload in new.attachments]
    with store.transaction():
        named = _references(answered)
        replied = named[-1] if named else None
        thread = messages.join_thread(store, mailbox, message_id, replied, named)
        row: Row = {
            "key": key,
            "mailbox": mailbox.address,
            "folder": "drafts",
            "version": 0,
            "thread": thread,
            "type": None,
            "created": stamp(now),
            "modified": stamp(now),
            "fields": fields,
            "headers": [],
            "inReplyTo": replied,
            "references": " ".join(named) or None,
            "sensitivity": 0,
            "extended": {},
        }
        row = _changed(row, new, now)
        store.put(SERVICE, "messages", key, row)
        for number, file in enumerate(files):
            messages.attach(store, key, number, file, stamp(now))
        if files:
            row = _note_attachments(store, key)
        outbox.message_changed(store, row, "created", now)
    return ItemKey(key)


def add_file(store: Store, row: Row, upload: changes.FileUpload, now: datetime) -> Row:
    """Attaches a file to a draft; gives its row. Raises GraphError 400."""
    if not row["fields"]["isDraft"]:
        raise bad_request("Attachments can be added to drafts only.", "ErrorInvalidRequest")
    file = _file(upload)
    with store.transaction():
        number = len(attachments_of(store, row["key"]))
        key = messages.attach(store, row["key"], number, file, stamp(now))
        store.delete(SERVICE, "mime", row["key"])
        outbox.message_changed(store, _note_attachments(store, row["key"]), "updated", now)
    added = store.get(SERVICE, "attachments", key)
    assert added is not None
    return added


def change(store: Store, row: Row, wanted: changes.MessageChange, now: datetime) -> Row:
    """Writes the change; gives the new row. Raises GraphError 400 for what only a draft allows."""
    drafted = changes.DRAFT_ONLY & changes.changed_fields(wanted).keys()
    if drafted and not row["fields"]["isDraft"]:
        raise bad_request(
            f"Property is read-only for sent and received messages: '{min(drafted)}'.",
            "ErrorInvalidPropertySet",
        )
    new = _changed(row, wanted, now)
    with store.transaction():
        store.put(SERVICE, "messages", row["key"], new)
        if drafted:
            store.delete(SERVICE, "mime", row["key"])
        outbox.message_changed(store, new, "updated", now)
    return new


def _changed(row: Row, wanted: changes.MessageChange, now: datetime) -> dict[str, Any]:
    fields = changes.changed_fields(wanted)
    merged: dict[str, Any] = {**row["fields"], **fields}
    body = merged["body"]
    merged["bodyPreview"] = preview(body["content"], body["contentType"] == "html")
    stamps = changes.changed_stamps(row["extended"], wanted.single_value_extended_properties)
    return {
        **row,
        "fields": merged,
        "extended": stamps,
        "version": row["version"] + 1,
        "modified": stamp(now),
    }


def _references(answered: Row | None) -> tuple[str, ...]:
    """RFC 5322 section 3.6.4: those of the message answered, and its own id."""
    if answered is None:
        return ()
    own = answered["fields"]["internetMessageId"]
    return (*(answered["references"] or "").split(), *((own,) if own else ()))


def source(store: Store, row: Row) -> bytes:
    """The MIME of a message: as it was delivered, or composed from a draft's properties."""
    mime = store.get(SERVICE, "mime", row["key"])
    if mime is not None:
        raw: str = mime["raw"]
        return raw.encode("latin-1")
    return composed(row, attachments_of(store, row["key"]))


def send(world: World, row: Row) -> Row:
    """Moves a draft to Sent Items and delivers it to those recipients who work here.

    Its immutable id and its Message-ID stay. Raises GraphError 400 for what is no draft.
    """
    if not row["fields"]["isDraft"]:
        raise GraphError(400, "ErrorInvalidRequest", "The message has been sent already.")
    now = world.clock()
    fields = {
        **row["fields"],
        "from": row["fields"]["from"] or _owner(world, row),
        "sender": row["fields"]["sender"] or _owner(world, row),
        "isDraft": False,
        "isRead": True,
        "sentDateTime": stamp(now),
        "receivedDateTime": stamp(now),
    }
    raw = _stamped(source(world.store, row), fields, now)
    sent = {
        **row,
        "folder": "sentitems",
        "fields": fields,
        "version": row["version"] + 1,
        "modified": stamp(now),
    }
    with world.store.transaction():
        world.store.put(SERVICE, "messages", row["key"], sent)
        world.store.put(SERVICE, "mime", row["key"], {"raw": raw.decode("latin-1")})
        outbox.message_moved(world.store, row, sent, now)
        public = _without_bcc(raw)
        for mailbox in _inside(world, fields):
            messages.deliver(world.store, mailbox, "inbox", public, now)
    return sent


def _inside(world: World, fields: dict[str, Any]) -> list[Mailbox]:
    people = [p for part in ("to", "cc", "bcc") for p in fields[f"{part}Recipients"]]
    found = (find_mailbox(world, person["emailAddress"]["address"]) for person in people)
    return list({mailbox.address: mailbox for mailbox in found if mailbox}.values())


def _owner(world: World, row: Row) -> dict[str, Any]:
    mailbox = mailbox_of(world, row["mailbox"])
    return recipient((mailbox.name, mailbox.address))


def _stamped(raw: bytes, fields: dict[str, Any], now: datetime) -> bytes:
    """What a draft's MIME may lack: the sender, the date and the Message-ID."""
    message: Message = email.message_from_bytes(raw, policy=compat32)
    if "From" not in message:
        message["From"] = written(fields["from"]["emailAddress"])
    for name, value in (
        ("Date", format_datetime(now)),
        ("Message-ID", fields["internetMessageId"]),
    ):
        del message[name]
        message[name] = value
    return message.as_bytes()


def _without_bcc(raw: bytes) -> bytes:
    message: Message = email.message_from_bytes(raw, policy=compat32)
    del message["Bcc"]
    return message.as_bytes()


def _file(upload: changes.FileUpload) -> ParsedAttachment:
    try:
        content = b64decode(upload.content_bytes, validate=True)
    except Base64Error as error:
        raise bad_request("Cannot convert the literal to Edm.Binary.", "RequestBodyRead") from error
    return ParsedAttachment(
        kind="file",
        name=upload.name,
        content_type=upload.content_type or "application/octet-stream",
        content=content,
        inline=upload.is_inline,
        content_id=upload.content_id,
    )


def _note_attachments(store: Store, key: str) -> Row:
    row = store.get(SERVICE, "messages", key)
    assert row is not None
    has = any(not file["isInline"] for file in attachments_of(store, key))
    fields = {**row["fields"], "hasAttachments": has}
    noted = {**row, "fields": fields, "version": row["version"] + 1}
    store.put(SERVICE, "messages", key, noted)
    return noted


_EMPTY: dict[str, Any] = {
    "categories": [],
    "receivedDateTime": None,
    "sentDateTime": None,
    "hasAttachments": False,
    "internetMessageId": None,
    "subject": "",
    "bodyPreview": "",
    "importance": "normal",
    "conversationIndex": None,
    "isDeliveryReceiptRequested": False,
    "isReadReceiptRequested": False,
    "isRead": True,
    "isDraft": True,
    "inferenceClassification": "focused",
    "body": {"contentType": "text", "content": ""},
    "sender": None,
    "from": None,
    "toRecipients": [],
    "ccRecipients": [],
    "bccRecipients": [],
    "replyTo": [],
    "flag": {"flagStatus": "notFlagged"},
}
