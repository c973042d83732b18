"""`python -m bench.drain [--messages N] [--delay MS]`: how fast queued notifications are done.

By one worker and by two, each a process, on the same queue. 4 in 100 messages are replies to save,
1 in 100 is a reply told of again, the others are of mail that nobody follows: most of what a busy
mailbox tells. They are of several mailboxes, as Graph lets a worker make 4 calls at a time in one.
Dataverse. With `--delay` Graph and the CRM answer that late, as they do in reality: then waiting
dominates. Workers, stand-ins and Azurite share one machine, and without a delay that is what limits
both.
"""

import argparse
import asyncio
import base64
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from random import Random

from azure.storage.queue.aio import QueueClient

from bench.following import Thread, deliver, follow, length, secret
from bench.mail import SELLERS
from bench.stack import App, app, cpu_seconds, sandbox, storage
from sandbox.client import Handles
from shared.notifications import QUEUE, ItemChanged

_REPLIES = 0.04
_AGAIN = 0.01
_OTHERS = 30
"""Messages that nobody follows, in each mailbox; each is told of many times, as one that is moved
to and fro."""

_AT_ONCE = 16
_WAITING = 100
"""So many messages wait at a time, which is more than two workers take between two looks at the
queue. Azurite goes through the whole queue for each message taken or removed, which storage in
Azure doesn't: with all 10,000 waiting in it, Azurite is what would be measured."""

_BETWEEN = (0.05, 0.95)
"""The rate is that between these shares of the messages, so that starting and ending don't count.
"""


@dataclass(frozen=True, slots=True)
class _Mark:
    """How many messages were done `at` so many seconds, for how much of the workers' CPU."""

    at: float
    cpu: float
    done: int


@dataclass(frozen=True, slots=True)
class Drained:
    """`cpu` is the workers' seconds for each message, without their hosts' polling."""

    rate: float
    cpu: float


async def _put(queue: QueueClient, messages: Sequence[ItemChanged]) -> None:
    left = iter(messages)

    async def send() -> None:
        for message in left:
            await queue.send_message(base64.b64encode(message.model_dump_json().encode()).decode())

    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(send())


def _arrived(handles: Handles, thread: Thread) -> ItemChanged:
    item, now = deliver(handles, thread), datetime.now(UTC)
    return ItemChanged(mailbox=thread.seller.oid, kind="email", at=now, item=item)


def _told(
    handles: Handles, threads: Sequence[Thread], others: Sequence[ItemChanged], count: int
) -> list[ItemChanged]:
    """So many messages; the replies are new ones."""
    turns = islice(cycle(threads), int(count * _REPLIES))
    replies = [_arrived(handles, thread) for thread in turns]
    again = replies[: int(count * _AGAIN)]
    rest = [others[n % len(others)] for n in range(count - len(replies) - len(again))]
    told = [*replies, *again, *rest]
    Random(len(told)).shuffle(told)
    return told


@contextmanager
def _workers(handles: Handles, kept: str, count: int) -> Iterator[list[App]]:
    with ExitStack() as stack:
        yield [stack.enter_context(app(handles, storage=kept)) for _ in range(count)]


async def _drain(
    queue: QueueClient, workers: Sequence[App], told: Sequence[ItemChanged]
) -> Drained:
    """Puts the messages on the queue as room comes free in it, until all are done."""
    put, marks = 0, list[_Mark]()
    while not marks or marks[-1].done < len(told):
        left = await length(queue)
        marks.append(_Mark(time.perf_counter(), _cpu(workers), put - left))
        more = told[put : put + max(0, _WAITING - left)]
        await _put(queue, more)
        put += len(more)
        await asyncio.sleep(0.05)
    first, last = (next(m for m in marks if m.done >= len(told) * share) for share in _BETWEEN)
    done = last.done - first.done
    return Drained(done / (last.at - first.at), (last.cpu - first.cpu) / done)


def _cpu(workers: Sequence[App]) -> float:
    return sum(cpu_seconds(worker.pid) for worker in workers)


async def _run(count: int, delay: int) -> None:
    with storage() as kept, sandbox() as handles:
        with app(handles, storage=kept) as beginner:
            threads = [follow(handles, beginner, seller) for seller in SELLERS]
            for seller in SELLERS:
                await secret(kept, seller)
        handles.make_mischief(drop=1.0)  # what is told is put on the queue here
        others = [_arrived(handles, Thread(seller)) for seller in SELLERS for _ in range(_OTHERS)]
        for service in ("graph", "dataverse") if delay else ():
            handles.fault(service=service, delayMs=delay)
        async with QueueClient.from_connection_string(kept, QUEUE) as queue:
            found = {}
            for workers in (1, 2):
                told = _told(handles, threads, others, count)
                with _workers(handles, kept, workers) as running:
                    found[workers] = await _drain(queue, running, told)
    print(
        f"{count} queued notifications of {len(SELLERS)} mailboxes: {_REPLIES:.0%} replies to save,"
    )
    print(f"{_AGAIN:.0%} told again, others of mail nobody follows; Graph and CRM {delay} ms late")
    for workers, drained in found.items():
        print(
            f"  {workers} worker{'s' if workers > 1 else ' '}  {drained.rate:6.1f} a second"
            f"   {drained.cpu * 1000:5.1f} ms of the workers' CPU each"
        )
    print(f"two workers / one: {found[2].rate / found[1].rate:.2f} of the rate")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.drain", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--delay", type=int, default=40, help="milliseconds")
    given = parser.parse_args()
    asyncio.run(_run(given.messages, given.delay))


if __name__ == "__main__":
    main()
