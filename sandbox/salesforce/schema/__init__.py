"""What this organisation's objects look like.

The JSON files are condensed from describes of real organisations; custom names end in `__c`.
"""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from sandbox.salesforce.schema.model import Field, Kind, Object, Schema, build

_FILES = ("records.json", "activities.json", "files.json")
FEATURES = frozenset(("enhanced_email", "key_installed"))
"""What an organisation may lack, and with it the objects and fields that require it."""


def _kept(name: str, kind: Kind, label: str = "", relationship: str = "") -> Field:
    """A field that the platform itself fills."""
    return Field(
        name,
        kind,
        label or _words(name),
        access="read",
        nillable=False,
        defaulted=True,
        references=("User",) if relationship else (),
        relationship=relationship,
    )


def _words(name: str) -> str:
    plain = re.sub(r"Id$", " ID", name.removesuffix("__c").replace("_", " "))
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain).replace("  ", " ")


_STAMP = (_kept("IsDeleted", "boolean", "Deleted"), _kept("SystemModstamp", "datetime"))
_CREATED = (
    _kept("CreatedDate", "datetime"),
    _kept("CreatedById", "reference", relationship="CreatedBy"),
)
_MODIFIED = (
    _kept("LastModifiedDate", "datetime"),
    _kept("LastModifiedById", "reference", relationship="LastModifiedBy"),
)
_AUDIT = {
    "full": (*_STAMP, *_CREATED, *_MODIFIED),
    "created": (*_STAMP, *_CREATED),
    "stamp": _STAMP,
}


@cache
def schema(features: frozenset[str]) -> Schema:
    """The schema of an organisation that has these of the FEATURES."""
    return build(
        {
            name: _object(name, declared, features)
            for name, declared in _declared().items()
            if declared.get("requires", "") in ("", *features)
        }
    )


@cache
def _declared() -> Mapping[str, Mapping[str, Any]]:
    folder = files(__package__)
    return {
        name: declared
        for file in _FILES
        for name, declared in json.loads(folder.joinpath(file).read_text("utf-8")).items()
    }


def _object(name: str, declared: Mapping[str, Any], features: Iterable[str]) -> Object:
    attributes = {k: v for k, v in declared.items() if k not in ("fields", "audit")}
    own = [_field(f) for f in declared["fields"] if f.get("requires", "") in ("", *features)]
    id_ = _kept("Id", "id", f"{declared['label']} ID")
    every = (id_, *own, *_AUDIT[declared["audit"]])
    return Object(name=name, fields={f.name: f for f in every}, **attributes)


def _field(declared: Mapping[str, Any]) -> Field:
    lists = {k: tuple(v) for k, v in declared.items() if isinstance(v, list)}
    label = declared.get("label") or _words(declared["name"])
    return Field(**{**declared, **lists, "label": label})
