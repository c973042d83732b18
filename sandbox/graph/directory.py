"""`GET /users/{id}`: what the directory knows of a person.

https://learn.microsoft.com/en-us/graph/api/user-get: an app asks with User.Read.All, a person for
themselves with User.Read.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.company import Employee
from sandbox.graph.calls import authenticate, json_answer, refusal, root_of
from sandbox.graph.errors import GraphError, access_denied, unknown_property
from sandbox.world import Principal, World

Answer = Callable[[Request], Awaitable[Response]]


def routes(world: World) -> list[Route]:
    return [Route("/users/{user}", _get_user(world), methods=["GET"])]


def _get_user(world: World) -> Answer:
    async def answer(request: Request) -> Response:
        try:
            who = authenticate(world, request)
            found = _opened(world, who, request.path_params["user"])
            shown = _selected(_shown(found), request.query_params.get("$select"))
        except GraphError as error:
            return refusal(world, request, error)
        context = f"{world.base_url}{root_of(request)}/$metadata#users/$entity"
        return json_answer({"@odata.context": context, **shown})

    return answer


def _opened(world: World, who: Principal, user: str) -> Employee:
    wanted = user.casefold()
    found = next(
        (e for e in world.company.employees if wanted in (e.oid.casefold(), e.address.casefold())),
        None,
    )
    if "User.Read.All" not in who.roles and (found is None or found.oid != who.oid):
        raise access_denied()
    if found is None:
        raise GraphError(
            404,
            "Request_ResourceNotFound",
            f"Resource '{user}' does not exist or one of its queried reference-property objects "
            "are not present.",
        )
    return found


def _shown(person: Employee) -> dict[str, Any]:
    return {
        "id": person.oid,
        "displayName": person.name,
        "mail": person.address,
        "userPrincipalName": person.address,
    }


def _selected(shown: dict[str, Any], select: str | None) -> dict[str, Any]:
    if not select:
        return shown
    names = [name.strip() for name in select.split(",")]
    unknown = next((name for name in names if name not in shown), None)
    if unknown is not None:
        raise unknown_property(unknown, "microsoft.graph.user")
    return {name: shown[name] for name in names}
