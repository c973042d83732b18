"""Every outgoing call of a save, an edit and a delete fails in every way, in each CRM.

Afterwards there is one whole record or none, the answer was clear, and a second try succeeds.
"""

from collections.abc import AsyncIterator

import pytest

from sandbox.running import Running
from shared.domain import Activity, CategoryValue, Change, Deletion, Filing, Item, Limits, Saved
from shared.errors import NotFound
from shared.ports import Crm
from tests.contract import items
from tests.contract.saving import save, told
from tests.faults.broken_transport import Fault
from tests.faults.stages import CALLS, Stage, caller, staged
from tests.faults.trying import attempt, every_call, every_fault, once_and_lasting

FILES = (items.file("small.txt", b"abc"), items.file("large.bin", b"x" * 5_000_000))


@pytest.fixture(params=CALLS)
def name(request: pytest.FixtureRequest) -> str:
    """Which CRM; where a test goes through the calls of each, it says so itself."""
    return str(request.param)


@pytest.fixture
async def stage(name: str, fresh_sandbox: Running) -> AsyncIterator[Stage]:
    async with staged(name, fresh_sandbox) as stage:
        await stage.harness.set_limits(Limits(20_000_000, frozenset()))
        yield stage


def crm(stage: Stage) -> Crm:
    return stage.harness.crm(caller(stage))


def category(stage: Stage) -> tuple[str, CategoryValue]:
    """A whole-number field, and a value for it."""
    fields = stage.harness.traits.categories["email"]
    return next(field.name for field in fields if field.type == "integer"), 7


async def _check_one_whole_or_none(stage: Stage, item: Item, files: int) -> None:
    found = await crm(stage).find(item)
    assert await stage.harness.count(item.kind) <= 1
    if found is not None:
        assert len(found.files) == files


@every_fault
@once_and_lasting
@every_call("save")
@pytest.mark.parametrize("kind", ["email", "meeting"])
async def test_save(stage: Stage, kind: str, call: int, lasts: bool, fault: Fault) -> None:
    item: Item = items.email() if kind == "email" else items.meeting()
    await _check_save(stage, item, 1, call, lasts=lasts, fault=fault)


@every_fault
@once_and_lasting
@every_call("save_large")
async def test_save_with_a_large_file(stage: Stage, call: int, lasts: bool, fault: Fault) -> None:
    await _check_save(stage, items.email(), 2, call, lasts=lasts, fault=fault)


async def _check_save(
    stage: Stage, item: Item, files: int, call: int, *, lasts: bool, fault: Fault
) -> None:
    chosen = FILES[:files]
    with stage.broken(fault, call, lasts=lasts) as (broken, network):
        await attempt(fault, lasts=lasts, action=lambda: save(broken, item, files=chosen))
        assert network.calls >= call
    await _check_one_whole_or_none(stage, item, files)
    saved = await save(crm(stage), item, files=chosen)
    assert len(saved.activity.files) == files
    assert await stage.harness.count(item.kind) == 1
    assert await crm(stage).find(item) == told(saved.activity)


async def test_these_are_all_the_calls_of_a_save(stage: Stage) -> None:
    calls_of = CALLS[stage.name]
    for files, calls in ((1, calls_of.save), (2, calls_of.save_large)):
        with stage.broken(None, 0) as (broken, network):
            mail = items.email(message_id=f"<{files}@customer.example>")
            assert isinstance(await save(broken, mail, files=FILES[:files]), Saved)
            assert network.calls == len(calls)


@every_fault
@once_and_lasting
@every_call("edit")
@pytest.mark.parametrize("kind", ["email", "meeting"])
async def test_edit(stage: Stage, kind: str, call: int, lasts: bool, fault: Fault) -> None:
    item: Item = items.email() if kind == "email" else items.meeting()
    before = (await save(crm(stage), item)).activity
    account = stage.harness.ref("account", stage.harness.company.accounts[0].id)
    field, value = category(stage)
    change = Change(links=(account,), categories={field: value})
    with stage.broken(fault, call, lasts=lasts) as (broken, network):
        await attempt(fault, lasts=lasts, action=lambda: broken.edit(item.kind, before.id, change))
        assert network.calls >= call
    now = await crm(stage).find(item)
    assert now is not None
    changed = bool(now.links)
    assert now.categories.get(field) == (value if changed else None)
    edited = await crm(stage).edit(item.kind, now.id, change)
    assert [link.id for link in edited.links] == [account.id]
    assert edited.categories[field] == value
    assert await crm(stage).find(item) == edited


async def test_these_are_all_the_calls_of_an_edit_and_a_delete(stage: Stage) -> None:
    account = stage.harness.ref("account", stage.harness.company.accounts[0].id)
    calls = CALLS[stage.name]
    for item in (items.email(), items.meeting()):
        saved: Activity = (await save(crm(stage), item)).activity
        with stage.broken(None, 0) as (broken, network):
            edited = await broken.edit(item.kind, saved.id, Change(links=(account,)))
            assert network.calls == len(calls.edit)
        with stage.broken(None, 0) as (broken, network):
            assert isinstance(await broken.delete(item.kind, edited.id), Deletion)
            assert network.calls == calls.delete[item.kind]


@every_fault
@once_and_lasting
@pytest.mark.parametrize(
    ("name", "kind", "call"),
    [
        (name, kind, call)
        for name, calls in CALLS.items()
        for kind, most in calls.delete.items()
        for call in range(1, most + 1)
    ],
)
async def test_delete(stage: Stage, kind: str, call: int, lasts: bool, fault: Fault) -> None:
    item: Item = items.email() if kind == "email" else items.meeting()
    saved = (await save(crm(stage), item, files=FILES[:1])).activity
    with stage.broken(fault, call, lasts=lasts) as (broken, network):
        await attempt(fault, lasts=lasts, action=lambda: broken.delete(item.kind, saved.id))
        assert network.calls >= call
    now = await crm(stage).find(item)
    if now is None:
        with pytest.raises(NotFound):
            await crm(stage).delete(item.kind, saved.id)
    else:
        assert now == told(saved)
        assert (await crm(stage).delete(item.kind, saved.id)).id == saved.id
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
    path = CALLS[stage.name].path
    mail = items.email()
    with stage.impatient(read=0.3) as impatient:
        if not late:
            stage.sandbox.fault(service=stage.name, path=path, **fields)
        known = await impatient.look_up(mail, None)
        if late:
            stage.sandbox.fault(service=stage.name, path=path, **fields)
        saved = await impatient.save(mail, Filing(), known, FILES[:1])
    assert len(saved.activity.files) == 1
    assert await stage.harness.count("email") == 1
