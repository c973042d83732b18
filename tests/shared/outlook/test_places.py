"""No more calls in one mailbox at a time than Graph takes, whoever in the worker makes them."""

import asyncio
from collections import Counter

import httpx
import pytest

from shared.domain import ItemRef
from shared.errors import Throttled, Unavailable
from shared.outbound import Sender
from shared.outlook.client import GraphMailbox
from shared.outlook.places import Places

ROOT = "https://graph.example/v1.0"


class SlowGraph:
    """Answers `seconds` late; `most` is how many calls were in each mailbox at the same time."""

    def __init__(self, seconds: float = 0.01) -> None:
        self.most: Counter[str] = Counter()
        self._seconds = seconds
        self._busy: Counter[str] = Counter()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        mailbox = request.url.path.split("/")[3]
        self._busy[mailbox] += 1
        self.most[mailbox] = max(self.most[mailbox], self._busy[mailbox])
        await asyncio.sleep(self._seconds)
        self._busy[mailbox] -= 1
        return httpx.Response(200, json={"id": "A=", "subject": "Hello"})


async def token() -> str:
    return "token"


def opened(graph: SlowGraph, places: Places, who: str, patience: float = 20) -> GraphMailbox:
    sender = Sender(transport=httpx.MockTransport(graph))
    return GraphMailbox(sender, sender.errand(patience), ROOT, token, who, places.of(who))


async def fetch(mailbox: GraphMailbox) -> None:
    await mailbox.fetch(ItemRef("email", "me", "A="))


async def test_twelve_pieces_of_work_make_four_calls_at_a_time_in_a_mailbox() -> None:
    graph, places = SlowGraph(), Places()
    await asyncio.gather(*(fetch(opened(graph, places, "anna")) for _ in range(12)))
    assert graph.most == {"anna": 4}


async def test_mailboxes_do_not_wait_for_each_other() -> None:
    graph, places = SlowGraph(), Places()
    names = ("anna", "bernd") * 6
    await asyncio.gather(*(fetch(opened(graph, places, who)) for who in names))
    assert graph.most == {"anna": 4, "bernd": 4}


async def test_a_failed_call_leaves_its_place() -> None:
    places = Places()
    for _ in range(5):
        with pytest.raises(Unavailable):
            await fetch(opened(SlowGraph(), places, "anna", patience=0))
    await fetch(opened(SlowGraph(), places, "anna"))


async def test_a_place_is_not_waited_for_beyond_the_time_that_is_left() -> None:
    graph, places = SlowGraph(seconds=0.5), Places()
    busy = [asyncio.create_task(fetch(opened(graph, places, "anna"))) for _ in range(4)]
    await asyncio.sleep(0.05)
    with pytest.raises(Throttled) as refused:
        await fetch(opened(graph, places, "anna", patience=0.1))
    assert refused.value.retry_after > 0
    await asyncio.gather(*busy)
    assert graph.most == {"anna": 4}
