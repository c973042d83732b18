"""The fakes keep the promises that the real ones keep."""

import pytest

from tests.contract.followings_contract import FollowingsContract
from tests.contract.origins_contract import OriginsContract
from tests.contract.subscriptions_contract import SubscriptionsContract
from tests.fakes.followings import FakeFollowings
from tests.fakes.origins import FakeOrigins
from tests.fakes.subscriptions import FakeSubscriptions


class TestFakeFollowings(FollowingsContract):
    @pytest.fixture
    def followings(self) -> FakeFollowings:
        return FakeFollowings()


class TestFakeSubscriptions(SubscriptionsContract):
    @pytest.fixture
    def subscriptions(self) -> FakeSubscriptions:
        return FakeSubscriptions()


class TestFakeOrigins(OriginsContract):
    @pytest.fixture
    def origins(self) -> FakeOrigins:
        return FakeOrigins()
