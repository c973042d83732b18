"""How the parts are found, and what is said where one is missing."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sandbox import azurite
from sandbox.running import Running
from sandbox.world import CLIENT_ID, TENANT
from shared import composition, health, worker
from shared.errors import Forbidden, Unauthenticated, Unavailable, Upstream
from shared.policy import Policy
from shared.settings import settings
from tests.deployment import clear_settings, deployed
from tests.sandbox.host.host_process import free_port


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    clear_settings(monkeypatch)
    yield
    settings.cache_clear()


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("THREADLINE_TENANTS", TENANT)
    monkeypatch.setenv("THREADLINE_CLIENT_ID", CLIENT_ID)
    return monkeypatch


@pytest.fixture
async def in_sandbox(
    fresh_sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Running]:
    async with deployed(fresh_sandbox, monkeypatch):
        yield fresh_sandbox


async def unavailable() -> str:
    with pytest.raises(Unavailable) as told:
        await composition.policy()
    return told.value.detail


async def test_a_missing_setting_is_named() -> None:
    told = await unavailable()
    assert "THREADLINE_TENANTS: " in told
    assert "THREADLINE_CLIENT_ID: " in told


async def test_a_wrong_setting_is_named_without_its_value(set_up: pytest.MonkeyPatch) -> None:
    set_up.setenv("THREADLINE_PATIENCE", "s3cret")
    told = await unavailable()
    assert "THREADLINE_PATIENCE: " in told
    assert "s3cret" not in told


async def test_tenants_that_name_nobody_are_no_tenants(set_up: pytest.MonkeyPatch) -> None:
    set_up.setenv("THREADLINE_TENANTS", " , ")
    assert "THREADLINE_TENANTS: " in await unavailable()


async def test_a_setting_that_the_crm_misses_is_named(set_up: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable) as told:
        await health.checks()["crm"]()
    assert "THREADLINE_DATAVERSE_URL: " in told.value.detail


async def test_without_a_document_the_defaults_hold(set_up: pytest.MonkeyPatch) -> None:
    assert await composition.policy() == Policy()


async def test_the_document_is_read_again_when_it_changes(
    set_up: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "policy.json"
    set_up.setenv("THREADLINE_POLICY_FILE", str(file))
    assert "can't be read" in await unavailable()
    for moment, mode in ((1_000_000_000, "off"), (2_000_000_000, "none")):
        file.write_text(json.dumps({"attachments": mode}))
        os.utime(file, ns=(moment, moment))
        assert (await composition.policy()).attachments == mode
        assert await composition.policy() is await composition.policy()


async def test_what_is_wrong_in_the_document_is_named_without_its_value(
    set_up: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "policy.json"
    set_up.setenv("THREADLINE_POLICY_FILE", str(file))
    file.write_text('{"recordTypes": [{"type": "s3cret", "keyFields": ["a", "b", "c"]}]}')
    told = await unavailable()
    assert "recordTypes.0.keyFields: " in told
    assert "s3cret" not in told


async def test_health_tells_the_admin_of_a_bad_document_while_the_good_one_holds(
    set_up: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "policy.json"
    file.write_text('{"attachments": "off"}')
    set_up.setenv("THREADLINE_POLICY_FILE", str(file))
    check = health.checks()["policy"]
    assert not await check()
    file.write_text('{"attachments": "s3cret", "banner": {}}')
    told = await check()
    assert told is not None
    assert "last good" in told
    assert "attachments: " in told
    assert "s3cret" not in told
    assert (await composition.policy()).attachments == "off"


async def test_callers_are_known_and_others_are_not(in_sandbox: Running) -> None:
    address = in_sandbox.world.company.employees[0].address
    caller = await composition.caller(f"Bearer {in_sandbox.token(address)}")
    assert caller.username == address
    with pytest.raises((Unauthenticated, Forbidden)):
        await composition.caller(f"Bearer {in_sandbox.token(address, audience='graph')}")


async def test_what_is_shared_is_built_once_for_each_loop(in_sandbox: Running) -> None:
    address = in_sandbox.world.company.employees[0].address
    header = f"Bearer {in_sandbox.token(address)}"
    await asyncio.gather(*(composition.caller(header) for _ in range(5)))

    def keys_fetched() -> int:
        return sum("/keys" in call["path"] for call in in_sandbox.requests("entra"))

    assert keys_fetched() == 1

    async def elsewhere() -> None:
        await composition.caller(header)
        await worker.close()

    await asyncio.to_thread(asyncio.run, elsewhere())
    assert keys_fetched() == 2
    await composition.caller(header)
    assert keys_fetched() == 2


async def test_health_asks_the_crm_as_the_app(in_sandbox: Running) -> None:
    checks = health.checks()
    for check in checks.values():
        await check()
    assert any("WhoAmI" in call["path"] for call in in_sandbox.requests("dataverse"))
    in_sandbox.fault(service="dataverse", status=503, times=100)
    with pytest.raises(Unavailable):
        await checks["crm"]()
    in_sandbox.clear_faults()


async def test_health_tells_a_wrong_secret(
    in_sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THREADLINE_CLIENT_SECRET", "wrong")
    with pytest.raises(Upstream) as told:
        await health.checks()["crm"]()
    assert "sign-in service" in told.value.detail


async def test_health_looks_at_the_ledger_where_there_is_one(
    in_sandbox: Running, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "ledger" not in health.checks()
    monkeypatch.setenv("THREADLINE_LEDGER", storage)
    settings.cache_clear()
    await worker.close()
    assert await health.checks()["ledger"]() is None
    nowhere = azurite.connection_string({one: free_port() for one in azurite.SERVICES})
    monkeypatch.setenv("THREADLINE_LEDGER", nowhere)
    settings.cache_clear()
    await worker.close()
    with pytest.raises(Unavailable):
        await health.checks()["ledger"]()


LEDGERS = (
    composition.ledger,
    composition.followings,
    composition.subscriptions,
    composition.origins,
)


async def test_without_a_ledger_nothing_is_kept_anywhere(in_sandbox: Running) -> None:
    assert [where() for where in LEDGERS] == [None] * 4


async def test_a_ledger_keeps_all_and_is_opened_when_it_is_used(
    in_sandbox: Running, monkeypatch: pytest.MonkeyPatch, storage: str
) -> None:
    monkeypatch.setenv("THREADLINE_LEDGER", storage)
    settings.cache_clear()
    assert None not in [where() for where in LEDGERS]
    origins = composition.origins()
    assert origins is not None
    assert await origins.find("email:<nobody@contoso.example>") is None
