"""What must hold of infra/ beyond names and types: no keys, no secrets, TLS, roles, settings."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.infra.template import (
    Choice,
    Expression,
    Loop,
    Resource,
    Template,
    read,
    text,
    value,
    walk,
)
from tools.settings_table import NOT_IN_AZURE, Setting

STORAGE = "Microsoft.Storage/storageAccounts"
SITE = "Microsoft.Web/sites"

ROLE_IDS = {
    "storageBlobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "storageBlobDataContributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "storageQueueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "storageTableDataContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "monitoringMetricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "keyVaultSecretsUser": "4633458b-17de-408a-b874-0445c86b69e6",
    "keyVaultSecretsOfficer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
}
"""https://learn.microsoft.com/en-us/azure/role-based-access-control/built-in-roles, compared with
MicrosoftDocs/azure-docs articles/role-based-access-control/built-in-roles.md (commit 00a58329)."""

ASSIGNED = {
    ("appPrincipalId", "storageBlobDataOwner", "storage"),
    ("appPrincipalId", "storageQueueDataContributor", "storage"),
    ("appPrincipalId", "storageTableDataContributor", "storage"),
    ("appPrincipalId", "monitoringMetricsPublisher", "insights"),
    ("appPrincipalId", "keyVaultSecretsUser", "vault"),
    ("deployerPrincipalId", "storageBlobDataContributor", "policy"),
    ("deployerPrincipalId", "keyVaultSecretsOfficer", "vault"),
}
"""Who gets which role where: all of it, and no more."""

REQUIRED_VALUES: tuple[tuple[str, str, Any], ...] = (
    (STORAGE, "properties.allowSharedKeyAccess", False),
    (STORAGE, "properties.allowBlobPublicAccess", False),
    (STORAGE, "properties.minimumTlsVersion", "TLS1_2"),
    (STORAGE, "properties.supportsHttpsTrafficOnly", True),
    (f"{STORAGE}/blobServices/containers", "properties.publicAccess", "None"),
    (SITE, "properties.httpsOnly", True),
    (SITE, "properties.siteConfig.minTlsVersion", "1.2"),
    (SITE, "properties.siteConfig.scmMinTlsVersion", "1.2"),
    (SITE, "properties.siteConfig.cors.supportCredentials", False),
    (SITE, "identity.type", "UserAssigned"),
    (
        SITE,
        "properties.functionAppConfig.deployment.storage.authentication.type",
        "UserAssignedIdentity",
    ),
    (SITE, "properties.functionAppConfig.runtime.name", "python"),
    (f"{SITE}/basicPublishingCredentialsPolicies", "properties.allow", False),
    ("Microsoft.Web/serverfarms", "sku.tier", "FlexConsumption"),
    ("Microsoft.KeyVault/vaults", "properties.enableRbacAuthorization", True),
    ("Microsoft.KeyVault/vaults", "properties.enablePurgeProtection", True),
    ("Microsoft.Insights/components", "properties.DisableLocalAuth", True),
    ("Microsoft.OperationalInsights/workspaces", "properties.features.disableLocalAuth", True),
)

REFUSED_BY_FLEX = {
    *("ftpsState", "alwaysOn", "use32BitWorkerProcess", "linuxFxVersion", "windowsFxVersion"),
    *("netFrameworkVersion", "javaVersion", "powerShellVersion", "functionAppScaleLimit"),
    "preWarmedInstanceCount",
    *(
        "FUNCTIONS_WORKER_RUNTIME",
        "FUNCTIONS_WORKER_RUNTIME_VERSION",
        "FUNCTIONS_EXTENSION_VERSION",
    ),
    *("FUNCTIONS_WORKER_PROCESS_COUNT", "FUNCTIONS_MAX_HTTP_CONCURRENCY"),
    *("WEBSITE_CONTENTAZUREFILECONNECTIONSTRING", "WEBSITE_CONTENTSHARE"),
    *("WEBSITE_RUN_FROM_PACKAGE", "SCM_DO_BUILD_DURING_DEPLOYMENT", "ENABLE_ORYX_BUILD"),
}
"""Properties of a site and settings that the types know and a deployment on Flex Consumption may
fail for: https://learn.microsoft.com/en-us/azure/azure-functions/functions-app-settings#flex-consumption-plan-deprecations"""

