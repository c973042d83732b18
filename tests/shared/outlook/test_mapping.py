import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import AttachmentKind, Email, ItemRef, Meeting, Role, Sensitivity, identity
from shared.outlook import mapping, wire
from shared.outlook.failures import parsed
from shared.outlook.time_zones import iana_name

MAIL = ItemRef("email", "me", "asked")
EVENT = ItemRef("meeting", "me", "asked")
CLASS = "040000008200E00074C5B7101A82E008"
REST = "0011223344556677" + "00" * 8 + "10000000" + "AB" * 16


def email(**fields: Any) -> Email:
    return mapping.email(MAIL, wire.Message.model_validate({"id": "AAMk=", **fields}))


def meeting(**fields: Any) -> Meeting:
    whole = {
        "id": "AAMk=",
        "iCalUId": "uid@x.example",
        "type": "singleInstance",
        "start": {"dateTime": "2026-03-23T09:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-03-23T10:00:00.0000000", "timeZone": "UTC"},
        **fields,
    }
    return mapping.meeting(EVENT, wire.Event.model_validate(whole))


def person(address: str | None, name: str | None = "") -> dict[str, Any]:
    return {"emailAddress": {"address": address, "name": name}}


def test_a_message_of_which_graph_tells_nothing() -> None:
    found = email()
    assert found.ref == ItemRef("email", "me", "AAMk=")
    assert (found.subject, found.body.content, found.participants) == ("", "", ())
    assert found.message_id is None
    assert found.sent_at is None
    assert found.sensitivity is Sensitivity.NORMAL


def test_nulls_are_nothing() -> None:
    names = [
        *wire.MESSAGE,
        "attachments",
        "singleValueExtendedProperties",
    ]
    assert email(**{name: None for name in names if name != "id"}) == email()
    optional = [n for n in wire.EVENT if n not in ("id", "start", "end", "iCalUId", "type")]
    assert meeting(**dict.fromkeys(optional)) == meeting()


def test_the_author_comes_before_who_sent_it_for_them() -> None:
    both = {"from": person("boss@x.example"), "sender": person("secretary@x.example")}
    assert [p.address for p in email(**both).participants] == ["boss@x.example"]
    alone = email(sender=person("secretary@x.example"))
    assert [p.address for p in alone.participants] == ["secretary@x.example"]


def test_entries_without_an_address_are_no_participants() -> None:
    found = email(toRecipients=[person(None, "Undisclosed"), person(""), {}, person("a@x.example")])
    assert [(p.address, p.role) for p in found.participants] == [("a@x.example", Role.TO)]


def test_a_draft_was_neither_sent_nor_received() -> None:
    times = {"sentDateTime": "2026-01-05T09:00:00Z", "receivedDateTime": "2026-01-05T09:00:00Z"}
    draft = email(isDraft=True, **times)
    assert (draft.is_draft, draft.sent_at, draft.received_at) == (True, None, None)
    assert email(**times).sent_at == datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize("never", ["0001-01-01T00:00:00Z", "1601-01-01T00:00:00Z"])
def test_exchanges_no_time_is_none(never: str) -> None:
    assert email(sentDateTime=never).sent_at is None


def test_references_come_from_headers_or_from_mapi_properties() -> None:
    headers = [
        {"name": "In-Reply-To", "value": " <b@x>\r\n"},
        {"name": "REFERENCES", "value": "<a@x>\r\n <b@x> <a@x> junk"},
        {"name": "Received", "value": None},
    ]
    properties = [
        {"id": "String 0x1042", "value": "<b@x>"},
        {"id": "string 0x1039", "value": "<a@x> <b@x>"},
    ]
    for found in (
        email(internetMessageHeaders=headers),
        email(singleValueExtendedProperties=properties),
        email(internetMessageHeaders=headers, singleValueExtendedProperties=properties),
    ):
        assert found.in_reply_to == "<b@x>"
        assert found.references == ("<a@x>", "<b@x>")


