"""Events as Graph's JSON: microsoft-graph-docs-contrib resources/event.md."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.graph import ids, zones
from sandbox.graph.bodies import converted
from sandbox.graph.errors import bad_request, unknown_property
from sandbox.graph.events import FOLDER, Event, original_start
from sandbox.graph.ids import ItemKey
from sandbox.graph.message_views import attachment_json, etag, extended_json, selected, web_link
from sandbox.graph.messages import attachments_of, stamp
from sandbox.graph.query import Preferences, Query
from sandbox.graph.recurrence import pattern_json
from sandbox.store import Store

_OUTLOOK_UID = "040000008200E00074C5B7101A82E008"
_MEETING = "{6ED8DA90-450B-101B-98DA-00AA003F1305}"
_SOME_HAVE = frozenset({"originalStart"})
"""May be selected of every event, and is left out of those that have none."""


def event_id(owner: str, key: ItemKey, immutable: bool) -> str:
    return ids.immutable_id(owner, key) if immutable else ids.regular_id(owner, FOLDER, key)


def event_json(
    store: Store, event: Event, query: Query, prefer: Preferences, *, beta: bool = False
) -> dict[str, Any]:
    """Raises GraphError for properties that an event doesn't have."""
    shown = selected(_whole(event, prefer), query.select, "microsoft.graph.event", _SOME_HAVE)
    for expand in query.expand:
        match expand.name.lower():
            case "attachments":
                expand.refuse_all_but("select")
                parent = event_id(event.row["mailbox"], event.key, prefer.immutable_ids)
                shown["attachments"] = [
                    attachment_json(file, parent, expand.select, beta=beta)
                    for file in attachments_of(store, event.files)
                ]
            case "singlevalueextendedproperties":
                found = extended_json(all_extended(event), expand)
                if found:
                    shown["singleValueExtendedProperties"] = found
            case _:
                raise unknown_property(expand.name, "microsoft.graph.event")
    return shown


def filterable_event(event: Event, prefer: Preferences) -> dict[str, Any]:
    """All that a list may be filtered and sorted by."""
    stamps = [{"id": id_, "value": value} for id_, value in all_extended(event).items()]
    return _whole(event, prefer) | {"singleValueExtendedProperties": stamps}


def _whole(event: Event, prefer: Preferences) -> dict[str, Any]:
    row, owner = event.row, event.row["mailbox"]
    fields = row["fields"]
    id_ = event_id(owner, event.key, prefer.immutable_ids)
    change_key = ids.change_key(owner, row["key"], row["version"])
    content, kind = converted(
        fields["body"]["content"], fields["body"]["contentType"], prefer.body_type
    )
    zone = zones.windows_name(row["zone"])
    whole: dict[str, Any] = {
        "@odata.etag": etag(row),
        "id": id_,
        "createdDateTime": row["created"],
        "lastModifiedDateTime": row["modified"],
        "changeKey": change_key,
        "originalStartTimeZone": zone,
        "originalEndTimeZone": zone,
        "iCalUId": ical_uid(event),
        "uid": row["uid"],
        **fields,
        "isAllDay": row["allDay"],
        "seriesMasterId": None,
        "type": event.type,
        "occurrenceId": None,
        "webLink": web_link(id_, "CalendarItem"),
        "body": {"contentType": kind, "content": content},
        "start": moment_json(event, event.start, prefer.time_zone),
        "end": moment_json(event, event.end, prefer.time_zone),
        "recurrence": pattern_json(row) if event.type == "seriesMaster" else None,
    }
    first = original_start(event)
    if first is not None:
        whole["originalStart"] = stamp(first)
    if event.key.occurrence and first is not None:
        series = event_id(owner, ItemKey(event.key.item), prefer.immutable_ids)
        whole["seriesMasterId"] = series
        whole["occurrenceId"] = f"OID.{series}.{first:%Y-%m-%d}"
    return whole


def moment_json(event: Event, when: datetime, wanted: str | None) -> dict[str, str]:
    """In the zone of `Prefer: outlook.timezone`, else UTC; all-day events stay on their days."""
    name, there = "UTC", "UTC"
    if wanted is not None:
        iana = zones.iana_name(wanted)
        if iana is None:
            raise bad_request(
                f"The following TimeZone value is not supported: '{wanted}'.",
                "TimeZoneNotSupportedException",
            )
        name, there = wanted, iana
    local = when.astimezone(UTC if event.row["allDay"] else zones.zone(there))
    return {"dateTime": f"{local:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": name}


def ical_uid(event: Event) -> str:
    """Differs for each occurrence: the original date is set into the global object id."""
    when = original_start(event)
    uid: str = event.row["uid"]
    return uid if when is None else _global_object_id(uid, when)


def _global_object_id(uid: str, when: datetime | None) -> str:
    """PidLidGlobalObjectId (MS-OXOCAL 2.2.1.27) in hexadecimal; a uid from elsewhere is wrapped."""
    date = f"{when.year:04X}{when.month:02X}{when.day:02X}" if when else "00000000"
    if uid.upper().startswith(_OUTLOOK_UID):
        return uid[:32].upper() + date + uid[40:].upper()
    data = b"vCal-Uid\x01\x00\x00\x00" + uid.encode() + b"\x00"
    size = len(data).to_bytes(4, "little")
    return _OUTLOOK_UID + date + (bytes(16) + size + data).hex().upper()


def all_extended(event: Event) -> dict[str, str]:
    """The stamps set on an event and the two MAPI ids of its meeting, in base64 as Graph has them.

    `Id 0x3` is the global object id, `Id 0x23` the same without the occurrence's date.
    """
    uid = event.row["uid"]
    stamps: Mapping[str, str] = event.row["extended"]
    return {
        f"Binary {_MEETING} Id 0x3": _base64(_global_object_id(uid, original_start(event))),
        f"Binary {_MEETING} Id 0x23": _base64(_global_object_id(uid, None)),
        **stamps,
    }


def _base64(hexadecimal: str) -> str:
    try:
        return b64encode(bytes.fromhex(hexadecimal)).decode()
    except ValueError:
        return b64encode(hexadecimal.encode()).decode()
