"""The timer forgets old receipts and queues again what has lost its message."""

import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import azure.functions as func
import pytest

from sandbox.host.context import Output
from sandbox.running import Running
from save_activity.trigger import tidy_receipts
from shared import composition
from shared.ports import Ledger
from shared.receipts import KEPT
from tests.contract.ledger_contract import receipt
from tests.deployment import deployed

TICK = func.timer.TimerRequest(past_due=False)


@pytest.fixture
async def ledger(
    fresh_sandbox: Running, storage: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Ledger]:
    async with deployed(fresh_sandbox, monkeypatch):
        monkeypatch.setenv("THREADLINE_LEDGER", storage)
        found = composition.ledger()
        assert found is not None
        await found.forget(datetime.now(UTC) + timedelta(days=1))
        yield found


async def tidied() -> list[dict[str, str]]:
    queued = Output()
    await tidy_receipts(TICK, queued)
    return [json.loads(message) for message in queued.get() or ()]


async def test_receipts_are_kept_for_thirty_days(ledger: Ledger) -> None:
    now, owner = datetime.now(UTC), str(uuid.uuid4())
    old = await ledger.add(receipt(now - KEPT - timedelta(minutes=1), owner))
    young = await ledger.add(
        replace(receipt(now - KEPT + timedelta(hours=1), owner), status="saved")
    )
    assert await tidied() == []
    assert await ledger.find(owner, old.id) is None
    assert await ledger.find(owner, young.id) == young


async def test_what_waits_for_more_than_a_day_is_queued_again(ledger: Ledger) -> None:
    now = datetime.now(UTC)
    lost = await ledger.add(receipt(now - timedelta(days=2)))
    await ledger.add(receipt(now - timedelta(hours=3)))
    assert await tidied() == [{"owner": lost.owner, "receipt": lost.id}]


async def test_without_a_ledger_there_is_nothing_to_do(
    fresh_sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with deployed(fresh_sandbox, monkeypatch):
        assert await tidied() == []