@pytest.mark.parametrize(
    ("id_", "value", "expected"),
    [
        ("Integer 0x36", "0", Sensitivity.NORMAL),
        ("Integer 0x36", "1", Sensitivity.PERSONAL),
        ("Integer 0x36", "2", Sensitivity.PRIVATE),
        ("Integer 0x0036", "3", Sensitivity.CONFIDENTIAL),
        ("Integer 0x36", "9", Sensitivity.NORMAL),
        ("Integer 0x36", "-1", Sensitivity.NORMAL),
        ("Integer 0x36", "²", Sensitivity.NORMAL),
        ("Integer 0x37", "2", Sensitivity.NORMAL),
    ],
)
def test_sensitivity_of_a_message(id_: str, value: str, expected: Sensitivity) -> None:
    found = email(singleValueExtendedProperties=[{"id": id_, "value": value}])
    assert found.sensitivity is expected


def test_sensitivity_of_a_meeting() -> None:
    assert meeting(sensitivity="private").sensitivity is Sensitivity.PRIVATE
    assert meeting(sensitivity="new kind").sensitivity is Sensitivity.NORMAL


def test_kinds_of_attachments() -> None:
    listed = [
        {"@odata.type": "#microsoft.graph.fileAttachment", "id": "1", "name": "a.txt", "size": 3},
        {"@odata.type": "#microsoft.graph.itemAttachment", "id": "2", "name": "Re: a/b"},
        {
            "@odata.type": "#microsoft.graph.referenceAttachment",
            "id": "3",
            "name": "doc.docx",
            "isInline": True,
            "contentType": "application/msword",
        },
        {"id": "4", "name": None, "isInline": True},
    ]
    found = email(attachments=listed).attachments
    assert [(a.name, a.kind, a.inline) for a in found] == [
        ("a.txt", AttachmentKind.FILE, False),
        ("Re_ a_b.eml", AttachmentKind.ITEM, False),
        ("doc.docx.url", AttachmentKind.REFERENCE, False),
        ("attachment", AttachmentKind.FILE, True),
    ]
    assert found[0].content_type == "application/octet-stream"


@pytest.mark.parametrize(
    ("type_", "occurrence", "is_series"),
    [
        ("singleInstance", None, False),
        ("seriesMaster", None, True),
        ("occurrence", datetime(2026, 3, 16, 9, tzinfo=UTC), False),
        ("exception", datetime(2026, 3, 16, 9, tzinfo=UTC), False),
    ],
)
def test_places_in_a_series(type_: str, occurrence: datetime | None, is_series: bool) -> None:
    found = meeting(type=type_, originalStart="2026-03-16T09:00:00Z", seriesMasterId="M=")
    assert (found.occurrence, found.is_series) == (occurrence, is_series)
    assert found.series_master_id == "M="


@pytest.mark.parametrize(
    ("type_", "ical_uid", "day"),
    [
        ("occurrence", CLASS + "07EA0317" + REST, date(2026, 3, 23)),
        ("exception", (CLASS + "07EA0317" + REST).lower(), date(2026, 3, 23)),
        ("occurrence", CLASS + "00000000" + REST, None),
        ("occurrence", CLASS + "07EA0F51" + REST, None),
        ("occurrence", "abc@google.example", None),
        ("singleInstance", CLASS + "07EA0317" + REST, None),
        ("seriesMaster", CLASS + "00000000" + REST, None),
    ],
)
def test_the_day_of_an_occurrence(type_: str, ical_uid: str, day: date | None) -> None:
    assert meeting(type=type_, iCalUId=ical_uid).day == day


def test_a_series_that_is_moved_to_another_hour_keeps_its_occurrences() -> None:
    uid = CLASS + "07EA0317" + REST
    at_nine, at_ten = (
        meeting(type="occurrence", iCalUId=uid, originalStart=f"2026-03-23T{hour}:00:00Z")
        for hour in ("09", "10")
    )
    assert identity(at_nine) == identity(at_ten)
    other = meeting(type="occurrence", iCalUId=CLASS + "07EA031E" + REST)
    assert identity(other) != identity(at_nine)


