"""Calendars: single events, series, exceptions, cancellations, time zones."""

from typing import Any
from urllib.parse import quote

import pytest

from sandbox import graph
from tests.sandbox.graph.graph_world import ANNA, IMMUTABLE, Graph

YEAR = "startDateTime=2026-01-01T00:00:00Z&endDateTime=2027-01-01T00:00:00Z&$top=100"
WARSAW = {"Prefer": 'outlook.timezone="Central European Standard Time"'}


def calendar(*events: str, method: str = "REQUEST", head: str = "") -> bytes:
    """`events` are the lines of a VEVENT each; UID and SUMMARY have defaults."""
    parts = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//EN", f"METHOD:{method}"]
    parts += head.splitlines()
    for lines in events:
        own = [line.strip() for line in lines.strip().splitlines()]
        named = {line.partition(":")[0].partition(";")[0] for line in own}
        default = {"UID": "UID:one@x.example", "SUMMARY": "SUMMARY:Meeting"}
        own += [line for name, line in default.items() if name not in named]
        parts += ["BEGIN:VEVENT", *own, "END:VEVENT"]
    return "\r\n".join([*parts, "END:VCALENDAR", ""]).encode()


SERIES = """
DTSTART;TZID=Europe/Warsaw:20260316T100000
DTEND;TZID=Europe/Warsaw:20260316T110000
RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20260413T080000Z
EXDATE;TZID=Europe/Warsaw:20260406T100000
"""
MOVED = """
RECURRENCE-ID;TZID=Europe/Warsaw:20260330T100000
DTSTART;TZID=Europe/Warsaw:20260330T150000
DTEND;TZID=Europe/Warsaw:20260330T153000
SUMMARY:Moved
"""


def deliver(seen: Graph, *events: str, **how: str) -> str:
    return graph.deliver_meeting(seen.world, ANNA, calendar(*events, **how))


async def instances(seen: Graph, id_: str, **headers: str) -> list[dict[str, Any]]:
    shown = await seen.get(f"me/events/{id_}/instances?{YEAR}", **headers)
    found: list[dict[str, Any]] = shown["value"]
    return found


async def test_a_single_event_has_graphs_fields(mailbox: Graph) -> None:
    id_ = deliver(
        mailbox,
        """
        DTSTART;TZID=W. Europe Standard Time:20260701T100000
        DTEND;TZID=W. Europe Standard Time:20260701T113000
        SUMMARY:Besuch
        LOCATION:Halle 4
        CLASS:CONFIDENTIAL
        ORGANIZER;CN=Zoë:mailto:zoe@x.example
        ATTENDEE;CN=Anna;PARTSTAT=ACCEPTED:mailto:anna.kowalska@contoso.example
        ATTENDEE;ROLE=OPT-PARTICIPANT;PARTSTAT=DECLINED:mailto:b@x.example
        ATTENDEE;CUTYPE=ROOM:MAILTO:room@x.example
        X-ALT-DESC;FMTTYPE=text/html:<p>Plan</p>
        DESCRIPTION:Plan
        """,
    )

    shown = await mailbox.get(f"me/events/{id_}")

    assert shown["subject"] == "Besuch"
    assert shown["start"] == {"dateTime": "2026-07-01T08:00:00.0000000", "timeZone": "UTC"}
    assert shown["end"]["dateTime"] == "2026-07-01T09:30:00.0000000"
    assert shown["originalStartTimeZone"] == "W. Europe Standard Time"
    assert (shown["type"], shown["sensitivity"]) == ("singleInstance", "confidential")
    assert shown["location"]["displayName"] == "Halle 4"
    assert shown["body"] == {"contentType": "html", "content": "<p>Plan</p>"}
    assert shown["organizer"]["emailAddress"] == {"name": "Zoë", "address": "zoe@x.example"}
    assert (shown["isOrganizer"], shown["isCancelled"], shown["isAllDay"]) == (False,) * 3
    assert shown["responseStatus"]["response"] == "accepted"
    assert [
        (a["emailAddress"]["address"], a["type"], a["status"]["response"])
        for a in shown["attendees"]
    ] == [
        (ANNA, "required", "accepted"),
        ("b@x.example", "optional", "declined"),
        ("room@x.example", "resource", "none"),
    ]
    assert shown["iCalUId"] == shown["uid"] == "one@x.example"


