"""Asking the search index of the organisation.

It is minutes behind the records and may be slow, busy or off, and it only ever adds to what queries
find; so when it doesn't answer soon there is simply nothing of it.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from shared.crm.salesforce.channel import Request
from shared.crm.salesforce.composite import VERSION
from shared.crm.salesforce.session import Session
from shared.errors import Throttled, Unavailable, Upstream

_PATIENCE: Final = 4.0
"""Seconds."""
_LONGEST: Final = 14_000
"""REST API Developer Guide, "Query": a URI may have 16,384 bytes with its headers."""


async def search_index(session: Session, sosl: str) -> Mapping[str, list[Mapping[str, Any]]]:
    """The records found by a SOSL statement, by object, the most relevant first; nothing for an
    empty or overlong one.

    It goes as a batch of one (REST API Developer Guide, "Composite Batch"), which takes searches,
    so that no address stands in the URL of a request.
    """
    url = f"v{VERSION}/search?q={quote(sosl, safe='')}"
    if not sosl or len(url) > _LONGEST:
        return {}
    body = {"batchRequests": [{"method": "GET", "url": url}]}
    try:
        async with asyncio.timeout(_PATIENCE):
            reply, _ = await session.wire.send(Request("POST", "composite/batch", body))
    except (TimeoutError, Throttled, Unavailable, Upstream):
        return {}
    found: dict[str, list[Mapping[str, Any]]] = {}
    for answer in reply.row.get("results") or () if reply.ok else ():
        result = answer.get("result")
        rows = result.get("searchRecords") if isinstance(result, dict) else None
        for row in rows or ():
            found.setdefault(row["attributes"]["type"], []).append(row)
    return found
