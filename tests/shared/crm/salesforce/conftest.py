"""The adapter against the sandbox, as the contract suite sets it up."""

from collections.abc import AsyncIterator

import pytest

from sandbox.running import Running
from shared.crm.salesforce.adapter import SalesforceCrm
from tests.contract.people import Cast
from tests.contract.salesforce_harness import SalesforceHarness, salesforce_crm


@pytest.fixture
async def harness(fresh_sandbox: Running) -> AsyncIterator[SalesforceHarness]:
    async with salesforce_crm(fresh_sandbox) as harness:
        yield harness


@pytest.fixture
def crm(harness: SalesforceHarness, people: Cast) -> SalesforceCrm:
    return harness.crm(people.caller.address)
