"""What is Dataverse's own about adding people."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from sandbox.running import Running
from shared.contacts import Stranger
from shared.crm.dataverse.adapter import DataverseCrm
from tests.contract.contacting import ADDRESS, JANE
from tests.contract.dataverse_harness import DataverseHarness, dataverse


@pytest.fixture
async def harness(fresh_sandbox: Running) -> AsyncIterator[DataverseHarness]:
    async with dataverse(fresh_sandbox) as harness:
        yield harness


@pytest.fixture
def crm(harness: DataverseHarness) -> DataverseCrm:
    return harness.crm(harness.company.employees[0].address)


def stored(harness: DataverseHarness, id_: str) -> Mapping[str, Any]:
    row = harness.sandbox.world.store.get("dataverse", "contact", id_)
    assert row is not None
    return row


async def test_the_columns_are_those_of_the_contact_table(
    harness: DataverseHarness, crm: DataverseCrm
) -> None:
    row = stored(harness, (await crm.add_contact(JANE)).contact.ref.id)
    assert (row["firstname"], row["lastname"], row["jobtitle"]) == ("Jane", "Doe", "Head of Pumps")
    assert (row["emailaddress1"], row["telephone1"]) == (ADDRESS, "+44 1394 555 0142")
    assert row["statecode"] == 0


@pytest.mark.parametrize(
    "change",
    [{"emailaddress1": "jane@married.example"}, {"statecode": 1, "statuscode": 2}],
    ids=["another address", "deactivated"],
)
async def test_one_who_is_no_contact_of_the_address_any_more_is_in_nobody_s_way(
    harness: DataverseHarness, crm: DataverseCrm, change: Mapping[str, Any]
) -> None:
    """The key of the address is taken: a further one is made of it, for all alike."""
    first = await crm.add_contact(JANE)
    await harness.write("PATCH", f"contacts({first.contact.ref.id})", change)
    assert (await crm.acquaintance(Stranger(ADDRESS))).contacts == ()
    second = await crm.add_contact(JANE)
    assert second.created
    assert second.contact.ref.id != first.contact.ref.id
    again = await crm.add_contact(JANE)
    assert not again.created
    assert again.contact.ref.id == second.contact.ref.id


async def test_each_takes_one_round_trip(harness: DataverseHarness, crm: DataverseCrm) -> None:
    before = len(harness.sandbox.requests("dataverse"))
    await crm.acquaintance(Stranger(ADDRESS, (ADDRESS.lower(),), ("elsewhere.example",)))
    await crm.add_contact(JANE)
    assert len(harness.sandbox.requests("dataverse")) - before == 2
