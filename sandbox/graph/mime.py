"""From RFC 822 bytes to what Graph says about a message. Pure: no ids, no store, no clock."""

import binascii
import email
import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from email.policy import compat32
from email.utils import parsedate_to_datetime
from mimetypes import guess_extension
from typing import Any, Literal

from sandbox.graph.decoding import addresses, all_headers, decode_text, decode_words, header

AttachmentKind = Literal["file", "item", "reference"]
Importance = Literal["low", "normal", "high"]
REFERENCE_HEADER = "X-Reference-Attachment"
"""On a MIME part: the URL of a file in the cloud; the part becomes a reference attachment."""

_SENSITIVITY = {"personal": 1, "private": 2, "company-confidential": 3, "confidential": 3}
_MEETING_TYPES = {
    "REQUEST": ("#microsoft.graph.eventMessageRequest", "meetingRequest"),
    "CANCEL": ("#microsoft.graph.eventMessage", "meetingCancelled"),
    "REPLY": ("#microsoft.graph.eventMessageResponse", "meetingAccepted"),
}
_MESSAGE_ID = re.compile(r"<[^<>\s]+>")


@dataclass(frozen=True, slots=True)
class ParsedAttachment:
    """`content` is the file, or for an item the MIME of the message; empty for a reference."""

    kind: AttachmentKind
    name: str
    content_type: str | None
    content: bytes
    inline: bool = False
    content_id: str | None = None
    content_location: str | None = None
    source_url: str | None = None
    item: "ParsedMessage | None" = None


@dataclass(frozen=True, slots=True)
class ParsedMessage:
    """`sent` and `received` are None where no header tells them. `references` are oldest first.

    `sensitivity` is MAPI's number: 0 normal, 1 personal, 2 private, 3 confidential.
    """

    message_id: str | None
    in_reply_to: str | None
    references: tuple[str, ...]
    conversation_index: str | None
    subject: str
    body: str
    body_type: Literal["html", "text"]
    sender: tuple[str, str] | None
    from_: tuple[str, str] | None
    to: tuple[tuple[str, str], ...]
    cc: tuple[tuple[str, str], ...]
    bcc: tuple[tuple[str, str], ...]
    reply_to: tuple[tuple[str, str], ...]
    sent: datetime | None
    received: datetime | None
    importance: Importance
    sensitivity: int
    categories: tuple[str, ...]
    read_receipt: bool
    meeting: tuple[str, str] | None
    headers: tuple[tuple[str, str], ...]
    attachments: tuple[ParsedAttachment, ...] = field(default=())


def parse(raw: bytes) -> ParsedMessage:
    """Whatever the bytes are, some message comes out."""
    return _parsed(email.message_from_bytes(raw, policy=compat32))


def _parsed(message: Message) -> ParsedMessage:
    parts = _Parts()
    parts.read(message)
    senders = addresses(message, "from")
    sent = _date(header(message, "date"))
    return ParsedMessage(
        message_id=_message_id(message),
        in_reply_to=next(iter(_ids(header(message, "in-reply-to"))), None),
        references=_ids(header(message, "references")),
        conversation_index=_plain_ascii(header(message, "thread-index")),
        subject=header(message, "subject") or "",
        body=parts.body,
        body_type=parts.body_type,
        sender=next(iter(addresses(message, "sender") or senders), None),
        from_=next(iter(senders), None),
        to=tuple(addresses(message, "to")),
        cc=tuple(addresses(message, "cc")),
        bcc=tuple(addresses(message, "bcc")),
        reply_to=tuple(addresses(message, "reply-to")),
        sent=sent,
        received=_received(message) or sent,
        importance=_importance(message),
        sensitivity=_SENSITIVITY.get((header(message, "sensitivity") or "").lower(), 0),
        categories=_listed(header(message, "keywords")),
        read_receipt=header(message, "disposition-notification-to") is not None,
        meeting=parts.meeting,
        headers=tuple(all_headers(message)),
        attachments=tuple(parts.attachments()),
    )


