"""Delta queries: rounds of pages that tell what changed between two snapshots.

microsoft-graph-docs-contrib api/message-delta.md, api/event-delta.md and
concepts/delta-query-overview.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from sandbox.graph import snapshots
from sandbox.graph.calls import Call
from sandbox.graph.errors import bad_request
from sandbox.graph.snapshots import Snapshot

_DEFAULT_PAGE = 10
_NOTHING = Snapshot("", {}, {})


@dataclass(frozen=True, slots=True)
class Tracked:
    """How one kind of item is tracked.

    `current` gives the versions of all items in a scope; `shown` the JSON of one (several for a
    series), none if it is gone since; `removed_id` the id that a removed one had.
    """

    current: Callable[[Mapping[str, Any]], Mapping[str, str]]
    shown: Callable[[Mapping[str, Any], str], Sequence[dict[str, Any]]]
    removed_id: Callable[[Mapping[str, Any], str], str]
    type: str


def answer(
    call: Call,
    tracked: Tracked,
    new_scope: Callable[[], Mapping[str, Any]],
    mailbox_scope: Mapping[str, Any],
) -> Response:
    """`new_scope` reads the options of a first request; `mailbox_scope` is the part of it that the
    URL repeats in every request, so that a token is good there only.

    Raises GraphError 410 for a token that is too old, 400 for one that is none.
    """
    tokens = call.query.tokens
    if not tokens:
        before, skip = _NOTHING, 0
        scope = dict(new_scope())
        after = snapshots.keep(call.store, scope, tracked.current(scope))
    else:
        call.query.refuse_all_but("tokens")
        before, after, skip = _resumed(call, tracked, tokens)
        if any(after.scope.get(name) != value for name, value in mailbox_scope.items()):
            raise bad_request("The token is that of another collection.", "SyncStateInvalid")
    size = after.scope.get("top") or call.prefer.page_size or _DEFAULT_PAGE
    changed = _changed(before, after)
    value: list[dict[str, Any]] = []
    for key in changed[skip : skip + size]:
        value += _told(tracked, after, key)
    shown = {"@odata.context": call.context(f"Collection({tracked.type})")}
    link = _link(call, before, after, skip + size, len(changed))
    return call.json({**shown, **link, "value": value})


def _resumed(
    call: Call, tracked: Tracked, tokens: Mapping[str, str]
) -> tuple[Snapshot, Snapshot, int]:
    """The snapshots of a round and how much of it has been told."""
    if "deltatoken" in tokens:
        before = snapshots.find(call.store, tokens["deltatoken"])
        after = snapshots.keep(call.store, before.scope, tracked.current(before.scope))
        return before, after, 0
    first, _, rest = tokens["skiptoken"].partition("_")
    second, _, skip = rest.partition("_")
    if not second or not skip.isdecimal():
        raise bad_request("The skip token is malformed.", "SyncStateInvalid")
    before = snapshots.find(call.store, first) if first else _NOTHING
    return before, snapshots.find(call.store, second), int(skip)


def _changed(before: Snapshot, after: Snapshot) -> list[str]:
    """The keys of what is to be told, what is removed last."""
    kinds = {"created": [], "updated": [], "deleted": []}  # type: dict[str, list[str]]
    for key, version in after.versions.items():
        if key not in before.versions:
            kinds["created"].append(key)
        elif before.versions[key] != version:
            kinds["updated"].append(key)
    kinds["deleted"] = [key for key in before.versions if key not in after.versions]
    wanted = after.scope.get("changeType")
    return [key for kind, keys in kinds.items() if wanted in (None, kind) for key in keys]


def _told(tracked: Tracked, after: Snapshot, key: str) -> Sequence[dict[str, Any]]:
    kind = f"#microsoft.graph.{tracked.type}"
    if key not in after.versions:
        id_ = tracked.removed_id(after.scope, key)
        return [{"@odata.type": kind, "id": id_, "@removed": {"reason": "deleted"}}]
    return [{"@odata.type": kind, **shown} for shown in tracked.shown(after.scope, key)]


def _link(call: Call, before: Snapshot, after: Snapshot, told: int, total: int) -> dict[str, str]:
    here = f"{call.world.base_url}{quote(call.request.url.path, safe='/=()')}"
    if told < total:
        token = f"{before.id}_{after.id}_{told}"
        return {"@odata.nextLink": f"{here}?$skiptoken={token}"}
    return {"@odata.deltaLink": f"{here}?$deltatoken={after.id}"}
