"""The URLs of Graph's mail and calendar calls, as msgraph-sdk's request builders make them.

`builders.py` makes the templates with the SDK; here the ids are filled in.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from shared.domain import ItemRef

Detail = Literal["key", "whole"]

TEMPLATES = Path(__file__).with_name("templates.json")


def item_path(ref: ItemRef, detail: Detail) -> str:
    """The call for an item, relative to Graph's root: all of it, or what tells it from others."""
    return path(f"{ref.kind} {detail}", ref.mailbox, item=ref.id)


def source_path(ref: ItemRef) -> str:
    """The call for a message as RFC 822 bytes."""
    return path("email source", ref.mailbox, item=ref.id)


def attachment_path(ref: ItemRef, attachment_id: str) -> str:
    """The call for what Graph knows of an attachment; `/$value` behind it gives the content."""
    return path(f"{ref.kind} attachment", ref.mailbox, item=ref.id, attachment=attachment_id)


def path(name: str, mailbox: str, **values: str) -> str:
    """The call of that name in `templates.json`, relative to Graph's root; the values are encoded
    here."""
    filled = {key: quote(value, safe="") for key, value in values.items()}
    return _templates()[name].format(owner=owner_path(mailbox), **filled)


def owner_path(mailbox: str) -> str:
    return "/me" if mailbox == "me" else f"/users/{quote(mailbox, safe='@')}"


def quoted(value: str) -> str:
    """A text between the quotes of a `$filter`
    (https://learn.microsoft.com/en-us/graph/query-parameters#escaping-single-quotes)."""
    return value.replace("'", "''")


def instant(when: datetime) -> str:
    """A moment as Graph's options take it, whole seconds in UTC."""
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


@cache
def _templates() -> Mapping[str, str]:
    templates: Mapping[str, str] = json.loads(TEMPLATES.read_text(encoding="utf-8"))
    return templates