def test_an_occurrence_without_its_original_start_has_its_start() -> None:
    assert meeting(type="occurrence").occurrence == datetime(2026, 3, 23, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ical_uid", "expected"),
    [
        (CLASS + "00000000" + REST, CLASS + "00000000" + REST),
        (CLASS + "07EA0317" + REST, CLASS + "00000000" + REST),
        ((CLASS + "07EA0317" + REST).lower(), CLASS + "00000000" + REST),
        ("abc@google.example", "abc@google.example"),
        (
            CLASS
            + "07EA0317"
            + "00" * 16
            + "20000000"
            + (b"vCal-Uid\x01\x00\x00\x00abc@google.example\x00").hex().upper(),
            "abc@google.example",
        ),
        (CLASS, CLASS),
        (CLASS + "07EA0317" + REST + "A", CLASS + "07EA0317" + REST + "A"),
    ],
)
def test_the_uid_of_a_series_is_the_same_for_all_of_it(ical_uid: str, expected: str) -> None:
    assert mapping.series_uid(ical_uid) == expected
    assert meeting(iCalUId=ical_uid).ical_uid == ical_uid


@pytest.mark.parametrize(
    ("zone", "start", "end"),
    [
        ("Pacific Standard Time", "2026-03-07T08:00", "2026-03-09T07:00"),  # the clocks go forward
        ("Central European Standard Time", "2026-03-06T23:00", "2026-03-08T23:00"),
        ("Asia/Tokyo", "2026-03-06T15:00", "2026-03-08T15:00"),
        (None, "2026-03-07T00:00", "2026-03-09T00:00"),
    ],
)
def test_all_day_means_the_days_of_the_meetings_own_zone(
    zone: str | None, start: str, end: str
) -> None:
    found = meeting(
        isAllDay=True,
        originalStartTimeZone=zone,
        start={"dateTime": "2026-03-07T00:00:00.0000000", "timeZone": "UTC"},
        end={"dateTime": "2026-03-09T00:00:00.0000000", "timeZone": "UTC"},
    )
    assert found.start == datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert found.end == datetime.fromisoformat(end).replace(tzinfo=UTC)


@given(
    st.dates(date(2020, 1, 1), date(2035, 12, 31)),
    st.integers(1, 30),
    st.sampled_from(sorted(available_timezones())),
)
def test_all_day_days_are_those_of_any_zone_on_any_date(first: date, days: int, zone: str) -> None:
    """Some clocks go forward at midnight, so that a day begins at one o'clock."""
    last = first + timedelta(days=days)
    found = meeting(
        isAllDay=True,
        originalStartTimeZone=zone,
        start={"dateTime": f"{first}T00:00:00.0000000", "timeZone": "UTC"},
        end={"dateTime": f"{last}T00:00:00.0000000", "timeZone": "UTC"},
    )
    there = ZoneInfo(zone)
    assert found.start.astimezone(there).date() == first
    assert found.end.astimezone(there).date() == last
    assert found.start.astimezone(there).hour <= 1
    assert (found.start - timedelta(hours=1, seconds=1)).astimezone(there).date() < first


@given(
    st.timedeltas(timedelta(days=-5), timedelta(days=5)),
    st.sampled_from(sorted(available_timezones())),
)
def test_an_occurrence_keeps_its_original_start_wherever_it_is_moved(
    by: timedelta, zone: str
) -> None:
    original = "2026-03-28T23:30:00Z"  # before the clocks of Europe go forward
    moved, length = datetime.fromisoformat(original) + by, timedelta(minutes=30)
    found = meeting(
        type="exception",
        originalStart=original,
        originalStartTimeZone=zone,
        start={"dateTime": f"{moved:%Y-%m-%dT%H:%M:%S.%f}0", "timeZone": "UTC"},
        end={"dateTime": f"{moved + length:%Y-%m-%dT%H:%M:%S.%f}0", "timeZone": "UTC"},
    )
    assert found.occurrence == datetime.fromisoformat(original)
    assert found.start == moved
    assert found.end - found.start == length


