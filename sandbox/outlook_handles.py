"""The handles that change what lies in mailboxes, and those over its notifications."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from sandbox import graph
from sandbox.handling import Refused, read, route
from sandbox.world import World

_LONGEST_WAIT = 300.0


class _Move(BaseModel):
    model_config = ConfigDict(extra="forbid")

    folder: Literal["inbox", "sentitems", "drafts", "archive", "deleteditems", "junkemail"]


class _Reply(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str
    everyone: bool = False


class _Lifecycle(BaseModel):
    """Without `subscription` all of them are meant."""

    model_config = ConfigDict(extra="forbid")

    event: Literal["reauthorizationRequired", "subscriptionRemoved", "missed"]
    subscription: str | None = None


class _Properties(BaseModel):
    """Graph checks them, as it would those of a PATCH."""

    model_config = ConfigDict(extra="allow")


def routes(world: World) -> list[BaseRoute]:
    return [*_items(world), *_notifications(world)]


def _items(world: World) -> list[BaseRoute]:
    async def change_message(request: Request) -> Response:
        wanted = await _properties(request)
        with _known():
            graph.change_message(world, _id(request), wanted)
        return _done()

    async def move_message(request: Request) -> Response:
        wanted = await read(request, _Move)
        with _known():
            return JSONResponse({"id": graph.move_message(world, _id(request), wanted.folder)})

    async def delete_message(request: Request) -> Response:
        with _known():
            graph.delete_message(world, _id(request))
        return _done()

    async def reply(request: Request) -> Response:
        wanted = await read(request, _Reply)
        with _known():
            sent = graph.reply(world, _id(request), wanted.text, everyone=wanted.everyone)
        return JSONResponse({"id": sent}, 201)

    async def change_event(request: Request) -> Response:
        wanted = await _properties(request)
        with _known():
            graph.change_event(world, _id(request), wanted)
        return _done()

    async def cancel_event(request: Request) -> Response:
        with _known():
            graph.cancel_event(world, _id(request))
        return _done()

    async def delete_event(request: Request) -> Response:
        with _known():
            graph.delete_event(world, _id(request))
        return _done()

    message, event = "/sandbox/messages/{id:path}", "/sandbox/events/{id:path}"
    return [
        route("POST", f"{message}/move", move_message),
        route("POST", f"{message}/reply", reply),
        route("PATCH", message, change_message),
        route("DELETE", message, delete_message),
        route("POST", f"{event}/cancel", cancel_event),
        route("PATCH", event, change_event),
        route("DELETE", event, delete_event),
    ]


def _notifications(world: World) -> list[BaseRoute]:
    async def counts(request: Request) -> Response:
        await graph.notifications_settled(world, _seconds(request))
        return JSONResponse(graph.notification_counts(world))

    async def make_mischief(request: Request) -> Response:
        graph.make_mischief(world, await read(request, graph.Mischief))
        return JSONResponse(graph.notification_counts(world))

    async def lifecycle(request: Request) -> Response:
        wanted = await read(request, _Lifecycle)
        with _known():
            told = graph.tell_lifecycle(world, wanted.event, wanted.subscription)
        return JSONResponse({"subscriptions": told})

    async def forget(request: Request) -> Response:
        graph.forget_delta_tokens(world)
        return _done()

    return [
        route("GET", "/sandbox/notifications", counts),
        route("POST", "/sandbox/notifications", make_mischief),
        route("POST", "/sandbox/notifications/lifecycle", lifecycle),
        route("DELETE", "/sandbox/delta", forget),
    ]


def _seconds(request: Request) -> float:
    text = request.query_params.get("wait", "0")
    try:
        seconds = float(text)
    except ValueError:
        raise Refused(422, f"wait must be seconds, not {text}") from None
    if not 0 <= seconds <= _LONGEST_WAIT:
        raise Refused(422, f"wait must be 0 to {_LONGEST_WAIT:.0f} seconds")
    return seconds


async def _properties(request: Request) -> dict[str, Any]:
    return (await read(request, _Properties)).model_dump()


def _id(request: Request) -> str:
    id_: str = request.path_params["id"]
    return id_


@contextmanager
def _known() -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        raise Refused(404, f"nothing has the id {error.args[0]}") from None
    except graph.GraphError as error:
        raise Refused(422, error.message) from None


def _done() -> Response:
    return Response(status_code=204)