class _Parts:
    """Sorts the leaves of a MIME tree into the body and the attachments."""

    def __init__(self) -> None:
        self.body = ""
        self.body_type: Literal["html", "text"] = "text"
        self.meeting: tuple[str, str] | None = None
        self._found_body = False
        self._files: list[Message] = []

    def read(self, part: Message) -> None:
        if part.get_content_type() == "multipart/alternative":
            self._read_alternative(_children(part))
        elif part.get_content_maintype() == "multipart" and part.is_multipart():
            for child in _children(part):
                self.read(child)
        else:
            self._read_leaf(part)

    def attachments(self) -> Iterator[ParsedAttachment]:
        for number, part in enumerate(self._files, 1):
            yield _attachment(part, number, self.body)

    def _read_alternative(self, children: list[Message]) -> None:
        """The richest form that is text is the body; the poorer forms of it are dropped."""
        texts = [child for child in children if _text_kind(child)]
        best = max(texts, key=lambda child: _text_kind(child) == "html", default=None)
        for child in children:
            if child not in texts or child is best:
                self.read(child)

    def _read_leaf(self, part: Message) -> None:
        kind = part.get_content_type()
        is_file = _disposition(part) == "attachment" or bool(_filename(part))
        if kind == "text/calendar" and not is_file and not self.meeting:
            method = str(part.get_param("method") or "REQUEST").upper()
            self.meeting = _MEETING_TYPES.get(method, _MEETING_TYPES["REQUEST"])
        elif kind in ("text/plain", "text/html") and not is_file and not self._found_body:
            self._found_body = True
            text = decode_text(_payload(part), _charset(part))
            self.body = text.replace("\r\n", "\n").replace("\n", "\r\n")
            self.body_type = "html" if kind == "text/html" else "text"
        else:
            self._files.append(part)


def _text_kind(part: Message) -> str | None:
    """`html` or `plain` for a part that can be the body, seen through multipart/related."""
    if part.get_content_type() == "multipart/related":
        children = _children(part)
        return _text_kind(children[0]) if children else None
    is_file = _disposition(part) == "attachment"
    if part.get_content_maintype() == "text" and not is_file:
        subtype = part.get_content_subtype()
        return subtype if subtype in ("html", "plain") else None
    return None


def _attachment(part: Message, number: int, body: str) -> ParsedAttachment:
    url = header(part, REFERENCE_HEADER)
    name = _filename(part)
    if url:
        return ParsedAttachment(
            "reference", name or url, part.get_content_type(), b"", source_url=url
        )
    if part.get_content_type() == "message/rfc822":
        raw = _nested(part)
        item = parse(raw)
        return ParsedAttachment("item", item.subject or name or "Message", None, raw, item=item)
    content_id = (header(part, "content-id") or "").strip("<>") or None
    inline = content_id is not None and (
        _disposition(part) == "inline" or f"cid:{content_id}" in body
    )
    kind = part.get_content_type()
    return ParsedAttachment(
        kind="file",
        name=name or f"ATT{number:05}{guess_extension(kind) or '.bin'}",
        content_type=kind,
        content=_payload(part),
        inline=inline,
        content_id=content_id,
        content_location=header(part, "content-location"),
    )


def _nested(part: Message) -> bytes:
    """The MIME of an attached message; some senders wrongly encode it in base64."""
    children = _children(part)
    if not children:
        return _payload(part)
    raw = children[0].as_bytes(policy=compat32)
    if (header(part, "content-transfer-encoding") or "").lower() == "base64":
        try:
            return b64decode(raw)
        except binascii.Error:
            return raw
    return raw


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    if not isinstance(payload, list):
        return []
    return [child for child in payload if isinstance(child, Message)]


def _payload(part: Message) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _charset(part: Message) -> str | None:
    try:
        return part.get_content_charset()
    except (LookupError, UnicodeError):
        return None


def _filename(part: Message) -> str:
    try:
        name = part.get_filename()
    except (LookupError, UnicodeError, ValueError):
        name = None
    return decode_words(name) if name else ""


def _disposition(part: Message) -> str:
    return (header(part, "content-disposition") or "").partition(";")[0].strip().lower()


def _message_id(message: Message) -> str | None:
    value = header(message, "message-id")
    if not value:
        return None
    return next(iter(_ids(value)), value)


def _ids(value: str | None) -> tuple[str, ...]:
    return tuple(_MESSAGE_ID.findall(value or ""))


def _received(message: Message) -> datetime | None:
    """The newest Received line tells when the mailbox's server took the message."""
    value = header(message, "received")
    return _date(value.rpartition(";")[2]) if value else None


def _date(value: str | None) -> datetime | None:
    if not value:
        return None
    try:
        when = parsedate_to_datetime(value.strip())
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _importance(message: Message) -> Importance:
    """By the Importance header, else by X-Priority: 1 and 2 are high, 4 and 5 low."""
    value = (header(message, "importance") or "").lower()
    priority = (header(message, "x-priority") or "")[:1]
    if value == "high" or (not value and priority in ("1", "2")):
        return "high"
    if value == "low" or (not value and priority in ("4", "5")):
        return "low"
    return "normal"


def _listed(value: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (value or "").split(",") if part.strip())


def _plain_ascii(value: str | None) -> str | None:
    return value if value and value.isascii() else None


def recipient(person: tuple[str, str]) -> dict[str, Any]:
    name, address = person
    return {"emailAddress": {"name": name, "address": address}}
