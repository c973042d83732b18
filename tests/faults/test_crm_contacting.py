"""Every outgoing call that adds a contact fails in every way, in each CRM.

Afterwards there is one contact or none, the answer was clear, and a second try succeeds.
"""

from collections.abc import AsyncIterator

import pytest

from sandbox.running import Running
from shared.contacts import Added, Stranger
from shared.ports import Crm
from tests.contract.contacting import ADDRESS, JANE
from tests.faults.broken_transport import Fault
from tests.faults.stages import CALLS, Stage, caller, staged
from tests.faults.trying import attempt, every_call, every_fault, once_and_lasting

STRANGER = Stranger(ADDRESS, (ADDRESS.lower(),), ("elsewhere.example",))


@pytest.fixture
async def stage(name: str, fresh_sandbox: Running) -> AsyncIterator[Stage]:
    async with staged(name, fresh_sandbox) as stage:
        yield stage


async def add(crm: Crm) -> Added:
    known = await crm.acquaintance(STRANGER)
    if known.contacts:
        return Added(known.contacts[0], created=False)
    return await crm.add_contact(JANE)


@every_fault
@once_and_lasting
@every_call("contact")
async def test_adding(stage: Stage, call: int, lasts: bool, fault: Fault) -> None:
    crm = stage.harness.crm(caller(stage))
    with stage.broken(fault, call, lasts=lasts) as (broken, network):
        await attempt(fault, lasts=lasts, action=lambda: add(broken))
        assert network.calls >= call
    between = (await crm.acquaintance(STRANGER)).contacts
    assert len(between) <= 1
    after = await add(crm)
    assert after.created is not bool(between)
    assert (await crm.acquaintance(STRANGER)).contacts == (after.contact,)
    assert (after.contact.ref.name, after.contact.job_title) == ("Jane Doe", JANE.job_title)


@pytest.mark.parametrize("name", CALLS)
async def test_these_are_all_the_calls(stage: Stage) -> None:
    with stage.broken(None, 0) as (broken, network):
        assert (await add(broken)).created
        assert network.calls == len(CALLS[stage.name].contact)
