"""The handles that move the sandbox's clock. Tokens don't follow it: see `World.machine_time`."""

from datetime import timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from sandbox.clock import Clock
from sandbox.handling import Refused, read, route
from sandbox.world import World


class _Move(BaseModel):
    """`advance` is in seconds from where the clock stands, `to` a moment with its offset."""

    model_config = ConfigDict(extra="forbid")

    advance: float | None = None
    to: AwareDatetime | None = None

    @model_validator(mode="after")
    def _one(self) -> "_Move":
        if (self.advance is None) == (self.to is None):
            raise ValueError("give one of `advance` and `to`")
        return self


def routes(world: World) -> list[BaseRoute]:
    async def tell(request: Request) -> Response:
        return _told(world)

    async def move(request: Request) -> Response:
        wanted = await read(request, _Move)
        if not isinstance(world.clock, Clock):
            raise Refused(409, "this sandbox is given its time from elsewhere")
        if wanted.to is not None:
            shift = wanted.to - world.clock.unshifted()
        else:
            shift = world.clock.shift + timedelta(seconds=wanted.advance or 0)
        world.clock.move(shift)
        return _told(world)

    return [route("GET", "/sandbox/clock", tell), route("POST", "/sandbox/clock", move)]


def set_right(world: World) -> None:
    """Back to the machine's time."""
    if isinstance(world.clock, Clock):
        world.clock.move(timedelta())


def _told(world: World) -> Response:
    ahead = world.clock() - world.machine_time()
    return JSONResponse({"now": world.clock().isoformat(), "ahead": ahead.total_seconds()})
