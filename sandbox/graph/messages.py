"""The mailboxes' messages as rows of the store.

Table `messages` holds everything but big contents, `mime` the source, `attachments` one row each
with its content in base64, `threads` which conversation a Message-ID belongs to.
"""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from sandbox.graph import ids, outbox
from sandbox.graph.bodies import preview
from sandbox.graph.ids import ItemKey
from sandbox.graph.mime import ParsedAttachment, ParsedMessage, parse, recipient
from sandbox.graph.people import Mailbox
from sandbox.store import Row, Store

SERVICE = outbox.SERVICE
TABLES = ("messages", "mime", "attachments", "attachment_lists", "threads")
FOLDERS = {
    "inbox": "Inbox",
    "sentitems": "Sent Items",
    "drafts": "Drafts",
    "archive": "Archive",
    "deleteditems": "Deleted Items",
    "junkemail": "Junk Email",
}


def stamp(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def attachment_size(content: int, name: str) -> int:
    """Exchange counts an attachment's MAPI properties too, a few hundred bytes on top."""
    return content + 240 + 2 * len(name)


def deliver(
    store: Store,
    mailbox: Mailbox,
    folder: str,
    raw: bytes,
    now: datetime,
    key: str | None = None,
) -> ItemKey:
    """Puts a message into a folder, without sending it anywhere. `key` None makes a new one."""
    parsed = parse(raw)
    key = key or uuid4().hex
    draft = folder == "drafts"
    message_id = parsed.message_id or (made_message_id(key, mailbox) if draft else None)
    fields = _fields(parsed, message_id, draft, now)
    with store.transaction():
        thread = join_thread(store, mailbox, message_id, parsed.in_reply_to, parsed.references)
        row = {
            "key": key,
            "mailbox": mailbox.address,
            "folder": folder,
            "version": 1,
            "thread": thread,
            "type": parsed.meeting[0] if parsed.meeting else None,
            "created": stamp(now),
            "modified": stamp(now),
            "fields": fields,
            "headers": [list(pair) for pair in parsed.headers],
            "inReplyTo": parsed.in_reply_to,
            "references": " ".join(parsed.references) or None,
            "sensitivity": parsed.sensitivity,
            "extended": {},
        }
        store.put(SERVICE, "messages", key, row)
        store.put(SERVICE, "mime", key, {"raw": raw.decode("latin-1")})
        for number, attachment in enumerate(parsed.attachments):
            attach(store, key, number, attachment, stamp(now))
        outbox.message_changed(store, row, "created", now)
    return ItemKey(key)


def move(store: Store, row: Row, folder: str, now: datetime) -> Row:
    """Its regular id dies with that; gives the new row."""
    moved = {**row, "folder": folder, "version": row["version"] + 1, "modified": stamp(now)}
    with store.transaction():
        store.put(SERVICE, "messages", row["key"], moved)
        outbox.message_moved(store, row, moved, now)
    return moved


def delete(store: Store, row: Row, now: datetime) -> None:
    """For good, with its attachments."""
    key = row["key"]
    with store.transaction():
        for file in attachments_of(store, key):
            store.delete(SERVICE, "attachments", file["key"])
        for table in ("messages", "mime", "attachment_lists"):
            store.delete(SERVICE, table, key)
        outbox.message_changed(store, row, "deleted", now)


def join_thread(
    store: Store,
    mailbox: Mailbox,
    message_id: str | None,
    in_reply_to: str | None,
    references: tuple[str, ...],
) -> str:
    """The conversation of a message in this mailbox; the ids it names belong to it from then on."""
    named = [id_ for id_ in (message_id, in_reply_to, *reversed(references)) if id_]
    rows = [store.get(SERVICE, "threads", _thread_row(mailbox, id_)) for id_ in named]
    known = next((row["thread"] for row in rows if row), None)
    thread: str = (
        known or uuid5(NAMESPACE_URL, f"{mailbox.address}/{named[-1] if named else uuid4()}").hex
    )
    for id_, row in zip(named, rows, strict=True):
        if row is None:
            store.put(SERVICE, "threads", _thread_row(mailbox, id_), {"thread": thread})
    return thread


def made_message_id(key: str, mailbox: Mailbox) -> str:
    """Exchange gives a draft its Message-ID when it is first stored."""
    return f"<{key.upper()}@{mailbox.address.rpartition('@')[2]}>"


def attach(store: Store, parent: str, number: int, part: ParsedAttachment, now: str) -> str:
    """Adds an attachment to a message or event; gives its key."""
    key = uuid5(NAMESPACE_URL, f"{parent}/attachments/{number}").hex
    row: dict[str, Any] = {
        "key": key,
        "parent": parent,
        "kind": part.kind,
        "modified": now,
        "name": part.name,
        "contentType": part.content_type,
        "size": attachment_size(len(part.content), part.name),
        "isInline": part.inline,
        "contentId": part.content_id,
        "contentLocation": part.content_location,
        "content": b64encode(part.content).decode(),
        "sourceUrl": part.source_url,
        "item": item_of(part.item) if part.item else None,
    }
    store.put(SERVICE, "attachments", key, row)
    listed = store.get(SERVICE, "attachment_lists", parent) or {"keys": []}
    store.put(SERVICE, "attachment_lists", parent, {"keys": [*listed["keys"], key]})
    return key


def attachments_of(store: Store, parent: str) -> list[Row]:
    listed = store.get(SERVICE, "attachment_lists", parent)
    rows = [store.get(SERVICE, "attachments", key) for key in (listed["keys"] if listed else ())]
    return [row for row in rows if row is not None]


def item_of(parsed: ParsedMessage) -> dict[str, Any]:
    """A message inside an item attachment, as Graph expands it."""
    nested = []
    for part in parsed.attachments:
        shown: dict[str, Any] = {
            "@odata.type": f"#microsoft.graph.{part.kind}Attachment",
            "name": part.name,
            "contentType": part.content_type,
            "size": attachment_size(len(part.content), part.name),
            "isInline": part.inline,
        }
        if part.kind == "file":
            shown["contentId"] = part.content_id
            shown["contentBytes"] = b64encode(part.content).decode()
        nested.append(shown)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return {
        "fields": _fields(parsed, parsed.message_id, False, parsed.received or epoch),
        "headers": [list(pair) for pair in parsed.headers],
        "attachments": nested,
    }


def _fields(
    parsed: ParsedMessage, message_id: str | None, draft: bool, now: datetime
) -> dict[str, Any]:
    received = now if draft else parsed.received or now
    fields: dict[str, Any] = {
        "categories": list(parsed.categories),
        "receivedDateTime": stamp(received),
        "sentDateTime": stamp(received if draft else parsed.sent or received),
        "hasAttachments": any(not part.inline for part in parsed.attachments),
        "internetMessageId": message_id,
        "subject": parsed.subject,
        "bodyPreview": preview(parsed.body, parsed.body_type == "html"),
        "importance": parsed.importance,
        "conversationIndex": parsed.conversation_index or _conversation_index(parsed, received),
        "isDeliveryReceiptRequested": None if draft else False,
        "isReadReceiptRequested": parsed.read_receipt,
        "isRead": draft,
        "isDraft": draft,
        "inferenceClassification": "focused",
        "body": {"contentType": parsed.body_type, "content": parsed.body},
        "sender": recipient(parsed.sender) if parsed.sender else None,
        "from": recipient(parsed.from_) if parsed.from_ else None,
        "toRecipients": [recipient(person) for person in parsed.to],
        "ccRecipients": [recipient(person) for person in parsed.cc],
        "bccRecipients": [recipient(person) for person in parsed.bcc],
        "replyTo": [recipient(person) for person in parsed.reply_to],
        "flag": {"flagStatus": "notFlagged"},
    }
    if parsed.meeting:
        fields["meetingMessageType"] = parsed.meeting[1]
    return fields


def _conversation_index(parsed: ParsedMessage, when: datetime) -> str:
    """A 22-byte header (MS-OXOMSG 2.2.1.3): 1, five bytes of the file time, and a GUID."""
    ticks = int(when.timestamp() * 10_000_000) + 116_444_736_000_000_000
    first = parsed.references[:1] or (parsed.in_reply_to, parsed.message_id)
    guid = uuid5(NAMESPACE_URL, next((id_ for id_ in first if id_), parsed.subject))
    return b64encode(b"\x01" + ticks.to_bytes(8, "big")[:5] + guid.bytes).decode()


def find_message(store: Store, mailbox: Mailbox | None, id_: str) -> tuple[Row, bool] | None:
    """The message with that id, and whether it was named by its immutable id.

    None where the id is well-formed but names nothing (any more), or lies in another mailbox.
    Raises ValueError for what is no id at all.
    """
    key = ids.item_key(id_)
    if key is None:
        raise ValueError("malformed id")
    row = store.get(SERVICE, "messages", key.row)
    if row is None or (mailbox is not None and row["mailbox"] != mailbox.address):
        return None
    if id_ == ids.immutable_id(row["mailbox"], key):
        return row, True
    if id_ == ids.regular_id(row["mailbox"], row["folder"], key):
        return row, False
    return None


def _thread_row(mailbox: Mailbox, message_id: str) -> str:
    return f"{mailbox.address} {message_id}"
