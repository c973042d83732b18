"""Cutting text to what a CRM column holds, at a place that does no harm. Pure.

Lengths are counted in UTF-16 code units, as both Dataverse and Salesforce do.
"""

import re
from typing import Final

from shared.safe_html import safe_html

_HALF_ENTITY: Final = re.compile(r"&#?[0-9A-Za-z]{0,32}\Z")
_UNSTORABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_LONE: Final = re.compile("[\ud800-\udfff]")
_BREAKS: Final = re.compile(r"[\r\n\t\u2028\u2029]+")


def units(text: str) -> int:
    """The length of the text in UTF-16 code units."""
    return len(text) + sum(1 for character in text if character > "\uffff")


def storable(text: str) -> str:
    """The text without what no CRM stores: control characters (except tab and line breaks) and
    noncharacters are dropped, lone surrogates become U+FFFD."""
    return _LONE.sub("\ufffd", _UNSTORABLE.sub("", text))


def one_line(text: str) -> str:
    """`storable` text with every run of line breaks and tabs turned into one space."""
    return _BREAKS.sub(" ", storable(text)).strip()


def cut_text(text: str, limit: int) -> str:
    """As much of the text as fits into `limit` units, never half a character."""
    if len(text) <= limit // 2:
        return text
    encoded = text.encode("utf-16-le", errors="surrogatepass")
    if len(encoded) <= 2 * limit:
        return text
    return encoded[: 2 * limit].decode("utf-16-le", errors="ignore")


def cut_html(html: str, limit: int) -> str:
    """As much of the `safe_html` as fits into `limit` units, tags closed and entities whole.

    `html` must come from `safe_html`; what comes back could have.
    """
    if units(html) <= limit:
        return html
    room = limit
    while room > 0:
        kept = safe_html(_HALF_ENTITY.sub("", cut_text(html, room)))
        excess = units(kept) - limit
        if excess <= 0:
            return kept
        room -= excess
    return ""
