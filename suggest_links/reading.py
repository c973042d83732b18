"""Reads a message the way a colleague does: what is new in it, what it merely quotes, and, where
it is a forward, what came inside.

Bodies are hostile until shown otherwise: everything is cut to a fixed size first, and lines are
wrapped, because the patterns of the reply parser take more than linear time on long lines.
"""

import re
from dataclasses import dataclass

from mailparser_reply import EmailMessage  # type: ignore[import-untyped]

from shared.domain import Body, Item
from suggest_links.markup import to_text

_HTML_LIMIT = 200_000
_TEXT_LIMIT = 12_000
_LINE_LIMIT = 160
_HEADER_LINES = 12

# The parser's Danish and Swedish tables are left out: they take common words of other languages
# ("Tak", "Kh", anything after a slash) for a signature.
_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "ja", "pl", "cs", "ko", "zh")

_REPLY = r"re|aw|antw|sv|vs|rv|res|odp|vá|vl|回复|答复|返信|回信|답장"
_FORWARD = r"fwd?|wg|wtr|doorst|tr|enc|rv|pd|vb|i|转发|転送|전달"
_PREFIX = re.compile(rf"\s*(?:(?P<forward>{_FORWARD})|{_REPLY})\s?(?:\[\d{{1,3}}\])?\s?[:：]", re.I)

_LABELLED = re.compile(r"[* ]{0,4}[^\W\d_][^\n:：@<>]{0,20}[:：](?!//)")
_TIME = re.compile(r"\b\d{1,2}[:：.h]\d{2}\b")
_YEAR = re.compile(r"\b(?:19|20)\d\d(?!\d)")
_RULE = re.compile(r"[-_]{20,}|-{3,} ?[^\W\d_][^-\n]{3,40}-{3,}")


@dataclass(frozen=True, slots=True)
class Reading:
    """`subject` is without reply and forward prefixes. `new` is what the writer (or, in a forward,
    the writer of the forwarded message) says, `quoted` is earlier text, `whole` both with
    everything in between, signatures and header lines included. All are bounded in size."""

    subject: str
    new: str
    quoted: str
    whole: str
    forward: bool


def read(item: Item) -> Reading:
    subject, forward = bare_subject(item.subject)
    whole = _wrapped(plain(item.body))
    new, quoted = _split(whole)
    return Reading(subject=subject, new=new, quoted=quoted, whole=whole, forward=forward)


def bare_subject(subject: str) -> tuple[str, bool]:
    """The subject without its prefixes, and whether one of them said "forwarded"."""
    rest, forward = subject[:500], False
    while found := _PREFIX.match(rest):
        forward = forward or bool(found["forward"])
        rest = rest[found.end() :]
    return rest.strip(), forward


def plain(body: Body) -> str:
    """The text of a body. HTML quotes keep their `>` marks."""
    text = to_text(body.content[:_HTML_LIMIT]) if body.html else body.content
    return text[:_TEXT_LIMIT]


def _wrapped(text: str) -> str:
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


def _split(whole: str) -> tuple[str, str]:
    """What is new, and what is quoted."""
    own: list[str] = []
    marked: list[str] = []
    for line in whole.split("\n"):
        (marked if line.startswith(">") else own).append(line)
    parts = [reply for part in _cut("\n".join(own)) for reply in _replies(part)]
    parts = [part.strip() for part in parts if part.strip()]
    unmarked = [line.lstrip("> ") for line in marked]
    return (parts[0] if parts else ""), "\n".join([*parts[1:], *unmarked]).strip()


def _replies(text: str) -> list[str]:
    """The messages within a thread's text, newest first, each without headers and signature.

    Where the parser takes everything for headers, the text is left whole.
    """
    if not text.strip():
        return []
    message = EmailMessage(text=text, languages=list(_LANGUAGES), keep_hyphen_lists=True)
    bodies = [reply.body for reply in message.read().replies if reply.body]
    return bodies or [text]


def _cut(text: str) -> list[str]:
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