async def test_times_come_in_the_preferred_zone(mailbox: Graph) -> None:
    id_ = deliver(mailbox, "DTSTART:20260701T080000Z\nDTEND:20260701T090000Z")
    answer = await mailbox.http.get(f"me/events/{id_}", headers=WARSAW)
    assert answer.headers["Preference-Applied"] == WARSAW["Prefer"]
    assert answer.json()["start"] == {
        "dateTime": "2026-07-01T10:00:00.0000000",
        "timeZone": "Central European Standard Time",
    }
    iana = await mailbox.get(f"me/events/{id_}", Prefer='outlook.timezone="Asia/Tokyo"')
    assert iana["start"]["dateTime"] == "2026-07-01T17:00:00.0000000"
    mars = {"Prefer": 'outlook.timezone="Mars"'}
    refused = await mailbox.refused(f"me/events/{id_}", headers=mars)
    assert refused == (400, "TimeZoneNotSupportedException")


async def test_an_all_day_event_stays_on_its_days(mailbox: Graph) -> None:
    id_ = deliver(
        mailbox,
        "DTSTART;VALUE=DATE:20260105\nDTEND;VALUE=DATE:20260107",
        head="X-WR-TIMEZONE:Europe/Vienna",
    )
    for headers in ({}, WARSAW, {"Prefer": 'outlook.timezone="Pacific Standard Time"'}):
        shown = await mailbox.get(f"me/events/{id_}", **headers)
        assert shown["isAllDay"] is True
        assert shown["start"]["dateTime"] == "2026-01-05T00:00:00.0000000"
        assert shown["end"]["dateTime"] == "2026-01-07T00:00:00.0000000"
    assert shown["originalStartTimeZone"] == "W. Europe Standard Time"


async def test_a_series_keeps_its_wall_clock_time_over_the_change_of_clocks(
    mailbox: Graph,
) -> None:
    found = await instances(mailbox, deliver(mailbox, SERIES))
    starts = [(e["start"]["dateTime"][5:16], e["type"]) for e in found]
    assert starts == [
        ("03-16T09:00", "occurrence"),
        ("03-23T09:00", "occurrence"),
        ("03-30T08:00", "occurrence"),
        ("04-13T08:00", "occurrence"),  # the one before is excluded, this one the last
    ]


async def test_occurrences_share_the_uid_and_differ_in_the_rest(mailbox: Graph) -> None:
    master_id = deliver(mailbox, SERIES)

    master = await mailbox.get(f"me/events/{master_id}")
    first, second, *_ = await instances(mailbox, master_id)

    assert (master["type"], master["uid"], master["iCalUId"]) == (
        "seriesMaster",
        "one@x.example",
        "one@x.example",
    )
    assert first["uid"] == second["uid"] == master["uid"]
    assert len({e["iCalUId"] for e in (master, first, second)}) == 3
    assert len({e["id"] for e in (master, first, second)}) == 3
    assert first["seriesMasterId"] == master_id
    assert first["originalStart"] == "2026-03-16T09:00:00Z"
    assert first["occurrenceId"] == f"OID.{master_id}.2026-03-16"
    assert master["seriesMasterId"] is None
    assert master["recurrence"]["pattern"]["daysOfWeek"] == ["monday"]
    assert master["recurrence"]["range"]["endDate"] == "2026-04-13"
    alone = await mailbox.get(f"me/events/{quote(first['id'], safe='')}", **IMMUTABLE)
    assert alone["start"] == first["start"]
    assert alone["seriesMasterId"].startswith("AAkA")


async def test_an_outlook_uid_gets_its_date_set_in(mailbox: Graph) -> None:
    head = "040000008200E00074C5B7101A82E008"
    tail = "B0D6A5F1C27EDC01000000000000000010000000AB"
    id_ = deliver(mailbox, f"UID:{head}00000000{tail}\n{SERIES.strip()}")
    first, *_ = await instances(mailbox, id_)
    assert first["iCalUId"] == f"{head}07EA0310{tail}"


async def test_an_exception_differs_and_keeps_its_original_start(mailbox: Graph) -> None:
    found = await instances(mailbox, deliver(mailbox, SERIES, MOVED))
    (moved,) = [e for e in found if e["type"] == "exception"]
    assert (moved["subject"], moved["start"]["dateTime"]) == (
        "Moved",
        "2026-03-30T13:00:00.0000000",
    )
    assert moved["originalStart"] == "2026-03-30T08:00:00Z"
    assert len(found) == 4


async def test_an_exception_that_comes_later_keeps_the_occurrences_id(mailbox: Graph) -> None:
    before = await instances(mailbox, deliver(mailbox, SERIES))
    id_ = deliver(mailbox, MOVED)
    assert id_ == before[2]["id"]
    assert (await mailbox.get(f"me/events/{id_}"))["type"] == "exception"


