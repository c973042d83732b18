"""What is logged: one line of JSON a call, ids and counts only; and a guard for every other line.

A line holds `event`, `correlation_id`, `outcome` (an HTTP status or a problem's code),
`duration_ms` and what the call noted: `kind`, `crm`, counts. It is JSON in the message, since
that is all of a record that the Functions host passes on, and KQL reads it with `parse_json`.
"""

import json
import logging
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Any
from uuid import uuid4

log = logging.getLogger("threadline")

Scalar = str | int | float | bool | None

_VALID_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_CHATTY = ("azure", "httpx", "httpcore", "hpack", "msal", "urllib3")
_LONGEST = 8192


@dataclass(slots=True)
class _Call:
    """One call while it is answered; `notes` are what its log line will hold."""

    correlation_id: str
    notes: dict[str, Scalar] = field(default_factory=dict)


_current: ContextVar[_Call | None] = ContextVar("call", default=None)


@contextmanager
def call(operation: str, correlation_id: str | None) -> Iterator[None]:
    """Everything inside belongs to this call; its line is logged at the end.

    A correlation id that isn't 1 to 64 letters, digits, dots, dashes or underscores is not taken
    over but replaced, so that nothing can be smuggled into headers or logs with it.
    """
    valid = correlation_id is not None and _VALID_ID.fullmatch(correlation_id)
    here = _Call(correlation_id if valid and correlation_id else uuid4().hex)
    token = _current.set(here)
    started = monotonic()
    try:
        yield
    finally:
        duration = round((monotonic() - started) * 1000, 1)
        event(operation, duration_ms=duration, **here.notes)
        _current.reset(token)


def correlation_id() -> str:
    """That of the call being answered, empty outside of one."""
    here = _current.get()
    return here.correlation_id if here else ""


def note(**fields: Scalar) -> None:
    """Adds to the log line of the call being answered: ids, counts and words of ours only."""
    here = _current.get()
    if here:
        here.notes.update(fields)


def event(name: str, **fields: Scalar) -> None:
    """Logs one line of its own."""
    log.info(_line(name, fields))


def warning(name: str, **fields: Scalar) -> None:
    """Logs one line of its own that somebody should look at."""
    log.warning(_line(name, fields))


def fault(name: str, error: BaseException, **fields: Scalar) -> None:
    """Logs an error nobody foresaw with its stack, but without its message, which may hold data."""
    fields["error"] = type(error).__name__
    log.error(_line(name, fields), exc_info=error)


def _line(name: str, fields: dict[str, Scalar]) -> str:
    whole: dict[str, Any] = {"event": name, "correlation_id": correlation_id(), **fields}
    return json.dumps(whole)


_ADDRESS = re.compile(r"[^\s@<>\"'(),;:=/]{1,64}(?:@|%40)[A-Za-z0-9-][A-Za-z0-9.-]{0,252}")
_TOKEN = re.compile(r"eyJ[\w-]{5,}(?:\.[\w-]*){0,4}|(?i:bearer)\s+[\w.~+/=-]{8,}", re.ASCII)
_QUERY = re.compile(r"(https?://[^\s?\"']{1,2048})\?[^\s\"']*")


def redact(text: str) -> str:
    """The text without addresses, tokens and query strings: the last line of defence.

    Far too long a text is cut, so that no one can make this slow.
    """
    text = text[:_LONGEST]
    text = _QUERY.sub(r"\1?<query>", text)
    text = _TOKEN.sub("<token>", text)
    return _ADDRESS.sub("<address>", text)


_guarding = Lock()


def guard() -> None:
    """From now on every log record of this process, whoever made it, is redacted when made, and
    holds of an exception its type and stack but not its message. Calling it again does nothing.
    """
    with _guarding:
        inner = logging.getLogRecordFactory()
        if isinstance(inner, _Guard):
            return
        logging.setLogRecordFactory(_Guard(inner))
        for name in _CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)


class _Guard:
    """A record factory: filters of loggers don't see what lower loggers hand up, this sees all."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record: logging.LogRecord = self._inner(*args, **kwargs)
        record.msg = redact(_message(record))
        record.args = ()
        if record.exc_info and record.exc_info[1]:
            record.exc_text = _stack(record.exc_info[1])
            record.exc_info = None
        return record


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):  # arguments that don't fit their format
        return f"unreadable log message at {record.pathname}:{record.lineno}"


def _stack(error: BaseException) -> str:
    """Types and frames of the error, of those that led to it and of those it groups, it last."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    grouped = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return "".join(
        (
            _stack(before) if before else "",
            *(_stack(one) for one in grouped),
            *traceback.format_tb(error.__traceback__),
            f"{type(error).__module__}.{type(error).__qualname__}\n",
        )
    )
