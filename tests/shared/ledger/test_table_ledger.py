"""The ledger on a real Azurite."""

from collections.abc import AsyncIterator

import pytest

from shared.errors import Unavailable
from shared.ledger.tables import TableLedger
from tests.contract.ledger_contract import LedgerContract, receipt
from tests.sandbox.host.host_process import free_port


class TestTableLedger(LedgerContract):
    @pytest.fixture
    async def ledger(self, storage: str) -> AsyncIterator[TableLedger]:
        opened = TableLedger(storage, table="contract")
        yield opened
        await opened.aclose()


async def test_a_store_that_is_down_is_told_soon_and_without_its_address(storage: str) -> None:
    gone = TableLedger(
        "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=a2V5;"
        f"TableEndpoint=http://127.0.0.1:{free_port()}/devstoreaccount1;"
    )
    with pytest.raises(Unavailable) as told:
        await gone.add(receipt())
    assert "127.0.0.1" not in told.value.detail
    await gone.aclose()
