"""`$batch`: many requests in one, change sets all or nothing.

Learn, "Execute batch operations using the Web API": at most 1000 requests; no GET in a change set;
`$1` means what the request with Content-ID 1 of the same change set made; the first error ends the
batch with 400, unless `Prefer: odata.continue-on-error`.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from email.parser import BytesParser
from functools import partial
from http import HTTPStatus
from uuid import uuid4

from sandbox.dataverse import errors
from sandbox.dataverse.answers import error_reply
from sandbox.dataverse.dispatch import answer, perform
from sandbox.dataverse.multipart import MIXED, Part, parts
from sandbox.dataverse.preferences import preferences
from sandbox.dataverse.session import Call, Reply, Session

MAX_REQUESTS = 1000
MAX_URL = 65_536
_ROOT = "/api/data/v9.2/"
_CHANGES = ("POST", "PUT", "PATCH", "DELETE")

Done = tuple[Reply, str | None]
"""A reply and the Content-ID of its request."""


def run(session: Session, call: Call) -> Reply:
    """The reply to a whole batch. Raises Refused where it can't be read at all."""
    found = [(part, _opened(part)) for part in parts(call.headers, call.body)]
    _check_size(found)
    go_on = preferences(call.headers.get("prefer", "")).continue_on_error
    boundary = f"batchresponse_{uuid4()}"
    chunks, failed = [], False
    for part, inner in found:
        chunk, ok = _change_set(session, inner) if inner else _single(session, part)
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


def _check_size(found: list[tuple[Part, list[Part]]]) -> None:
    count = sum(len(inner) or 1 for _, inner in found)
    if count > MAX_REQUESTS:
        raise errors.bad_query(
            f"The batch holds {count} requests; at most {MAX_REQUESTS} are allowed."
        )


def _opened(part: Part) -> list[Part]:
    """The requests of a change set; none for any other part."""
    return parts(part.headers, part.body) if part.content_type == MIXED else []


def _single(session: Session, part: Part) -> tuple[bytes, bool]:
    reply = _guarded(session, part, partial(answer, session))
    return _wrapped((reply, None)), reply.status < HTTPStatus.BAD_REQUEST


def _change_set(session: Session, requests: list[Part]) -> tuple[bytes, bool]:
    boundary = f"changesetresponse_{uuid4()}"
    try:
        with session.world.store.transaction():
            done = list(_changes(session, requests))
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


def _changes(session: Session, requests: list[Part]) -> Iterator[Done]:
    references: dict[str, tuple[str, str]] = {}
    for request in requests:
        content_id = request.headers.get("content-id", "")
        inside = replace(session, references=references)
        reply = _guarded(session, request, partial(_change, inside, content_id))
        if reply.status >= HTTPStatus.BAD_REQUEST:
            raise _Failed(reply)
        if reply.touched:
            references[content_id] = reply.touched
        yield reply, content_id


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


def _guarded(session: Session, part: Part, do: Callable[[Call], Reply]) -> Reply:
    prefer = ""
    try:
        call = _call(part)
        prefer = call.headers.get("prefer", "")
        return do(call)
    except errors.Refused as error:
        return error_reply(error, preferences(prefer))


def _call(part: Part) -> Call:
    """The HTTP request inside a part. Raises Refused where there is none."""
    if part.content_type != "application/http":
        raise errors.bad_query("A part of the batch is not of type 'application/http'.")
    head, _, body = part.body.lstrip(b"\r\n").partition(b"\r\n\r\n")
    line, _, lines = head.partition(b"\r\n")
    words = line.decode("latin-1").split(" ")
    if len(words) < 3 or not words[-1].startswith("HTTP/"):
        raise errors.bad_query("A part of the batch holds no HTTP request line.")
    url = " ".join(words[1:-1])
    if len(url) > MAX_URL:
        raise errors.Refused(414, "", "Request URL Too Long")
    headers = BytesParser().parsebytes(lines + b"\r\n\r\n", headersonly=True)
    target, _, query = url.partition("?")
    return Call(
        words[0].upper(),
        target.partition(_ROOT)[2] if _ROOT in target else target.lstrip("/"),
        query,
        {name.lower(): str(value) for name, value in headers.items()},
        body,
    )


def _wrapped(done: Done) -> bytes:
    reply, content_id = done
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id is not None:
        lines.append(f"Content-ID: {content_id}")
    phrase = HTTPStatus(reply.status).phrase
    lines += ["", f"HTTP/1.1 {reply.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + reply.body + b"\r\n"
