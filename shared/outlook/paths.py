"""The URLs of Graph's mail and calendar calls, as msgraph-sdk's request builders make them.

`builders.py` makes the templates with the SDK; here the ids are filled in.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from shared.domain import ItemRef

Detail = Literal["key", "whole"]

TEMPLATES = Path(__file__).with_name("templates.json")


def item_path(ref: ItemRef, detail: Detail) -> str:
    """The call for an item, relative to Graph's root: all of it, or what tells it from others."""
    return _filled(f"{ref.kind} {detail}", ref)


def source_path(ref: ItemRef) -> str:
    """The call for a message as RFC 822 bytes."""
    return _filled("email source", ref)


def attachment_path(ref: ItemRef, attachment_id: str) -> str:
    """The call for what Graph knows of an attachment; `/$value` behind it gives the content."""
    return _filled(f"{ref.kind} attachment", ref, attachment=quote(attachment_id, safe=""))


def _filled(template: str, ref: ItemRef, **more: str) -> str:
    owner = "/me" if ref.mailbox == "me" else f"/users/{quote(ref.mailbox, safe='@')}"
    return _templates()[template].format(owner=owner, item=quote(ref.id, safe=""), **more)


@cache
def _templates() -> Mapping[str, str]:
    templates: Mapping[str, str] = json.loads(TEMPLATES.read_text(encoding="utf-8"))
    return templates
