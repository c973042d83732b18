"""Text as it may go on: mail is written by strangers, and no CRM takes all that they write.

Pure. Control characters end as nothing or a space, lone surrogates as U+FFFD, and characters that
XML 1.0 can't hold (https://www.w3.org/TR/xml/#charsets) go, as Dataverse refuses them.
"""

import re

_REPLACEMENT = "\ufffd"
_SURROGATES = re.compile("[\ud800-\udfff]")
_LINE_BREAKS = re.compile("[\t\n\v\f\r\x85\u2028\u2029]+")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]")
_CONTROLS_OF_A_BODY = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_BAD_IN_A_BODY = re.compile(f"{_CONTROLS_OF_A_BODY.pattern[:-1]}\ud800-\udfff]")


def one_line(text: str) -> str:
    """For subjects, names and header values: line breaks and tabs become a space."""
    if text.isprintable():  # most are, and this is far quicker than looking for what is bad
        return text.strip()
    flat = _CONTROLS.sub("", _LINE_BREAKS.sub(" ", text))
    return _SURROGATES.sub(_REPLACEMENT, flat).strip()


def whole_text(text: str) -> str:
    """For bodies: tabs and line breaks stay."""
    if not _BAD_IN_A_BODY.search(text):
        return text
    return _SURROGATES.sub(_REPLACEMENT, _CONTROLS_OF_A_BODY.sub("", text))


def mail_address(address: str) -> str:
    """What stands before the first line break: what follows it can only be a header smuggled in."""
    return one_line(_LINE_BREAKS.split(address.strip(), maxsplit=1)[0])
