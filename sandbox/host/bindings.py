"""Turns what a function puts out into queue messages, and what listeners hand over into what its
trigger takes, as worker and host do together."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from azure.functions.queue import QueueMessage, QueueMessageOutConverter
from azure.functions.timer import TimerRequest


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


def argument(trigger: str, given: Mapping[str, Any]) -> QueueMessage | TimerRequest:
    """`trigger` is the binding's type; `given` is what its listener tells of the occasion."""
    if trigger == "timerTrigger":
        return TimerRequest(
            past_due=given["pastDue"],
            schedule={"AdjustForDST": True},
            schedule_status=given["status"],
        )
    return QueueMessage(
        id=given["id"],
        body=base64.b64decode(given["body"]),
        dequeue_count=given["dequeueCount"],
        expiration_time=_time(given["expirationTime"]),
        insertion_time=_time(given["insertionTime"]),
        time_next_visible=_time(given["timeNextVisible"]),
        pop_receipt=given["popReceipt"],
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


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
