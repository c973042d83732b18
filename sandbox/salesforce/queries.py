"""`/query`, `/queryAll` and what follows of a long result.

REST API Developer Guide, "Query" and "Query Options Header".
"""

import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from sandbox.salesforce import errors
from sandbox.salesforce.ids import new_id
from sandbox.salesforce.session import Call, Reply, Session
from sandbox.salesforce.soql.parse import parse
from sandbox.salesforce.soql.run import Result, run
from sandbox.store import Store
from sandbox.world import World

DEFAULT_BATCH, MIN_BATCH = 2000, 200
MAX_LOCATORS = 10
"""Cursors that a user may hold open; the oldest is closed for another."""
_BATCH = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)
_LOCATOR = re.compile(r"(\w{18})-(\d+)")

_Locators = OrderedDict[str, Result]
_OPEN: WeakKeyDictionary[Store, dict[str, _Locators]] = WeakKeyDictionary()


def forget_locators(world: World) -> None:
    _OPEN.pop(world.store, None)


def query(session: Session, call: Call) -> Reply:
    if call.method != "GET":
        raise errors.method_not_allowed(call.method)
    size = _batch_size(call.headers)
    if len(call.path) > 1:
        return Reply(200, _continued(session, call.path[1], size))
    text = call.query.get("q", "")
    if not text.strip():
        raise errors.malformed_query("SOQL statements cannot be empty or null")
    result = run(session, parse(text), deleted=call.path[0] == "queryAll")
    if len(result.records) <= size:
        return Reply(200, _page(session, result, "", 0, size))
    return Reply(200, _page(session, result, _keep(session, result), 0, size))


def _batch_size(headers: Mapping[str, str]) -> int:
    wanted = _BATCH.search(headers.get("sforce-query-options", ""))
    size = int(wanted.group(1)) if wanted else DEFAULT_BATCH
    return min(max(size, MIN_BATCH), DEFAULT_BATCH)


def _locators(session: Session) -> _Locators:
    users = _OPEN.setdefault(session.world.store, {})
    return users.setdefault(session.caller.user, OrderedDict())


def _keep(session: Session, result: Result) -> str:
    locators = _locators(session)
    locator = new_id("01g")
    locators[locator] = result
    if len(locators) > MAX_LOCATORS:
        locators.popitem(last=False)
    return locator


def _continued(session: Session, text: str, size: int) -> dict[str, Any]:
    match = _LOCATOR.fullmatch(text)
    result = _locators(session).get(match.group(1)) if match else None
    if match is None or result is None:
        raise errors.Refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return _page(session, result, match.group(1), int(match.group(2)), size)


def _page(session: Session, result: Result, locator: str, at: int, size: int) -> dict[str, Any]:
    end = at + size
    page: dict[str, Any] = {"totalSize": result.total, "done": end >= len(result.records)}
    if not page["done"]:
        page["nextRecordsUrl"] = f"{session.root}/query/{locator}-{end}"
    return {**page, "records": result.records[at:end]}
