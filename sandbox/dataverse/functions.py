"""Functions and actions that belong to no table."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.dataverse import errors, metadata_calls, uploads
from sandbox.dataverse.answers import json_reply
from sandbox.dataverse.query import options_of, split
from sandbox.dataverse.sample import BUSINESS_UNIT, ORGANIZATION
from sandbox.dataverse.session import Call, Reply, Session
from sandbox.world import TENANT

VERSION = "9.2.25101.00150"

Function = Callable[[Session, Mapping[str, Any]], Mapping[str, Any]]
Action = Callable[[Session, Mapping[str, Any]], Reply]


def who_am_i(session: Session, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "BusinessUnitId": BUSINESS_UNIT,
        "UserId": session.caller.user,
        "OrganizationId": ORGANIZATION,
    }


def retrieve_version(session: Session, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"Version": VERSION}


def retrieve_current_organization(
    session: Session, arguments: Mapping[str, Any]
) -> Mapping[str, Any]:
    address = session.root.partition("/api/")[0]
    return {
        "Detail": {
            "OrganizationId": ORGANIZATION,
            "FriendlyName": "Contoso",
            "OrganizationVersion": VERSION,
            "EnvironmentId": ORGANIZATION,
            "TenantId": TENANT,
            "UniqueName": "contoso",
            "UrlName": "contoso",
            "State": "Enabled",
            "Endpoints": {
                "Count": 1,
                "IsReadOnly": False,
                "Keys": ["WebApplication"],
                "Values": [f"{address}/"],
            },
        }
    }


def check_promote_email(session: Session, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Reason 0 says that the message is in the CRM already; it does not matter who may see it."""
    wanted = str(arguments.get("MessageId", "")).casefold()
    known = session.rows.known("email", "messageid", (wanted,))
    duplicate = any(row.get("messageid", "").casefold() == wanted for row in known)
    return {"ShouldPromote": not duplicate, "ReasonCode": 0 if duplicate else 1}


FUNCTIONS: Mapping[str, Function] = {
    "WhoAmI": who_am_i,
    "RetrieveVersion": retrieve_version,
    "RetrieveCurrentOrganization": retrieve_current_organization,
    "CheckPromoteEmail": check_promote_email,
    "RetrieveMetadataChanges": lambda _, arguments: metadata_calls.changes(arguments),
}
ACTIONS: Mapping[str, Action] = {
    "InitializeAttachmentBlocksUpload": uploads.initialize,
    "UploadBlock": uploads.upload,
    "CommitAttachmentBlocksUpload": uploads.commit,
}


NAMES = frozenset(FUNCTIONS) | frozenset(ACTIONS)


def call_function(session: Session, name: str, arguments: Mapping[str, Any]) -> Reply:
    context = f"{session.root}/$metadata#Microsoft.Dynamics.CRM.{name}Response"
    return json_reply({"@odata.context": context, **FUNCTIONS[name](session, arguments)})


def arguments_of(text: str | None, call: Call) -> dict[str, Any]:
    """What stands in a function's brackets, with aliases (`@p1`) looked up in the query."""
    aliases = options_of(call.query)
    found: dict[str, Any] = {}
    for part in split(text or "", ","):
        name, equals, value = part.strip().partition("=")
        if not equals:
            continue
        if value.startswith("@"):
            if value not in aliases:
                raise errors.bad_query(f"The parameter alias '{value}' has no value.")
            value = aliases[value]
        found[name] = _literal(value.strip())
    return found


def _literal(text: str) -> Any:
    if text.startswith("'") and text.endswith("'"):
        return text[1:-1].replace("''", "'")
    try:
        return json.loads(text)
    except ValueError:
        return text
