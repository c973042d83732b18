"""Changing, cancelling and deleting what is in a calendar, one occurrence or a whole series."""

from datetime import datetime
from typing import Any

from sandbox.graph import outbox, zones
from sandbox.graph.bodies import preview
from sandbox.graph.changes import EventChange, EventRevision, changed_fields, changed_stamps
from sandbox.graph.errors import bad_request
from sandbox.graph.events import (
    Event,
    attendee_json,
    call_off,
    exceptions_of,
    forget_outdated_exceptions,
    keep,
    place_json,
    stored,
    touch_series,
)
from sandbox.graph.ids import ItemKey
from sandbox.graph.messages import SERVICE, attachments_of, stamp
from sandbox.store import Row, Store

_TIMES = frozenset({"start", "end"})


def change(store: Store, event: Event, wanted: EventChange, now: datetime) -> None:
    """A change of one occurrence makes it an exception of its series. Raises GraphError 400."""
    row: Row = {
        **event.row,
        "occurrence": event.key.occurrence,
        "fields": {**event.row["fields"], **_fields(event.row, wanted)},
        "extended": changed_stamps(event.row["extended"], wanted.single_value_extended_properties),
        "version": event.row["version"] + 1,
        "modified": stamp(now),
    }
    if isinstance(wanted, EventRevision):
        row = {**row, **_times(event.row, wanted)}
    with store.transaction():
        if not event.key.occurrence:
            forget_outdated_exceptions(store, event.row, row)
        keep(store, event.key, row)
        _tell(store, event, now)


def cancel(store: Store, event: Event, now: datetime) -> None:
    """What an organizer's cancellation does: an attendee's copy stays, marked as cancelled; the
    organizer's own leaves the calendar (api/event-cancel.md)."""
    if event.row["fields"]["isOrganizer"]:
        delete(store, event, now)
        return
    subject = event.row["fields"]["subject"]
    with store.transaction():
        call_off(store, event.key, event.row, f"Canceled: {subject}", now)
        _tell(store, event, now)


def delete(store: Store, event: Event, now: datetime) -> None:
    """For good. An occurrence becomes an excluded date of its series."""
    key = event.key
    with store.transaction():
        if key.occurrence:
            master = stored(store, ItemKey(key.item))
            assert master is not None
            excluded = [*master["excluded"], key.occurrence]
            keep(store, ItemKey(key.item), {**master, "excluded": excluded})
            _erase(store, "exceptions", key)
            _tell(store, event, now)
            return
        for exception in exceptions_of(store, key.item):
            _erase(store, "exceptions", ItemKey(key.item, exception["occurrence"]))
        _erase(store, "events", key)
        store.delete(SERVICE, "event_uids", f"{event.row['mailbox']} {event.row['uid']}")
        outbox.event_changed(store, event.row, "deleted", now)


def _tell(store: Store, event: Event, now: datetime) -> None:
    touch_series(store, event.key, now)
    master = stored(store, ItemKey(event.key.item))
    assert master is not None
    outbox.event_changed(store, master, "updated", now)


def _erase(store: Store, table: str, key: ItemKey) -> None:
    for file in attachments_of(store, key.row):
        store.delete(SERVICE, "attachments", file["key"])
    store.delete(SERVICE, "attachment_lists", key.row)
    store.delete(SERVICE, table, key.row)


def _fields(row: Row, wanted: EventChange) -> dict[str, Any]:
    fields = {name: v for name, v in changed_fields(wanted).items() if name not in _TIMES}
    if "body" in fields:
        body = fields["body"]
        fields["bodyPreview"] = preview(body["content"], body["contentType"] == "html")
    if "location" in fields:
        place = place_json(fields["location"]["displayName"])
        fields |= {"location": place, "locations": [place] if place["displayName"] else []}
    if "attendees" in fields:
        answers = {
            a["emailAddress"]["address"].casefold(): a["status"]["response"]
            for a in row["fields"]["attendees"]
        }
        fields["attendees"] = [_invited(given, answers) for given in fields["attendees"]]
    return fields


def _invited(given: dict[str, Any], answers: dict[str, str]) -> dict[str, Any]:
    """Who was invited before keeps the answer that they gave."""
    who = given["emailAddress"]
    response = answers.get(who["address"].casefold(), "none")
    return attendee_json(who["name"] or who["address"], who["address"], given["type"], response)


def _times(row: Row, wanted: EventRevision) -> dict[str, str]:
    """As wall-clock times of the zone that the meeting was made in. A new start alone keeps the
    length."""
    if wanted.start is None and wanted.end is None:
        return {}
    old_start, old_end = (datetime.fromisoformat(row[name]) for name in ("start", "end"))
    start = (
        _wall(row, wanted.start.date_time, wanted.start.time_zone) if wanted.start else old_start
    )
    end = start + (old_end - old_start)
    if wanted.end:
        end = _wall(row, wanted.end.date_time, wanted.end.time_zone)
    if end < start:
        raise bad_request("The end must not be before the start.", "ErrorPropertyValidationFailure")
    return {"start": start.isoformat(), "end": end.isoformat()}


def _wall(row: Row, when: datetime, zone: str) -> datetime:
    if row["allDay"]:
        return when.replace(tzinfo=None)
    iana = zones.iana_name(zone)
    if iana is None:
        raise bad_request(
            f"The following TimeZone value is not supported: '{zone}'.",
            "TimeZoneNotSupportedException",
        )
    aware = when if when.tzinfo else when.replace(tzinfo=zones.zone(iana))
    return aware.astimezone(zones.zone(row["zone"])).replace(tzinfo=None)
