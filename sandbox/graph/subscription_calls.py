"""The calls on subscriptions. They belong to no mailbox, so they have their own way in."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.graph import outbox, subscriptions
from sandbox.graph.calls import authenticate, body_of, json_answer, refusal, root_of
from sandbox.graph.errors import GraphError
from sandbox.graph.query import parse_prefer
from sandbox.graph.subscriptions import allowed_mailbox, invalid, subscription_json
from sandbox.graph.webhooks import shake_hands
from sandbox.store import Row
from sandbox.world import Principal, World


@dataclass(frozen=True, slots=True)
class _Call:
    world: World
    who: Principal
    request: Request
    body: dict[str, Any]

    @property
    def patience(self) -> float:
        return outbox.mischief(self.world.store).patience

    def row(self) -> Row:
        return subscriptions.find(self.world, self.who, self.request.path_params["id"])

    def context(self, what: str) -> str:
        return f"{self.world.base_url}{root_of(self.request)}/$metadata#subscriptions{what}"


_Handler = Callable[[_Call], Awaitable[Response]]


def routes(world: World) -> list[Route]:
    one = "/subscriptions/{id}"
    return [
        Route("/subscriptions", _endpoint(world, _create), methods=["POST"]),
        Route("/subscriptions", _endpoint(world, _list), methods=["GET"]),
        Route(one, _endpoint(world, _get), methods=["GET"]),
        Route(one, _endpoint(world, _renew), methods=["PATCH"]),
        Route(one, _endpoint(world, _delete), methods=["DELETE"]),
        Route(f"{one}/reauthorize", _endpoint(world, _reauthorize), methods=["POST"]),
    ]


def _endpoint(world: World, handler: _Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            who = authenticate(world, request)
            return await handler(_Call(world, who, request, await body_of(request)))
        except GraphError as error:
            return refusal(world, request, error)

    return answer


async def _create(call: _Call) -> Response:
    wanted = subscriptions.read(call.body, call.world.clock())
    for url in (wanted.url, wanted.lifecycle_url):
        if url:
            await shake_hands(url, call.patience)
    prefer = parse_prefer(call.request.headers.getlist("prefer"))
    row = subscriptions.create(call.world, call.who, wanted, immutable=prefer.immutable_ids)
    return _shown(call, row, 201)


async def _list(call: _Call) -> Response:
    rows = subscriptions.made_by(call.world, call.who)
    shown = [subscription_json(row) for row in rows]
    return json_answer({"@odata.context": call.context(""), "value": shown})


async def _get(call: _Call) -> Response:
    return _shown(call, call.row())


async def _renew(call: _Call) -> Response:
    """Only the expiry and the address can change (api/subscription-update.md)."""
    row = call.row()
    if "lifecycleNotificationUrl" in call.body:
        raise invalid("LifecycleNotificationUrl can't be added to an existing subscription.")
    for name in call.body.keys() - {"expirationDateTime", "notificationUrl"}:
        raise invalid(f"The property '{name}' of a subscription can't be changed.")
    given = call.body.get("expirationDateTime")
    expires = subscriptions.checked_expiry(given, call.world.clock())
    url = row["url"]
    if "notificationUrl" in call.body:
        url = subscriptions.checked_url(call.body["notificationUrl"], "NotificationUrl")
        await shake_hands(url, call.patience)
    _still_allowed(call, row)
    return _shown(call, subscriptions.renew(call.world, call.row(), expires, url))


async def _delete(call: _Call) -> Response:
    subscriptions.remove(call.world.store, call.row()["id"])
    return Response(status_code=204)


async def _reauthorize(call: _Call) -> Response:
    _still_allowed(call, call.row())
    return Response(status_code=204)


def _still_allowed(call: _Call, row: Row) -> None:
    allowed_mailbox(call.world, call.who, row["kind"], row["mailbox"], "Update")


def _shown(call: _Call, row: Row, status: int = 200) -> Response:
    shown = {"@odata.context": call.context("/$entity"), **subscription_json(row)}
    return json_answer(shown, status)
