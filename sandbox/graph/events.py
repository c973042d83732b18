"""The calendars' events as rows of the store.

Table `events` holds single events and series, `exceptions` the occurrences that differ from their
series, by `key:original start`; `event_uids` finds the key of a uid in one mailbox. Occurrences
without a difference are computed when they are asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

from sandbox.graph import ids, outbox
from sandbox.graph.bodies import preview
from sandbox.graph.ics import ParsedEvent, parse_calendar
from sandbox.graph.ids import ItemKey
from sandbox.graph.messages import SERVICE, attach, stamp
from sandbox.graph.mime import recipient
from sandbox.graph.people import Mailbox
from sandbox.graph.recurrence import instant, is_start, starts_between, wall_clock
from sandbox.store import Row, Store

EventType = Literal["singleInstance", "seriesMaster", "occurrence", "exception"]
FOLDER = "calendar"
TABLES = ("events", "exceptions", "event_uids")
_NO_TIME = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it stands: `row` has an exception's differences laid over its series.

    `files` is the row whose attachments it shows.
    """

    key: ItemKey
    type: EventType
    row: Row
    files: str

    @property
    def start(self) -> datetime:
        return _moment(self.row, "start")

    @property
    def end(self) -> datetime:
        return _moment(self.row, "end")


def deliver(
    store: Store, mailbox: Mailbox, raw: bytes, now: datetime, new_key: str | None = None
) -> ItemKey:
    """Puts a calendar file's meeting into a calendar, or changes or cancels the one of that uid.

    Gives the key of the first event in it; a new meeting gets `new_key` where that is given.
    Raises NotACalendar.
    """
    with store.transaction():
        first, *others = parse_calendar(raw)
        placed = [_place(store, mailbox, first, now, new_key)]
        placed += [_place(store, mailbox, exception, now) for exception in others]
        touched: dict[str, outbox.Change] = {}
        for key, change in placed:
            touched.setdefault(key.item, change)
        for item, change in touched.items():
            outbox.event_changed(store, _master(store, item), change, now)
        return placed[0][0]


def _place(
    store: Store, mailbox: Mailbox, parsed: ParsedEvent, now: datetime, new_key: str | None = None
) -> tuple[ItemKey, outbox.Change]:
    uid_row = f"{mailbox.address} {parsed.uid}"
    known = store.get(SERVICE, "event_uids", uid_row) if parsed.uid else None
    master = store.get(SERVICE, "events", known["key"]) if known else None
    if master is None:
        key = ItemKey(new_key or uuid4().hex)
        uid = parsed.uid or f"{key.item}@{mailbox.address.rpartition('@')[2]}"
        store.put(SERVICE, "event_uids", f"{mailbox.address} {uid}", {"key": key.item})
        _put(store, key, _row(mailbox, key, uid, parsed, None, now), parsed, now)
        return key, "created"
    key = ItemKey(master["key"], parsed.recurrence_id or 0)
    if parsed.recurrence_id is not None and not _recurs(master):
        key = ItemKey(master["key"])
    old = stored(store, key)
    if parsed.cancelled and (old or key.occurrence):
        _cancel(store, key, old or master, parsed, now)
    else:
        row = _row(mailbox, key, master["uid"], parsed, old or master, now)
        if not key.occurrence:
            forget_outdated_exceptions(store, master, row)
        _put(store, key, row, parsed, now)
    touch_series(store, key, now)
    return key, "updated"


def _put(store: Store, key: ItemKey, row: Row, parsed: ParsedEvent, now: datetime) -> None:
    keep(store, key, row)
    store.put(SERVICE, "attachment_lists", key.row, {"keys": []})
    for number, part in enumerate(parsed.attachments):
        attach(store, key.row, number, part, stamp(now))


def _cancel(store: Store, key: ItemKey, old: Row, parsed: ParsedEvent, now: datetime) -> None:
    """A cancellation often carries less than the meeting had; what it lacks stays."""
    row = dict(old)
    if key.occurrence:
        row["start"], row["end"] = parsed.start.isoformat(), parsed.end.isoformat()
        row |= {"zone": parsed.zone, "allDay": parsed.all_day}
    call_off(store, key, row, parsed.subject or old["fields"]["subject"], now)


