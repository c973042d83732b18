"""Every outgoing call of candidates, a search and a form in Salesforce fails in every way.

The answer is then the right one, without what the index alone knows where it was the index that
failed, or a clear refusal; and a second try succeeds.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from sandbox.running import Running
from shared.errors import Throttled, Unavailable, Upstream
from shared.ports import Crm
from shared.records import Search, Wanted
from tests.contract import items
from tests.contract.saving import save
from tests.contract.suggesting import NOW, TYPES, clues, thread
from tests.faults.broken_transport import FAULTS, Fault
from tests.faults.stages import Stage, caller, staged

CUSTOMER = "margaret.ellison@harbourline.example"

READINGS: dict[str, Callable[[Crm], Awaitable[Any]]] = {
    "candidates": lambda crm: crm.candidates(
        clues(CUSTOMER, domains=("harbourline.example",), message_ids=("<1@customer.example>",)),
        TYPES,
        NOW,
    ),
    "search": lambda crm: crm.search(
        Search("harbourline", (Wanted("account", ("Website",)), Wanted("opportunity")), 10)
    ),
    "form": lambda crm: crm.describe("email", (Wanted("account"), Wanted("case")), "de"),
}
CALLS = [("candidates", 1), ("candidates", 2), ("candidates", 3), ("candidates", 4)]
CALLS += [("search", 1), ("search", 2), ("form", 1)]


@pytest.fixture
async def stage(fresh_sandbox: Running) -> AsyncIterator[Stage]:
    async with staged("salesforce", fresh_sandbox) as stage:
        link = stage.harness.ref("opportunity", stage.harness.company.opportunities[0].id)
        await save(stage.harness.crm(caller(stage)), thread(items.sender(CUSTOMER)), link)
        yield stage


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("lasts", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize(("reading", "call"), CALLS)
async def test_reading(stage: Stage, reading: str, call: int, lasts: bool, fault: Fault) -> None:
    """The form is asked for anew; the objects of the others are known."""
    read = READINGS[reading]
    whole = _parts(await read(stage.harness.crm(caller(stage))))
    if reading == "form":
        stage.harness.organization.knowledge.described.drop(lambda key: True)  # type: ignore[attr-defined]
    with stage.broken(fault, call, lasts=lasts) as (broken, network):
        try:
            answer = await read(broken)
        except (Throttled, Unavailable, Upstream):
            assert lasts or fault.status == 500 or fault.retry_after == "3600"
        else:
            assert _parts(answer) <= whole
        assert network.calls >= call
    assert _parts(await read(stage.harness.crm(caller(stage)))) == whole


def _parts(answer: Any) -> set[str]:
    """What is in an answer, whatever its order."""
    if isinstance(answer, tuple):
        return set(map(repr, answer))
    values = (getattr(answer, name) for name in answer.__slots__)
    return {
        repr(part) for value in values for part in (value if isinstance(value, tuple) else (value,))
    }