async def test_a_cancelled_occurrence_stays_and_says_so(mailbox: Graph) -> None:
    master_id = deliver(mailbox, SERIES)
    gone = deliver(
        mailbox,
        """
        RECURRENCE-ID;TZID=Europe/Warsaw:20260323T100000
        DTSTART;TZID=Europe/Warsaw:20260323T100000
        DTEND;TZID=Europe/Warsaw:20260323T110000
        SUMMARY:Canceled: Meeting
        """,
        method="CANCEL",
    )
    shown = await mailbox.get(f"me/events/{gone}")
    assert (shown["isCancelled"], shown["type"]) == (True, "exception")
    assert shown["start"]["dateTime"] == "2026-03-23T09:00:00.0000000"
    others = [e["isCancelled"] for e in await instances(mailbox, master_id)]
    assert others == [False, True, False, False]
    assert (await mailbox.get(f"me/events/{master_id}"))["isCancelled"] is False


async def test_cancelling_a_series_cancels_every_occurrence_of_it(mailbox: Graph) -> None:
    master_id = deliver(mailbox, SERIES, MOVED)
    assert deliver(mailbox, SERIES, method="CANCEL") == master_id
    assert [e["isCancelled"] for e in await instances(mailbox, master_id)] == [True] * 4


async def test_an_invitation_to_one_occurrence_only_stands_alone(mailbox: Graph) -> None:
    alone = await mailbox.get(f"me/events/{deliver(mailbox, MOVED)}")
    assert (alone["type"], alone["originalStart"]) == ("singleInstance", "2026-03-30T08:00:00Z")
    assert alone["uid"] == "one@x.example" != alone["iCalUId"]
    series = await mailbox.get(f"me/events/{deliver(mailbox, SERIES)}")
    assert series["type"] == "seriesMaster"
    assert "originalStart" not in series


async def test_an_update_takes_attachments_away(mailbox: Graph) -> None:
    times = "DTSTART:20260701T080000Z\nDTEND:20260701T090000Z"
    attached = f"{times}\nATTACH;ENCODING=BASE64;VALUE=BINARY;FILENAME=a.txt:YWJj"
    id_ = deliver(mailbox, attached)
    assert len((await mailbox.get(f"me/events/{id_}/attachments"))["value"]) == 1
    deliver(mailbox, times)
    assert (await mailbox.get(f"me/events/{id_}/attachments"))["value"] == []


async def test_a_meeting_is_changed_and_cancelled_by_delivery(mailbox: Graph) -> None:
    times = "DTSTART:20260701T080000Z\nDTEND:20260701T090000Z"
    id_ = deliver(mailbox, f"{times}\nDESCRIPTION:Agenda\nATTENDEE:mailto:b@x.example")
    before = await mailbox.get(f"me/events/{id_}")
    later = "DTSTART:20260702T080000Z\nDTEND:20260702T090000Z\nDESCRIPTION:Agenda"
    assert deliver(mailbox, later) == id_
    changed = await mailbox.get(f"me/events/{id_}")
    assert changed["start"]["dateTime"].startswith("2026-07-02")
    assert changed["changeKey"] != before["changeKey"]

    assert deliver(mailbox, times, method="CANCEL") == id_
    cancelled = await mailbox.get(f"me/events/{id_}")
    assert (cancelled["isCancelled"], cancelled["bodyPreview"]) == (True, "Agenda")


async def test_the_view_shows_what_happens_in_its_span(sample: Graph) -> None:
    path = "me/calendarView?startDateTime=2026-03-30T00:00:00Z&endDateTime=2026-04-14T00:00:00Z"
    shown = await sample.get(f"{path}&$select=type,start")
    assert [(e["type"], e["start"]["dateTime"][:16]) for e in shown["value"]] == [
        ("exception", "2026-03-30T12:00"),
        ("occurrence", "2026-04-13T08:00"),
    ]
    refused = await sample.refused("me/calendarView")
    assert refused == (400, "ErrorInvalidParameter")


async def test_a_list_of_events_holds_masters_and_can_be_filtered(mailbox: Graph) -> None:
    master = deliver(mailbox, SERIES)
    deliver(mailbox, "UID:two@x\nSUMMARY:Two\nDTSTART:20260701T080000Z\nDTEND:20260701T090000Z")
    listed = await mailbox.get("me/events?$orderby=subject")
    assert [e["subject"] for e in listed["value"]] == ["Meeting", "Two"]
    same = quote("iCalUId eq 'one@x.example'")
    found = await mailbox.get(f"me/calendar/events?$filter={same}")
    assert [e["id"] for e in found["value"]] == [master]
    later = quote("start/dateTime ge '2026-06-01T00:00'")
    assert len((await mailbox.get(f"me/events?$filter={later}"))["value"]) == 1


