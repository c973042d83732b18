"""A person's job title and phone number from how they sign. Pure.

Nothing rather than something wrong: only of a message that this person wrote, only below a line
that holds their name alone, and a job title only where the line of the company follows, which the
address vouches for. That takes no words of any language but some of those that mark a number.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from create_contact.names import Name, plain
from shared.domain import Body
from shared.quoting import apart, cut, replies, whole

_DEPTH: Final = 10
"""Lines below the name that may still be the signature."""
_COMPANY_WITHIN: Final = 4
_LONGEST_LINE: Final = 80
_LONGEST_TITLE: Final = 60
_SHORTEST_LABEL: Final = 3
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15
"""ITU-T E.164 has at most 15 digits."""

_NUMBER: Final = re.compile(
    r"(?P<label>[^\W\d_]{0,14})[.:)\]]{0,2}\s?"
    r"(?P<number>(?:\+|\(0|0|\(?[2-9])[\d ()./–-]{5,26}\d)(?!\d)"
)
_NORTH_AMERICAN: Final = re.compile(r"\(?[2-9]\d\d\)?[ .-]{1,2}\d{3}[ .-]\d{4}")
_PHONE: Final = frozenset(
    {"t", "p", "m", "d", "tel", "tél", "telefon", "telefono", "teléfono", "telefoon", "telephone"}
    | {"téléphone", "phone", "ph", "mob", "mobil", "mobile", "móvil", "handy", "cell", "gsm"}
    | {"direct", "durchwahl", "kom", "tlf", "puh", "тел", "电话", "電話", "直通", "携帯", "전화"}
)
_FAX: Final = frozenset(
    {
        "f",
        "fax",
        "telefax",
        "télécopie",
        "faks",
        "faksi",
        "факс",
        "传真",
        "傳真",
        "ファックス",
        "팩스",
    }
)
_ADDRESS: Final = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,255}")
_PIECES: Final = re.compile(r"\s[|·•/–—-]\s|\s?[|·•]\s?|[,，、]\s?")
_NO_TITLE: Final = re.compile(r"[\d@:=<>{}\\+*#!?\"]|://|www\.|[.,;]$", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W\d_]+")


class Signed(NamedTuple):
    """Empty where it can't be told."""

    job_title: str = ""
    phone: str = ""


def signed(body: Body, name: Name, address: str) -> Signed:
    """What stands below the name of the writer, in what they wrote themselves."""
    lines = _below(_written(body), name)
    return Signed(_job_title(lines, address), _phone(lines, address)) if lines else Signed()


def _written(body: Body) -> list[str]:
    """The lines that are not quoted; none where an earlier message comes first."""
    own, _ = apart(whole(body))
    first = cut(own)[0]
    found = replies(first) if first.strip() else []
    if not found or found[0].headers:
        return []
    return [line.strip(" *_") for line in str(found[0].content).split("\n") if line.strip(" *_-")]


def _below(lines: list[str], name: Name) -> list[str]:
    """What follows the last line that holds the whole name; both names, or one in a script that
    has no spaces."""
    wanted = sorted(_WORD.findall(plain(f"{name.first} {name.last}")))
    if len(wanted) < 2 and name.last.isascii():
        return []
    for at in reversed(range(len(lines))):
        head = _PIECES.split(lines[at])[0]
        if sorted(_WORD.findall(plain(head))) == wanted:
            rest = lines[at][len(head) :].lstrip(" |·•/–—-,，、")
            below = [rest] if rest else []
            return list(_signature([*below, *lines[at + 1 :]]))
    return []


def _signature(lines: list[str]) -> Iterator[str]:
    """As long as lines are as short as those of a signature."""
    for line in lines[:_DEPTH]:
        if len(line) > _LONGEST_LINE:
            return
        yield line


def _job_title(lines: list[str], address: str) -> str:
    """The first piece below the name, if the company follows closely."""
    pieces = [one for line in lines[:_COMPANY_WITHIN] for one in _PIECES.split(line) if one]
    pieces = pieces[: _COMPANY_WITHIN + 1]
    if len(pieces) < 2 or not _may_be_title(pieces[0]) or _is_company(pieces[0], address):
        return ""
    return pieces[0] if any(_is_company(one, address) for one in pieces[1:]) else ""


def _may_be_title(text: str) -> bool:
    letters = sum(map(str.isalpha, text))
    return (
        text[0].isalpha()
        and len(text) <= _LONGEST_TITLE
        and letters >= 2
        and not _NO_TITLE.search(text)
    )


def _is_company(text: str, address: str) -> bool:
    """Whether a word of it stands in the domain's own name, and it is no address or website."""
    if "@" in text or "www." in text or "://" in text or len(text) > _LONGEST_TITLE:
        return False
    labels = plain(address.rpartition("@")[2]).split(".")[:-1]
    known = {part for label in labels for part in (*label.split("-"), label.replace("-", ""))}
    words = _WORD.findall(plain(text))
    joined = {"".join(words[:n]) for n in range(1, len(words) + 1)}
    return any(len(one) > _SHORTEST_LABEL and one in known for one in joined | set(words))


def _phone(lines: list[str], address: str) -> str:
    """The first number that is no fax, up to a line with somebody else's address."""
    for line in lines:
        others = (one.strip(".,;()").casefold() for one in _ADDRESS.findall(line))
        if any(one.removeprefix("mailto:") != address.casefold() for one in others):
            return ""
        for found in _NUMBER.finditer(line):
            number = " ".join(found["number"].split())
            if _is_phone(found["label"].casefold(), number):
                return number
    return ""


def _is_phone(label: str, number: str) -> bool:
    """An international number under any label, a national one under a known one or in the shape
    that North America writes them in."""
    digits = sum(map(str.isdigit, number))
    if label in _FAX or not _FEWEST_DIGITS <= digits <= _MOST_DIGITS:
        return False
    if number.count("(") != number.count(")"):
        return False
    if number.startswith("+"):
        return True
    if _NORTH_AMERICAN.fullmatch(number):
        return not label or label in _PHONE
    return number.startswith(("0", "(0")) and label in _PHONE
