"""The segments of a resource path."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from sandbox.dataverse import errors
from sandbox.dataverse.query import split

MAX_SEGMENT = 260
"""Learn, "Compose HTTP requests": longer segments are refused before the service sees them."""
_SEGMENT = re.compile(r"(\$?[A-Za-z_][\w.]*|\$\d+)(?:\((.*)\))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Segment:
    """`key` is what stands in the brackets, None without brackets."""

    name: str
    key: str | None


def segments(target: str) -> list[Segment]:
    """The path below the service root, still percent-encoded. Raises Refused for nonsense."""
    found = []
    for part in split(unquote(target.strip("/")), "/"):
        if len(part) > MAX_SEGMENT:
            raise errors.Refused(400, "", "Bad Request - Invalid URL")
        match = _SEGMENT.fullmatch(part)
        if match is None:
            raise errors.unknown_segment(part)
        found.append(Segment(match[1], match[2]))
    return found
