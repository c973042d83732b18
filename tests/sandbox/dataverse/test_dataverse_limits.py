"""Service protection: 6000 requests and 20 minutes of work in 5 minutes, 52 at a time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from sandbox import dataverse
from sandbox.dataverse.limits import meter_of
from sandbox.dataverse.sample import user_id
from sandbox.entra import tokens
from tests.sandbox.dataverse.calls import ANNA, ROOT, Clock, Crm, refusal

HENRY = "henry.whitfield@contoso.example"


def used(crm: Crm, requests: int) -> None:
    for _ in range(requests):
        with meter_of(crm.world).request(user_id(ANNA)):
            pass


async def test_6000_requests_in_five_minutes(crm, clock):
    used(crm, 1)
    clock.move(100)
    used(crm, 5998)
    answer = await crm.get("accounts?$top=1")
    assert answer.status_code == 200
    assert answer.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] == "0"

    answer = await crm.get("accounts?$top=1")
    message = refusal(answer, 429, "0x80072322")
    assert message == (
        "Number of requests exceeded the limit of 6000 over time window of 300 seconds."
    )
    assert answer.headers["Retry-After"] == "200"
    assert (await crm.get("accounts?$top=1", user=HENRY)).status_code == 200

    clock.move(200)
    assert (await crm.get("accounts?$top=1")).status_code == 200


async def test_a_reset_starts_anew(crm):
    used(crm, 6000)
    refusal(await crm.get("accounts?$top=1"), 429, "0x80072322")
    crm.world.store.clear("dataverse")
    dataverse.seed(crm.world)
    assert (await crm.get("accounts?$top=1")).status_code == 200


async def test_twenty_minutes_of_execution(crm, clock):
    for _ in range(5):
        with meter_of(crm.world).request(user_id(ANNA)):
            clock.move(50)
    meter = meter_of(crm.world)
    held = [meter.request(user_id(ANNA)) for _ in range(20)]
    for request in held:
        request.__enter__()
    clock.move(49)
    for request in held:
        request.__exit__(None, None, None)

    answer = await crm.get("accounts?$top=1")
    assert "Combined execution time" in refusal(answer, 429, "0x80072321")
    assert int(answer.headers["Retry-After"]) == 1


async def test_52_requests_at_the_same_time(crm: Crm, clock: Clock):
    all_here, go = asyncio.Barrier(53), asyncio.Event()
    headers = {"Authorization": f"Bearer {tokens.issue(crm.world, ANNA, 'dataverse')}"}

    async def slow() -> AsyncIterator[bytes]:
        await all_here.wait()
        await go.wait()
        yield b'{"name": "x"}'

    waiting = [
        asyncio.create_task(crm.http.post(f"{ROOT}accounts", content=slow(), headers=headers))
        for _ in range(52)
    ]
    await all_here.wait()
    answer = await crm.get("accounts?$top=1")
    message = refusal(answer, 429, "0x80072326")
    assert message == "Number of concurrent requests exceeded the limit of 52."
    assert answer.headers["Retry-After"]
    go.set()
    assert {a.status_code for a in await asyncio.gather(*waiting)} == {204}
    assert (await crm.get("accounts?$top=1")).status_code == 200


@pytest.mark.parametrize("path", ["accounts?$top=1"])
async def test_every_answer_has_a_request_id(crm, path):
    one, other = await crm.get(path), await crm.get(path)
    name = "x-ms-service-request-id"
    assert one.headers[name] != other.headers[name]
