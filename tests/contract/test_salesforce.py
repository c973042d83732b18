"""Salesforce keeps the contract of every CRM."""

from collections.abc import AsyncIterator

import pytest

from sandbox.running import Running
from tests.contract.crm_contract import CrmContract
from tests.contract.salesforce_harness import SalesforceHarness, salesforce_crm


class TestSalesforce(CrmContract):
    @pytest.fixture
    async def harness(self, fresh_sandbox: Running) -> AsyncIterator[SalesforceHarness]:
        async with salesforce_crm(fresh_sandbox) as harness:
            yield harness
