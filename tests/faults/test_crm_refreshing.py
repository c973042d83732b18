"""Every outgoing call that follows a meeting fails in every way, in each CRM.

Afterwards the record is whole, as it was or as the meeting is; the answer was clear; and a second
try succeeds.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from sandbox.running import Running
from shared.domain import Meeting
from shared.ports import Crm
from tests.contract import items
from tests.contract.people import cast
from tests.contract.refreshing import moved, refresh
from tests.contract.saving import save, told
from tests.faults.broken_transport import Fault
from tests.faults.stages import CALLS, Stage, caller, staged
from tests.faults.trying import attempt, every_call, every_fault, once_and_lasting

FILES = (items.file("small.txt", b"abc"),)


@pytest.fixture
async def stage(name: str, fresh_sandbox: Running) -> AsyncIterator[Stage]:
    async with staged(name, fresh_sandbox) as stage:
        yield stage


@pytest.fixture
def crm(stage: Stage) -> Crm:
    return stage.harness.crm(caller(stage))


@pytest.fixture
def meet(stage: Stage) -> Meeting:
    people = cast(stage.harness.company)
    attendees = items.attendees(people.contact.email, "stranger@elsewhere.example")
    return items.meeting(items.organizer(people.caller.address), *attendees)


def changed(stage: Stage, meet: Meeting, *, cancelled: bool) -> Meeting:
    """All of it is another: the state, the columns, the people."""
    people = cast(stage.harness.company)
    attendees = items.attendees(people.other_contact.email, "newcomer@elsewhere.example")
    participants = (*meet.participants[:1], *attendees)
    return replace(moved(meet), participants=participants, cancelled=cancelled)


@every_fault
@once_and_lasting
@every_call("refresh")
@pytest.mark.parametrize("cancelled", [False, True], ids=["moved", "cancelled"])
async def test_refresh(
    stage: Stage,
    crm: Crm,
    meet: Meeting,
    call: int,
    lasts: bool,
    fault: Fault,
    cancelled: bool,
) -> None:
    before = (await save(crm, meet, files=FILES)).activity
    old = await stage.harness.shown(before.id, "UTC")
    now = changed(stage, meet, cancelled=cancelled)
    with stage.broken(fault, call, lasts=lasts) as (broken, network):
        await attempt(fault, lasts=lasts, action=lambda: refresh(broken, now))
        assert network.calls >= call
    between = await crm.find(now)
    shown = await stage.harness.shown(before.id, "UTC")
    after = await refresh(crm, now)
    new = await stage.harness.shown(before.id, "UTC")
    assert (between, shown) in ((told(before), old), (told(after), new))
    assert (new.start, new.location, new.cancelled) == (now.start, now.location, cancelled)
    assert "newcomer@elsewhere.example" in after.unmatched
    assert after.files == before.files
    version = await stage.harness.version(before.id)
    assert told(await refresh(crm, now)) == told(after)
    assert await stage.harness.version(before.id) == version
    assert await stage.harness.count("meeting") == 1


@every_fault
@once_and_lasting
@every_call("cancel")
async def test_cancel(
    stage: Stage, crm: Crm, meet: Meeting, call: int, lasts: bool, fault: Fault
) -> None:
    before = (await save(crm, meet, files=FILES)).activity
    old = await stage.harness.shown(before.id, "UTC")
    with stage.broken(fault, call, lasts=lasts) as (broken, network):
        await attempt(fault, lasts=lasts, action=lambda: broken.cancel(before.id))
        assert network.calls >= call
    new = replace(old, cancelled=True)
    assert await stage.harness.shown(before.id, "UTC") in (old, new)
    await crm.cancel(before.id)
    assert await stage.harness.shown(before.id, "UTC") == new
    found = await crm.find(meet)
    assert found is not None
    assert replace(found, subject=before.subject) == told(before)


@pytest.mark.parametrize("name", CALLS)
async def test_these_are_all_the_calls(stage: Stage, crm: Crm, meet: Meeting) -> None:
    calls = CALLS[stage.name]
    saved = (await save(crm, meet)).activity
    for now, most in ((moved(meet), len(calls.refresh)), (moved(meet), 1)):
        with stage.broken(None, 0) as (broken, network):
            await refresh(broken, now)
            assert network.calls == most
    for most in (len(calls.cancel), 1):
        with stage.broken(None, 0) as (broken, network):
            await broken.cancel(saved.id)
            assert network.calls == most
