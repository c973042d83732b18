"""Every outgoing call of a save, an edit and a delete in Dataverse fails in every way.

Afterwards there is one whole record or none, the answer was clear, and a second try succeeds.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

from sandbox.running import Running
from shared.crm.dataverse.adapter import DataverseCrm
from shared.domain import Activity, Change, Deletion, Filing, Item, Limits, Saved
from shared.errors import NotFound, Throttled, Unavailable, Upstream
from shared.outbound import Limits as Patience
from shared.outbound import Sender
from tests.contract import items
from tests.contract.dataverse_harness import DataverseHarness, dataverse
from tests.contract.saving import save, told
from tests.faults.broken_transport import FAULTS, BrokenTransport, Fault

FILES = (items.file("small.txt", b"abc"), items.file("large.bin", b"x" * 5_000_000))


@dataclass(frozen=True)
class Stage:
    """One sandbox, and a CRM behind a network that can be broken."""

    harness: DataverseHarness

    @property
    def caller(self) -> str:
        return self.harness.company.employees[0].address

    def crm(self) -> DataverseCrm:
        return self.harness.crm(self.caller)

    @contextmanager
    def broken(
        self, fault: Fault | None, at: int, *, lasts: bool = False
    ) -> Iterator[tuple[DataverseCrm, BrokenTransport]]:
        inner = httpx.AsyncHTTPTransport(verify=httpx.create_ssl_context())
        transport = BrokenTransport(inner, fault, at, lasts=lasts)
        sender = Sender(Patience(attempts=3), transport=transport, sleep=_no_sleep)
        yield self.harness.crm_over(sender, self.caller, patience=60), transport


async def _no_sleep(seconds: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture
async def stage(fresh_sandbox: Running) -> AsyncIterator[Stage]:
    async with dataverse(fresh_sandbox) as harness:
        await harness.set_limits(Limits(20_000_000, frozenset()))
        yield Stage(harness)


def _check_clear(problem: BaseException, fault: Fault) -> None:
    if fault.status == 429:
        assert isinstance(problem, Throttled)
        assert problem.retry_after == float(fault.retry_after or 0)
    elif fault.status == 500:
        assert isinstance(problem, Upstream)
    else:
        assert isinstance(problem, Unavailable)


def _heals_alone(fault: Fault, *, lasts: bool) -> bool:
    """Whether the call in question is tried again by itself, and then goes through."""
    return not lasts and fault.status != 500 and fault.retry_after != "3600"


async def _try(
    fault: Fault, *, lasts: bool, action: Callable[[], Awaitable[object]]
) -> object | None:
    """The result, or None where the action failed clearly, as it had to."""
    if _heals_alone(fault, lasts=lasts):
        return await action()
    with pytest.raises((Throttled, Unavailable, Upstream)) as failed:
        await action()
    _check_clear(failed.value, fault)
    return None


async def _check_one_whole_or_none(stage: Stage, item: Item, files: int) -> None:
    found = await stage.crm().find(item)
    assert await stage.harness.count(item.kind) <= 1
    if found is not None:
        assert len(found.files) == files


EMAIL_CALLS = {"look up": 1, "create": 2}
LARGE_CALLS = EMAIL_CALLS | {"begin": 3, "block": 4, "other block": 5, "commit": 6, "close": 7}

every_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
once_and_lasting = pytest.mark.parametrize("lasts", [False, True], ids=["once", "lasting"])


@every_fault
@once_and_lasting
@pytest.mark.parametrize("call", EMAIL_CALLS.values(), ids=EMAIL_CALLS)
@pytest.mark.parametrize("kind", ["email", "meeting"])
async def test_save(stage: Stage, kind: str, call: int, lasts: bool, fault: Fault) -> None:
    item: Item = items.email() if kind == "email" else items.meeting()
    await _check_save(stage, item, 1, call, lasts=lasts, fault=fault)


@every_fault
@once_and_lasting
@pytest.mark.parametrize("call", LARGE_CALLS.values(), ids=LARGE_CALLS)
async def test_save_with_a_large_file(stage: Stage, call: int, lasts: bool, fault: Fault) -> None:
    await _check_save(stage, items.email(), 2, call, lasts=lasts, fault=fault)


async def _check_save(
    stage: Stage, item: Item, files: int, call: int, *, lasts: bool, fault: Fault
) -> None:
    chosen = FILES[:files]
    with stage.broken(fault, call, lasts=lasts) as (crm, transport):
        await _try(fault, lasts=lasts, action=lambda: save(crm, item, files=chosen))
        assert transport.calls >= call
    await _check_one_whole_or_none(stage, item, files)
    saved = await save(stage.crm(), item, files=chosen)
    assert len(saved.activity.files) == files
    assert await stage.harness.count(item.kind) == 1
    assert await stage.crm().find(item) == told(saved.activity)


async def test_these_are_all_the_calls_of_a_save(stage: Stage) -> None:
    for files, calls in ((1, EMAIL_CALLS), (2, LARGE_CALLS)):
        with stage.broken(None, 0) as (crm, transport):
            mail = items.email(message_id=f"<{files}@customer.example>")
            assert isinstance(await save(crm, mail, files=FILES[:files]), Saved)
            assert transport.calls == len(calls)


EDIT_CALLS = {"read": 1, "write": 2}


@every_fault
@once_and_lasting
@pytest.mark.parametrize("call", EDIT_CALLS.values(), ids=EDIT_CALLS)
@pytest.mark.parametrize("kind", ["email", "meeting"])
async def test_edit(stage: Stage, kind: str, call: int, lasts: bool, fault: Fault) -> None:
    item: Item = items.email() if kind == "email" else items.meeting()
    before = (await save(stage.crm(), item)).activity
    account = stage.harness.ref("account", stage.harness.company.accounts[0].id)
    change = Change(links=(account,), categories={"new_minutes": 7})
    with stage.broken(fault, call, lasts=lasts) as (crm, transport):
        await _try(fault, lasts=lasts, action=lambda: crm.edit(item.kind, before.id, change))
        assert transport.calls >= call
    now = await stage.crm().find(item)
    assert now is not None
    changed = bool(now.links)
    assert now.categories.get("new_minutes") == (7 if changed else None)
    edited = await stage.crm().edit(item.kind, before.id, change)
    assert [link.id for link in edited.links] == [account.id]
    assert edited.categories["new_minutes"] == 7
    assert await stage.crm().find(item) == edited


async def test_these_are_all_the_calls_of_an_edit_and_a_delete(stage: Stage) -> None:
    account = stage.harness.ref("account", stage.harness.company.accounts[0].id)
    for item, deleting in ((items.email(), 1), (items.meeting(), 2)):
        saved: Activity = (await save(stage.crm(), item)).activity
        with stage.broken(None, 0) as (crm, transport):
            await crm.edit(item.kind, saved.id, Change(links=(account,)))
            assert transport.calls == len(EDIT_CALLS)
        with stage.broken(None, 0) as (crm, transport):
            assert isinstance(await crm.delete(item.kind, saved.id), Deletion)
            assert transport.calls == deleting


@every_fault
@once_and_lasting
@pytest.mark.parametrize(("kind", "call"), [("email", 1), ("meeting", 1), ("meeting", 2)])
async def test_delete(stage: Stage, kind: str, call: int, lasts: bool, fault: Fault) -> None:
    item: Item = items.email() if kind == "email" else items.meeting()
    saved = (await save(stage.crm(), item, files=FILES[:1])).activity
    with stage.broken(fault, call, lasts=lasts) as (crm, transport):
        await _try(fault, lasts=lasts, action=lambda: crm.delete(item.kind, saved.id))
        assert transport.calls >= call
    now = await stage.crm().find(item)
    if now is None:
        with pytest.raises(NotFound):
            await stage.crm().delete(item.kind, saved.id)
    else:
        assert now == told(saved)
        assert (await stage.crm().delete(item.kind, saved.id)).id == saved.id
    assert await stage.harness.count(item.kind) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"drop": "before", "times": 1},
        {"drop": "after", "times": 1},
        {"status": 503, "times": 1},
        {"status": 429, "headers": {"Retry-After": "1"}, "times": 1},
        {"delayMs": 700, "times": 1},
    ],
    ids=lambda fields: "-".join(fields),
)
@pytest.mark.parametrize("late", [False, True], ids=["look up", "create"])
async def test_it_heals_over_a_real_wire(
    stage: Stage, late: bool, fields: dict[str, object]
) -> None:
    sender = Sender(Patience(read=0.3), sleep=_no_sleep)
    crm = stage.harness.crm_over(sender, stage.caller, patience=20)
    mail = items.email()
    path = r"\$batch"
    if not late:
        stage.harness.sandbox.fault(service="dataverse", path=path, **fields)
    known = await crm.look_up(mail, None)
    if late:
        stage.harness.sandbox.fault(service="dataverse", path=path, **fields)
    saved = await crm.save(mail, Filing(), known, FILES[:1])
    await sender.aclose()
    assert len(saved.activity.files) == 1
    assert await stage.harness.count("email") == 1
