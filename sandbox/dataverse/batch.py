"""`$batch`: many requests in one, change sets all or nothing.

Learn, "Execute batch operations using the Web API": at most 1000 requests; no GET in a change set;
`$1` means what the request with Content-ID 1 of the same change set made; the first error ends the
batch with 400, unless `Prefer: odata.continue-on-error`.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from functools import partial
from http import HTTPStatus
from uuid import uuid4

from sandbox.dataverse import errors
from sandbox.dataverse.answers import error_reply
from sandbox.dataverse.dispatch import answer, perform
from sandbox.dataverse.preferences import preferences
from sandbox.dataverse.session import Call, Reply, Session

MAX_REQUESTS = 1000
MAX_URL = 65_536
_ROOT = "/api/data/v9.2/"
_CHANGES = ("POST", "PUT", "PATCH", "DELETE")

Part = tuple[Reply, str | None]
"""A reply and the Content-ID of its request."""


def run(session: Session, call: Call) -> Reply:
    """The reply to a whole batch. Raises Refused where it can't be read at all."""
    parts = _parts(call)
    _check_size(parts)
    go_on = preferences(call.headers.get("prefer", "")).continue_on_error
    boundary = f"batchresponse_{uuid4()}"
    chunks, failed = [], False
    for part in parts:
        chunk, ok = _change_set(session, part) if part.is_multipart() else _single(session, part)
        chunks.append(chunk)
        failed = failed or not ok
        if not ok and not go_on:
            break
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), chunk) for chunk in chunks)
    return Reply(
        400 if failed and not go_on else 200,
        body + b"--%s--\r\n" % boundary.encode(),
        {"Content-Type": f"multipart/mixed; boundary={boundary}", "OData-Version": "4.0"},
    )


def _parts(call: Call) -> list[Message]:
    content_type = call.headers.get("content-type", "")
    head = b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n"
    message: Message = BytesParser(policy=HTTP).parsebytes(head + call.body)
    boundary = message.get_boundary()
    if message.get_content_type() != "multipart/mixed" or not boundary:
        raise errors.bad_query(
            f"The message does not contain a valid multipart/mixed content type: '{content_type}'."
        )
    if f"--{boundary}\r\n".encode() not in call.body or not message.is_multipart():
        raise errors.bad_query(
            "The batch request body could not be read: its lines must end in CRLF, and its parts "
            "must be delimited by the boundary of the Content-Type header."
        )
    parts = message.get_payload()
    return [part for part in parts if isinstance(part, Message)] if isinstance(parts, list) else []


def _check_size(parts: list[Message]) -> None:
    count = sum(len(p.get_payload()) if p.is_multipart() else 1 for p in parts)
    if count > MAX_REQUESTS:
        raise errors.bad_query(
            f"The batch holds {count} requests; at most {MAX_REQUESTS} are allowed."
        )


def _single(session: Session, part: Message) -> tuple[bytes, bool]:
    reply = _guarded(session, part, partial(answer, session))
    return _wrapped((reply, None)), reply.status < HTTPStatus.BAD_REQUEST


def _change_set(session: Session, part: Message) -> tuple[bytes, bool]:
    boundary = f"changesetresponse_{uuid4()}"
    try:
        with session.world.store.transaction():
            done = list(_changes(session, part))
    except _Failed as failure:
        return _wrapped((failure.reply, None)), False
    inner = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), _wrapped(d)) for d in done)
    head = f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n".encode()
    return head + inner + b"--%s--" % boundary.encode(), True


class _Failed(Exception):
    """One request of a change set failed, and with it all of them."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def _changes(session: Session, part: Message) -> Iterator[Part]:
    references: dict[str, tuple[str, str]] = {}
    for request in _requests(part):
        content_id = str(request.get("Content-ID", "")).strip()
        inside = replace(session, references=references)
        reply = _guarded(session, request, partial(_change, inside, content_id))
        if reply.status >= HTTPStatus.BAD_REQUEST:
            raise _Failed(reply)
        if reply.touched:
            references[content_id] = reply.touched
        yield reply, content_id


def _requests(part: Message) -> list[Message]:
    found = part.get_payload()
    return [p for p in found if isinstance(p, Message)] if isinstance(found, list) else []


def _change(session: Session, content_id: str, call: Call) -> Reply:
    if call.method not in _CHANGES:
        raise errors.bad_query(
            f"An invalid HTTP method '{call.method}' was detected for a request in a change set. "
            "Requests in change sets only support the HTTP methods 'POST', 'PUT', 'DELETE', and "
            "'PATCH'."
        )
    if not content_id:
        raise errors.bad_query(
            "The header with name 'Content-ID' was not present in the header collection of the "
            "batch operation."
        )
    if content_id in session.references:
        raise errors.bad_query(f"The content ID '{content_id}' was found more than once.")
    return perform(session, call)


def _guarded(session: Session, part: Message, do: Callable[[Call], Reply]) -> Reply:
    prefer = ""
    try:
        call = _call(part)
        prefer = call.headers.get("prefer", "")
        return do(call)
    except errors.Refused as error:
        return error_reply(error, preferences(prefer))


def _call(part: Message) -> Call:
    """The HTTP request inside a part. Raises Refused where there is none."""
    if part.get_content_type() != "application/http":
        raise errors.bad_query("A part of the batch is not of type 'application/http'.")
    content = part.get_payload(decode=True)
    raw = content if isinstance(content, bytes) else b""
    head, _, body = raw.lstrip(b"\r\n").partition(b"\r\n\r\n")
    line, _, lines = head.partition(b"\r\n")
    words = line.decode("latin-1").split(" ")
    if len(words) < 3 or not words[-1].startswith("HTTP/"):
        raise errors.bad_query("A part of the batch holds no HTTP request line.")
    url = " ".join(words[1:-1])
    if len(url) > MAX_URL:
        raise errors.Refused(414, "", "Request URL Too Long")
    headers = BytesParser(policy=HTTP).parsebytes(lines + b"\r\n\r\n", headersonly=True)
    target, _, query = url.partition("?")
    return Call(
        words[0].upper(),
        target.partition(_ROOT)[2] if _ROOT in target else target.lstrip("/"),
        query,
        {name.lower(): str(value) for name, value in headers.items()},
        body,
    )


def _wrapped(part: Part) -> bytes:
    reply, content_id = part
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id is not None:
        lines.append(f"Content-ID: {content_id}")
    phrase = HTTPStatus(reply.status).phrase
    lines += ["", f"HTTP/1.1 {reply.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + reply.body + b"\r\n"
