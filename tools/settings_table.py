"""The table of all settings in docs/deploying.md, from the models that read them.

`python -m tools.settings_table` writes it between its two marks; a test tells when it has drifted.
"""

import importlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from shared import settings

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "deploying.md"
BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"

NOT_IN_AZURE = {
    "THREADLINE_CLIENT_SECRET": "the managed identity stands in for it",
    "THREADLINE_AUTHORITY": "the default is right; the sandbox has its own",
    "THREADLINE_MAILBOX_URL": "the default is right; the sandbox has its own",
    "THREADLINE_POLICY_FILE": "`THREADLINE_POLICY_URL` instead",
    "THREADLINE_SALESFORCE_PRIVATE_KEY_FILE": "`THREADLINE_SALESFORCE_PRIVATE_KEY` instead",
}
"""Settings that infra/ leaves alone, and why."""


@dataclass(frozen=True, slots=True)
class Setting:
    """`crm` is empty for one that all CRMs have."""

    name: str
    crm: str
    default: str
    required: bool
    secret: bool
    description: str


def all_settings() -> list[Setting]:
    """Of the app, then of each CRM by its name."""
    found = _of(settings.Settings, settings.PREFIX, "")
    for module in sorted((ROOT / "shared" / "crm").glob("*/settings.py")):
        crm = module.parent.name
        for model in _models(f"shared.crm.{crm}.settings"):
            found += _of(model, f"{settings.PREFIX}{crm.upper()}_", crm)
    return found


def table() -> str:
    lines = ["| setting | default | what it is | in Azure |", "|---|---|---|---|"]
    for one in all_settings():
        default = "required" if one.required else f"`{one.default}`" if one.default else "none"
        place = f"not set: {NOT_IN_AZURE[one.name]}" if one.name in NOT_IN_AZURE else "infra/"
        lines.append(f"| `{one.name}` | {default} | {one.description} | {place} |")
    return "\n".join(lines)


def page_with(content: str, page: str) -> str:
    """The page with that between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{content}\n{END}{after}"


def _models(module: str) -> list[type[BaseModel]]:
    return [
        one
        for one in vars(importlib.import_module(module)).values()
        if isinstance(one, type) and issubclass(one, BaseModel) and one.__module__ == module
    ]


def _of(model: type[BaseModel], prefix: str, crm: str) -> list[Setting]:
    return [
        Setting(
            name=f"{prefix}{name.upper()}",
            crm=crm,
            default=_default(info),
            required=info.is_required(),
            secret=SecretStr in (info.annotation, *getattr(info.annotation, "__args__", ())),
            description=(info.description or "").replace("|", "\\|"),
        )
        for name, info in model.model_fields.items()
    ]


def _default(info: FieldInfo) -> str:
    empty = info.default is PydanticUndefined or info.default is None
    return "" if empty else str(info.default)


if __name__ == "__main__":
    PAGE.write_text(page_with(table(), PAGE.read_text("utf-8")), "utf-8")
