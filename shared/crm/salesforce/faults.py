"""What Salesforce's errors mean for the person who asked. Pure.

The error's code counts first and the HTTP status second, since one code comes with several
statuses (UNABLE_TO_LOCK_ROW with 400 and 500). Salesforce's own message is never passed on: it may
quote values. Sources: REST API Developer Guide, "Status Codes and Error Responses"; Object
Reference, "Core Data Types", StatusCode.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from shared.crm.salesforce.composite import Reply
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

DUPLICATE_VALUE: Final = "DUPLICATE_VALUE"
DUPLICATES_DETECTED: Final = "DUPLICATES_DETECTED"
LOCKED: Final = "UNABLE_TO_LOCK_ROW"
LIMITED: Final = "REQUEST_LIMIT_EXCEEDED"
GONE: Final = frozenset({"ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY"})

_DEFAULT_WAIT: Final = 30.0
_LONG_WAIT: Final = 3600.0
"""The daily allowance is that of the last 24 hours; some of it comes back with every hour."""
_FIELD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}\Z")
_RULE: Final = re.compile(r"[A-Za-z0-9_]{1,80}\Z")


class SchemaChanged(Upstream):
    """Salesforce doesn't know an object or a field that we took for there."""


_NO_RIGHT: Final = frozenset(
    {
        "INSUFFICIENT_ACCESS",
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY_NO_ACCESS",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "API_DISABLED_FOR_ORG",
        "API_CURRENTLY_DISABLED",
        "FUNCTIONALITY_NOT_ENABLED",
        "OPERATION_NOT_ALLOWED",
    }
)
_VALUES: Final = frozenset(
    {
        "FIELD_INTEGRITY_EXCEPTION",
        "INVALID_EMAIL_ADDRESS",
        "INVALID_ID_FIELD",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "JSON_PARSER_ERROR",
        "MALFORMED_ID",
        "NUMBER_OUTSIDE_VALID_RANGE",
        "STRING_TOO_LONG",
        "INVALID_TYPE_ON_FIELD_IN_RECORD",
    }
)

_BY_CODE: Final[Mapping[str, Callable[[], ThreadlineError]]] = {
    "INVALID_SESSION_ID": lambda: Unauthenticated("Salesforce did not accept the sign-in."),
    "NOT_FOUND": lambda: _missing(),
    "ENTITY_IS_DELETED": lambda: _missing(),
    "INVALID_CROSS_REFERENCE_KEY": lambda: _missing(),
    LOCKED: lambda: Conflict("Salesforce is changing the same records at this moment; try again."),
    "SERVER_UNAVAILABLE": lambda: _down(),
    "QUERY_TIMEOUT": lambda: _down(),
    "STORAGE_LIMIT_EXCEEDED": lambda: Upstream(
        "Your Salesforce organisation has no storage left; an administrator has to make room."
    ),
    "INVALID_TYPE": lambda: _changed(),
    "INVALID_FIELD": lambda: _changed(),
    "MALFORMED_QUERY": lambda: Upstream("Salesforce did not understand a query."),
    DUPLICATE_VALUE: lambda: Conflict("Salesforce has a record with the same unique value."),
}

_BY_STATUS: Final[Mapping[int, Callable[[], ThreadlineError]]] = {
    401: lambda: Unauthenticated("Salesforce did not accept the sign-in."),
    403: lambda: Forbidden("Salesforce doesn't allow you to do this."),
    404: lambda: _missing(),
    409: lambda: Conflict("The same record is being changed at this moment."),
    412: lambda: Conflict("The record was changed meanwhile; try again."),
    413: lambda: TooLarge("This is more than Salesforce takes at once."),
    502: lambda: _down(),
    503: lambda: _down(),
    504: lambda: _down(),
}


def code(reply: Reply) -> str:
    """The first error's code; empty where the answer has none."""
    for error in reply.errors:
        found = error.get("errorCode") or error.get("statusCode")
        # With all-or-none, records without a fault are answered as rolled back.
        if found and found not in ("ALL_OR_NONE_OPERATION_ROLLED_BACK", "PROCESSING_HALTED"):
            return str(found)
    return ""


def is_momentary_limit(reply: Reply) -> bool:
    """Whether too many calls are under way at once, rather than too many were made today."""
    return code(reply) == LIMITED and any(
        "Concurrent" in str(error.get("message")) for error in reply.errors
    )


def fault(reply: Reply) -> ThreadlineError:
    """The error to raise for a reply that is not `ok`."""
    found = code(reply)
    if found == LIMITED or reply.status == 429:
        asked = retry_after(reply.headers, datetime.now(UTC))
        usual = _DEFAULT_WAIT if reply.status == 429 or is_momentary_limit(reply) else _LONG_WAIT
        return Throttled(
            "Your Salesforce organisation has used up its calls for now.",
            retry_after=usual if asked is None else asked,
        )
    if found in _NO_RIGHT:
        return _BY_STATUS[403]()
    if found == "REQUIRED_FIELD_MISSING":
        return InvalidRequest(f"Salesforce requires a value{_named(reply)}.")
    if found == "FIELD_CUSTOM_VALIDATION_EXCEPTION":
        return InvalidRequest(
            f"A validation rule of your Salesforce organisation refused the record{_named(reply)}."
        )
    if found == DUPLICATES_DETECTED:
        return Conflict(f"A duplicate rule of Salesforce{_rule(reply)} refused the record.")
    if found in _VALUES:
        return InvalidRequest(f"Salesforce refused a value{_named(reply)}.")
    if found in _BY_CODE:
        return _BY_CODE[found]()
    if reply.status in _BY_STATUS:
        return _BY_STATUS[reply.status]()
    what = f"status {reply.status}" + (f", {found}" if _RULE.match(found) else "")
    if reply.status >= 500:
        return Upstream(f"Salesforce failed ({what}).")
    return InvalidRequest(f"Salesforce refused the request ({what}).")


def _named(reply: Reply) -> str:
    """The fields in question, by Salesforce's names."""
    listed = [str(name) for error in reply.errors for name in error.get("fields") or ()]
    names = [name for name in dict.fromkeys(listed) if _FIELD.match(name)]
    return f" of {', '.join(names)}" if names else ""


def duplicate_detail(reply: Reply) -> Mapping[str, Any]:
    """What a duplicate rule found; empty where it doesn't say. On the wire the name is misspelt."""
    for error in reply.errors:
        for name in ("duplicateResut", "duplicateResult"):
            if isinstance(error.get(name), dict):
                detail: Mapping[str, Any] = error[name]
                return detail
    return {}


def _rule(reply: Reply) -> str:
    name = str(duplicate_detail(reply).get("duplicateRule") or "")
    return f" ({name})" if _RULE.match(name) else ""


def _missing() -> NotFound:
    return NotFound("Salesforce has no such record, or you may not see it.")


def _down() -> Unavailable:
    return Unavailable("Salesforce is not available.")


def _changed() -> SchemaChanged:
    return SchemaChanged(
        "Your Salesforce organisation lacks an object or a field that is needed, or hides it from "
        "you; an administrator has to look."
    )
