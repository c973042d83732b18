"""A store that fails is told in our words, soon, and without a key or an address."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from shared.errors import ThreadlineError, Unavailable, Upstream
from shared.following import Origin
from shared.ledger.followings import TableFollowings
from shared.ledger.origins import TableOrigins
from shared.ledger.receipts import TableReceipts
from shared.ledger.subscriptions import TableSubscriptions
from shared.ledger.table import Account
from tests.contract.followed import draft, meeting, thread
from tests.contract.ledger_contract import receipt
from tests.sandbox.host.host_process import free_port

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MAILBOX = "anna@contoso.example"

Call = Callable[[Account], Awaitable[object]]

CALLS: dict[str, Call] = {
    "receipts.add": lambda account: TableReceipts(account).add(receipt()),
    "receipts.waiting": lambda account: TableReceipts(account).waiting(NOW),
    "followings.threads_of": lambda account: TableFollowings(account).threads_of(
        MAILBOX, [str(n) for n in range(60)]
    ),
    "followings.know_messages": lambda account: TableFollowings(account).know_messages(
        MAILBOX, "0" * 32, ["a", "b"]
    ),
    "followings.thread": lambda account: TableFollowings(account).thread(MAILBOX, "0" * 32),
    "followings.put_thread": lambda account: TableFollowings(account).put_thread(thread(MAILBOX)),
    "followings.put_draft": lambda account: TableFollowings(account).put_draft(draft(MAILBOX)),
    "followings.put_meeting": lambda account: TableFollowings(account).put_meeting(
        meeting(MAILBOX, watched="series")
    ),
    "followings.meetings": lambda account: TableFollowings(account).meetings(MAILBOX, "a"),
    "followings.of_record": lambda account: TableFollowings(account).of_record("a"),
    "followings.forget": lambda account: TableFollowings(account).forget(MAILBOX, NOW),
    "subscriptions.begin": lambda account: TableSubscriptions(account).begin(MAILBOX, "email", NOW),
    "subscriptions.of_secret": lambda account: TableSubscriptions(account).of_secret("forged"),
    "subscriptions.all": lambda account: TableSubscriptions(account).all(),
    "origins.add": lambda account: TableOrigins(account).add(Origin("i", "asked", "a", MAILBOX)),
    "origins.find": lambda account: TableOrigins(account).find("i"),
}

ANSWERS = {
    "busy": (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", Unavailable),
    "broken": (b"HTTP/1.1 500 Broken\r\nContent-Length: 3\r\n\r\n<x>", Unavailable),
    "cut off": (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{", Unavailable),
    "silent": (b"", Unavailable),
    "refused": (b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", Upstream),
    "too much": (b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n", Upstream),
}


def connection(port: int) -> str:
    return (
        "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=a2V5;"
        f"TableEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
    )


@asynccontextmanager
async def opened(where: str) -> AsyncIterator[Account]:
    account = Account(where)
    yield account
    await account.aclose()


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[Account]:
    """A store that answers each request so, and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with opened(connection(server.sockets[0].getsockname()[1])) as account:
        yield account
    server.close()


async def failure(account: Account, name: str) -> ThreadlineError:
    with pytest.raises(ThreadlineError) as told:
        await CALLS[name](account)
    for word in ("127.0.0.1", "anna", "contoso", "devstore", "Partition"):
        assert word not in told.value.detail
    return told.value


async def test_a_store_that_is_down_is_unavailable() -> None:
    async with opened(connection(free_port())) as gone:
        failures = await asyncio.gather(*(failure(gone, name) for name in CALLS))
    assert {type(one) for one in failures} == {Unavailable}


async def test_a_wrong_key_is_for_the_admin(storage: str) -> None:
    before, _, after = storage.partition("AccountKey=")
    wrong = f"{before}AccountKey=a2V5;{after.partition(';')[2]}"
    async with opened(wrong) as account:
        failures = [await failure(account, name) for name in CALLS]
    assert {type(one) for one in failures} == {Upstream}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize(
    "name",
    ["followings.put_thread", "followings.know_messages", "followings.meetings", "origins.find"],
)
async def test_what_the_store_answers_is_told_in_our_words(answer: str, name: str) -> None:
    said, expected = ANSWERS[answer]
    async with answering(said) as account:
        assert type(await failure(account, name)) is expected


async def test_an_account_that_was_closed_opens_again(storage: str) -> None:
    account = Account(storage)
    origins = TableOrigins(account, table="reopened")
    one = Origin("i", "asked", "a", MAILBOX)
    await origins.add(one)
    await account.aclose()
    assert await origins.find("i") == one
    await account.aclose()
