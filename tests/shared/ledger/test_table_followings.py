"""What is followed, subscriptions and origins on a real Azurite."""

from collections.abc import AsyncIterator

import pytest

from shared.ledger.followings import TableFollowings
from shared.ledger.origins import TableOrigins
from shared.ledger.subscriptions import TableSubscriptions
from shared.ledger.table import Account
from tests.contract.followings_contract import FollowingsContract
from tests.contract.origins_contract import OriginsContract
from tests.contract.subscriptions_contract import SubscriptionsContract


@pytest.fixture
async def account(storage: str) -> AsyncIterator[Account]:
    opened = Account(storage)
    yield opened
    await opened.aclose()


class TestTableFollowings(FollowingsContract):
    @pytest.fixture
    def followings(self, account: Account) -> TableFollowings:
        return TableFollowings(account, table="contractfollowings")


class TestTableSubscriptions(SubscriptionsContract):
    @pytest.fixture
    def subscriptions(self, account: Account) -> TableSubscriptions:
        return TableSubscriptions(account, table="contractsubscriptions")


class TestTableOrigins(OriginsContract):
    @pytest.fixture
    def origins(self, account: Account) -> TableOrigins:
        return TableOrigins(account, table="contractorigins")
