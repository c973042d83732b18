"""The ids by which Outlook knows meetings. Pure."""

import re
from typing import Final

_START: Final = "040000008200E00074C5B7101A82E008"
_DATED: Final = re.compile(rf"{_START}[0-9A-F]{{8}}([0-9A-F]{{16,}})\Z", re.I)
"""A PidLidGlobalObjectId (MS-OXOCAL 2.2.1.27) as text: its start, the date of an occurrence or
zeros, and what tells the meeting."""
_FOREIGN: Final = "7643616C2D55696401000000"
"""What stands before the uid of a meeting that another calendar made (MS-OXCICAL 2.1.3.1.1.20.26):
`vCal-Uid` and a version."""


def occurrence_ends(uid: str) -> tuple[str, str]:
    """How the ids of all occurrences of the meeting with this uid begin and end, in hexadecimal;
    between them stands an occurrence's date."""
    dated = _DATED.match(uid)
    end = dated[1] if dated else f"{_FOREIGN}{uid.encode(errors='replace').hex().upper()}00"
    return _START, end
