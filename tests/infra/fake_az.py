#!/usr/bin/env python3
"""Stands in for `az rest` and `azd env set`: keeps what Entra ID and azd would, in one file."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

APP_ID = "11111111-2222-4333-8444-555555555555"
OFFERED = {
    "00000003-0000-0000-c000-000000000000": (
        *("Mail.Read", "Mail.Read.Shared", "Mail.ReadWrite"),
        *("Calendars.Read", "Calendars.Read.Shared", "User.Read.All"),
    ),
    "00000007-0000-0000-c000-000000000000": ("user_impersonation",),
}
ROLES = ("Mail.Read", "Calendars.Read", "User.Read.All", "Mail.ReadWrite")
"""Application permissions of Microsoft Graph: other ids than the delegated ones of those names."""

Row = dict[str, Any]


def main() -> None:
    kept = Path(os.environ["FAKE_AZ_STATE"])
    state: dict[str, dict[str, Row]] = json.loads(kept.read_text()) if kept.exists() else {}
    arguments = sys.argv[1:]
    if Path(sys.argv[0]).name == "azd":
        _, _, name, value = arguments
        state.setdefault("env", {})[name] = {"value": value}
    else:
        print(json.dumps(rest(state, arguments)))
    kept.write_text(json.dumps(state))


def rest(state: dict[str, dict[str, Row]], arguments: list[str]) -> Row:
    url = urlsplit(arguments[arguments.index("--url") + 1])
    path = url.path.removeprefix("/v1.0/")
    kind, key, value = _address(path)
    rows = state.setdefault(kind, {})
    found = next((row for row in rows.values() if row.get(key) == value), None)
    if kind == "servicePrincipals" and value in OFFERED:
        scopes = [{"value": name, "id": f"id of {name}"} for name in OFFERED[value]]
        roles = [{"value": name, "id": f"id of role {name}"} for name in ROLES]
        return {"oauth2PermissionScopes": scopes, "appRoles": roles}
    if "patch" not in arguments:
        return found if found else sys.exit("404 Not Found")
    body = json.loads(arguments[arguments.index("--body") + 1])
    if found is None:
        if "Prefer=create-if-missing" not in arguments:
            sys.exit("404 Not Found")
        found = {"id": f"{kind} {len(rows)}", "appId": APP_ID, key: value}
        rows[found["id"]] = found
    found.update(body)
    return found


def _address(path: str) -> tuple[str, str, str]:
    """`things(key='value')` or `things/id`, the last of a path."""
    by_key = re.fullmatch(r"(?:.*/)?(\w+)\((\w+)='([^']+)'\)", path)
    if by_key:
        return by_key[1], by_key[2], by_key[3]
    kind, _, id_ = path.rpartition("/")
    return kind, "id", id_


if __name__ == "__main__":
    main()
