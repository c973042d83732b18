"""The calls that write: drafts, sending, changes of messages and events."""

from typing import Any

from starlette.responses import Response

from sandbox.graph import changes, drafts, event_changes, replies
from sandbox.graph.calls import Call
from sandbox.graph.errors import GraphError
from sandbox.graph.event_calls import event_of
from sandbox.graph.event_views import event_json
from sandbox.graph.events import find_event
from sandbox.graph.message_calls import message_row
from sandbox.graph.message_views import attachment_json, etag, message_id, message_json
from sandbox.graph.messages import SERVICE
from sandbox.store import Row


def create_draft(call: Call) -> Response:
    new = changes.read(changes.NewMessage, call.body)
    key = drafts.create(call.store, call.mailbox, new, call.world.clock())
    row = call.store.get(SERVICE, "messages", key.row)
    assert row is not None
    return call.json(_message(call, row), 201)


def change_message(call: Call) -> Response:
    row = message_row(call)
    _check_match(call, etag(row))
    wanted = changes.read(changes.MessageChange, call.body)
    return call.json(_message(call, drafts.change(call.store, row, wanted, call.world.clock())))


def send_message(call: Call) -> Response:
    drafts.send(call.world, message_row(call))
    return Response(status_code=202)


def create_reply(call: Call) -> Response:
    return call.json(_message(call, replies.draft(call.world, message_row(call), "")), 201)


def create_reply_to_all(call: Call) -> Response:
    row = replies.draft(call.world, message_row(call), "", everyone=True)
    return call.json(_message(call, row), 201)


def add_attachment(call: Call) -> Response:
    row = message_row(call)
    upload = changes.read(changes.FileUpload, call.body)
    file = drafts.add_file(call.store, row, upload, call.world.clock())
    shown = attachment_json(file, message_id(row, call.prefer.immutable_ids), beta=call.beta)
    return call.json({"@odata.context": call.context("attachments/$entity"), **shown}, 201)


def change_event(call: Call) -> Response:
    event = event_of(call)
    _check_match(call, etag(event.row))
    wanted = changes.read(changes.EventChange, call.body)
    event_changes.change(call.store, event, wanted, call.world.clock())
    changed = find_event(call.store, call.mailbox, call.path("id"))
    assert changed is not None
    shown = event_json(call.store, changed, call.query, call.prefer, beta=call.beta)
    return call.json({"@odata.context": call.context("events/$entity"), **shown})


def _message(call: Call, row: Row) -> dict[str, Any]:
    shown = message_json(call.store, row, call.query, call.prefer, beta=call.beta)
    return {"@odata.context": call.context("messages/$entity"), **shown}


def _check_match(call: Call, current: str) -> None:
    wanted = call.request.headers.get("if-match")
    if wanted not in (None, "*", current):
        raise GraphError(
            412,
            "ErrorIrresolvableConflict",
            "The send or update operation could not be performed because the change key passed in "
            "the request does not match the current change key for the item.",
        )
