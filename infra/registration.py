#!/usr/bin/env python3
"""The app registration in Entra ID, by the Azure CLI's sign-in; running it again changes nothing.

`register` (before provisioning) makes the application with its scope `access_as_user` and the
permissions that it asks for, its service principal, and tells azd its client id. They are delegated
ones; the only application permission is `User.Read.All`, where the app works on without people and
looks up their Salesforce usernames. What mailboxes it may read without people is not for Entra ID
to say, which knows only all of them, but for Exchange.
`trust` (after provisioning) lets the managed identity sign for the application, and the add-in's
site ask for tokens by nested app authentication. Nobody consents to anything here: what an
administrator does, and which permission is for what, is in docs/deploying.md.

It needs az and azd on PATH, and the right to make app registrations (Application Developer).
"""

import json
import os
import subprocess
import sys
import uuid
from typing import Any
from urllib.parse import urlsplit

GRAPH = "https://graph.microsoft.com/v1.0"
DATAVERSE = "00000007-0000-0000-c000-000000000000"
MICROSOFT_GRAPH = "00000003-0000-0000-c000-000000000000"
DELEGATED = {
    MICROSOFT_GRAPH: ("Mail.Read", "Mail.Read.Shared", "Calendars.Read", "Calendars.Read.Shared"),
    DATAVERSE: ("user_impersonation",),
}
LOOKING_UP_USERS = ("User.Read.All",)
SCOPE = "access_as_user"


def main() -> None:
    steps = {"register": register, "trust": trust}
    if len(sys.argv) != 2 or sys.argv[1] not in steps:
        sys.exit(__doc__)
    steps[sys.argv[1]]()


def register() -> None:
    name = f"threadline-{_setting('AZURE_ENV_NAME')}"
    upsert = f"/applications(uniqueName='{name}')"
    _patch(upsert, {"displayName": name, "signInAudience": "AzureADMyOrg"}, make=True)
    found = _get(f"{upsert}?$select=id,appId")
    app_id = found["appId"]
    _patch(
        f"/applications/{found['id']}",
        {
            "identifierUris": [f"api://{app_id}"],
            "api": {"requestedAccessTokenVersion": 2, "oauth2PermissionScopes": [_scope(app_id)]},
            "requiredResourceAccess": _wanted(),
        },
    )
    _patch(f"/servicePrincipals(appId='{app_id}')", {"displayName": name}, make=True)
    _run("azd", "env", "set", "THREADLINE_CLIENT_ID", app_id)
    print(f"{name} is application {app_id}. An administrator consents with:")
    print(f"  az ad app permission admin-consent --id {app_id}")


def trust() -> None:
    app_id = _setting("THREADLINE_CLIENT_ID")
    application = f"/applications(appId='{app_id}')"
    id_ = _get(f"{application}?$select=id")["id"]
    _patch(
        f"/applications/{id_}/federatedIdentityCredentials(name='managed-identity')",
        {
            "issuer": f"https://login.microsoftonline.com/{_setting('AZURE_TENANT_ID')}/v2.0",
            "subject": _setting("THREADLINE_IDENTITY_PRINCIPAL_ID"),
            "audiences": ["api://AzureADTokenExchange"],
        },
        make=True,
    )
    host = urlsplit(_setting("THREADLINE_ADDIN_URL")).netloc
    _patch(f"/applications/{id_}", {"spa": {"redirectUris": [f"brk-multihub://{host}"]}})


def _wanted() -> list[dict[str, Any]]:
    """What this deployment needs, by API; running it again takes back what it needs no more."""
    apis = [MICROSOFT_GRAPH, *([DATAVERSE] if _setting("THREADLINE_CRM") == "dataverse" else [])]
    roles = {MICROSOFT_GRAPH: LOOKING_UP_USERS} if _looks_up_users() else {}
    return [_access(api, DELEGATED[api], roles.get(api, ())) for api in apis]


def _looks_up_users() -> bool:
    """In the background, people are known by their object id, and Salesforce by their username,
    unless it knows the object id as their Federation ID."""
    return (
        _setting("THREADLINE_CRM") == "salesforce"
        and _chosen("THREADLINE_BACKGROUND").casefold() == "true"
        and _chosen("THREADLINE_SALESFORCE_USERNAME") != "federation"
    )


def _scope(app_id: str) -> dict[str, Any]:
    """The same id each time: replacing a scope that is in use is refused."""
    return {
        "id": str(uuid.uuid5(uuid.UUID(app_id), SCOPE)),
        "value": SCOPE,
        "type": "User",
        "isEnabled": True,
        "userConsentDisplayName": "Save mail and meetings to the CRM",
        "userConsentDescription": "Threadline reads what you save, and saves it as you.",
        "adminConsentDisplayName": "Save mail and meetings to the CRM",
        "adminConsentDescription": "Threadline reads what a person saves, and saves it as them.",
    }


def _access(api: str, scopes: tuple[str, ...], roles: tuple[str, ...]) -> dict[str, Any]:
    """The ids of permissions differ from API to API, so they are asked for."""
    offered = _get(f"/servicePrincipals(appId='{api}')?$select=oauth2PermissionScopes,appRoles")
    access = [
        *_ids("Scope", scopes, offered["oauth2PermissionScopes"]),
        *_ids("Role", roles, offered["appRoles"]),
    ]
    return {"resourceAppId": api, "resourceAccess": access}


def _ids(kind: str, names: tuple[str, ...], offered: list[dict[str, Any]]) -> list[dict[str, str]]:
    ids = {one["value"]: one["id"] for one in offered}
    missing = [name for name in names if name not in ids]
    if missing:
        sys.exit(f"This tenant offers no permission {', '.join(missing)} ({kind}).")
    return [{"id": ids[name], "type": kind} for name in names]


def _chosen(name: str) -> str:
    """Empty where nobody chose. azd hands its environment to hooks."""
    return os.environ.get(name, "")  # noqa: TID251


def _setting(name: str) -> str:
    value = _chosen(name)
    if not value:
        sys.exit(f"{name} is not set: `azd env set {name} …`.")
    return value


def _get(path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_rest("get", path))
    return found


def _patch(path: str, body: dict[str, Any], *, make: bool = False) -> None:
    """`make`: what isn't there yet is made
    (https://learn.microsoft.com/en-us/graph/api/application-upsert)."""
    headers = ["Content-Type=application/json", *(["Prefer=create-if-missing"] if make else [])]
    _rest("patch", path, "--headers", *headers, "--body", json.dumps(body))


def _rest(method: str, path: str, *more: str) -> str:
    return _run("az", "rest", "--method", method, "--url", f"{GRAPH}{path}", *more)


def _run(*command: str) -> str:
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if ended.returncode:
        sys.exit(f"{' '.join(command[:5])} failed.")
    return ended.stdout


if __name__ == "__main__":
    main()
