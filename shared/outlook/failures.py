"""Graph's refusals as our errors.

Shape and statuses: https://learn.microsoft.com/en-us/graph/errors. Graph's own words may hold
addresses, so only its error code goes on.
"""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from shared.errors import (
    Forbidden,
    NoMailbox,
    NotFound,
    ThreadlineError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Upstream,
)

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9.\-]{0,80}")
_NAMES_NOTHING = frozenset({"ErrorInvalidIdMalformed", "ErrorInvalidIdEmpty"})
_NO_MAILBOX = frozenset(
    {
        "ErrorInvalidUser",
        "ErrorNonExistentMailbox",
        "MailboxNotEnabledForRESTAPI",
        "MailboxNotSupportedForRESTAPI",
        "Request_ResourceNotFound",
        "ResourceNotFound",
    }
)
"""Answered by 404, as what was deleted is, but for the mailbox: one that has no licence or is being
moved has more than one of them (microsoft-graph-docs-contrib issue 4340)."""


def failure(status: int, body: Any, retry_after: float | None) -> ThreadlineError:
    """The error for an answer that is no success. `body` is parsed JSON, or None."""
    code = _code(body)
    if status == HTTPStatus.UNAUTHORIZED:
        return Unauthenticated("Outlook did not accept the sign-in. Sign in again.")
    if status == HTTPStatus.FORBIDDEN:
        return Forbidden("You may not open this in Outlook, or this app has not been allowed to.")
    if code in _NO_MAILBOX:
        return no_mailbox()
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE) or code in _NAMES_NOTHING:
        return NotFound(
            "This item is not in the mailbox: it was moved, deleted, or never there.",
            code="item_not_found",
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(
            "Outlook asks to wait.", retry_after=30 if retry_after is None else retry_after
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable("Outlook is not available.", retry_after=retry_after)
    return Upstream(f"Outlook answered {status}{f' ({code})' if code else ''}.")


def no_mailbox() -> NoMailbox:
    return NoMailbox("There is no such mailbox, or it can't be opened at this moment.")


def parsed(content: bytes) -> Any:
    """The JSON of an answer. Raises `Upstream` where it is none.

    Python's own parser is used, as it lets lone surrogates through to be cleaned; bytes that are
    no UTF-8 end as U+FFFD.
    """
    try:
        return json.loads(content.decode("utf-8", "replace"))
    except ValueError:
        raise Upstream("Outlook's answer could not be read.") from None


def parsed_if_json(content: bytes) -> Any:
    """As `parsed`, but None where it is no JSON."""
    try:
        return parsed(content)
    except Upstream:
        return None


def _code(body: Any) -> str:
    error = body.get("error") if isinstance(body, Mapping) else None
    code = error.get("code") if isinstance(error, Mapping) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""
