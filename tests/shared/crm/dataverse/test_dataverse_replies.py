"""What Dataverse's answers say."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.crm.dataverse import keys, replies
from shared.crm.dataverse.tables import APPOINTMENT, EMAIL, State
from shared.domain import Limits, Person, RecordRef
from shared.policy import CategoryField
from tests.contract import items

ROOT = "https://org.example"
THEIRS = "e73ffc82-e292-4d11-aad1-000d3a9933c9"
OURS = keys.activity_id(items.email())
LOGICAL = "@Microsoft.Dynamics.CRM.lookuplogicalname"
SHOWN = "@OData.Community.Display.V1.FormattedValue"


def row(**more: Any) -> dict[str, Any]:
    return {
        "@odata.etag": 'W/"1"',
        "activityid": OURS,
        "subject": "Offer",
        "createdon": "2026-01-05T09:00:00Z",
        "statecode": 1,
        "statuscode": 4,
        "_regardingobjectid_value": None,
        "createdby": {"fullname": "Anna", "internalemailaddress": "anna@own.example"},
        "email_activity_parties": [],
        "email_activity_mime_attachment": [],
        **more,
    }


def party(mask: int, address: str, logical: str | None = None, id_: str = "1") -> dict[str, Any]:
    found: dict[str, Any] = {"participationtypemask": mask, "addressused": address}
    if logical:
        found |= {
            "_partyid_value": id_,
            f"_partyid_value{LOGICAL}": logical,
            f"_partyid_value{SHOWN}": f"Name {id_}",
        }
    return found


def test_a_record_says_who_saved_what_when_and_where_it_is() -> None:
    record = replies.record(row(), EMAIL, ROOT, ())
    activity = record.activity
    assert (activity.id, activity.kind, activity.crm) == (OURS, "email", "dataverse")
    assert activity.saved_by == Person("Anna", "anna@own.example")
    assert activity.saved_at == items.SENT
    assert activity.url == f"{ROOT}/main.aspx?pagetype=entityrecord&etn=email&id={OURS}"
    assert (record.etag, record.state, record.whole) == ('W/"1"', State(1, 4), True)


@pytest.mark.parametrize(
    ("id_", "state", "whole"), [(OURS, 0, False), (OURS, 1, True), (THEIRS, 0, True)]
)
def test_only_our_own_open_record_is_unfinished(id_: str, state: int, whole: bool) -> None:
    found = replies.record(row(activityid=id_, statecode=state, statuscode=1), EMAIL, ROOT, ())
    assert found.whole is whole


def test_the_link_is_named_in_our_words() -> None:
    linked = row(
        **{
            "_regardingobjectid_value": "7",
            f"_regardingobjectid_value{LOGICAL}": "incident",
            f"_regardingobjectid_value{SHOWN}": "Broken pump",
        }
    )
    assert replies.record(linked, EMAIL, ROOT, ()).activity.links == (
        RecordRef("case", "7", "Broken pump", replies.url(ROOT, "incident", "7")),
    )


def test_contacts_and_strangers_are_told_apart_from_colleagues() -> None:
    parties = [
        party(1, "c@customer.example", "contact", "1"),
        party(2, "user@other-own.example", "systemuser", "2"),
        party(2, "nolicence@own.example"),
        party(3, "nolicence@OTHER-own.example"),
        party(3, "Stranger@else.example"),
        party(2, "stranger@else.example"),
        party(4, "lead@else.example", "lead", "3"),
        party(8, "c2@customer.example", "contact", "4"),
        party(9, "", "systemuser", "2"),
        {"participationtypemask": 2, "addressused": None},
    ]
    activity = replies.record(row(email_activity_parties=parties), EMAIL, ROOT, ()).activity
    assert activity.contacts == (
        RecordRef(
            "contact", "1", "Name 1", replies.url(ROOT, "contact", "1"), "c@customer.example"
        ),
    )
    assert [address.lower() for address in activity.unmatched] == ["stranger@else.example"]


@given(st.permutations([party(n % 4 + 1, f"p{n}@x.example") for n in range(8)]))
def test_the_order_of_the_answer_does_not_matter(parties: list[dict[str, Any]]) -> None:
    first = [party(n % 4 + 1, f"p{n}@x.example") for n in range(8)]
    one = replies.record(row(email_activity_parties=parties), EMAIL, ROOT, ())
    assert one == replies.record(row(email_activity_parties=first), EMAIL, ROOT, ())


def test_categories_are_those_of_the_policy_that_have_a_value() -> None:
    fields = (
        CategoryField(name="new_topic", type="choice"),
        CategoryField(name="new_region", type="lookup"),
        CategoryField(name="new_flag", type="boolean"),
        CategoryField(name="new_text", type="text"),
    )
    found = row(new_topic=1, _new_region_value="7", new_flag=False, new_text=None, new_other="x")
    categories = replies.record(found, EMAIL, ROOT, fields).activity.categories
    assert categories == {"new_topic": 1, "new_region": "7", "new_flag": False}


def test_a_copy_of_an_occurrence_starts_when_it_does() -> None:
    start = items.SENT
    meet = items.meeting(uid="u", ical_uid="u", start=start, occurrence=start)
    at = {"globalobjectid": "u", "scheduledstart": "2026-01-05T09:00:00Z"}
    later = {"globalobjectid": "u", "scheduledstart": "2026-01-06T09:00:00Z"}
    assert replies.is_copy(at, meet)
    assert not replies.is_copy(later, meet)
    moved = replace(meet, start=start + timedelta(days=1), end=start + timedelta(days=2))
    assert replies.is_copy(at, moved)
    assert replies.is_copy(later, moved)
    own = replace(meet, ical_uid="i")
    assert replies.is_copy({**later, "globalobjectid": "i"}, own)
    assert replies.is_copy(later, items.meeting(uid="u"))
    assert replies.is_copy(later, items.email())


def test_matches_come_best_first_and_oldest_first() -> None:
    def contact(id_: str, created: str, *addresses: str) -> dict[str, Any]:
        columns = {f"emailaddress{n}": a for n, a in enumerate(addresses, 1)}
        return {"contactid": id_, "fullname": id_, "createdon": created, **columns}

    rows = {
        "contact": [
            contact("young", "2026", "A@x.example"),
            contact("old", "2020", "other@x.example", "a@X.example"),
        ],
        "queue": [
            {"queueid": "q", "name": "Q", "emailaddress": "a@x.example", "createdon": "2026"}
        ],
        "lead": [{"leadid": "l", "fullname": "L", "emailaddress1": "b@x.example"}],
    }
    found = replies.party_matches(rows, ["a@x.example", "b@x.example", "c@x.example"], ROOT)
    assert [(ref.type, ref.id) for ref in found["a@x.example"]] == [
        ("queue", "q"),
        ("contact", "old"),
        ("contact", "young"),
    ]
    assert found["a@x.example"][1].email == "a@X.example"
    assert [ref.type for ref in found["b@x.example"]] == ["lead"]
    assert "c@x.example" not in found


@given(st.integers(min_value=0, max_value=131_072_000))
def test_what_fits_the_limit_fits_as_base64(encoded: int) -> None:
    limits = replies.organization({"maxuploadfilesize": encoded}).limits
    as_base64 = -(-limits.max_bytes // 3) * 4
    assert as_base64 <= encoded
    assert -(-(limits.max_bytes + 3) // 3) * 4 > encoded


def test_the_organisation_says_what_it_blocks_and_how_it_deletes() -> None:
    name = "DistinctPhysicalAndLogicalDeletesForExchangeSync"
    settings = f"<OrgSettings><{name}>True</{name}></OrgSettings>"
    told = replies.organization(
        {
            "maxuploadfilesize": 5_242_880,
            "blockedattachments": "exe; .JS;;bat",
            "orgdborgsettings": settings,
        }
    )
    assert told.limits == Limits(3_932_160, frozenset({"exe", "js", "bat"}))
    assert told.spares_calendars


@pytest.mark.parametrize("settings", [None, "", "<OrgSettings/>", "<broken", 5])
def test_a_setting_that_is_not_there_is_not_on(settings: Any) -> None:
    assert not replies.organization({"orgdborgsettings": settings}).spares_calendars


def test_an_appointment_is_read_by_its_own_names() -> None:
    found = row(
        appointment_activity_parties=[party(5, "c@customer.example", "contact")],
        appointment_activity_mime_attachment=[
            {"activitymimeattachmentid": "2", "filename": "b", "filesize": 1},
            {"activitymimeattachmentid": "1", "filename": "A", "filesize": None},
        ],
    )
    activity = replies.record(found, APPOINTMENT, ROOT, ()).activity
    assert activity.kind == "meeting"
    assert len(activity.contacts) == 1
    assert [(f.name, f.size) for f in activity.files] == [("A", 0), ("b", 1)]