_KEYS = re.compile(r"\blist(Keys|AccountSas|ServiceSas|Secrets)\b|AccountKey=|SharedAccess", re.I)
_SECRETIVE = re.compile(r"SECRET|PASSWORD|_KEY$|PRIVATE", re.I)
_CHOSEN = re.compile(r"\$\{[A-Z_]+(?:=([^{}]*))?\}")
_HANDED_ON = re.compile(r"(?:string\()?(\w+)\)?")
_VAULT = "'@Microsoft.KeyVault(SecretUri=${"


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """All templates below a folder, by their path in it."""

    folder: Path
    templates: dict[str, Template]

    def resources(self, kind: str) -> list[Resource]:
        return [
            one
            for template in self.templates.values()
            for one in template.resources.values()
            if one.type == kind and not one.existing
        ]

    @property
    def app_settings(self) -> dict[str, Any]:
        """Of every CRM together."""
        template = self.templates["app/functions.bicep"]
        found: dict[str, Any] = {}
        for node in walk(template.root):
            if node.type == "object":
                settings = value(node)
                if any(name.startswith(("THREADLINE_", "AzureWebJobs")) for name in settings):
                    found |= settings
        return found


def infrastructure(folder: Path) -> Infrastructure:
    paths = sorted(folder.rglob("*.bicep"))
    return Infrastructure(folder, {str(path.relative_to(folder)): read(path) for path in paths})


def at(body: Any, path: str) -> Any:
    """What lies at a dotted path; None if nothing does."""
    for step in path.split("."):
        body = body.get(step) if isinstance(body, dict) else None
    return body


def problems(infra: Infrastructure, settings: list[Setting]) -> Iterator[str]:
    yield from _values(infra)
    yield from _keys(infra)
    yield from _flex(infra)
    yield from _roles(infra)
    yield from _settings(infra.app_settings, settings)
    yield from _defaults(infra, settings)
    yield from _secrets(infra.app_settings, settings)
    yield from _parameters(infra)


def _values(infra: Infrastructure) -> Iterator[str]:
    for kind, path, wanted in REQUIRED_VALUES:
        found = infra.resources(kind)
        if not found:
            yield f"there is no {kind}"
        for one in found:
            if at(one.body, path) != wanted:
                yield f"{one.symbol}: {path} must be {wanted!r}"


def _keys(infra: Infrastructure) -> Iterator[str]:
    for name, template in infra.templates.items():
        if found := _KEYS.search(text(template.root)):
            yield f"{name}: a key is asked for: {found[0]}"
    storage = {name for name in infra.app_settings if name.startswith("AzureWebJobsStorage")}
    expected = {"accountName", "credential", "clientId"}
    if storage != {f"AzureWebJobsStorage__{part}" for part in expected}:
        yield f"AzureWebJobsStorage must be identity-based: {sorted(storage)}"


def _flex(infra: Infrastructure) -> Iterator[str]:
    for site in infra.resources(SITE):
        properties = site.body["properties"]
        given = properties.keys() | properties["siteConfig"].keys() | infra.app_settings.keys()
        for name in sorted(given & REFUSED_BY_FLEX):
            yield f"{site.symbol}: Flex Consumption refuses {name}"


