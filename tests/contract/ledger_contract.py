"""What every ledger must do. A ledger's test is a subclass with one fixture, `ledger`."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.domain import Notice
from shared.errors import Conflict, TooLarge
from shared.ports import Ledger
from shared.receipts import Failure, Progress, Receipt, new_id

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def receipt(made: datetime = NOW, owner: str = "", asked: str = '{"item": "é"}') -> Receipt:
    return Receipt(id=new_id(made), owner=owner or str(uuid4()), asked=asked)


class LedgerContract:
    async def test_what_was_added_is_found_as_it_was(self, ledger: Ledger) -> None:
        new = replace(
            receipt(),
            not_before=NOW + timedelta(minutes=3),
            queued_at=NOW + timedelta(minutes=2),
            progress=Progress(3, 200),
            notices=(Notice("body_truncated", "Cut."),),
            failure=Failure("forbidden", "You may not."),
            status="failed",
        )
        added = await ledger.add(new)
        assert added.version
        assert replace(added, version="") == new
        assert await ledger.find(new.owner, new.id) == added

    async def test_nobody_finds_what_is_not_theirs_or_not_there(self, ledger: Ledger) -> None:
        added = await ledger.add(receipt())
        other = await ledger.add(receipt())
        assert await ledger.find(other.owner, added.id) is None
        assert await ledger.find(str(uuid4()), added.id) is None
        for forged in ("x", "0" * 32, "..", "a' or 'a' eq 'a", "ä/#?%"):
            assert await ledger.find(added.owner, forged) is None

    async def test_a_replaced_receipt_has_a_new_version(self, ledger: Ledger) -> None:
        added = await ledger.add(replace(receipt(), not_before=NOW))
        changed = await ledger.replace(replace(added, status="saved", not_before=None))
        assert changed.version != added.version
        assert await ledger.find(added.owner, added.id) == changed
        assert changed.not_before is None

    async def test_an_older_version_replaces_nothing(self, ledger: Ledger) -> None:
        added = await ledger.add(receipt())
        changed = await ledger.replace(replace(added, status="saved"))
        with pytest.raises(Conflict):
            await ledger.replace(replace(added, status="failed"))
        assert await ledger.find(added.owner, added.id) == changed

    async def test_of_many_who_replace_one_version_one_succeeds(self, ledger: Ledger) -> None:
        added = await ledger.add(receipt())
        outcomes = await asyncio.gather(
            *(
                ledger.replace(replace(added, notices=(Notice(str(n), ""),), status="saved"))
                for n in range(10)
            ),
            return_exceptions=True,
        )
        (winner,) = [one for one in outcomes if isinstance(one, Receipt)]
        assert sum(isinstance(one, Conflict) for one in outcomes) == 9
        assert await ledger.find(added.owner, added.id) == winner

    async def test_what_is_gone_is_not_replaced(self, ledger: Ledger) -> None:
        old = await ledger.add(receipt(NOW - timedelta(days=400)))
        await ledger.forget(NOW - timedelta(days=399))
        with pytest.raises(Conflict):
            await ledger.replace(replace(old, status="saved"))
        assert await ledger.find(old.owner, old.id) is None

    async def test_only_what_is_older_is_forgotten(self, ledger: Ledger) -> None:
        base = datetime(2020, 1, 1, tzinfo=UTC)
        await ledger.forget(base + timedelta(days=300))
        owner = str(uuid4())
        days = [await ledger.add(receipt(base + timedelta(days=n), owner)) for n in range(40)]
        strange = await ledger.add(receipt(base))
        assert await ledger.forget(base + timedelta(days=30)) == 31
        found = [await ledger.find(owner, one.id) for one in days]
        assert found == [None] * 30 + days[30:]
        assert await ledger.find(strange.owner, strange.id) is None
        assert await ledger.forget(base + timedelta(days=30)) == 0

    async def test_what_still_waits_is_told(self, ledger: Ledger) -> None:
        base = datetime(2021, 1, 1, tzinfo=UTC)
        await ledger.forget(base + timedelta(days=300))
        old = await ledger.add(receipt(base))
        new = await ledger.add(receipt(base + timedelta(hours=2)))
        done = await ledger.add(receipt(base))
        await ledger.replace(replace(done, status="saved"))
        assert list(await ledger.waiting(base + timedelta(hours=1))) == [old]
        assert {one.id for one in await ledger.waiting(base + timedelta(hours=3))} == {
            old.id,
            new.id,
        }

    async def test_a_draft_s_receipt_waits_for_nobody_but_its_sender(self, ledger: Ledger) -> None:
        base = datetime(2022, 1, 1, tzinfo=UTC)
        added = await ledger.add(replace(receipt(base), status="pending_send"))
        assert added not in await ledger.waiting(base + timedelta(hours=1))
        queued = await ledger.replace(replace(added, status="queued"))
        assert queued in await ledger.waiting(base + timedelta(hours=1))

    async def test_progress_goes_on_and_may_stand_at_nothing(self, ledger: Ledger) -> None:
        added = await ledger.add(replace(receipt(), progress=Progress(0, 0)))
        assert await ledger.find(added.owner, added.id) == added
        further = await ledger.replace(replace(added, progress=Progress(1, 2)))
        assert await ledger.find(added.owner, added.id) == further

    async def test_large_requests_are_kept_whole_and_larger_ones_refused(
        self, ledger: Ledger
    ) -> None:
        large = await ledger.add(receipt(asked="ä𝄞" * 116_666))
        assert await ledger.find(large.owner, large.id) == large
        large = await ledger.replace(replace(large, status="saved"))
        assert await ledger.find(large.owner, large.id) == large
        with pytest.raises(TooLarge):
            await ledger.add(receipt(asked="a" * 700_001))
        with pytest.raises(TooLarge):
            await ledger.replace(replace(large, asked="a" * 700_001))
