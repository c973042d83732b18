"""What Dataverse's errors mean for the person who asked. Pure.

The error's code counts first and the HTTP status second, since one code comes with several
statuses. Dataverse's own message is never passed on: it may quote addresses and bodies. Sources:
Microsoft Learn "Web service error codes", "Compose HTTP requests and handle errors", "Service
protection API limits".
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from shared.crm.dataverse.batch import Reply
from shared.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    ThreadlineError,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Upstream,
)
from shared.outbound import retry_after

DUPLICATE_KEY: Final = 0x80040237
NOT_THERE: Final = 0x80040217
TOO_BIG: Final = 0x80044A02
BLOCKED: Final = 0x80043E09
_INVALID: Final = frozenset({0x80044331, 0x8004431A, 0x8004432F})
"""Of a text that is too long, a choice that is none, a number out of range."""
_NO_RIGHT: Final = frozenset({0x80040220, 0x80042F09, 0x80048306})
_READ_ONLY: Final = 0x8004022E
_DUPLICATE_FOUND: Final = 0x80040333
_THROTTLED: Final = frozenset({0x80072321, 0x80072322, 0x80072326})
_SQL_TIMEOUT: Final = 0x80044151

_COLUMN: Final = re.compile(r"'([a-z][a-z0-9_]{0,99})' (?:attribute|on record)")
_DEFAULT_WAIT: Final = 30.0

_BY_STATUS: Final[Mapping[int, Callable[[], ThreadlineError]]] = {
    401: lambda: Unauthenticated("Dynamics 365 did not accept the sign-in."),
    403: lambda: Forbidden("Dynamics 365 doesn't allow you to do this."),
    404: lambda: NotFound("Dynamics 365 has no such record, or you may not see it."),
    409: lambda: Conflict("The same record is being changed at this moment."),
    412: lambda: Conflict("The record was changed meanwhile; try again."),
    413: lambda: TooLarge("This is more than Dynamics 365 takes at once."),
    502: lambda: Unavailable("Dynamics 365 is not available."),
    503: lambda: Unavailable("Dynamics 365 is not available."),
    504: lambda: Unavailable("Dynamics 365 is not available."),
}


def code(reply: Reply) -> int | None:
    """The error's number, whether it was written as `0x80040237` or as `-2147220937`."""
    error = reply.json.get("error")
    text = error.get("code") if isinstance(error, dict) else None
    try:
        return int(str(text), 0) & 0xFFFFFFFF
    except ValueError:
        return None


def fault(reply: Reply) -> ThreadlineError:
    """The error to raise for a reply that is not `ok`."""
    number = code(reply)
    if number in _THROTTLED or reply.status == 429:
        asked = retry_after(reply.headers, datetime.now(UTC))
        return Throttled(
            "Dynamics 365 asks to wait before the next try.",
            retry_after=_DEFAULT_WAIT if asked is None else asked,
        )
    if number in _NO_RIGHT:
        return _BY_STATUS[403]()
    if number == NOT_THERE:
        return _BY_STATUS[404]()
    if number == TOO_BIG:
        return TooLarge("Dynamics 365 takes no attachment of this size; its limit has changed.")
    if number == BLOCKED:
        return InvalidRequest(
            "Dynamics 365 takes no attachment of this type; its list has changed."
        )
    if number == _READ_ONLY:
        return Conflict("The record was closed meanwhile; try again.")
    if number in _INVALID:
        return InvalidRequest(_refused_value(reply))
    if number == _DUPLICATE_FOUND:
        return Conflict("A duplicate detection rule of Dynamics 365 refused the record.")
    if number == _SQL_TIMEOUT:
        return _BY_STATUS[503]()
    if reply.status in _BY_STATUS:
        return _BY_STATUS[reply.status]()
    if reply.status >= 500:
        return Upstream(f"Dynamics 365 failed ({_named(reply.status, number)}).")
    return InvalidRequest(f"Dynamics 365 refused the request ({_named(reply.status, number)}).")


def _refused_value(reply: Reply) -> str:
    """Names the column, which is Dataverse's word and not the user's."""
    found = _COLUMN.search(str(reply.json["error"].get("message", "")))
    if found is None:
        return "Dynamics 365 refused a value."
    return f"Dynamics 365 refused the value of {found[1]}."


def _named(status: int, number: int | None) -> str:
    return f"status {status}" if number is None else f"status {status}, code 0x{number:08x}"
