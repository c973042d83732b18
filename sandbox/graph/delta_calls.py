"""What delta queries track: the messages of one folder, the events of a span of the calendar."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from starlette.responses import Response

from sandbox.graph import ids
from sandbox.graph.calls import Call
from sandbox.graph.delta import Tracked, answer
from sandbox.graph.errors import bad_request
from sandbox.graph.event_calls import window
from sandbox.graph.event_views import event_id, event_json
from sandbox.graph.events import Event, exceptions_of, find_by_key, listed, within
from sandbox.graph.filters import matches, parse_filter
from sandbox.graph.ids import ItemKey
from sandbox.graph.message_calls import folder_of
from sandbox.graph.message_views import filterable_message, message_json
from sandbox.graph.messages import SERVICE
from sandbox.graph.query import Query, parse_query

_OF_OCCURRENCES = ("@odata.etag", "id", "seriesMasterId", "type", "start", "end")
"""All that delta tells of an occurrence without changes of its own
(github.com/microsoftgraph/microsoft-graph-docs/issues/7632); the rest stands in its series."""


def message_delta(call: Call) -> Response:
    place = {"what": "messages", "mailbox": call.mailbox.address, "folder": folder_of(call)}

    def scope() -> Mapping[str, Any]:
        _check_filter(call.query)
        change_type = call.query.plain.get("changetype")
        if change_type not in (None, "created", "updated", "deleted"):
            raise bad_request(f"The changeType '{change_type}' is not supported.")
        options = dict(call.request.query_params)
        return {**place, "options": options, "changeType": change_type, "top": call.query.top}

    def current(scope: Mapping[str, Any]) -> Mapping[str, str]:
        wanted = parse_query(scope["options"])
        tree = parse_filter(wanted.filter) if wanted.filter else None
        rows = [
            row
            for row in call.store.all(SERVICE, "messages")
            if row["mailbox"] == scope["mailbox"] and row["folder"] == scope["folder"]
            if tree is None or matches(tree, filterable_message(row, call.prefer))
        ]
        rows.sort(key=lambda row: str(row["fields"]["receivedDateTime"]), reverse=True)
        return {row["key"]: str(row["version"]) for row in rows}

    def shown(scope: Mapping[str, Any], key: str) -> Sequence[dict[str, Any]]:
        row = call.store.get(SERVICE, "messages", key)
        if row is None or row["folder"] != scope["folder"]:
            return []
        wanted = parse_query(scope["options"])
        return [message_json(call.store, row, wanted, call.prefer, beta=call.beta)]

    def removed_id(scope: Mapping[str, Any], key: str) -> str:
        if call.prefer.immutable_ids:
            return ids.immutable_id(scope["mailbox"], ItemKey(key))
        return ids.regular_id(scope["mailbox"], scope["folder"], ItemKey(key))

    return answer(call, Tracked(current, shown, removed_id, "message"), scope, place)


def event_delta(call: Call) -> Response:
    """A series comes with all of its occurrences in the span whenever anything of it changed; a
    deleted occurrence is merely missing then."""
    place = {"what": "events", "mailbox": call.mailbox.address}

    def scope() -> Mapping[str, Any]:
        call.query.refuse_all_but()
        after, before = window(call)
        return {**place, "after": after.isoformat(), "before": before.isoformat()}

    def current(scope: Mapping[str, Any]) -> Mapping[str, str]:
        return {
            event.key.item: _version(call, event)
            for event in listed(call.store, call.mailbox)
            if _within(call, scope, event)
        }

    def shown(scope: Mapping[str, Any], key: str) -> Sequence[dict[str, Any]]:
        event = find_by_key(call.store, ItemKey(key))
        if event is None:
            return []
        events = [event]
        if event.type == "seriesMaster":
            events += _within(call, scope, event)
        return [_event(call, event) for event in events]

    def removed_id(scope: Mapping[str, Any], key: str) -> str:
        return event_id(scope["mailbox"], ItemKey(key), call.prefer.immutable_ids)

    return answer(call, Tracked(current, shown, removed_id, "event"), scope, place)


def _version(call: Call, event: Event) -> str:
    own = (row["version"] for row in exceptions_of(call.store, event.key.item))
    return ".".join(map(str, (event.row["version"], *own)))


def _within(call: Call, scope: Mapping[str, Any], event: Event) -> list[Event]:
    """What of an event or series takes place in the scope's span."""
    after, before = (datetime.fromisoformat(scope[name]) for name in ("after", "before"))
    return within(call.store, event, after, before)


def _event(call: Call, event: Event) -> dict[str, Any]:
    shown = event_json(call.store, event, Query(), call.prefer, beta=call.beta)
    if event.type == "occurrence":
        return {name: shown[name] for name in _OF_OCCURRENCES}
    return shown


def _check_filter(query: Query) -> None:
    """Graph filters and sorts a delta by receivedDateTime only."""
    words = (query.filter or "receivedDateTime ge x").split()
    if len(words) != 3 or words[0] != "receivedDateTime" or words[1] not in ("ge", "gt"):
        raise bad_request(f"The filter '{query.filter}' is not supported for change tracking.")
    if query.orderby not in ((), (("receivedDateTime", True),)) or query.skip or query.count:
        raise bad_request("The query options are not supported for change tracking.")
