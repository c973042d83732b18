"""Entra ID: discovery documents, signing keys, and the token endpoint."""

from starlette.routing import BaseRoute

from sandbox.entra import keys
from sandbox.world import World


def routes(world: World) -> list[BaseRoute]:
    return []


def seed(world: World) -> None:
    keys.signing_key(world.store)
