"""The adapter against the sandbox, as the contract suite sets it up."""

from collections.abc import AsyncIterator

import pytest

from sandbox.running import Running
from tests.contract.salesforce_harness import SalesforceHarness, salesforce_crm


@pytest.fixture
async def harness(fresh_sandbox: Running) -> AsyncIterator[SalesforceHarness]:
    async with salesforce_crm(fresh_sandbox) as harness:
        yield harness
