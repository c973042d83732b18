"""From a draft's properties to MIME."""

from base64 import b64decode
from collections.abc import Iterable, Mapping
from email.encoders import encode_base64
from email.header import Header
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import formataddr
from typing import Any

from sandbox.store import Row

_PEOPLE = {
    "From": "from",
    "To": "toRecipients",
    "Cc": "ccRecipients",
    "Bcc": "bccRecipients",
    "Reply-To": "replyTo",
}


def composed(row: Row, files: Iterable[Row]) -> bytes:
    fields: Mapping[str, Any] = row["fields"]
    body = fields["body"]
    text: Message = MIMEText(
        body["content"], "html" if body["contentType"] == "html" else "plain", "utf-8"
    )
    parts = [_part(file) for file in files if file["kind"] == "file"]
    message: Message = MIMEMultipart("mixed", _subparts=[text, *parts]) if parts else text
    for header, name in _PEOPLE.items():
        value = fields[name]
        people = value if isinstance(value, list) else [value] if value else []
        if people:
            message[header] = ", ".join(written(person["emailAddress"]) for person in people)
    message["Subject"] = Header(_one_line(fields["subject"]), "utf-8").encode()
    message["Message-ID"] = fields["internetMessageId"]
    if row["inReplyTo"]:
        message["In-Reply-To"] = row["inReplyTo"]
    if row["references"]:
        message["References"] = row["references"]
    return message.as_bytes()


def written(person: Mapping[str, str]) -> str:
    return formataddr((_one_line(person["name"]), _one_line(person["address"])), "utf-8")


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())


def _part(file: Row) -> Message:
    main, _, sub = (file["contentType"] or "application/octet-stream").partition("/")
    part = MIMEBase(main, sub or "octet-stream")
    part.set_payload(b64decode(file["content"]))
    encode_base64(part)
    disposition = "inline" if file["isInline"] else "attachment"
    part.add_header("Content-Disposition", disposition, filename=("utf-8", "", file["name"]))
    if file["contentId"]:
        part["Content-ID"] = f"<{_one_line(file['contentId'])}>"
    return part
