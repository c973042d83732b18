"""The services that keep sample data, in the order they are seeded."""

from collections.abc import Mapping
from typing import Protocol

from starlette.routing import BaseRoute

from sandbox import dataverse, graph, salesforce
from sandbox.world import World


class Service(Protocol):
    def routes(self, world: World) -> list[BaseRoute]: ...

    def seed(self, world: World) -> None: ...


SERVICES: Mapping[str, Service] = {
    "graph": graph,
    "dataverse": dataverse,
    "salesforce": salesforce,
}
