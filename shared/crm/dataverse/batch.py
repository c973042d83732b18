"""`$batch` bodies: made and read. Pure.

Format: Microsoft Learn "Execute batch operations using the Web API" (powerapps-docs
developer/data-platform/webapi/execute-batch-operations-using-web-api.md): CRLF line ends, at most
1000 requests, changesets are atomic and hold no GET.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from functools import cached_property
from typing import Any, Final

MAX_REQUESTS: Final = 1000

_SAFE_PATH: Final = re.compile(r"[!-~]+\Z")
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r?\n")
_END_OF_HEADERS: Final = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Get:
    """A query, relative to the Web API's root, percent-encoded."""

    path: str


@dataclass(frozen=True, slots=True)
class Write:
    """One request of a changeset; `path` as in `Get`."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    if_match: str | None = None


@dataclass(frozen=True, slots=True)
class Changeset:
    """Writes that happen all together or not at all."""

    writes: tuple[Write, ...]


def patch(path: str, body: Mapping[str, Any], etag: str = "*") -> Write:
    """Changes what is there. Without If-Match a PATCH would create what is not."""
    return Write("PATCH", path, body, etag)


Part = Get | Changeset


@dataclass(frozen=True)
class Reply:
    """The answer to one request, in a batch or alone."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @cached_property
    def json(self) -> dict[str, Any]:
        """The JSON object in the body; empty where there is none."""
        try:
            value = json.loads(self.content)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


def build(parts: Sequence[Part], root: str, boundary: str, prefer: str) -> bytes:
    """The body of a `$batch` request.

    `root` is the Web API's address with a trailing slash, `boundary` a fresh random word, `prefer`
    the Prefer header of every query. Raises ValueError for too many requests, or for a path that
    could break out of its line.
    """
    if sum(len(p.writes) if isinstance(p, Changeset) else 1 for p in parts) > MAX_REQUESTS:
        raise ValueError(f"more than {MAX_REQUESTS} requests in a batch")
    chunks: list[bytes] = []
    for number, part in enumerate(parts):
        if isinstance(part, Get):
            chunks += _query(part, root, f"batch_{boundary}", prefer)
        else:
            chunks += _changeset(part, root, f"batch_{boundary}", f"changeset_{boundary}_{number}")
    chunks.append(f"--batch_{boundary}--\r\n".encode())
    return b"".join(chunks)


def content_type(boundary: str) -> str:
    return f'multipart/mixed; boundary="batch_{boundary}"'


def _query(get: Get, root: str, boundary: str, prefer: str) -> Iterator[bytes]:
    yield (
        f"--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
        f"\r\nGET {root}{_checked(get.path)} HTTP/1.1\r\nAccept: application/json\r\n"
        f"Prefer: {prefer}\r\n\r\n\r\n"
    ).encode()


def _changeset(change: Changeset, root: str, boundary: str, inner: str) -> Iterator[bytes]:
    yield f"--{boundary}\r\nContent-Type: multipart/mixed; boundary={inner}\r\n\r\n".encode()
    for number, write in enumerate(change.writes, 1):
        head = (
            f"--{inner}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
            f"Content-ID: {number}\r\n\r\n{write.method} {root}{_checked(write.path)} HTTP/1.1\r\n"
            "Accept: application/json\r\n"
        )
        if write.if_match is not None:
            head += f"If-Match: {write.if_match}\r\n"
        if write.body is None:
            yield f"{head}\r\n\r\n".encode()
        else:
            # ASCII only: whatever the text holds, no line of the body can look like a boundary.
            yield f"{head}Content-Type: application/json; type=entry\r\n\r\n".encode()
            yield json.dumps(write.body).encode()
            yield b"\r\n"
    yield f"--{inner}--\r\n".encode()


def _checked(path: str) -> str:
    if not _SAFE_PATH.match(path):
        raise ValueError("a path must be percent-encoded")
    return path


def read(content_type: str, content: bytes) -> tuple[Reply, ...]:
    """The replies of a `$batch` response in order, those of changesets in line with the others.

    A changeset that failed has one reply for all of it. Raises ValueError for anything else than
    a multipart response.
    """
    head = f"Content-Type: {content_type}\r\n\r\n".encode("ascii", errors="replace")
    message = BytesParser().parsebytes(head + content)
    if not message.is_multipart():
        raise ValueError("not a batch response")
    return tuple(_reply(part) for part in _leaves(message))


def _leaves(message: "Message[Any, Any]") -> "Iterator[Message[Any, Any]]":
    for part in message.walk():
        if part.get_content_type() == "application/http":
            yield part


def _reply(part: "Message[Any, Any]") -> Reply:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        raise ValueError("not a batch response")  # one error for all of them
    status = _STATUS_LINE.match(raw.lstrip())
    if status is None:
        raise ValueError("not a batch response")
    rest = raw.lstrip()[status.end() :]
    head, _, body = _split(rest)
    headers = {}
    for line in head.splitlines():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    return Reply(int(status[1]), headers, body.strip())


def _split(rest: bytes) -> tuple[bytes, bytes, bytes]:
    """Headers, blank line, body; there may be no headers at all."""
    end = _END_OF_HEADERS.search(rest)
    if end is None:
        return rest, b"", b""
    return rest[: end.start()], end.group(), rest[end.end() :]
