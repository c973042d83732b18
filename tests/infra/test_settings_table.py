"""Settings are told alike by the code, the deployment page and the example for one machine."""

import json
import re
from pathlib import Path

import pytest

from tools.settings_table import BEGIN, PAGE, all_settings, page_with, table

ROOT = Path(__file__).parents[2]
FOR_THE_HOST = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"}
FOR_LIBRARIES = {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}


def test_the_page_has_the_table_as_it_is_now() -> None:
    page = PAGE.read_text("utf-8")
    assert page_with(table(), page) == page, "run python -m tools.settings_table"


def test_a_page_that_drifts_is_found_out() -> None:
    page = PAGE.read_text("utf-8")
    broken = page.replace("| `THREADLINE_PATIENCE` | `20.0`", "| `THREADLINE_PATIENCE` | `30.0`")
    assert broken != page
    assert page_with(table(), broken) != broken


def test_only_what_is_between_the_marks_is_replaced() -> None:
    assert page_with("new", f"a {BEGIN} old <!-- settings: end --> z") == (
        f"a {BEGIN}\nnew\n<!-- settings: end --> z"
    )


def example() -> dict[str, str]:
    values: dict[str, str] = json.loads((ROOT / "local.settings.example.json").read_text("utf-8"))[
        "Values"
    ]
    return values


def test_the_example_holds_only_settings_that_somebody_reads() -> None:
    known = {one.name for one in all_settings()} | FOR_THE_HOST | FOR_LIBRARIES
    overrides = "AzureFunctionsJobHost__"  # of host.json, by the host's own rule
    assert [name for name in example().keys() - known if not name.startswith(overrides)] == []


@pytest.mark.parametrize("crm", ["dataverse", "salesforce"])
def test_the_example_leaves_out_nothing_that_is_required(crm: str) -> None:
    required = {one.name for one in all_settings() if one.required and one.crm in ("", crm)}
    assert required <= example().keys()


def test_every_setting_is_named_once_and_described() -> None:
    settings = all_settings()
    assert len({one.name for one in settings}) == len(settings) > 20
    assert not [one.name for one in settings if not one.description.endswith((".", ")"))]


def test_what_the_page_asks_people_to_set_can_be_chosen() -> None:
    file = json.loads((ROOT / "infra/main.parameters.json").read_text("utf-8"))["parameters"]
    chosen = " ".join(one["value"] for one in file.values())
    page = PAGE.read_text("utf-8")
    asked = set(re.findall(r"(?:azd env set|`)\s?(THREADLINE_\w+)[ =](?!`)", page))
    told = set(re.findall(r"azd env get-value (\w+)", page))
    outputs = set(
        re.findall(r"^output (\w+)", (ROOT / "infra/main.bicep").read_text("utf-8"), re.M)
    )
    assert {name for name in asked if f"{{{name}" not in chosen} == set()
    assert told <= outputs | {"THREADLINE_CLIENT_ID"}


def test_the_sites_headers_allow_only_what_the_pane_needs() -> None:
    headers = json.loads((ROOT / "infra/addin/staticwebapp.config.json").read_text("utf-8"))[
        "globalHeaders"
    ]
    policy = dict(
        part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert policy["script-src"] == "'self' https://appsforoffice.microsoft.com"
    assert policy["connect-src"].split() == [
        "'self'",
        "https://{api-host}",
        "https://login.microsoftonline.com",
    ]
    assert "*" not in policy["frame-ancestors"]
    assert headers["X-Content-Type-Options"] == "nosniff"
