"""infra/registration.py, run as azd runs it, against a stand-in of the two command lines."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.infra.fake_az import APP_ID

ROOT = Path(__file__).parents[2]
PRINCIPAL = "99999999-2222-4333-8444-555555555555"


class Tenant:
    def __init__(self, folder: Path) -> None:
        self._state = folder / "state.json"
        self._bin = folder / "bin"
        self._bin.mkdir()
        for name in ("az", "azd"):
            (self._bin / name).symlink_to(ROOT / "tests/infra/fake_az.py")
        (self._bin / "python3").symlink_to(sys.executable)

    def run(self, step: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "infra/registration.py"), step],
            env={"PATH": f"{self._bin}:{os.environ['PATH']}", "FAKE_AZ_STATE": str(self._state)}
            | {"AZURE_ENV_NAME": "test", "AZURE_TENANT_ID": "tenant", **env},
            capture_output=True,
            text=True,
            timeout=120,
        )

    def has(self, kind: str) -> list[dict[str, Any]]:
        state = json.loads(self._state.read_text()) if self._state.exists() else {}
        return list(state.get(kind, {}).values())


@pytest.fixture
def tenant(tmp_path: Path) -> Tenant:
    return Tenant(tmp_path)


def test_however_often_it_runs_there_is_one_application(tenant: Tenant) -> None:
    known = {"THREADLINE_CLIENT_ID": APP_ID, "THREADLINE_IDENTITY_PRINCIPAL_ID": PRINCIPAL}
    for _ in range(2):
        done = tenant.run("register", THREADLINE_CRM="dataverse")
        assert done.returncode == 0, done.stderr
        done = tenant.run("trust", **known, THREADLINE_ADDIN_URL="https://addin.example")
        assert done.returncode == 0, done.stderr
    (app,) = tenant.has("applications")
    (scope,) = app["api"]["oauth2PermissionScopes"]
    assert (scope["value"], scope["isEnabled"]) == ("access_as_user", True)
    assert app["identifierUris"] == [f"api://{APP_ID}"]
    assert app["spa"] == {"redirectUris": ["brk-multihub://addin.example"]}
    (credential,) = tenant.has("federatedIdentityCredentials")
    assert credential["subject"] == PRINCIPAL
    assert credential["issuer"] == "https://login.microsoftonline.com/tenant/v2.0"
    assert len(tenant.has("servicePrincipals")) == 1
    assert tenant.has("env") == [{"value": APP_ID}]


GRAPH = {"Mail.Read", "Mail.Read.Shared", "Calendars.Read", "Calendars.Read.Shared"}


def asked(tenant: Tenant) -> set[tuple[str, str]]:
    """The kind and id of each permission that the application asks for."""
    (app,) = tenant.has("applications")
    return {
        (one["type"], one["id"])
        for api in app["requiredResourceAccess"]
        for one in api["resourceAccess"]
    }


@pytest.mark.parametrize(
    ("crm", "more"), [("dataverse", {"user_impersonation"}), ("salesforce", set())]
)
def test_it_asks_for_reading_and_nothing_more(tenant: Tenant, crm: str, more: set[str]) -> None:
    assert tenant.run("register", THREADLINE_CRM=crm).returncode == 0
    assert asked(tenant) == {("Scope", f"id of {name}") for name in GRAPH | more}


@pytest.mark.parametrize(
    ("chosen", "wanted"),
    [
        ({"THREADLINE_CRM": "salesforce", "THREADLINE_BACKGROUND": "true"}, True),
        ({"THREADLINE_CRM": "salesforce", "THREADLINE_BACKGROUND": "false"}, False),
        ({"THREADLINE_CRM": "dataverse", "THREADLINE_BACKGROUND": "true"}, False),
        (
            {
                "THREADLINE_CRM": "salesforce",
                "THREADLINE_BACKGROUND": "true",
                "THREADLINE_SALESFORCE_USERNAME": "federation",
            },
            False,
        ),
    ],
)
def test_only_an_app_that_looks_up_users_asks_to_read_them(
    tenant: Tenant, chosen: dict[str, str], wanted: bool
) -> None:
    assert tenant.run("register", **chosen).returncode == 0
    roles = {id_ for kind, id_ in asked(tenant) if kind == "Role"}
    assert roles == ({"id of role User.Read.All"} if wanted else set())


def test_what_it_needs_no_more_it_gives_back(tenant: Tenant) -> None:
    for background in ("true", "false"):
        chosen = {"THREADLINE_CRM": "salesforce", "THREADLINE_BACKGROUND": background}
        assert tenant.run("register", **chosen).returncode == 0
    assert asked(tenant) == {("Scope", f"id of {name}") for name in GRAPH}


def test_it_says_what_is_missing(tenant: Tenant) -> None:
    done = tenant.run("register")
    assert done.returncode == 1
    assert "THREADLINE_CRM is not set" in done.stderr