def _roles(infra: Infrastructure) -> Iterator[str]:
    assigned = set()
    for name, template in infra.templates.items():
        for one in template.resources.values():
            if one.type != "Microsoft.Authorization/roleAssignments":
                continue
            if name != "app/rbac.bicep":
                yield f"{name} {one.symbol}: roles are assigned in app/rbac.bicep only"
            role = _text(at(one.body, "properties.roleDefinitionId")).rpartition("roles.")[2]
            principal = _text(at(one.body, "properties.principalId"))
            assigned.add((principal, role.rstrip(")"), _text(one.body.get("scope"))))
    for who, role, where in sorted(ASSIGNED - assigned):
        yield f"{who} lacks {role} on {where}"
    for who, role, where in sorted(assigned - ASSIGNED):
        yield f"{who} must not have {role} on {where}"
    roles = infra.templates["app/rbac.bicep"].variables["roles"]
    for name, id_ in roles.items():
        if ROLE_IDS.get(name) != id_:
            yield f"{id_} is not the id of {name}"


def _settings(given: dict[str, Any], known: list[Setting]) -> Iterator[str]:
    ours = {name for name in given if name.startswith("THREADLINE_")}
    names = {one.name for one in known}
    for name in sorted(ours - names):
        yield f"nobody reads {name}"
    for name in sorted(names - ours - NOT_IN_AZURE.keys()):
        yield f"{name} is set neither by infra/ nor excused in tools/settings_table.py"
    for name in sorted(NOT_IN_AZURE.keys() & ours):
        yield f"{name} is said not to be set in Azure"


def _defaults(infra: Infrastructure, known: list[Setting]) -> Iterator[str]:
    """A parameter that is handed on as it is has the setting's default, or none."""
    main = infra.templates["main.bicep"].parameters
    defaults = {one.name: one.default for one in known}
    for setting, given in infra.app_settings.items():
        handed_on = _HANDED_ON.fullmatch(_text(given))
        parameter = main.get(handed_on[1]) if handed_on else None
        if parameter is None or parameter.default in (None, ""):
            continue
        if _plain(parameter.default) != _plain(defaults.get(setting)):
            yield f"{parameter.name}'s default is not that of {setting}"


def _plain(default: Any) -> str | float:
    """`20` like `20.0`, `False` like `false`, an address with its last slash like one without."""
    said = str(default).lower().rstrip("/")
    return float(said) if said.replace(".", "").isdigit() else said


def _secrets(given: dict[str, Any], known: list[Setting]) -> Iterator[str]:
    secret = {one.name for one in known if one.secret}
    for name, what in given.items():
        secretive = name in secret or (_SECRETIVE.search(name) and name != _CONSUMER_KEY)
        if secretive and not _text(what).startswith(_VAULT):
            yield f"{name} must be a Key Vault reference"


_CONSUMER_KEY = "THREADLINE_SALESFORCE_CONSUMER_KEY"
"""Salesforce's name for a client id, no secret."""


def _parameters(infra: Infrastructure) -> Iterator[str]:
    for name, template in infra.templates.items():
        for one in template.parameters.values():
            words = ("Optional. ", "Required for ") if one.has_default else ("Required. ",)
            if not one.description.startswith(words):
                yield f"{name}: {one.name}'s description must begin with {' or '.join(words)!r}"
    main = infra.templates["main.bicep"].parameters
    file = json.loads((infra.folder / "main.parameters.json").read_text("utf-8"))["parameters"]
    for parameter in sorted(file.keys() - main.keys()):
        yield f"main.parameters.json: there is no parameter {parameter}"
    for parameter in sorted(main.keys() - file.keys()):
        yield f"main.parameters.json: {parameter} can't be chosen"
    for parameter in sorted(main.keys() & file.keys()):
        chosen = _CHOSEN.fullmatch(file[parameter]["value"])
        said = _said(main[parameter].default)
        if chosen is None or (chosen[1] or "") != said:
            yield f"main.parameters.json: the default of {parameter} must be {said!r}"


def _said(default: Any) -> str:
    """A default as azd writes it."""
    if isinstance(default, bool):
        return str(default).lower()
    return "" if default is None else str(default)


def _text(found: Any) -> str:
    match found:
        case Expression():
            return found.text
        case Choice() | Loop():
            return ""
    return "" if found is None else str(found)
