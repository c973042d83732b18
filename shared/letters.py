"""Letters without their diacritics. Pure."""

import re
import unicodedata

_MARKS = re.compile("[\u0300-\u036f]+")


def bare(text: str) -> str:
    """Compatibility forms unified, letters without their diacritics; their case stays."""
    return text if text.isascii() else _MARKS.sub("", unicodedata.normalize("NFKD", text))
