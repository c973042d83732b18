"""HTML as the plain text that Event.Description and Task.Description hold. Pure."""

import re
from html import unescape
from typing import Final

from shared.domain import Body
from shared.safe_html import safe_html
from shared.truncation import storable

_BREAKS: Final = re.compile(r"\r\n?")
_BLOCK: Final = re.compile(
    r"<(?=(?:br|/?(?:address|blockquote|center|dd|div|dl|dt|h[1-6]|hr|li|ol|p|pre|table|tr|ul))\b)",
    re.IGNORECASE,
)
_CELL: Final = re.compile(r"</t[dh]>", re.IGNORECASE)
_TAG: Final = re.compile(r'<(?:"[^"]*"|[^"<>])*>')
_SPACES: Final = re.compile(r"[ \t\u00a0]+")
_GAPS: Final = re.compile(r"\n(?:[ \t]*\n){2,}")


def plain(body: Body) -> str:
    """The body's text with its line breaks; runs of empty lines become one."""
    text = _BREAKS.sub("\n", storable(body.content))
    if body.html:
        text = _shown(text)
    return _GAPS.sub("\n\n", text).strip()


def _shown(html: str) -> str:
    # Sanitised HTML is well-formed: brackets stand in tags and in their quoted attributes alone.
    markup = safe_html(html).replace("\n", " ")
    markup = _CELL.sub("\t", _BLOCK.sub("\n<", markup))
    lines = storable(unescape(_TAG.sub("", markup))).split("\n")
    return "\n".join(_SPACES.sub(" ", line).strip() for line in lines)
