"""What is Dataverse's own about following a meeting: states, parties, other people's calendars."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from azure.core.credentials import AccessToken
from hypothesis import given
from hypothesis import strategies as st
from PowerPlatform.Dataverse.client import DataverseClient

from sandbox.dataverse.sample import ORGANIZATION
from shared.crm.dataverse import parties, payloads, refreshed
from shared.crm.dataverse.adapter import DataverseCrm
from shared.crm.dataverse.parties import Party
from shared.crm.dataverse.replies import Record
from shared.crm.dataverse.tables import CANCELED, SCHEDULED, State
from shared.domain import (
    Activity,
    Change,
    Limits,
    LookUp,
    Meeting,
    Person,
    RecordRef,
    address_key,
)
from shared.errors import Conflict, InvalidRequest
from tests.contract import items
from tests.contract.dataverse_harness import SPARING, DataverseHarness
from tests.contract.people import Cast
from tests.contract.refreshing import STRANGER, moved, refresh
from tests.contract.saving import save, told
from tests.shared.crm.strategies import MEETINGS

LONG = timedelta(days=3650)


def state(harness: DataverseHarness, id_: str) -> tuple[int, int]:
    row = harness.appointment(id_)
    return row["statecode"], row["statuscode"]


async def test_past_or_to_come_a_meeting_is_scheduled_as_a_save_leaves_it(
    harness: DataverseHarness, crm: DataverseCrm, meet: Meeting
) -> None:
    saved = (await save(crm, moved(meet, -LONG))).activity
    assert state(harness, saved.id) == (3, 5)
    for by in (LONG, -LONG, timedelta(0)):
        await refresh(crm, moved(meet, by))
        assert state(harness, saved.id) == (3, 5)
        assert harness.appointment(saved.id)["sortdate"] == payloads.moment(meet.start + by)


@pytest.mark.parametrize("left", [(1, 3), (3, 6), (0, 1), (2, 4)])
async def test_what_a_person_made_of_the_state_stays(
    harness: DataverseHarness, crm: DataverseCrm, meet: Meeting, left: tuple[int, int]
) -> None:
    saved = (await save(crm, meet)).activity
    wanted = {"statecode": left[0], "statuscode": left[1]}
    await harness.write("PATCH", f"appointments({saved.id})", wanted)
    if left[0] == 0:
        # An open record of ours is one whose save was interrupted; that save finishes it first.
        with pytest.raises(Conflict):
            await refresh(crm, moved(meet))
        return
    await refresh(crm, moved(meet, LONG))
    assert state(harness, saved.id) == left
    assert harness.appointment(saved.id)["location"] == "Room 2"
    await refresh(crm, replace(moved(meet, LONG), cancelled=True))
    assert state(harness, saved.id) == (2, 4)


async def synced(harness: DataverseHarness, id_: str) -> None:
    handle = f"{harness.sandbox.url}/sandbox/dataverse/appointments/{id_}/synced"
    async with httpx.AsyncClient() as client:
        (await client.post(handle)).raise_for_status()


@pytest.mark.parametrize("way", ["cancel", "refresh", "save"])
async def test_cancelling_our_record_cancels_nobodys_meeting(
    harness: DataverseHarness, crm: DataverseCrm, meet: Meeting, way: str
) -> None:
    store = harness.sandbox.world.store
    event = next(e for e in store.all("graph", "events") if not e["fields"].get("isCancelled"))
    meet = replace(meet, uid=event["uid"], ical_uid=event["uid"])
    off = replace(meet, cancelled=True)
    saved = (await save(crm, off if way == "save" else meet)).activity
    await synced(harness, saved.id)
    if way == "cancel":
        await crm.cancel(saved.id)
    else:
        await refresh(crm, off)
    row = harness.appointment(saved.id)
    assert row["statecode"] == 2
    assert "globalobjectid" not in row
    after = [e for e in store.all("graph", "events") if e["uid"] == event["uid"]]
    assert after
    assert not any(e["fields"].get("isCancelled") for e in after)
    await refresh(crm, meet)
    row = harness.appointment(saved.id)
    assert (row["statecode"], row["globalobjectid"]) == (3, event["uid"])


async def test_another_tools_meeting_is_only_cancelled_where_calendars_are_spared(
    harness: DataverseHarness, crm: DataverseCrm, people: Cast, meet: Meeting
) -> None:
    id_ = await harness.plant_copy(meet)
    off = replace(moved(meet), start=meet.start, cancelled=True)
    with pytest.raises(InvalidRequest):
        await crm.cancel(id_)
    with pytest.raises(InvalidRequest):
        await refresh(crm, off)
    row = harness.appointment(id_)
    assert (row["statecode"], row["location"]) == (3, meet.location)
    await harness.write("PATCH", f"organizations({ORGANIZATION})", {"orgdborgsettings": SPARING})
    fresh = harness.crm(people.caller.address)
    await refresh(fresh, off)
    row = harness.appointment(id_)
    assert (row["statecode"], row["location"]) == (2, "Room 2")
    assert row["globalobjectid"] == meet.uid
    await fresh.cancel(id_)
    assert harness.appointment(id_)["versionnumber"] == row["versionnumber"]


async def test_another_tools_meeting_stays_cancelled_by_that_tool(
    harness: DataverseHarness, crm: DataverseCrm, meet: Meeting
) -> None:
    id_ = await harness.plant_copy(meet)
    await harness.write("PATCH", f"appointments({id_})", {"statecode": 2})
    await refresh(crm, replace(moved(meet), start=meet.start))
    row = harness.appointment(id_)
    assert (row["statecode"], row["location"]) == (2, "Room 2")


async def test_all_of_it_or_nothing(
    harness: DataverseHarness, crm: DataverseCrm, people: Cast, meet: Meeting
) -> None:
    saved = (await save(crm, meet)).activity
    await crm.cancel(saved.id)
    now = replace(
        moved(meet),
        participants=(*meet.participants, *items.attendees(people.other_contact.email)),
    )
    known = await crm.look_up(now, None)
    before = harness.appointment(saved.id)
    await harness.write("DELETE", f"contacts({people.other_contact.id})", {})
    with pytest.raises(Conflict):
        await crm.refresh(now, known)
    assert harness.appointment(saved.id) == before
    after = await refresh(crm, now)
    assert harness.appointment(saved.id)["location"] == "Room 2"
    assert people.other_contact.id not in {contact.id for contact in after.contacts}


async def test_an_address_keeps_the_contact_that_was_chosen_among_several(
    harness: DataverseHarness, crm: DataverseCrm, people: Cast, meet: Meeting
) -> None:
    """Two contacts carry the address: by itself, the oldest is taken."""
    address = {"emailaddress2": people.contact.email}
    await harness.write("PATCH", f"contacts({people.other_contact.id})", address)
    saved = (await save(crm, meet)).activity
    first = [contact.id for contact in saved.contacts]
    other = {people.contact.id, people.other_contact.id} - set(first)
    chosen = harness.ref("contact", other.pop())
    await crm.edit("meeting", saved.id, Change(contacts=(chosen,)))
    after = await refresh(crm, moved(meet))
    assert [contact.id for contact in after.contacts] == [chosen.id] != first
    assert after.unmatched == (STRANGER,)


async def test_who_changes_the_role_keeps_the_record(
    harness: DataverseHarness, crm: DataverseCrm, meet: Meeting
) -> None:
    saved = (await save(crm, meet)).activity
    roles = tuple(replace(p, role=items.Role.OPTIONAL) for p in meet.participants[1:])
    after = await refresh(crm, replace(meet, participants=(*meet.participants[:1], *roles)))
    assert told(after) == told(saved)
    stored = harness.sandbox.world.store.all("dataverse", "activityparty")
    masks = [p["participationtypemask"] for p in stored if p["activityid"][1] == saved.id]
    assert sorted(masks) == [6, 6, 7, 9]


class _Credential:
    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        return AccessToken(self._token, 2**31)


async def test_microsofts_own_client_reads_what_was_refreshed(
    harness: DataverseHarness, crm: DataverseCrm, people: Cast, meet: Meeting
) -> None:
    saved = (await save(crm, meet)).activity
    day = datetime(2026, 3, 29, tzinfo=ZoneInfo("Europe/Berlin"))
    after = datetime(2026, 3, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    now = replace(meet, start=day, end=after, all_day=True, time_zone="Europe/Berlin")
    await refresh(crm, now)
    await crm.cancel(saved.id)
    token = harness.sandbox.token(people.colleague.address, audience="dataverse")
    with DataverseClient(f"{harness.sandbox.url}/dataverse", _Credential(token)) as client:
        columns = ["statecode", "statuscode", "isalldayevent", "scheduledstart", "scheduledend"]
        row = client.records.retrieve("appointment", saved.id, select=columns)
    assert (row["statecode"], row["statuscode"], row["isalldayevent"]) == (2, 4, True)
    # the day on which the clocks are moved has 23 hours there
    assert row["scheduledstart"] == "2026-03-28T23:00:00Z"
    assert row["scheduledend"] == "2026-03-29T22:00:00Z"


async def test_looking_up_something_new_is_no_dearer(
    harness: DataverseHarness, crm: DataverseCrm, meet: Meeting
) -> None:
    """The text comes along with our own record alone, once there is one."""
    long = replace(meet, body=replace(meet.body, content="x" * 100_000))
    await save(crm, long)
    sizes = []
    for item in (replace(meet, uid="new", ical_uid="new"), long):
        before = len(harness.sandbox.requests("dataverse"))
        await crm.look_up(item, None)
        assert len(harness.sandbox.requests("dataverse")) == before + 1
        known = await crm.look_up(item, None)
        seen = known.existing.seen if known.existing else None
        sizes.append(len(seen.row["description"]) if isinstance(seen, Record) else 0)
    assert sizes[0] == 0
    assert sizes[1] >= 100_000


NOBODY = LookUp(None, {}, Limits(1, frozenset()))


def record(row: dict[str, Any], final: State, *present: Party) -> Record:
    activity = Activity(
        kind="meeting",
        id=row["activityid"],
        crm="dataverse",
        url="",
        subject="",
        saved_by=Person("", ""),
        saved_at=items.SENT,
    )
    kept = {name: value or None for name, value in row.items()}
    return Record(activity, final, 'W/"1"', present, whole=True, row=kept)


@given(MEETINGS)
def test_what_was_just_saved_needs_no_change(meet: Meeting) -> None:
    draft = payloads.draft(meet, NOBODY)
    found = record(dict(draft.row), draft.final, *parties.resolved(meet, {}))
    assert refreshed.columns(found, draft) == {}
    assert refreshed.state(found, draft) == draft.final
    assert set(refreshed.attendees(found, meet, {})) == set(found.parties)


@given(MEETINGS, MEETINGS)
def test_one_refresh_is_enough(before: Meeting, now: Meeting) -> None:
    old, new = payloads.draft(before, NOBODY), payloads.draft(now, NOBODY)
    found = record({**old.row, "activityid": new.row["activityid"]}, old.final)
    after = {**found.row, **refreshed.columns(found, new)}
    then = record(after, refreshed.state(found, new))
    assert refreshed.columns(then, new) == {}
    assert refreshed.state(then, new) == then.state == new.final


@pytest.mark.parametrize("left", [SCHEDULED, CANCELED, State(1, 3), State(3, 6)])
def test_a_cancellation_wins_over_every_state(left: State) -> None:
    draft = payloads.draft(items.meeting(cancelled=True), NOBODY)
    assert refreshed.state(record(dict(draft.row), left), draft) == CANCELED


KNOWN = {
    "a@x.example": (RecordRef("contact", "1"), RecordRef("contact", "2")),
    "b@x.example": (RecordRef("user", "3"),),
    "c@x.example": (RecordRef("queue", "4"), RecordRef("account", "5")),
}
PEOPLE = st.lists(
    st.sampled_from(
        ["a@x.example", "A@X.example", "b@x.example", "c@x.example", "d@x.example", "e@x.example"]
    ),
    max_size=6,
    unique=True,
).map(lambda addresses: items.attendees(*addresses))
PRESENT = st.lists(
    st.sampled_from(
        [
            Party(5, "a@x.example", "contact", "2"),
            Party(5, "a@x.example"),
            Party(6, "b@x.example"),
            Party(5, "D@x.example", "lead", "9"),
            Party(5, "f@x.example", "contact", "8"),
            Party(7, "", "contact", "7"),
        ]
    ),
    max_size=6,
    unique_by=lambda party: (party.mask, party.id or party.address),
)


@given(PEOPLE, PRESENT)
def test_everybody_is_who_they_were_or_who_they_are(
    people: tuple[items.Participant, ...], present: list[Party]
) -> None:
    meet = items.meeting(*people)
    row = dict(payloads.draft(meet, NOBODY).row)
    found = record(row, SCHEDULED, *present)
    after = refreshed.attendees(found, meet, KNOWN)
    wanted = {address_key(one.address) for one in people}
    assert {address_key(p.address) for p in after if p.address} == wanted
    before = {(address_key(p.address), p.id) for p in present if p.address}
    related = {key for key, id_ in before if id_}
    for party in after:
        key = address_key(party.address)
        if key in related:
            assert (key, party.id) in before
        elif key in {there for there, _ in before}:
            assert party.id is None
        elif key in KNOWN:
            assert party.id in {ref.id for ref in KNOWN[key]}
    assert [p for p in present if not p.address] == [p for p in after if not p.address]
    again = refreshed.attendees(record(row, SCHEDULED, *after), meet, KNOWN)
    assert set(again) == set(after)