def call_off(store: Store, key: ItemKey, row: Row, subject: str, now: datetime) -> None:
    """Marks a meeting cancelled: with a series all of its exceptions too."""
    if not key.occurrence:
        for exception in exceptions_of(store, key.item):
            place = ItemKey(key.item, exception["occurrence"])
            call_off(store, place, exception, exception["fields"]["subject"], now)
    fields = {**row["fields"], "isCancelled": True, "showAs": "free", "subject": subject}
    cancelled = {
        **row,
        "occurrence": key.occurrence,
        "fields": fields,
        "version": row["version"] + 1,
        "modified": stamp(now),
    }
    keep(store, key, cancelled)


def touch_series(store: Store, key: ItemKey, now: datetime) -> None:
    """What changes in one occurrence changes the version of its series too."""
    if key.occurrence:
        master = _master(store, key.item)
        touched = {**master, "version": master["version"] + 1, "modified": stamp(now)}
        keep(store, ItemKey(key.item), touched)


def forget_outdated_exceptions(store: Store, old: Row, new: Row) -> None:
    """A series that gets another pattern or other times has no exceptions any more."""
    if all(old[name] == new[name] for name in ("start", "end", "zone", "allDay", "rules", "added")):
        return
    for exception in exceptions_of(store, old["key"]):
        store.delete(SERVICE, "exceptions", ItemKey(old["key"], exception["occurrence"]).row)


def _master(store: Store, item: str) -> Row:
    row = stored(store, ItemKey(item))
    assert row is not None
    return row


def stored(store: Store, key: ItemKey) -> Row | None:
    return store.get(SERVICE, _table(key), key.row)


def keep(store: Store, key: ItemKey, row: Row) -> None:
    store.put(SERVICE, _table(key), key.row, row)


def _table(key: ItemKey) -> str:
    return "exceptions" if key.occurrence else "events"


def _row(
    mailbox: Mailbox, key: ItemKey, uid: str, parsed: ParsedEvent, old: Row | None, now: datetime
) -> dict[str, Any]:
    """An exception holds all that its series holds, so that it can stand alone.

    An `orphan` is one occurrence of a series that this mailbox was not invited to as a whole.
    """
    return {
        "key": key.item,
        "occurrence": key.occurrence,
        "mailbox": mailbox.address,
        "version": old["version"] + 1 if old else 1,
        "created": old["created"] if old else stamp(now),
        "modified": stamp(now),
        "uid": uid,
        "orphan": None if key.occurrence else parsed.recurrence_id,
        "start": parsed.start.isoformat(),
        "end": parsed.end.isoformat(),
        "zone": parsed.zone,
        "allDay": parsed.all_day,
        "rules": list(parsed.rules),
        "added": [when.isoformat() for when in parsed.added],
        "excluded": list(parsed.excluded),
        "fields": _fields(mailbox, parsed),
        "extended": old["extended"] if old else {},
    }


def _fields(mailbox: Mailbox, parsed: ParsedEvent) -> dict[str, Any]:
    organizer = parsed.organizer or (mailbox.name, mailbox.address)
    own = mailbox.address.casefold()
    is_organizer = organizer[1].casefold() == own
    mine = next((a.response for a in parsed.attendees if a.address.casefold() == own), "none")
    place = place_json(parsed.location)
    return {
        "categories": list(parsed.categories),
        "transactionId": None,
        "reminderMinutesBeforeStart": 15,
        "isReminderOn": True,
        "hasAttachments": bool(parsed.attachments),
        "subject": parsed.subject,
        "bodyPreview": preview(parsed.body, parsed.body_type == "html"),
        "importance": parsed.importance,
        "sensitivity": parsed.sensitivity,
        "isCancelled": parsed.cancelled,
        "isOrganizer": is_organizer,
        "responseRequested": True,
        "showAs": "free" if parsed.cancelled else parsed.show_as,
        "onlineMeetingUrl": None,
        "isOnlineMeeting": False,
        "onlineMeetingProvider": "unknown",
        "allowNewTimeProposals": True,
        "isDraft": parsed.draft,
        "hideAttendees": False,
        "responseStatus": {"response": "organizer" if is_organizer else mine, "time": _NO_TIME},
        "body": {"contentType": parsed.body_type, "content": parsed.body},
        "location": place,
        "locations": [place] if parsed.location else [],
        "attendees": [
            attendee_json(a.name, a.address, a.type, a.response) for a in parsed.attendees
        ],
        "organizer": recipient(organizer),
        "onlineMeeting": None,
    }


