"""Asking the search index of the organisation.

It is minutes behind the records and may be busy or off, and it only ever adds to what queries find;
so when it can't be asked there is simply nothing of it.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from shared.crm.salesforce.channel import Request
from shared.crm.salesforce.session import Session
from shared.errors import Throttled, Unavailable, Upstream

_LONGEST_PATH: Final = 14_000
"""REST API Developer Guide, "Query": a URI may have 16,384 bytes with its headers."""


async def search_index(session: Session, sosl: str) -> Mapping[str, list[Mapping[str, Any]]]:
    """The records found by a SOSL statement, by object, the most relevant first; nothing for an
    empty or overlong one."""
    path = f"search?q={quote(sosl, safe='')}"
    if not sosl or len(path) > _LONGEST_PATH:
        return {}
    try:
        reply, _ = await session.wire.send(Request("GET", path))
    except (Throttled, Unavailable, Upstream):
        return {}
    rows = reply.row.get("searchRecords") if reply.ok else None
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows or ():
        found.setdefault(row["attributes"]["type"], []).append(row)
    return found
