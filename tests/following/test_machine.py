"""The machine, with a CRM in memory many times, and with each CRM's own adapter some times."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from sandbox.running import Running
from shared.domain import Item, RecordRef
from shared.errors import Unavailable
from shared.ports import Crm
from shared.saving.save import Order, save
from tests.faults.stages import Stage, staged
from tests.following.machine import Following
from tests.following.running_app import CRMS
from tests.graph_notifications.office import Office

TestFollowing = Following.TestCase
TestFollowing.settings = settings(max_examples=1_000, stateful_step_count=25, deadline=None)


class _OverTheWire(Office):
    """The CRM is the real adapter, and away while `away` says so."""

    def __init__(self, stage: Stage, away: Callable[[], bool]) -> None:
        super().__init__()
        self._stage = stage
        self._away = away

    def crm_of(self, owner: str) -> Crm:
        if self._away():
            raise Unavailable("It is down.")
        return self._stage.harness.crm(self.address(owner))

    async def follow(self, item: Item, **chosen: Any) -> Any:
        """As in the office, without a look into the CRM."""
        owner, link = chosen.get("who") or self.me.oid, chosen.get("link")
        saved = await save(
            Order(item.ref, (link,) if link else ()),
            crm=self.crm_of(owner),
            mailbox=self.mailbox(owner),
            policy=self.policy,
        )
        begun = await self._begin(item, saved.activity, owner, owner)
        if begun.look_after:
            self.queue.append(begun.look_after)
        await self.drain()


class _FollowingOverTheWire(Following):
    """`name` is the CRM's; each example begins with its sample data."""

    def __init__(self, sandbox: Running, name: str) -> None:
        super().__init__()
        self._sandbox = sandbox
        self._name = name

    def opened(self) -> Office:
        self._sandbox.reset()
        self._staging = staged(self._name, self._sandbox)
        self._stage = self._run(self._staging.__aenter__())
        return _OverTheWire(self._stage, lambda: self.outage)

    def teardown(self) -> None:
        if hasattr(self, "_stage"):
            self._rest()
            wanted = sum(letter.wanted for thread in self.threads for letter in thread.letters)
            assert self._run(self._stage.harness.count("email")) == wanted
            kept = sum(plan.kept for plan in self.plans)
            assert self._run(self._stage.harness.count("meeting")) == kept
            self._run(self._staging.__aexit__(None, None, None))
            self.loop.close()

    def shown(self, record: str) -> tuple[datetime, bool]:
        found = self._run(self._stage.harness.shown(record, "UTC"))
        assert found.start is not None
        return found.start, found.cancelled

    def account(self, number: int) -> RecordRef:
        return self._stage.harness.ref("account", self.office.crm.company.accounts[number].id)


@pytest.mark.parametrize("name", CRMS)
def test_so_it_is_in_each_crm_itself(fresh_sandbox: Running, name: str) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: _FollowingOverTheWire(fresh_sandbox, name),
        settings=settings(max_examples=25, stateful_step_count=20, deadline=None),
    )
