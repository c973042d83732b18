"""What is Salesforce's own about following a meeting: the subject that says cancelled, limits on
people, notes, versions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simple_salesforce.api import Salesforce
from simple_salesforce.format import format_soql

from sandbox import salesforce
from shared.crm.salesforce import notes, payloads, refreshed
from shared.crm.salesforce.adapter import SalesforceCrm
from shared.crm.salesforce.knowledge import Fields, Shape
from shared.crm.salesforce.objects import EVENT, ITEM_ID, KEY, LINK
from shared.crm.salesforce.replies import Record
from shared.domain import (
    Activity,
    Body,
    Change,
    Limits,
    LookUp,
    Meeting,
    Person,
    RecordRef,
    address_key,
)
from shared.errors import Conflict
from tests.contract import items
from tests.contract.people import Cast
from tests.contract.refreshing import STRANGER, moved, refresh
from tests.contract.salesforce_harness import SalesforceHarness
from tests.contract.saving import save, told
from tests.shared.crm.strategies import MEETINGS


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("Kick-off", "Canceled: Kick-off"),
        ("Canceled: Kick-off", "Canceled: Kick-off"),
        ("Cancelled: Kick-off", "Cancelled: Kick-off"),
        ("canceled:Kick-off", "canceled:Kick-off"),
        ("Cancellation policy", "Canceled: Cancellation policy"),
        ("", "Canceled: (no subject)"),
        ("x" * 255, "Canceled: " + "x" * 245),
    ],
)
async def test_a_cancelled_event_says_so_once(
    harness: SalesforceHarness, crm: SalesforceCrm, meet: Meeting, subject: str, shown: str
) -> None:
    meet = replace(meet, subject=subject)
    off = replace(meet, cancelled=True)
    one = (await save(crm, replace(off, uid="1", ical_uid="1"))).activity
    two = (await save(crm, meet)).activity
    for _ in range(2):
        await refresh(crm, off)
    three = (await save(crm, replace(meet, uid="3", ical_uid="3"))).activity
    for _ in range(2):
        await crm.cancel(three.id)
    for saved in (one, two, three):
        event = harness.event(saved.id)
        assert (event["Subject"], event["ShowAs"]) == (shown, "Free")


async def test_how_the_time_is_shown_is_for_people_to_choose(
    harness: SalesforceHarness, crm: SalesforceCrm, meet: Meeting
) -> None:
    saved = (await save(crm, meet)).activity
    await harness.write("PATCH", f"sobjects/Event/{saved.id}", {"ShowAs": "OutOfOffice"})
    await refresh(crm, moved(meet))
    assert harness.event(saved.id)["ShowAs"] == "OutOfOffice"
    await refresh(crm, replace(meet, cancelled=True))
    assert harness.event(saved.id)["ShowAs"] == "Free"
    await refresh(crm, meet)
    assert harness.event(saved.id)["ShowAs"] == "Busy"


async def test_a_plain_client_reads_what_was_refreshed(
    harness: SalesforceHarness, crm: SalesforceCrm, meet: Meeting
) -> None:
    saved = (await save(crm, meet)).activity
    now = moved(meet)
    await refresh(crm, now)
    token = harness.sandbox.token(harness.company.employees[1].address, audience="salesforce")
    client = Salesforce(session_id=token, instance_url=harness.sandbox.url, version="64.0")
    row = client.Event.get(saved.id)
    assert row["StartDateTime"] == f"{now.start:%Y-%m-%dT%H:%M:%S}.000+0000"
    assert row["DurationInMinutes"] == 60
    assert row["Description"].startswith("New agenda")
    soql = format_soql("SELECT RelationId FROM EventRelation WHERE EventId = {}", saved.id)
    found = client.query(soql)
    assert {one["RelationId"] for one in found["records"]} == {c.id for c in saved.contacts}


async def test_of_sixty_attendees_who_is_noted_stays_noted(
    harness: SalesforceHarness, crm: SalesforceCrm, people: Cast
) -> None:
    contacts = [c for c in harness.company.contacts if c.email][:60]
    addresses = items.attendees(*(c.email for c in contacts))
    meet = items.meeting(items.organizer(people.caller.address), *addresses)
    saved = (await save(crm, meet)).activity
    before = harness.event(saved.id)
    assert told(await refresh(crm, meet)) == told(saved)
    assert harness.event(saved.id) == before
    fewer = replace(meet, participants=(*meet.participants[:1], *addresses[10:]))
    after = await refresh(crm, fewer)
    assert len(after.contacts) == 40
    assert set(after.unmatched) == set(saved.unmatched)


async def test_a_lead_gives_way_to_a_contact(
    harness: SalesforceHarness, crm: SalesforceCrm, people: Cast, meet: Meeting
) -> None:
    lead = harness.company.leads[0].email
    meet = replace(meet, participants=(meet.participants[0], *items.attendees(lead)))
    saved = (await save(crm, meet)).activity
    assert harness.event(saved.id)["WhoId"].startswith("00Q")
    both = (*meet.participants, *items.attendees(people.contact.email))
    after = await refresh(crm, replace(meet, participants=both))
    contact = harness.ref("contact", people.contact.id)
    assert [one.id for one in after.contacts] == [contact.id]
    assert harness.event(saved.id)["WhoId"] == contact.id
    assert lead in harness.event(saved.id)["Description"]


async def test_people_are_told_whom_somebody_added(
    harness: SalesforceHarness, crm: SalesforceCrm, people: Cast, meet: Meeting
) -> None:
    saved = (await save(crm, meet)).activity
    contact, added = (
        harness.ref("contact", one.id) for one in (people.contact, people.other_contact)
    )
    await crm.edit("meeting", saved.id, Change(contacts=(contact, added)))
    text = harness.event(saved.id)["Description"]
    assert f"Also related: {people.other_contact.email}" in text
    assert f"Also took part: {STRANGER}" in text
    await crm.edit("meeting", saved.id, Change(contacts=(contact,)))
    assert people.other_contact.email not in harness.event(saved.id)["Description"]


async def test_without_our_fields_the_note_still_names_the_item(
    harness: SalesforceHarness, people: Cast, meet: Meeting
) -> None:
    salesforce.configure(harness.sandbox.world, key_installed=False)
    crm = harness.crm(people.caller.address)
    saved = (await save(crm, meet)).activity
    now = replace(meet, subject="Later", body=Body("Other", html=False))
    after = await refresh(crm, now)
    assert after.id == saved.id
    assert await crm.find(now) == told(after)
    await crm.cancel(saved.id)
    found = await crm.find(meet)
    assert found is not None
    assert found.subject == "Canceled: Later"


async def test_all_of_it_or_nothing(
    harness: SalesforceHarness, crm: SalesforceCrm, people: Cast, meet: Meeting
) -> None:
    saved = (await save(crm, meet)).activity
    other = items.attendees(people.other_contact.email)
    now = replace(moved(meet), participants=(*meet.participants, *other))
    known = await crm.look_up(now, None)
    before = harness.event(saved.id)
    contact = harness.ref("contact", people.other_contact.id)
    await harness.write("DELETE", f"sobjects/Contact/{contact.id}", {})
    with pytest.raises(Conflict):
        await crm.refresh(now, known)
    assert harness.event(saved.id) == before
    after = await refresh(crm, now)
    assert harness.event(saved.id)["Location"] == "Room 2"
    assert contact.id not in {one.id for one in after.contacts}


def _fields(*names: str, lists: frozenset[str] = frozenset()) -> Fields:
    return Fields(frozenset(names), frozenset(names), (), {}, lists)


WHOLE = Shape({"Event": _fields(KEY, ITEM_ID, LINK, lists=frozenset({"EventWhoIds"}))})
SINGLE = Shape({"Event": _fields(KEY, ITEM_ID, LINK)})
"""Where Shared Activities are off."""
NOBODY = LookUp(None, {}, Limits(1, frozenset()))


def event(row: Mapping[str, Any], whos: Mapping[str, str]) -> Record:
    """As it would be read: without blanks around a text and without empty ones."""
    kept = {
        name: value.strip() or None if isinstance(value, str) else value
        for name, value in row.items()
    }
    activity = Activity(
        kind="meeting",
        id="00U000000000001AAA",
        crm="salesforce",
        url="",
        subject="",
        saved_by=Person("", ""),
        saved_at=items.SENT,
    )
    return Record(
        activity=activity,
        object=EVENT,
        key="key",
        whole=True,
        parties=(),
        whos=whos,
        description=kept.get("Description") or "",
        digests=frozenset(),
        row=kept,
    )


@given(MEETINGS)
def test_what_was_just_saved_needs_no_change(meet: Meeting) -> None:
    draft = payloads.draft(meet, NOBODY, None, WHOLE)
    found = event({**draft.row, **draft.closing}, {})
    assert refreshed.refreshed(found, meet, {}, WHOLE).fields == {}
    assert refreshed.refreshed(found, meet, {}, WHOLE).notices == draft.notices
    if meet.cancelled:
        assert refreshed.cancelled(found) == {}


@given(MEETINGS, MEETINGS)
def test_one_refresh_is_enough(before: Meeting, now: Meeting) -> None:
    found = event(payloads.draft(before, NOBODY, None, WHOLE).row, {})
    written = refreshed.refreshed(found, now, {}, WHOLE).fields
    then = event({**found.row, **written}, {})
    assert refreshed.refreshed(then, now, {}, WHOLE).fields == {}
    wanted = payloads.draft(now, NOBODY, None, WHOLE).row
    for name in ("StartDateTime", "EndDateTime", "IsAllDayEvent", "ShowAs"):
        assert then.row[name] == wanted[name]


ANN, BEN, EVE, LEA = (
    "003000000000001AAA",
    "003000000000002AAA",
    "003000000000003AAA",
    "00Q000000000001AAA",
)
KNOWN = {
    "ann@x.example": (RecordRef("contact", ANN),),
    "ben@x.example": (RecordRef("contact", BEN), RecordRef("contact", EVE)),
    "lea@x.example": (RecordRef("lead", LEA),),
    "user@x.example": (RecordRef("user", "005000000000001AAA"),),
}
ADDRESSES = (*KNOWN, "stranger@x.example", "Other@x.example")
PEOPLE = st.lists(st.sampled_from(ADDRESSES), max_size=6, unique=True)
WHOS = st.dictionaries(
    st.sampled_from([ANN, BEN, EVE]),
    st.sampled_from(["ann@x.example", "ben@x.example", "eve@x.example", ""]),
    max_size=3,
)


@given(PEOPLE, WHOS, PEOPLE, st.booleans(), st.sampled_from([WHOLE, SINGLE]))
def test_everybody_is_who_they_were_or_who_they_are(
    attending: list[str], whos: dict[str, str], noted: list[str], added: bool, shape: Shape
) -> None:
    meet = items.meeting(*items.attendees(*attending))
    text = notes.noted("Agenda", noted, "", EVENT.body_limit, ["eve@x.example"] if added else [])
    row = {**payloads.draft(meet, NOBODY, None, shape).row, "Description": text.text}
    if shape is SINGLE:
        whos = dict(list(whos.items())[:1])
    found = event(row, whos)
    written = refreshed.refreshed(found, meet, KNOWN, shape).fields
    after = _related(found, written, shape)
    there = {address_key(one) for one in attending}
    by_address = {address: id_ for id_, address in whos.items() if address}
    for id_, address in whos.items():
        stays = not address or (added and address == "eve@x.example")
        takes_part = by_address.get(address) == id_ and address in there
        if shape is WHOLE and (stays or takes_part):
            assert id_ in after
    description = str(written.get("Description", row["Description"]))
    others = set(map(address_key, notes.others_of(description)))
    for address in there & {address_key(one) for one in noted} - by_address.keys():
        records = {ref.id for ref in KNOWN.get(address, ())}
        assert address in others or records & whos.keys()
    assert {one for one in there if one not in KNOWN} - by_address.keys() <= others
    assert "stranger@x.example" in there or "stranger@x.example" not in others
    # and once is enough
    addresses = {ref.id: key for key, refs in KNOWN.items() for ref in refs[:1]}
    then = event(
        {**found.row, **written}, {id_: whos.get(id_, addresses.get(id_, "")) for id_ in after}
    )
    again = refreshed.refreshed(then, meet, KNOWN, shape).fields
    assert _related(then, again, shape) == after


def _related(found: Record, written: Mapping[str, Any], shape: Shape) -> list[str]:
    if "WhoId" not in written:
        return list(found.whos)
    if shape is WHOLE:
        return list(written["EventWhoIds"])
    return [written["WhoId"]] if written["WhoId"] else []
