"""A Graph stand-in of its own for each test, spoken to without a network."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from starlette.applications import Starlette

from sandbox import graph
from sandbox.running import Running
from sandbox.sample import company
from sandbox.store import Store
from sandbox.world import World
from tests.sandbox.graph.graph_world import ANNA, Clock, Graph
from tests.sandbox.graph.receiver import Receiver, receiving
from tests.sandbox.graph.subscriber import Subscriber


@pytest.fixture
async def mailbox() -> AsyncIterator[Graph]:
    """Empty mailboxes, seen by Anna."""
    clock = Clock()
    world = World(Store(None), company(), "https://localhost:7443", clock)
    transport = httpx.ASGITransport(Starlette(routes=graph.routes(world)))
    root = f"{world.base_url}/graph/v1.0/"
    async with httpx.AsyncClient(transport=transport, base_url=root) as http:
        seen = Graph(world, clock, http)
        seen.speak_as(ANNA)
        yield seen


@pytest.fixture
def sample(mailbox: Graph) -> Graph:
    """The sample mailboxes, seen by Anna."""
    graph.seed(mailbox.world)
    return mailbox


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


@pytest.fixture
def subscriber(fresh_sandbox: Running, receiver: Receiver) -> Iterator[Subscriber]:
    """A client of a running sandbox without subscriptions, with an address to be told at."""
    started = Subscriber(fresh_sandbox, receiver)
    with started.http:
        yield started
    fresh_sandbox.reset()
