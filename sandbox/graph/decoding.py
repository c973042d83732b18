"""Reading what real mail holds: encoded words, odd and wrong charsets, broken headers.

Nothing here raises on bad input; what can't be read is replaced by U+FFFD, as Exchange does.
"""

import codecs
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from inspect import signature

# Names that mail uses and Python does not know.
_ALIASES = {
    "ks_c_5601-1987": "cp949",
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "x-gbk": "gb18030",
    "gb2312": "gb18030",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-1": "cp1252",
    "unicode-1-1-utf-7": "utf-7",
    "x-mac-roman": "mac-roman",
    "x-unicode": "utf-8",
}


def decode_text(data: bytes, charset: str | None) -> str:
    """Text of unknown or wrong charset is read as UTF-8 where it is that, else as windows-1252."""
    name = (charset or "utf-8").strip().strip("'\"").lower()
    for candidate in (_ALIASES.get(name, name), "utf-8"):
        try:
            codecs.lookup(candidate)
            return _clean(data.decode(candidate))
        except (LookupError, UnicodeError, ValueError):
            continue
    if name != "utf-8":
        try:
            return _clean(data.decode(_ALIASES.get(name, name), "replace"))
        except (LookupError, UnicodeError, ValueError):
            pass
    return data.decode("cp1252", "replace")


def decode_words(value: str) -> str:
    """A header's value with its RFC 2047 words read and its folding undone."""
    raw = _unsurrogate(value)
    unfolded = raw.replace("\r\n", "").replace("\n", "").replace("\r", "")
    if "=?" not in unfolded:
        return unfolded.strip()
    try:
        chunks = decode_header(unfolded)
    except (HeaderParseError, ValueError):
        return unfolded.strip()
    parts = [
        chunk if isinstance(chunk, str) else decode_text(chunk, charset or "latin-1")
        for chunk, charset in chunks
    ]
    return "".join(parts).strip().replace("\r", "").replace("\n", "")


def header(message: Message, name: str) -> str | None:
    """The first header of that name, decoded; None where it is missing."""
    wanted = name.lower()
    for key, value in message.raw_items():
        if key.lower() == wanted:
            return decode_words(str(value))
    return None


def all_headers(message: Message) -> list[tuple[str, str]]:
    return [(key, decode_words(str(value))) for key, value in message.raw_items()]


def addresses(message: Message, name: str) -> list[tuple[str, str]]:
    """(name, address) of every mailbox in the headers of that name; groups are flattened and
    entries without an address left out."""
    wanted = name.lower()
    values = [_unsurrogate(str(v)) for key, v in message.raw_items() if key.lower() == wanted]
    unfolded = [value.replace("\r", "").replace("\n", "") for value in values]
    found = []
    for display, address in _lenient(unfolded):
        if address:
            address = decode_words(address)
            found.append((decode_words(display) or address, address))
    return found


def _lenient(values: list[str]) -> list[tuple[str, str]]:
    """Newer Pythons refuse a whole header for one odd entry unless told not to."""
    if "strict" in signature(getaddresses).parameters:
        return getaddresses(values, strict=False)
    return getaddresses(values)


def _unsurrogate(value: str) -> str:
    """Bytes above 127 in a header come as surrogate escapes; they mean UTF-8 or windows-1252."""
    if value.isascii():
        return value
    return decode_text(value.encode("utf-8", "surrogateescape"), None)


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
