"""Reads a message the way a colleague does: what is new in it, what it merely quotes, and, where
it is a forward, what came inside."""

import re
from dataclasses import dataclass

from shared.domain import Item
from shared.quoting import apart, cut, replies, whole

_REPLY = r"re|aw|antw|sv|vs|rv|res|odp|vá|vl|回复|答复|返信|回信|답장"
_FORWARD = r"fwd?|wg|wtr|doorst|tr|enc|rv|pd|vb|i|转发|転送|전달"
_PREFIX = re.compile(rf"\s*(?:{_FORWARD}|{_REPLY})\s?(?:\[\d{{1,3}}\])?\s?[:：]", re.I)


@dataclass(frozen=True, slots=True)
class Reading:
    """`subject` is without reply and forward prefixes. `new` is what the writer (or, in a forward,
    the writer of the forwarded message) says, `quoted` is earlier text, `whole` both with
    everything in between, signatures and header lines included. All are bounded in size."""

    subject: str
    new: str
    quoted: str
    whole: str


def read(item: Item) -> Reading:
    text = whole(item.body)
    new, quoted = _split(text)
    return Reading(bare_subject(item.subject), new=new, quoted=quoted, whole=text)


def bare_subject(subject: str) -> str:
    """The subject without its prefixes."""
    rest = subject[:500]
    while found := _PREFIX.match(rest):
        rest = rest[found.end() :]
    return rest.strip()


def _split(text: str) -> tuple[str, str]:
    """What is new, and what is quoted."""
    own, marked = apart(text)
    parts = [reply for part in cut(own) for reply in _replies(part)]
    parts = [part.strip() for part in parts if part.strip()]
    unmarked = [line.lstrip("> ") for line in marked]
    return (parts[0] if parts else ""), "\n".join([*parts[1:], *unmarked]).strip()


def _replies(text: str) -> list[str]:
    """Each without headers and signature. Where the parser takes everything for headers, the text
    is left whole."""
    if not text.strip():
        return []
    return [reply.body for reply in replies(text) if reply.body] or [text]
