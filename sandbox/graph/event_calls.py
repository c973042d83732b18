"""The calls on events and their attachments."""

from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from sandbox.graph import zones
from sandbox.graph.calls import Call
from sandbox.graph.errors import bad_request, item_not_found, malformed_id
from sandbox.graph.event_views import event_id, event_json, filterable_event
from sandbox.graph.events import Event, find_event, instances, listed, view
from sandbox.graph.listing import page
from sandbox.graph.message_calls import attachment_answer, attachment_row, content_answer
from sandbox.graph.message_views import attachment_json
from sandbox.graph.messages import attachments_of
from sandbox.graph.query import Query


def event_of(call: Call) -> Event:
    """Raises GraphError 404, or 400 for what is no id."""
    try:
        event = find_event(call.store, call.mailbox, call.path("id"))
    except ValueError as error:
        raise malformed_id() from error
    if event is None:
        raise item_not_found()
    return event


def get_event(call: Call) -> Response:
    call.query.refuse_all_but("select", "expand")
    shown = event_json(call.store, event_of(call), call.query, call.prefer, beta=call.beta)
    return call.json({"@odata.context": call.context("events/$entity"), **shown})


def list_events(call: Call) -> Response:
    return _page(call, "events", list(listed(call.store, call.mailbox)))


def calendar_view(call: Call) -> Response:
    after, before = window(call)
    return _page(call, "calendarView", view(call.store, call.mailbox, after, before))


def list_instances(call: Call) -> Response:
    event = event_of(call)
    if event.type != "seriesMaster":
        raise bad_request("The event is not a series master.", "ErrorInvalidRequest")
    after, before = window(call)
    return _page(call, "instances", instances(call.store, event.row, after, before))


def list_event_attachments(call: Call) -> Response:
    call.query.refuse_all_but("select")
    event = event_of(call)
    parent = _ids(event)[call.prefer.immutable_ids]
    files = attachments_of(call.store, event.files)
    shown = [attachment_json(f, parent, call.query.select, beta=call.beta) for f in files]
    context = call.context(f"events('{parent}')/attachments")
    return call.json({"@odata.context": context, "value": shown})


def get_event_attachment(call: Call) -> Response:
    event = event_of(call)
    return attachment_answer(call, event.files, _ids(event))


def get_event_attachment_content(call: Call) -> Response:
    event = event_of(call)
    return content_answer(attachment_row(call, event.files, _ids(event)))


def _page(call: Call, what: str, events: list[Event]) -> Response:
    def show(event: Event, query: Query) -> dict[str, Any]:
        return event_json(call.store, event, query, call.prefer, beta=call.beta)

    return page(call, what, events, show, lambda event: filterable_event(event, call.prefer))


def _ids(event: Event) -> tuple[str, str]:
    owner = event.row["mailbox"]
    return event_id(owner, event.key, False), event_id(owner, event.key, True)


def window(call: Call) -> tuple[datetime, datetime]:
    """The span in startDateTime and endDateTime, which these calls can't do without."""
    plain = call.query.plain
    if not plain.keys() >= {"startdatetime", "enddatetime"}:
        raise bad_request(
            "This request requires a time window specified by the query string parameters "
            "StartDateTime and EndDateTime.",
            "ErrorInvalidParameter",
        )
    there = zones.iana_name(call.prefer.time_zone or "UTC") or "UTC"
    return _moment(plain["startdatetime"], there), _moment(plain["enddatetime"], there)


def _moment(text: str, zone: str) -> datetime:
    try:
        when = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise bad_request(f"'{text}' is no date and time.", "ErrorInvalidParameter") from error
    return (when if when.tzinfo else when.replace(tzinfo=zones.zone(zone))).astimezone(UTC)
