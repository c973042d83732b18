"""What is followed, subscriptions and origins on a real Azurite."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.ledger.followed import THREAD, list_partition, listing_row, thread_key
from shared.ledger.followings import TableFollowings
from shared.ledger.origins import TableOrigins
from shared.ledger.rows import key_of
from shared.ledger.subscriptions import TableSubscriptions
from shared.ledger.table import Account, Table
from tests.contract.followed import NOW, meeting, some_id, thread
from tests.contract.followings_contract import FollowingsContract
from tests.contract.origins_contract import OriginsContract
from tests.contract.subscriptions_contract import SubscriptionsContract


@pytest.fixture
async def account(storage: str) -> AsyncIterator[Account]:
    opened = Account(storage)
    yield opened
    await opened.aclose()


class TestTableFollowings(FollowingsContract):
    @pytest.fixture
    def followings(self, account: Account) -> TableFollowings:
        return TableFollowings(account, table="contractfollowings")


class TestTableSubscriptions(SubscriptionsContract):
    @pytest.fixture
    def subscriptions(self, account: Account) -> TableSubscriptions:
        return TableSubscriptions(account, table="contractsubscriptions")


class TestTableOrigins(OriginsContract):
    @pytest.fixture
    def origins(self, account: Account) -> TableOrigins:
        return TableOrigins(account, table="contractorigins")


async def test_more_rows_than_a_page_are_all_found_and_forgotten(account: Account) -> None:
    followings, mailbox = TableFollowings(account, table="paged"), some_id()
    ids = [some_id() for _ in range(1_250)]
    for start in range(0, len(ids), 100):
        await followings.know_messages(mailbox, "0" * 32, ids[start : start + 100])
    assert await followings.forget(mailbox, NOW) == len(ids)
    assert await followings.threads_of(mailbox, ids[-60:]) == {}


async def test_many_who_come_first_make_the_table_once(account: Account) -> None:
    followings = TableFollowings(account, table="new" + some_id().replace("-", ""))
    new = [thread(some_id()) for _ in range(20)]
    put = await asyncio.gather(*(followings.put_thread(one) for one in new))
    assert [await followings.thread(one.mailbox, one.id) for one in new] == put


async def test_before_there_is_a_table_there_is_nothing(account: Account) -> None:
    followings = TableFollowings(account, table="never")
    subscriptions = TableSubscriptions(account, table="never")
    assert await followings.thread("m", "0" * 32) is None
    assert await followings.meetings("m", "e") == []
    assert await followings.of_record("r") == []
    assert await followings.of_mailbox("m") == []
    assert await followings.forget("m", NOW) == 0
    assert await subscriptions.all() == []
    assert await subscriptions.of_secret("x") is None


async def test_a_record_s_list_that_names_too_much_does_no_harm(account: Account) -> None:
    """As where a worker is killed between the list and the row."""
    followings, mailbox = TableFollowings(account, table="lists"), some_id()
    one = await followings.put_thread(thread(mailbox, record="record"))
    table = Table(account, "lists")
    await table.put(listing_row("other", mailbox, thread_key(one.id)))
    await table.put(listing_row("record", mailbox, thread_key("gone")))
    assert await followings.of_record("other") == []
    assert await followings.of_record("record") == [one]


async def test_a_record_s_list_grows_no_longer_than_what_has_it(account: Account) -> None:
    followings, mailbox = TableFollowings(account, table="lists"), some_id()
    table = Table(account, "lists")

    async def listed(record: str) -> int:
        query = "PartitionKey eq @partition"
        return len([one async for one in table.rows(query, partition=list_partition(record))])

    old, new = some_id(), some_id()
    one = await followings.put_thread(thread(mailbox, record=old))
    moved = await followings.put_thread(replace(one, record=new))
    assert (await listed(old), await listed(new)) == (0, 1)
    await followings.remove(moved)
    assert await listed(new) == 0
    await followings.put_meeting(meeting(mailbox, watched=some_id(), record=new))
    assert await listed(new) == 1
    assert await followings.forget(mailbox, NOW + timedelta(days=400)) == 1
    assert await listed(new) == 0


async def test_of_many_that_are_over_only_what_changed_meanwhile_stays(account: Account) -> None:
    """One row that changed makes the service refuse the whole transaction that removes it."""
    followings, mailbox = TableFollowings(account, table="changing"), some_id()
    put = [await followings.put_thread(thread(mailbox)) for _ in range(20)]
    table = Table(account, "changing")
    found = await table.span(key_of(mailbox), THREAD)
    kept = await followings.put_thread(replace(put[7], stopped=True))
    assert len(await table.remove_all(found)) == 19
    assert await followings.of_mailbox(mailbox) == [kept]
