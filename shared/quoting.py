"""The text of a body, and where in it earlier messages begin. Pure.

Bodies are hostile until shown otherwise: everything is cut to a fixed size first, and lines are
wrapped, because the patterns of the reply parser take more than linear time on long lines.
"""

import re

from mailparser_reply import EmailMessage, EmailReply  # type: ignore[import-untyped]

from shared.domain import Body
from shared.markup import to_text

_HTML_LIMIT = 200_000
_TEXT_LIMIT = 12_000
_LINE_LIMIT = 160
_HEADER_LINES = 12

# The parser's Danish and Swedish tables are left out: they take common words of other languages
# ("Tak", "Kh", anything after a slash) for a signature.
_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "ja", "pl", "cs", "ko", "zh")

_LABELLED = re.compile(r"[* ]{0,4}[^\W\d_][^\n:：@<>]{0,20}[:：](?!//)")
_TIME = re.compile(r"\b\d{1,2}[:：.h]\d{2}\b")
_YEAR = re.compile(r"\b(?:19|20)\d\d(?!\d)")
_RULE = re.compile(r"[-_]{20,}|-{3,} ?[^\W\d_][^-\n]{3,40}-{3,}")


def whole(body: Body) -> str:
    """The text of a body in lines of a bounded length."""
    return wrapped(plain(body))


def plain(body: Body) -> str:
    """The text of a body. HTML quotes keep their `>` marks."""
    text = to_text(body.content[:_HTML_LIMIT]) if body.html else body.content
    return text[:_TEXT_LIMIT]


def wrapped(text: str) -> str:
    """No line longer than the limit, no more than one empty line in a row."""
    lines: list[str] = []
    for line in text.splitlines():
        rest = " ".join(line.split())
        if rest:
            mark = ">" if rest.startswith(">") else ""
            while len(rest) > _LINE_LIMIT:
                end = rest.rfind(" ", _LINE_LIMIT // 2, _LINE_LIMIT)
                end = end if end > 0 else _LINE_LIMIT
                lines.append(rest[:end])
                rest = mark + rest[end:].lstrip()
            lines.append(rest)
        elif lines and lines[-1]:
            lines.append("")
    return "\n".join(lines).strip()


def apart(text: str) -> tuple[str, list[str]]:
    """What stands for itself, and the lines that are marked as quoted by `>`."""
    own: list[str] = []
    marked: list[str] = []
    for line in text.split("\n"):
        (marked if line.startswith(">") else own).append(line)
    return "\n".join(own), marked


def replies(text: str) -> list[EmailReply]:
    """The messages within a thread's text, newest first, as the parser of replies sees them: their
    `content` with headers and signature, their `body` without."""
    message = EmailMessage(text=text, languages=list(_LANGUAGES), keep_hyphen_lists=True)
    found: list[EmailReply] = message.read().replies
    return found


def cut(text: str) -> list[str]:
    """Splits at the headers of quoted and forwarded messages, in any language: two or more labelled
    lines, one of them with an address; a line with a time and an address or a year that ends in a
    colon; a ruled line."""
    lines = text.split("\n")
    parts: list[list[str]] = [[]]
    i = 0
    while i < len(lines):
        height = _header_height(lines, i)
        if height:
            parts.append([])
            i += height
        else:
            parts[-1].append(lines[i])
            i += 1
    return ["\n".join(part) for part in parts]


def _header_height(lines: list[str], at: int) -> int:
    """How many lines a header starting at this line has; 0 where none starts."""
    line = lines[at]
    if _RULE.fullmatch(line):
        return 1
    if line.endswith((":", "：")) and _attributes(" ".join(lines[max(0, at - 1) : at + 1])):
        return 1
    height = 0
    end = min(len(lines), at + _HEADER_LINES)
    while at + height < end and _LABELLED.match(lines[at + height]):
        height += 1
    if height >= 2 and any("@" in header for header in lines[at : at + height]):
        return height
    return 0


def _attributes(line: str) -> bool:
    """Whether a line that ends in a colon says who wrote what follows."""
    addressed = "@" in line or "<" in line
    return bool(_TIME.search(line)) and (addressed or bool(_YEAR.search(line)))
