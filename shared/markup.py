"""HTML to plain text, in linear time whatever the input.

Enough to compare words by; nothing here is meant to be shown.
"""

import html
import re

_TAG = re.compile(r"<[/!?a-zA-Z][^<>]{0,2000}>")
_NAME = re.compile(r"</?([a-zA-Z0-9]{1,12})")
_SILENT = frozenset({"head", "script", "style", "title"})
_BLOCKS = frozenset(
    {"address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4"}
    | {"h5", "h6", "hr", "li", "ol", "p", "pre", "section", "table", "tr", "ul"}
)


def to_text(markup: str) -> str:
    """The text of an HTML fragment or page; lines inside a blockquote begin with `>`."""
    lines: list[str] = [""]
    quotes = 0
    silent = ""
    source = _without_comments(markup)
    at = 0
    for tag in _TAG.finditer(source):
        if not silent:
            lines[-1] += html.unescape(source[at : tag.start()])
        at = tag.end()
        named = _NAME.match(tag[0])
        name = named[1].lower() if named else ""
        closing = tag[0].startswith("</")
        if silent:
            silent = "" if closing and name == silent else silent
        elif name in _SILENT:
            silent = "" if closing else name
        elif name in _BLOCKS:
            if name == "blockquote":
                quotes = max(0, quotes - 1) if closing else quotes + 1
            lines.append(">" if quotes else "")
    if not silent:
        lines[-1] += html.unescape(source[at:])
    return "\n".join(" ".join(line.split()) for line in lines)


def _without_comments(markup: str) -> str:
    kept: list[str] = []
    at = 0
    while (start := markup.find("<!--", at)) >= 0:
        kept.append(markup[at:start])
        end = markup.find("-->", start)
        if end < 0:
            return "".join(kept)
        at = end + 3
    kept.append(markup[at:])
    return "".join(kept)
