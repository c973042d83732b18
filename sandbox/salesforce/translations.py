"""Labels in the language that a user chose.

Salesforce Help, "Translation Workbench": what isn't translated shows in the organisation's own
language.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from sandbox.salesforce import schema
from sandbox.salesforce.session import Session


def translation(session: Session, *names: str) -> Mapping[str, Any]:
    """`label`, `plural` and `options` of an object, or of one of its fields, as far as the caller's
    language has them."""
    user = session.rows.get("User", session.caller.user) or {}
    language = str(user.get("LanguageLocaleKey") or "").partition("_")[0]
    found: Mapping[str, Any] = _all().get(language, {}).get(".".join(names), {})
    return found


@cache
def _all() -> Mapping[str, Mapping[str, Any]]:
    text = files(schema).joinpath("translations.json").read_text("utf-8")
    loaded: Mapping[str, Mapping[str, Any]] = json.loads(text)
    return loaded
