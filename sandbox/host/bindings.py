"""Turns what a function puts out into queue messages, and back, as worker and host do together."""

import base64
import json
from typing import Any

from azure.functions.queue import QueueMessageOutConverter


class UndecodableMessage(Exception):
    """A queue message isn't in the encoding that host.json names."""


def messages(value: object) -> list[bytes]:
    """The queue messages of one output value.

    The worker turns str, bytes, QueueMessage or a list of them into typed data; the host then
    makes one message of each element of a JSON array, also of one that came as a string.
    Raises NotImplementedError for any other value, as the worker does.
    """
    datum = QueueMessageOutConverter.encode(value, expected_type=None)
    if datum.type == "bytes":
        return [datum.value]
    parsed = _json(datum.value)
    if isinstance(parsed, list):
        return [_body(element) for element in parsed]
    return [_body(parsed) if datum.type == "json" else datum.value.encode()]


def encode(body: bytes, *, base64_text: bool) -> str:
    return base64.b64encode(body).decode() if base64_text else body.decode()


def decode(content: str, *, base64_text: bool) -> bytes:
    """Raises UndecodableMessage."""
    if not base64_text:
        return content.encode()
    try:
        return base64.b64decode(content, validate=True)
    except ValueError:
        raise UndecodableMessage("not base64") from None


def _json(text: str) -> Any:
    if not text.lstrip().startswith(("[", "{")):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def _body(element: Any) -> bytes:
    """`{"id", "body"}` is how the worker writes a QueueMessage: its body is the message."""
    if isinstance(element, dict) and set(element) == {"id", "body"}:
        return str(element["body"]).encode()
    return (element if isinstance(element, str) else json.dumps(element)).encode()