async def test_an_endless_monthly_series(sample: Graph) -> None:
    sample.speak_as("diego.fernandez@contoso.example")
    id_ = graph.sample_id(sample.world, "monthly-review-es")
    master = await sample.get(f"me/events/{id_}")
    assert master["recurrence"]["pattern"] == {
        "type": "relativeMonthly",
        "interval": 1,
        "month": 0,
        "dayOfMonth": 0,
        "firstDayOfWeek": "sunday",
        "index": "second",
        "daysOfWeek": ["tuesday"],
    }
    assert master["recurrence"]["range"]["type"] == "noEnd"
    found = await instances(sample, id_)
    assert [e["start"]["dateTime"][:10] for e in found[:3]] == [
        "2026-01-13",
        "2026-02-10",
        "2026-03-10",
    ]
    assert len(found) == 12
    single = await sample.refused(f"me/events/{found[0]['id']}/instances?{YEAR}")
    assert single == (400, "ErrorInvalidRequest")


async def test_attachments_of_an_event(sample: Graph) -> None:
    path = f"me/events/{graph.sample_id(sample.world, 'agenda-attached-en')}"
    shown = await sample.get(f"{path}?$expand=attachments($select=id,name,size)")
    assert shown["hasAttachments"] is True
    file, link = shown["attachments"]
    assert link["@odata.type"] == "#microsoft.graph.referenceAttachment"
    content = await sample.http.get(f"{path}/attachments/{file['id']}/$value")
    assert content.text.startswith("1. Pilot results")
    alone = await sample.get(f"{path}/attachments/{file['id']}")
    assert alone["name"] == "Agenda.txt"
    assert len((await sample.get(f"{path}/attachments"))["value"]) == 2


async def test_a_stamp_on_one_occurrence_makes_it_an_exception(mailbox: Graph) -> None:
    stamp_id = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name Saved"
    _, second, *_ = await instances(mailbox, deliver(mailbox, SERIES))
    path = f"me/events/{second['id']}"
    change = {"singleValueExtendedProperties": [{"id": stamp_id, "value": "yes"}]}
    assert (await mailbox.http.patch(path, json=change)).status_code == 200
    shown = await mailbox.get(
        f"{path}?$expand=singleValueExtendedProperties($filter=id eq '{stamp_id}')"
    )
    assert shown["type"] == "exception"
    assert shown["singleValueExtendedProperties"] == [{"id": stamp_id, "value": "yes"}]
    refused = await mailbox.refused(path, "PATCH", json={"subject": "New"})
    assert refused == (400, "RequestBodyRead")


async def test_the_meetings_mapi_id_is_shared_by_a_series(mailbox: Graph) -> None:
    clean = "Binary {6ED8DA90-450B-101B-98DA-00AA003F1305} Id 0x23"
    option = f"$expand=singleValueExtendedProperties($filter=id eq '{clean}')"
    master_id = deliver(mailbox, SERIES)
    first, *_ = await instances(mailbox, master_id)
    values = [
        (await mailbox.get(f"me/events/{id_}?{option}"))["singleValueExtendedProperties"]
        for id_ in (master_id, first["id"])
    ]
    assert values[0] == values[1]


async def test_what_is_no_event_is_not_found(mailbox: Graph) -> None:
    message = mailbox.mail()
    assert await mailbox.refused(f"me/events/{message}") == (404, "ErrorItemNotFound")
    first, *_ = await instances(mailbox, deliver(mailbox, SERIES))
    assert await mailbox.refused(f"me/messages/{first['id']}") == (404, "ErrorItemNotFound")
    assert await mailbox.refused("me/events/x") == (400, "ErrorInvalidIdMalformed")
    for raw in (b"", b"nonsense", b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"):
        with pytest.raises(graph.NotACalendar):
            graph.deliver_meeting(mailbox.world, ANNA, raw)


async def test_calendars_take_their_own_scopes(mailbox: Graph) -> None:
    id_ = deliver(mailbox, SERIES)
    mailbox.speak_as(ANNA, "Mail.Read")
    assert await mailbox.refused(f"me/events/{id_}") == (403, "ErrorAccessDenied")
    mailbox.speak_as_app("Calendars.Read")
    assert (await mailbox.get(f"users/{ANNA}/events/{id_}"))["id"] == id_
