"""In which language a person is answered, as a BCP 47 tag."""

import re
from collections.abc import Sequence

_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,3}\Z")


def chosen(asked: str, header: str | None, offered: Sequence[str]) -> str:
    """The language asked for, else the first of an Accept-Language header (RFC 9110 12.5.4; those
    who send it put the best one first).

    Where the admin offers some languages only and this is none of them, the first one offered.
    Empty where nothing is known.
    """
    wanted = asked or _first(header or "")
    if not offered or _primary(wanted) in map(_primary, offered):
        return wanted
    return offered[0]


def _first(header: str) -> str:
    tag = header.partition(",")[0].partition(";")[0].strip()
    return tag if _TAG.match(tag) else ""


def _primary(tag: str) -> str:
    return tag.partition("-")[0].casefold()
