"""What we write fits the columns, says what the item says, and is the same every time."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.crm.dataverse import keys, parties, payloads
from shared.crm.dataverse.tables import (
    APPOINTMENT,
    CANCELED,
    EMAIL,
    RECEIVED,
    SCHEDULED,
    SENT,
    State,
    activity_table,
)
from shared.domain import Item, Limits, LookUp, Participant, RecordRef, Role, address_key, identity
from shared.truncation import one_line, storable, units
from tests.contract import items
from tests.shared.crm.strategies import EMAILS, ITEMS, MEETINGS

LIMITS = Limits(1, frozenset())
USER = RecordRef("user", "00000000-0000-0000-0000-00000000000a")
QUEUE = RecordRef("queue", "00000000-0000-0000-0000-00000000000b")
CONTACT = RecordRef("contact", "00000000-0000-0000-0000-00000000000c")


def known(**records: RecordRef) -> LookUp:
    return LookUp(None, {f"{name}@x.example": (ref,) for name, ref in records.items()}, LIMITS)


NOBODY = known()
COLUMNS: Mapping[str, Mapping[str, int]] = {
    "email": {"subject": 800, "messageid": 320},
    "meeting": {"subject": 200, "globalobjectid": 300, "location": 200, "description": 1_048_576},
}


@given(ITEMS, st.sampled_from([NOBODY, known(a=USER, b=CONTACT), known(a=CONTACT)]))
def test_every_row_fits_its_columns(item: Item, lookup: LookUp) -> None:
    row = payloads.draft(item, lookup).row
    json.dumps(row).encode("utf-8")
    for name, limit in COLUMNS[item.kind].items():
        assert units(row.get(name, "")) <= limit
    for name, value in row.items():
        if isinstance(value, str):
            assert value == storable(value), name
    for party in row[activity_table(item.kind).parties]:
        assert units(party.get("addressused", "")) <= 200
        assert party.keys() - {"participationtypemask", "addressused"} or party["addressused"]


@given(ITEMS)
def test_the_same_item_gives_the_same_row_in_every_mailbox(item: Item) -> None:
    ref = replace(item.ref, mailbox="other@x.example", id="other")
    other: Item
    if item.kind == "email":
        item = replace(item, sent_at=item.sent_at or items.SENT)
        other = replace(item, ref=ref, received_at=datetime(2026, 1, 1, tzinfo=UTC))
    else:
        other = replace(item, ref=ref)
    assert payloads.draft(item, NOBODY) == payloads.draft(other, NOBODY)


@given(ITEMS)
def test_nobody_is_lost_and_nobody_is_twice_in_one_role(item: Item) -> None:
    row = payloads.draft(item, NOBODY).row
    stored = [
        (p["participationtypemask"], address_key(p["addressused"]))
        for p in row[activity_table(item.kind).parties]
    ]
    assert len(stored) == len(set(stored))
    wanted = {
        one_line(p.address).casefold().strip()[:200]
        for p in item.participants
        if one_line(p.address).strip()
    }
    assert {address[:200] for _, address in stored} >= {a for a in wanted if len(a) < 150}


@given(MEETINGS)
def test_a_meeting_has_what_dataverse_asks_for(meeting: Any) -> None:
    row = payloads.draft(meeting, NOBODY).row
    assert row["subject"]
    assert row["scheduledend"] >= row["scheduledstart"]
    assert {p["participationtypemask"] for p in row["appointment_activity_parties"]} <= {5, 6, 7}


@given(EMAILS)
def test_an_email_names_no_column_that_is_read_only(email: Any) -> None:
    row = payloads.draft(email, NOBODY).row
    assert not row.keys() & {
        "senton",
        "statecode",
        "statuscode",
        "createdon",
        "overriddencreatedon",
    }


@pytest.mark.parametrize(
    ("lookup", "outgoing", "final"),
    [
        (known(a=USER), True, SENT),
        (known(a=QUEUE), True, SENT),
        (known(a=CONTACT), False, RECEIVED),
        (known(b=USER), False, RECEIVED),
        (NOBODY, False, RECEIVED),
    ],
)
def test_whoever_sent_it_decides_the_direction(
    lookup: LookUp, outgoing: bool, final: State
) -> None:
    mail = items.email(items.sender("A@x.example"), *items.to("b@x.example"))
    draft = payloads.draft(mail, lookup)
    assert draft.row["directioncode"] is outgoing
    assert draft.final == final


def test_a_cancelled_meeting_ends_cancelled_and_any_other_scheduled() -> None:
    assert payloads.draft(items.meeting(), NOBODY).final == SCHEDULED
    past = items.meeting(start=items.SENT - timedelta(days=5000))
    assert payloads.draft(past, NOBODY).final == SCHEDULED
    assert payloads.draft(items.meeting(cancelled=True), NOBODY).final == CANCELED


def test_parties_name_their_record_and_the_address_used() -> None:
    mail = items.email(items.sender("a@x.example"), *items.to("b@x.example", "c@x.example"))
    row = payloads.draft(mail, known(a=USER, b=CONTACT)).row
    assert row["email_activity_parties"] == [
        {
            "participationtypemask": 1,
            "addressused": "a@x.example",
            "partyid_systemuser@odata.bind": f"/systemusers({USER.id})",
        },
        {
            "participationtypemask": 2,
            "addressused": "b@x.example",
            "partyid_contact@odata.bind": f"/contacts({CONTACT.id})",
        },
        {"participationtypemask": 2, "addressused": "c@x.example"},
    ]


def test_two_addresses_of_one_contact_are_one_party() -> None:
    mail = items.email(*items.to("a@x.example", "b@x.example"))
    row = payloads.draft(mail, known(a=CONTACT, b=CONTACT)).row
    assert len(row["email_activity_parties"]) == 1


def test_a_queue_attends_a_meeting_as_an_address() -> None:
    row = payloads.draft(items.meeting(*items.attendees("a@x.example")), known(a=QUEUE)).row
    assert row["appointment_activity_parties"] == [
        {"participationtypemask": 5, "addressused": "a@x.example"}
    ]


def test_a_room_attends_as_an_optional_guest() -> None:
    room = Participant("room@x.example", "", Role.RESOURCE)
    row = payloads.draft(items.meeting(room), NOBODY).row
    assert [p["participationtypemask"] for p in row["appointment_activity_parties"]] == [6]


def test_the_sender_comes_before_the_crowd_that_is_cut() -> None:
    crowd = items.to(*(f"p{n}@x.example" for n in range(1500)))
    draft = payloads.draft(items.email(*crowd, items.sender("a@x.example")), NOBODY)
    stored = draft.row["email_activity_parties"]
    assert len(stored) == parties.MOST
    assert stored[0]["participationtypemask"] == 1
    assert [notice.code for notice in draft.notices] == ["recipients_truncated"]
    assert "501" in draft.notices[0].text


def test_the_true_date_is_the_one_of_sending() -> None:
    row = payloads.draft(items.email(), NOBODY).row
    assert row["sortdate"] == row["actualstart"] == row["actualend"] == "2026-01-05T09:00:00Z"


def test_a_long_subject_is_cut_and_said_so() -> None:
    draft = payloads.draft(items.email(subject="x" * 801), NOBODY)
    assert draft.row["subject"] == "x" * 800
    assert [notice.code for notice in draft.notices] == ["subject_truncated"]


def test_an_item_id_that_does_not_fit_is_left_out() -> None:
    assert "messageid" not in payloads.draft(items.email(message_id="x" * 321), NOBODY).row
    assert "globalobjectid" not in payloads.draft(items.meeting(uid="x" * 301), NOBODY).row


def test_a_file_of_an_email_and_of_a_meeting() -> None:
    id_ = keys.activity_id(items.email())
    row = payloads.file_row(items.file("../a.txt", b"abc"), b"abc", id_, EMAIL)
    assert row == {
        "activitymimeattachmentid": keys.attachment_id(id_, "../a.txt"),
        "filename": "a.txt",
        "mimetype": "application/octet-stream",
        "objecttypecode": "email",
        "objectid_email@odata.bind": f"/emails({id_})",
        "body": "YWJj",
    }
    row = payloads.file_row(items.file("a.txt", b"abc"), b"abc", id_, APPOINTMENT)
    assert row["objectid_activitypointer@odata.bind"] == f"/activitypointers({id_})"


@given(st.lists(st.integers(min_value=0, max_value=50)), st.integers(min_value=0, max_value=100))
def test_files_go_along_as_long_as_there_is_room(sizes: list[int], room: int) -> None:
    files = [items.file(f"{n}", b"x" * size) for n, size in enumerate(sizes)]
    along, later = payloads.fitting(files, room)
    assert sorted(f.key for f in (*along, *later)) == sorted(f.key for f in files)
    assert sum(f.size for f in along) <= room
    assert all(sum(f.size for f in along) + f.size > room for f in later)


@given(ITEMS, ITEMS)
def test_keys_are_guids_of_our_own_and_as_different_as_the_items(one: Item, two: Item) -> None:
    key = keys.activity_id(one)
    assert keys.guid(key) == key
    assert keys.is_ours(key)
    assert keys.attachment_id(key, "1") != keys.attachment_id(key, "2")
    if storable(identity(one)) != storable(identity(two)):
        assert key != keys.activity_id(two)


@pytest.mark.parametrize(
    "theirs", ["e73ffc82-e292-ed11-aad1-000d3a9933c9", "2479d20d-3a39-4711-8145-e0071b6a2001"]
)
def test_ids_that_dataverse_gives_out_are_not_ours(theirs: str) -> None:
    assert not keys.is_ours(theirs)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "x" * 36,
        "{e73ffc82-e292-ed11-aad1-000d3a9933c9}",
        "../../../../../../../../../aaaaaaaaa",
    ],
)
def test_what_is_no_guid_is_told(text: str) -> None:
    assert keys.guid(text) is None


def test_a_guid_is_spelt_one_way() -> None:
    id_ = "E73FFC82-E292-ED11-AAD1-000D3A9933C9"
    assert keys.guid(id_) == str(UUID(id_))


def test_the_key_of_an_item_never_changes() -> None:
    """Were it to, everything saved so far would be saved again."""
    assert keys.activity_id(items.email()) == "399109e7-2712-58b9-85fd-b50609e9afe6"
    assert keys.activity_id(items.meeting()) == "70c8b26d-5bca-551d-919c-5830516d3fd0"
