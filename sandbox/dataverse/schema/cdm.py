"""Columns as the Common Data Model declares them, read from `cdm.json`."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from sandbox.dataverse.schema.columns import whole
from sandbox.dataverse.schema.model import Column, Kind, Option, OptionSet

_KINDS: Mapping[str, Kind] = {
    "string": "string",
    "email": "string",
    "boolean": "boolean",
    "dateTime": "datetime",
    "integer": "integer",
    "bigInteger": "bigint",
    "decimal": "decimal",
    "double": "double",
    "guid": "guid",
    "entityId": "guid",
}
_MEMO_LENGTH = 2000
"""Longer strings are multi-line columns."""


def cdm_columns(table: str) -> list[Column]:
    """The plain and choice columns of one CDM table; its lookups are declared by hand, because
    CDM names neither their targets nor their navigation properties."""
    found = (_column(table.lower(), declared) for declared in _document()[table]["columns"])
    return [column for column in found if column is not None]


@cache
def _document() -> Mapping[str, Any]:
    text = files("sandbox.dataverse.schema").joinpath("cdm.json").read_text("utf-8")
    tables: Mapping[str, Any] = json.loads(text)["tables"]
    return tables


def _column(table: str, declared: Mapping[str, Any]) -> Column | None:
    name = declared["name"].lower()
    if declared["type"] in ("listLookup", "listLookupCorrelated"):
        kind: Kind = {"statecode": "state", "statuscode": "status"}.get(name, "picklist")  # type: ignore[assignment]
        options = OptionSet(f"{table}_{name}", tuple(map(_option, declared["options"])))
        default = 0 if kind == "state" else options.options[0].value if kind == "status" else None
        return Column(name, kind, options=options, default=default)
    if declared["type"] not in _KINDS:
        return None
    kind = _KINDS[declared["type"]]
    length = declared.get("maximumLength")
    if kind == "string" and (length or 0) > _MEMO_LENGTH:
        kind = "memo"
    if kind == "integer":
        return whole(name)
    return Column(name, kind, max_length=length)


def _option(declared: Mapping[str, Any]) -> Option:
    return Option(declared["value"], declared["label"], declared.get("state"))
