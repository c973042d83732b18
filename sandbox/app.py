"""The one application that answers for all the services."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from sandbox import azure_openai, entra, graph, handles
from sandbox.faults import Line, Wire
from sandbox.services import SERVICES
from sandbox.world import World


def create_app(world: World) -> Starlette:
    """Seeds whatever is still empty in the world's store. While the app lives, it delivers Graph's
    notifications."""
    for name, service in SERVICES.items():
        if world.store.empty(name):
            service.seed(world)
    entra.seed(world)
    wire = Wire()
    routes: list[BaseRoute] = [*handles.routes(world, wire), *entra.routes(world)]
    routes += azure_openai.routes(world)
    for service in SERVICES.values():
        routes += service.routes(world)
    return Starlette(
        routes=routes,
        middleware=[Middleware(Line, wire=wire, clock=world.clock)],
        lifespan=lambda _: graph.delivering(world),
    )
