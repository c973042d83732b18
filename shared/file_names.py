"""File names that any CRM, browser and file system takes, whatever the sender called the file.

Pure. Windows' rules are the strictest, so they are the ones kept:
https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
"""

import re
import unicodedata

MAX_UNITS = 255
"""The longest name, in UTF-16 code units, as Windows, Dataverse and Salesforce count."""

_FALLBACK = "attachment"
_LONGEST_EXTENSION = 32
_SEPARATORS = re.compile(r"[/\\]+")
_DRIVE = re.compile(r"^[A-Za-z]:")
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_RESERVED = re.compile(
    r"^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE
)
_JOINERS = "\u200c\u200d"  # part of how Persian, Indic scripts and emoji are written
_DROPPED = frozenset({"Cc", "Cf", "Cn", "Zl", "Zp"})


def clean_name(name: str) -> str:
    """The name with all that could mislead taken out: paths, control and direction characters,
    reserved names, trailing dots. Never empty, at most `MAX_UNITS` long, its extension kept.

    Cleaning a clean name changes nothing.
    """
    name = _without_paths(_visible(name))
    name = _FORBIDDEN.sub("_", name)
    name = unicodedata.normalize("NFC", name)
    name = _trimmed(name) or _FALLBACK
    if _RESERVED.match(name):
        name = f"_{name}"
    return _shortened(name)


def with_extension(name: str, extension: str) -> str:
    """A clean name that ends in `extension` (with its dot), which is not added twice."""
    if name.casefold().endswith(extension):
        return clean_name(name)
    return _shortened(f"{clean_name(name)}{extension}")


def _visible(name: str) -> str:
    whole = name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "".join(c for c in whole if c in _JOINERS or unicodedata.category(c) not in _DROPPED)


def _without_paths(name: str) -> str:
    parts = (part.strip() for part in _SEPARATORS.split(_DRIVE.sub("", name)))
    return "_".join(part for part in parts if part.strip("."))


def _trimmed(name: str) -> str:
    return name.strip().rstrip(". \t").strip()


def _shortened(name: str) -> str:
    if _units(name) <= MAX_UNITS:
        return name
    stem, dot, extension = name.rpartition(".")
    if not stem or _units(extension) > _LONGEST_EXTENSION:
        return _trimmed(_cut(name, MAX_UNITS))
    room = MAX_UNITS - _units(extension) - 1
    return f"{_trimmed(_cut(stem, room))}{dot}{extension}"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _cut(text: str, units: int) -> str:
    return text.encode("utf-16-le")[: units * 2].decode("utf-16-le", "ignore")
