"""Replies in the forms that the Web API uses."""

import json
from collections.abc import Mapping
from typing import Any

from sandbox.dataverse.errors import PAYLOAD_HELP, Refused
from sandbox.dataverse.preferences import Preferences
from sandbox.dataverse.represent import entity_id
from sandbox.dataverse.session import Reply, Session

_JSON = "application/json; odata.metadata=minimal"
_ERROR_DETAILS = "Microsoft.PowerApps.CDS"


def json_reply(
    body: Mapping[str, Any], preferences: Preferences | None = None, status: int = 200
) -> Reply:
    headers = {"Content-Type": _JSON, "OData-Version": "4.0"}
    if preferences and preferences.applied:
        headers["Preference-Applied"] = preferences.applied
    return Reply(status, json.dumps(body, ensure_ascii=False).encode(), headers)


def text_reply(text: str) -> Reply:
    return Reply(200, text.encode(), {"Content-Type": "text/plain", "OData-Version": "4.0"})


def empty_reply() -> Reply:
    return Reply(204, headers={"OData-Version": "4.0"})


def row_reply(session: Session, table: str, id_: str) -> Reply:
    """204 with the address of a row that was created or updated."""
    address = entity_id(session, table, id_)
    headers = {"OData-Version": "4.0", "Location": address, "OData-EntityId": address}
    return Reply(204, headers=headers, touched=(table, id_))


def error_reply(error: Refused, preferences: Preferences) -> Reply:
    """With include-annotations="*" the error carries its details, as in errors.json."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if preferences.annotations.wants(f"{_ERROR_DETAILS}.ErrorDetails.OperationStatus"):
        body |= {
            f"@{_ERROR_DETAILS}.HelpLink": PAYLOAD_HELP,
            f"@{_ERROR_DETAILS}.TraceText": "",
            f"@{_ERROR_DETAILS}.InnerError.Message": error.message,
        }
    reply = json_reply({"error": body}, status=error.status)
    return Reply(reply.status, reply.body, {**reply.headers, **error.headers})