@pytest.mark.parametrize(("told", "expected"), [(True, True), (False, False), (None, False)])
def test_the_owner_organises_what_graph_says_so_of(told: bool | None, expected: bool) -> None:
    assert meeting(isOrganizer=told).is_organizer is expected


def test_times_in_another_zone_than_asked_are_understood() -> None:
    found = meeting(
        start={"dateTime": "2026-07-01T09:00:00", "timeZone": "Eastern Standard Time"},
        end={"dateTime": "2026-07-01T10:00:00+02:00", "timeZone": None},
    )
    assert found.start == datetime(2026, 7, 1, 13, tzinfo=UTC)
    assert found.end == datetime(2026, 7, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("UTC", "UTC"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("tzone://Microsoft/Custom", "UTC"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("Tokyo Standard Time", "Asia/Tokyo"),
        ("Europe/Warsaw", "Europe/Warsaw"),
        ("Nowhere Standard Time", "UTC"),
        ("../../etc/passwd", "UTC"),
        ("", "UTC"),
        (None, "UTC"),
    ],
)
def test_names_of_time_zones(name: str | None, expected: str) -> None:
    assert iana_name(name) == expected


def test_the_organizer_is_counted_once() -> None:
    found = meeting(
        organizer=person("Ann@x.example", "Ann"),
        attendees=[
            {**person("ann@X.example"), "type": "required"},
            {**person("bob@x.example"), "type": "optional"},
            {**person("room@x.example"), "type": "resource"},
            {**person("eve@x.example"), "type": None},
        ],
    )
    assert [(p.address, p.role) for p in found.participants] == [
        ("Ann@x.example", Role.ORGANIZER),
        ("bob@x.example", Role.OPTIONAL),
        ("room@x.example", Role.RESOURCE),
        ("eve@x.example", Role.REQUIRED),
    ]


def test_ten_thousand_recipients() -> None:
    found = email(toRecipients=[person(f"r{n}@x.example", f"R {n}") for n in range(10_000)])
    assert len(found.participants) == 10_000


HOSTILE = st.text(st.characters(exclude_categories=()), max_size=60)
PEOPLE = st.lists(
    st.one_of(
        st.none(), st.builds(person, st.one_of(st.none(), HOSTILE), st.one_of(st.none(), HOSTILE))
    ).map(lambda p: p or {}),
    max_size=3,
)


@given(
    st.fixed_dictionaries(
        {
            "subject": HOSTILE,
            "internetMessageId": HOSTILE,
            "body": st.fixed_dictionaries({"contentType": HOSTILE, "content": HOSTILE}),
            "toRecipients": PEOPLE,
            "from": PEOPLE.map(lambda people: people[0] if people else None),
            "internetMessageHeaders": st.lists(
                st.fixed_dictionaries(
                    {"name": st.sampled_from(["References", "In-Reply-To"]), "value": HOSTILE}
                ),
                max_size=2,
            ),
            "attachments": st.lists(
                st.fixed_dictionaries({"id": HOSTILE, "name": HOSTILE, "contentType": HOSTILE}),
                max_size=2,
            ),
        }
    )
)
def test_whatever_strangers_write_arrives_as_clean_text(fields: dict[str, Any]) -> None:
    """Through real JSON, where a lone surrogate is an escape."""
    content = parsed(json.dumps({"id": "A=", **fields}).encode())
    found = mapping.email(MAIL, wire.Message.model_validate(content))
    lines = [
        found.subject,
        found.message_id or "",
        *(text for p in found.participants for text in (p.address, p.name)),
        *(text for a in found.attachments for text in (a.name, a.content_type)),
        *found.references,
    ]
    for line in lines:
        assert len(line.splitlines()) <= 1
        assert "\x00" not in line
        line.encode("utf-8")
    found.body.content.encode("utf-8")
    assert all(p.address for p in found.participants)
