"""Receipts on a real Azurite."""

from collections.abc import AsyncIterator

import pytest

from shared.ledger.receipts import TableReceipts
from shared.ledger.table import Account
from tests.contract.ledger_contract import LedgerContract


class TestTableReceipts(LedgerContract):
    @pytest.fixture
    async def ledger(self, storage: str) -> AsyncIterator[TableReceipts]:
        account = Account(storage)
        yield TableReceipts(account, table="contract")
        await account.aclose()
