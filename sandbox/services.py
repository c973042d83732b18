"""The services that keep sample data, in the order they are seeded."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol, cast

from starlette.routing import BaseRoute

from sandbox.world import World


class ServiceModule(Protocol):
    def routes(self, world: World) -> list[BaseRoute]: ...

    def seed(self, world: World) -> None: ...


def _present() -> dict[str, ServiceModule]:
    names = ("graph", "dataverse", "salesforce")
    found = {n: import_module(f"sandbox.{n}") for n in names if find_spec(f"sandbox.{n}")}
    return {n: cast("ServiceModule", m) for n, m in found.items() if hasattr(m, "seed")}


SERVICES: Mapping[str, ServiceModule] = _present()
