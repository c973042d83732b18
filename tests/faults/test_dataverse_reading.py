"""Every outgoing call of candidates, a search and a form in Dataverse fails in every way.

The answer is then the right one or a clear refusal, never half of it, and a second try succeeds.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from sandbox.running import Running
from shared.crm.dataverse.adapter import DataverseCrm
from shared.errors import Throttled, Unavailable, Upstream
from shared.outbound import Limits as Patience
from shared.outbound import Sender
from shared.records import Search, Wanted
from tests.contract import items
from tests.contract.dataverse_harness import DataverseHarness, dataverse
from tests.contract.saving import save
from tests.contract.suggesting import NOW, TYPES, clues, thread
from tests.faults.broken_transport import FAULTS, BrokenTransport, Fault

CUSTOMER = "margaret.ellison@harbourline.example"
Reading = Callable[[DataverseCrm], Awaitable[Any]]

READINGS: dict[str, Reading] = {
    "candidates": lambda crm: crm.candidates(
        clues(CUSTOMER, domains=("harbourline.example",), message_ids=("<1@customer.example>",)),
        TYPES,
        NOW,
    ),
    "search": lambda crm: crm.search(
        Search("harbourline", (Wanted("account", ("websiteurl",)), Wanted("opportunity")), 10)
    ),
    "form": lambda crm: crm.describe("email", (Wanted("account"), Wanted("case")), "de"),
}
CALLS = [("candidates", 1), ("candidates", 2), ("search", 1), ("search", 2), ("search", 3)]
CALLS += [("form", 1)]


@pytest.fixture
async def harness(fresh_sandbox: Running) -> AsyncIterator[DataverseHarness]:
    async with dataverse(fresh_sandbox) as harness:
        caller = harness.crm(harness.company.employees[0].address)
        link = harness.ref("opportunity", harness.company.opportunities[0].id)
        await save(caller, thread(items.sender(CUSTOMER)), link)
        yield harness


async def _no_sleep(seconds: float) -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("lasts", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize(("reading", "call"), CALLS)
async def test_reading(
    harness: DataverseHarness, reading: str, call: int, lasts: bool, fault: Fault
) -> None:
    me = harness.company.employees[0].address
    whole = await READINGS[reading](harness.crm(me))
    inner = httpx.AsyncHTTPTransport(verify=httpx.create_ssl_context())
    transport = BrokenTransport(inner, fault, call, lasts=lasts)
    sender = Sender(Patience(attempts=3), transport=transport, sleep=_no_sleep)
    crm = harness.crm_over(sender, me, patience=60)
    try:
        answer = await READINGS[reading](crm)
    except (Throttled, Unavailable, Upstream):
        assert lasts or fault.status == 500 or fault.retry_after == "3600"
    else:
        assert set(map(repr, _parts(answer))) == set(map(repr, _parts(whole)))
    assert transport.calls >= call
    again = await READINGS[reading](harness.crm(me))
    assert set(map(repr, _parts(again))) == set(map(repr, _parts(whole)))
    await sender.aclose()


def _parts(answer: Any) -> list[Any]:
    """What is in an answer, whatever its order."""
    if isinstance(answer, tuple):
        return list(answer)
    return [
        part
        for name in answer.__slots__
        for value in (getattr(answer, name),)
        for part in (value if isinstance(value, tuple) else (value,))
    ]
