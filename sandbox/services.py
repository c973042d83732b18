"""The services that keep sample data, in the order they are seeded."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol, cast

from starlette.routing import BaseRoute

from sandbox import dataverse, graph
from sandbox.world import World


class Service(Protocol):
    def routes(self, world: World) -> list[BaseRoute]: ...

    def seed(self, world: World) -> None: ...


class Salesforce(Service, Protocol):
    """Salesforce signs its own tokens."""

    def issue_token(self, world: World, address: str) -> str: ...


def _salesforce() -> Salesforce | None:
    if find_spec("sandbox.salesforce") is None:
        return None
    return cast("Salesforce", import_module("sandbox.salesforce"))


SALESFORCE = _salesforce()
SERVICES: Mapping[str, Service] = {
    "graph": graph,
    "dataverse": dataverse,
    **({"salesforce": SALESFORCE} if SALESFORCE else {}),
}
