"""Each CRM, and the fake, keep what adding people promises."""

from collections.abc import AsyncIterator

import pytest

from sandbox.running import Running
from tests.contract.contacting import ContactingContract
from tests.contract.dataverse_harness import DataverseHarness, dataverse
from tests.contract.salesforce_harness import SalesforceHarness, salesforce_crm
from tests.fakes.test_fake_crm import FakeHarness


class TestFake(ContactingContract):
    @pytest.fixture
    def harness(self) -> FakeHarness:
        return FakeHarness()


class TestDataverse(ContactingContract):
    @pytest.fixture
    async def harness(self, fresh_sandbox: Running) -> AsyncIterator[DataverseHarness]:
        async with dataverse(fresh_sandbox) as harness:
            yield harness


class TestSalesforce(ContactingContract):
    @pytest.fixture
    async def harness(self, fresh_sandbox: Running) -> AsyncIterator[SalesforceHarness]:
        async with salesforce_crm(fresh_sandbox) as harness:
            yield harness
