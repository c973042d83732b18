"""The fake keeps the contracts of suggesting and searching too."""

import pytest

from shared.policy import Condition
from tests.contract.searching import Fields, SearchingContract
from tests.contract.suggesting import SuggestingContract
from tests.fakes.test_fake_crm import FakeHarness


@pytest.fixture
def harness() -> FakeHarness:
    return FakeHarness()


class TestFakeSuggesting(SuggestingContract):
    pass


class TestFakeSearching(SearchingContract):
    @pytest.fixture
    def fields(self) -> Fields:
        return Fields(
            customer="account",
            customer_label="Account",
            is_open=Condition(field="state", value="open"),
            unfit=Condition(field="no_such_field", value="x"),
            order="name",
            localized=("topic", "pl", "Jeden"),
        )
