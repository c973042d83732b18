"""Receipts that are old, that have lost their message, or that the queue gave up."""

import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import pytest

from sandbox.host.context import Output
from sandbox.running import Running
from save_activity.trigger import PUT_BACK, give_up_save, tidy_receipts
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


async def given_up(message: dict[str, str]) -> list[dict[str, str]]:
    queued = Output()
    await give_up_save(func.QueueMessage(body=json.dumps(message).encode()), queued)
    found = queued.get()
    return [json.loads(found)] if found else []


async def test_what_the_queue_gives_up_is_put_back_for_a_week(ledger: Ledger) -> None:
    now = datetime.now(UTC)
    young = await ledger.add(receipt(now - PUT_BACK + timedelta(hours=1)))
    message = {"owner": young.owner, "receipt": young.id}
    assert await given_up(message) == [message]
    assert await ledger.find(young.owner, young.id) == young


async def test_of_a_draft_the_week_begins_once_it_is_sent(ledger: Ledger) -> None:
    now = datetime.now(UTC)
    sent = await ledger.add(
        replace(receipt(now - timedelta(days=20)), queued_at=now - PUT_BACK + timedelta(hours=1))
    )
    message = {"owner": sent.owner, "receipt": sent.id}
    assert await given_up(message) == [message]
    await ledger.replace(replace(sent, queued_at=now - PUT_BACK - timedelta(minutes=1)))
    assert await given_up(message) == []


async def test_after_a_week_the_user_and_the_admin_are_told(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", "threadline")
    now = datetime.now(UTC)
    old = await ledger.add(receipt(now - PUT_BACK - timedelta(minutes=1)))
    assert await given_up({"owner": old.owner, "receipt": old.id}) == []
    told = await ledger.find(old.owner, old.id)
    assert told is not None
    assert told.failure is not None
    assert (told.status, told.failure.code) == ("failed", "unavailable")
    assert "Save it again" in told.failure.detail
    events = [json.loads(record.message) for record in caplog.records]
    assert [event["event"] for event in events] == ["deferred_save_failed"]


@pytest.mark.parametrize("status", ["saved", "pending_send"])
async def test_a_receipt_that_is_not_queued_is_left_alone(ledger: Ledger, status: Any) -> None:
    old = datetime.now(UTC) - PUT_BACK - timedelta(days=1)
    kept = await ledger.add(replace(receipt(old), status=status))
    assert await given_up({"owner": kept.owner, "receipt": kept.id}) == []
    assert await ledger.find(kept.owner, kept.id) == kept
