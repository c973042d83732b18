"""Dataverse keeps the contract of every CRM."""

from collections.abc import AsyncIterator

import pytest

from sandbox.running import Running
from tests.contract.crm_contract import CrmContract
from tests.contract.dataverse_harness import DataverseHarness, dataverse


class TestDataverse(CrmContract):
    @pytest.fixture
    async def harness(self, fresh_sandbox: Running) -> AsyncIterator[DataverseHarness]:
        async with dataverse(fresh_sandbox) as harness:
            yield harness
