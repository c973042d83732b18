"""The fake keeps the promises that the real one keeps."""

import pytest

from tests.contract.ledger_contract import LedgerContract
from tests.fakes.ledger import FakeLedger


class TestFakeLedger(LedgerContract):
    @pytest.fixture
    def ledger(self) -> FakeLedger:
        return FakeLedger()
