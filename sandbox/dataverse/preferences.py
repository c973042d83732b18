"""The `Prefer` header, as far as Dataverse honours it."""

import re
from dataclasses import dataclass
from functools import lru_cache

from sandbox.dataverse.represent import NONE, Annotations

_PART = re.compile(r'\s*([\w.\-]+)\s*(?:=\s*("[^"]*"|[^,;\s]*))?\s*(?:,|;|$)')
MAX_PAGE = 5000


@dataclass(frozen=True, slots=True)
class Preferences:
    representation: bool = False
    page_size: int | None = None
    annotations: Annotations = NONE
    continue_on_error: bool = False
    applied: str = ""


@lru_cache(maxsize=256)
def preferences(header: str) -> Preferences:
    """Unknown preferences are ignored, as RFC 7240 asks."""
    found = {name.lower(): value.strip('"') for name, value in _PART.findall(header)}
    size = found.get("odata.maxpagesize", "")
    annotations = found.get("odata.include-annotations", "")
    applied = []
    if found.get("return") == "representation":
        applied.append("return=representation")
    if size.isdigit():
        applied.append(f"odata.maxpagesize={size}")
    if annotations:
        applied.append(f'odata.include-annotations="{annotations}"')
    return Preferences(
        representation=found.get("return") == "representation",
        page_size=max(1, min(int(size), MAX_PAGE)) if size.isdigit() else None,
        annotations=Annotations(tuple(p.strip() for p in annotations.split(",") if p.strip())),
        continue_on_error="odata.continue-on-error" in found,
        applied=",".join(applied),
    )
