"""The Dataverse stand-in alone, in memory: a fresh sample organisation for every test."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from sandbox import dataverse
from sandbox.sample import company
from sandbox.store import Store
from sandbox.world import World
from tests.sandbox.dataverse.calls import Clock, Crm


@pytest.fixture(scope="session")
def crm_store() -> Store:
    """Shared, because making the key that signs tokens takes long."""
    return Store(None)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(crm_store: Store, clock: Clock) -> World:
    world = World(crm_store, company(), "https://localhost:7443", clock)
    for service in ("dataverse", "graph"):
        crm_store.clear(service)
    dataverse.seed(world)
    return world


@pytest.fixture
async def crm(world: World, clock: Clock) -> AsyncIterator[Crm]:
    app = Starlette(routes=dataverse.routes(world))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        yield Crm(world, clock, http)
