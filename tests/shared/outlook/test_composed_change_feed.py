"""The feed of changes as the settings make it, with the app's own token."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.running import Running
from shared import composition
from shared.outlook.subscriptions import GraphChangeFeed
from shared.settings import settings
from tests.contract.mailbox_harness import ANNA
from tests.deployment import deployed
from tests.sandbox.graph.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


async def test_without_an_address_of_ours_nothing_can_be_told(
    fresh_sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with deployed(fresh_sandbox, monkeypatch):
        monkeypatch.delenv("THREADLINE_CALLBACK_URL", raising=False)
        assert composition.change_feed() is None


async def test_with_one_the_app_subscribes_as_itself(
    fresh_sandbox: Running, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    async with deployed(fresh_sandbox, monkeypatch):
        monkeypatch.setenv("THREADLINE_BACKGROUND", "true")
        monkeypatch.setenv("THREADLINE_LEDGER", "UseDevelopmentStorage=true")
        monkeypatch.setenv("THREADLINE_CALLBACK_URL", f"{receiver.url}/api")
        settings.cache_clear()
        feed = composition.change_feed()
        assert isinstance(feed, GraphChangeFeed)
        until = datetime.now(UTC) + timedelta(days=1)
        id_, ends = await feed.subscribe(ANNA, "email", "secret", until)
        assert receiver.asked == ["/api/graph/notifications", "/api/graph/lifecycle"]
        assert abs(ends - until) < timedelta(minutes=1)
        assert (await feed.changes(ANNA, "email", {}, until)).position
        await feed.end(id_)
