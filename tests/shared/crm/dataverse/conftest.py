"""The adapter against the sandbox, as the contract suite sets it up."""

from collections.abc import AsyncIterator

import pytest

from sandbox.running import Running
from shared.crm.dataverse.adapter import DataverseCrm
from tests.contract.dataverse_harness import DataverseHarness, dataverse
from tests.contract.people import Cast


@pytest.fixture
async def harness(fresh_sandbox: Running) -> AsyncIterator[DataverseHarness]:
    async with dataverse(fresh_sandbox) as harness:
        yield harness


@pytest.fixture
def crm(harness: DataverseHarness, people: Cast) -> DataverseCrm:
    return harness.crm(people.caller.address)
