"""infra/ has no syntax error, names only what there is in Azure, and keeps its own rules.

That is not a compilation: `bicep build` runs where there is one, and reports itself as skipped
elsewhere.
"""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from shared import notifications
from shared.ledger import TABLES
from shared.saving import queueing
from tests.deployment import FUNCTIONS
from tests.infra import azure_types, names, rules
from tests.infra.rules import Infrastructure, at, infrastructure
from tools import package
from tools.settings_table import all_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def infra() -> Infrastructure:
    return infrastructure(ROOT / "infra")


def problems(infra: Infrastructure) -> list[str]:
    found = list(rules.problems(infra, all_settings()))
    for template in infra.templates.values():
        found += template.syntax_errors
        found += azure_types.problems(template)
        found += names.problems(template, infra.templates)
    return found


def test_nothing_is_wrong_with_it(infra: Infrastructure) -> None:
    assert problems(infra) == []


BROKEN = {
    "syntax": ("app/addin.bicep", "name: name\n", "name: name name\n", "addin.bicep:"),
    "wrong property": (
        "app/functions.bicep",
        "perInstanceConcurrency",
        "perInstanceConcurency",
        "has no property 'perInstanceConcurency'",
    ),
    "wrong type": (
        "app/vault.bicep",
        "softDeleteRetentionInDays: 7",
        "softDeleteRetentionInDays: '7'",
        "is no int",
    ),
    "wrong literal": ("app/storage.bicep", "'TLS1_2'", "'TLS12'", "is none of"),
    "read-only property": (
        "app/identity.bicep",
        "tags: tags\n}",
        "tags: tags\n  properties: { principalId: name }\n}",
        "properties can't be set",
    ),
    "missing property": ("app/addin.bicep", "  location: location\n", "", "location is required"),
    "wrong property read": (
        "app/addin.bicep",
        "defaultHostname",
        "defaultHostName",
        "has no property 'defaultHostName'",
    ),
    "old version": (
        "app/addin.bicep",
        "staticSites@2024-11-01",
        "staticSites@2019-08-01",
        "no such type",
    ),
    "wrong resource name": (
        "app/functions.bicep",
        "name: 'appsettings'",
        "name: 'appsetings'",
        "there is no Microsoft.Web/sites/config@2024-11-01#appsetings",
    ),
    "unknown name": ("app/addin.bicep", "tags: tags", "tags: tag", "unknown name 'tag'"),
    "unknown function": ("main.bicep", "uniqueString(", "uniqString(", "unknown function"),
    "missing module parameter": (
        "main.bicep",
        "    email: alertEmail\n",
        "",
        "'email' is required",
    ),
    "wrong output": (
        "main.bicep",
        "identity.outputs.principalId",
        "identity.outputs.principal",
        "no output",
    ),
    "missing role": (
        "app/rbac.bicep",
        "scope: insights",
        "scope: storage",
        "appPrincipalId lacks monitoringMetricsPublisher on insights",
    ),
    "too much of a role": (
        "app/rbac.bicep",
        "roles.keyVaultSecretsUser)\n  }",
        "roles.keyVaultSecretsOfficer)\n  }",
        "appPrincipalId must not have keyVaultSecretsOfficer on vault",
    ),
    "wrong role id": (
        "app/rbac.bicep",
        "b7e6dc6d",
        "b7e6dc6e",
        "is not the id of storageBlobDataOwner",
    ),
    "shared key": (
        "app/storage.bicep",
        "allowSharedKeyAccess: false",
        "allowSharedKeyAccess: true",
        "allowSharedKeyAccess must be False",
    ),
    "key in a setting": (
        "app/functions.bicep",
        "AzureWebJobsStorage__accountName: storageName",
        "AzureWebJobsStorage: 'AccountKey=${storageName}'",
        "AzureWebJobsStorage must be identity-based",
    ),
    "key asked for": (
        "app/storage.bicep",
        "output name string = account.name",
        "output name string = account.listKeys().keys[0].value",
        "a key is asked for: listKeys",
    ),
    "secret in a setting": (
        "app/functions.bicep",
        "'@Microsoft.KeyVault(SecretUri=${salesforceKeyUri})'",
        "salesforceKeyUri",
        "THREADLINE_SALESFORCE_PRIVATE_KEY must be a Key Vault reference",
    ),
    "old TLS": (
        "app/functions.bicep",
        " minTlsVersion: '1.2'",
        " minTlsVersion: '1.1'",
        "minTlsVersion must be '1.2'",
    ),
    "property that Flex Consumption refuses": (
        "app/functions.bicep",
        "      http20Enabled: true\n",
        "      http20Enabled: true\n      ftpsState: 'Disabled'\n",
        "app: Flex Consumption refuses ftpsState",
    ),
    "setting that Flex Consumption refuses": (
        "app/functions.bicep",
        "      THREADLINE_CRM: crm\n",
        "      THREADLINE_CRM: crm\n      FUNCTIONS_WORKER_RUNTIME: 'python'\n",
        "app: Flex Consumption refuses FUNCTIONS_WORKER_RUNTIME",
    ),
    "setting that nobody reads": (
        "app/functions.bicep",
        "THREADLINE_PATIENCE:",
        "THREADLINE_PATIENCES:",
        "nobody reads THREADLINE_PATIENCES",
    ),
    "setting left out": (
        "app/functions.bicep",
        "THREADLINE_AUDIENCE: audience",
        "",
        "THREADLINE_AUDIENCE is set neither",
    ),
    "default that isn't the code's": (
        "main.bicep",
        "salesforceMaxFileMb int = 100",
        "salesforceMaxFileMb int = 50",
        "salesforceMaxFileMb's default is not that of THREADLINE_SALESFORCE_MAX_FILE_MB",
    ),
    "parameter without a word": (
        "main.bicep",
        "'Optional. What the deployer is.'",
        "'What it is.'",
        "must begin with",
    ),
    "parameter that can't be chosen": (
        "main.parameters.json",
        '"crm"',
        '"crn"',
        "there is no parameter crn",
    ),
    "default that drifts": (
        "main.bicep",
        "httpConcurrency int = 32",
        "httpConcurrency int = 16",
        "default of httpConcurrency",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_copy_is_found_out(case: str, tmp_path: Path) -> None:
    path, old, new, expected = BROKEN[case]
    folder = tmp_path / "infra"
    shutil.copytree(ROOT / "infra", folder)
    file = folder / path
    whole = file.read_text("utf-8")
    assert old in whole
    file.write_text(whole.replace(old, new, 1), "utf-8")
    assert [one for one in problems(infrastructure(folder)) if expected in one]


def test_the_python_that_runs_is_the_python_that_is_packaged(infra: Infrastructure) -> None:
    (app,) = infra.resources(rules.SITE)
    version = at(app.body, "properties.functionAppConfig.runtime.version")
    assert version == package.PYTHON
    lock = (ROOT / "requirements.txt").read_text("utf-8")
    assert re.search(rf"^azure-functions==2\..* ; python_full_version >= '{version}'$", lock, re.M)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert SpecifierSet(project["requires-python"]).contains(version)


def test_the_bindings_come_from_a_bundle_that_knows_identities() -> None:
    host = json.loads((ROOT / "host.json").read_text("utf-8"))
    assert host["version"] == "2.0"
    assert re.match(r"\[4\.\*", host["extensionBundle"]["version"])


def test_a_request_s_patience_ends_before_the_host_and_azures_front_door_do() -> None:
    """https://learn.microsoft.com/en-us/azure/azure-functions/functions-scale: 230 s for HTTP."""
    host = json.loads((ROOT / "host.json").read_text("utf-8"))
    hours, minutes, seconds = (int(part) for part in host["functionTimeout"].split(":"))
    largest = re.search(
        r"@maxValue\((\d+)\)\nparam patienceSeconds", (ROOT / "infra/main.bicep").read_text("utf-8")
    )
    assert largest
    assert int(largest[1]) < min(230, hours * 3600 + minutes * 60 + seconds)


def test_graph_is_told_the_address_that_the_app_really_has(infra: Infrastructure) -> None:
    """A Flex Consumption app's host name may differ from its name, so only the app knows it."""
    host = json.loads((ROOT / "host.json").read_text("utf-8"))
    prefix = host["extensions"]["http"]["routePrefix"]
    given = infra.app_settings["THREADLINE_CALLBACK_URL"]
    own, nothing = given.options
    assert own.text == f"'https://${{app.properties.defaultHostName}}/{prefix}'"
    assert nothing == ""
    text = infra.templates["app/functions.bicep"].path.read_text("utf-8")
    assert "THREADLINE_CALLBACK_URL: background ? 'https" in text


def test_the_queues_are_made_that_the_app_names_and_binds(infra: Infrastructure) -> None:
    made = set(infra.templates["app/storage.bicep"].parameters["queueNames"].default)
    bound = {
        binding.get_dict_repr()["queueName"].removesuffix("-poison")
        for function in FUNCTIONS
        for binding in function.get_bindings()
        if "queueName" in binding.get_dict_repr()
    }
    assert made == bound == {notifications.QUEUE, queueing.QUEUE}


def test_the_ledger_s_tables_are_made(infra: Infrastructure) -> None:
    assert infra.templates["app/storage.bicep"].parameters["tableNames"].default == list(TABLES)


@pytest.mark.skipif(not shutil.which("bicep"), reason="bicep is not on PATH")
def test_bicep_itself_compiles_it() -> None:
    command = ["bicep", "build", str(ROOT / "infra/main.bicep"), "--stdout"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert "Warning" not in ended.stderr
