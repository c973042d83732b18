"""Answers to messages, as a person in Outlook would write them: api/message-createreply.md."""

from base64 import b64decode, b64encode
from datetime import datetime
from html import escape
from typing import Any

from sandbox.graph import changes, drafts
from sandbox.graph.ids import ItemKey
from sandbox.graph.messages import SERVICE
from sandbox.graph.people import mailbox_of
from sandbox.store import Row
from sandbox.world import World

_TICKS = 10_000_000
_FILE_TIME = 116_444_736_000_000_000


def draft(world: World, answered: Row, text: str, *, everyone: bool = False) -> Row:
    """A draft in the mailbox of the message answered; the answered text follows the new one."""
    now = world.clock()
    mailbox = mailbox_of(world, answered["mailbox"])
    fields = answered["fields"]
    own = fields["from"] and _address(fields["from"]) == mailbox.address.casefold()
    sender = [fields["from"]] if fields["from"] else []
    to = fields["toRecipients"] if own else fields["replyTo"] or sender
    cc: list[dict[str, Any]] = []
    if everyone:
        taken = {mailbox.address.casefold(), *map(_address, to)}
        others = [] if own else fields["toRecipients"]
        cc = [p for p in (*others, *fields["ccRecipients"]) if _address(p) not in taken]
    new = changes.read(
        changes.NewMessage,
        {
            "subject": _subject(fields["subject"]),
            "body": {"contentType": "html", "content": _body(text, fields)},
            "toRecipients": to,
            "ccRecipients": cc,
        },
    )
    with world.store.transaction():
        key = drafts.create(world.store, mailbox, new, now, answered)
        return _indexed(world, key, fields["conversationIndex"], now)


def _indexed(world: World, key: ItemKey, parent: str | None, now: datetime) -> Row:
    row = world.store.get(SERVICE, "messages", key.row)
    assert row is not None
    fields = {**row["fields"], "conversationIndex": _longer(parent, now)}
    world.store.put(SERVICE, "messages", key.row, {**row, "fields": fields})
    return {**row, "fields": fields}


def _longer(parent: str | None, now: datetime) -> str | None:
    """Each answer adds 5 bytes for the time passed since the first message (MS-OXOMSG 2.2.1.3)."""
    if parent is None:
        return None
    index = b64decode(parent)
    began = int.from_bytes(index[1:6] + bytes(3), "big")
    passed = max(0, int(now.timestamp() * _TICKS) + _FILE_TIME - began)
    return b64encode(index + ((passed >> 18) & 0x7FFFFFFF).to_bytes(4, "big") + b"\x10").decode()


def _subject(subject: str) -> str:
    return subject if subject.lower().startswith("re:") else f"RE: {subject}"


def _body(text: str, answered: dict[str, Any]) -> str:
    sender = (answered["from"] or {"emailAddress": {"name": "", "address": ""}})["emailAddress"]
    body = answered["body"]
    content: str = body["content"]
    quoted = content if body["contentType"] == "html" else f"<pre>{escape(content)}</pre>"
    head = (
        f"<b>From:</b> {escape(sender['name'])} &lt;{escape(sender['address'])}&gt;<br>"
        f"<b>Sent:</b> {answered['sentDateTime']}<br>"
        f"<b>Subject:</b> {escape(answered['subject'])}<br>"
    )
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in text.splitlines())
    return (
        f'<html><body>{paragraphs}<div id="appendonsend"></div><hr>'
        f'<div id="divRplyFwdMsg">{head}</div>{quoted}</body></html>'
    )


def _address(person: dict[str, Any]) -> str:
    return str(person["emailAddress"]["address"]).casefold()