def place_json(name: str) -> dict[str, Any]:
    place = {"displayName": name, "locationType": "default", "uniqueIdType": "unknown"}
    return place | {"uniqueId": name, "uniqueIdType": "private"} if name else place


def attendee_json(name: str, address: str, type_: str, response: str) -> dict[str, Any]:
    status = {"response": response, "time": _NO_TIME}
    return {"type": type_, "status": status, **recipient((name, address))}


def find_event(store: Store, mailbox: Mailbox | None, id_: str) -> Event | None:
    """The event with that id. None where it names nothing (any more) or another mailbox's.

    Raises ValueError for what is no id at all.
    """
    key = ids.item_key(id_)
    if key is None:
        raise ValueError("malformed id")
    master = store.get(SERVICE, "events", key.item)
    if master is None or (mailbox is not None and master["mailbox"] != mailbox.address):
        return None
    owner = master["mailbox"]
    if id_ not in (ids.immutable_id(owner, key), ids.regular_id(owner, FOLDER, key)):
        return None
    return _at(store, master, key.occurrence)


def find_by_key(store: Store, key: ItemKey) -> Event | None:
    master = store.get(SERVICE, "events", key.item)
    return _at(store, master, key.occurrence) if master else None


def _at(store: Store, master: Row, epoch: int) -> Event | None:
    key = ItemKey(master["key"], epoch)
    if not epoch:
        return Event(key, "seriesMaster" if _recurs(master) else "singleInstance", master, key.row)
    own = stored(store, key)
    if own is not None:
        delivered = store.get(SERVICE, "attachment_lists", key.row) is not None
        return Event(key, "exception", own, key.row if delivered else key.item)
    if not is_start(master, epoch):
        return None
    return _occurrence(master, epoch)


def _occurrence(master: Row, epoch: int) -> Event:
    start = wall_clock(epoch, master["zone"], master["allDay"])
    length = datetime.fromisoformat(master["end"]) - datetime.fromisoformat(master["start"])
    row = {**master, "start": start.isoformat(), "end": (start + length).isoformat()}
    return Event(ItemKey(master["key"], epoch), "occurrence", row, master["key"])


def listed(store: Store, mailbox: Mailbox) -> Iterator[Event]:
    """Single events and series, not their occurrences."""
    for row in _masters(store, mailbox):
        event = _at(store, row, 0)
        if event is not None:
            yield event


def view(store: Store, mailbox: Mailbox, after: datetime, before: datetime) -> list[Event]:
    """All that takes place in the span, earliest first; series as their occurrences."""
    found = [e for event in listed(store, mailbox) for e in within(store, event, after, before)]
    return sorted(found, key=lambda event: (event.start, event.key.row))


def within(store: Store, event: Event, after: datetime, before: datetime) -> list[Event]:
    """What of a single event or a series takes place in the span."""
    if event.type == "seriesMaster":
        return instances(store, event.row, after, before)
    return [event] if _overlaps(event, after, before) else []


def instances(store: Store, master: Row, after: datetime, before: datetime) -> list[Event]:
    """The occurrences and exceptions of a series that touch the span, earliest first."""
    own = {row["occurrence"] for row in exceptions_of(store, master["key"])}
    length = _moment(master, "end") - _moment(master, "start")
    found = [
        _occurrence(master, epoch)
        for epoch in starts_between(master, after - length, before)
        if epoch not in own
    ]
    for epoch in own:
        event = _at(store, master, epoch)
        if event is not None:
            found.append(event)
    touching = [event for event in found if _overlaps(event, after, before)]
    return sorted(touching, key=lambda event: event.start)


def exceptions_of(store: Store, master: str) -> list[Row]:
    return [row for row in store.all(SERVICE, "exceptions") if row["key"] == master]


def _masters(store: Store, mailbox: Mailbox) -> Iterator[Row]:
    return (row for row in store.all(SERVICE, "events") if row["mailbox"] == mailbox.address)


def _overlaps(event: Event, after: datetime, before: datetime) -> bool:
    return event.start < before and (event.end > after or event.start == event.end >= after)


def _recurs(row: Row) -> bool:
    return bool(row["rules"] or row["added"])


def _moment(row: Row, name: str) -> datetime:
    return instant(datetime.fromisoformat(row[name]), row["zone"], row["allDay"])


def original_start(event: Event) -> datetime | None:
    epoch = event.key.occurrence or event.row["orphan"]
    return datetime.fromtimestamp(epoch, UTC) if epoch else None
