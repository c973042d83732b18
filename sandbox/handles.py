"""The handles under `/sandbox/`, for people and for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute

from sandbox import clock_handles, graph, outlook_handles, salesforce
from sandbox.entra import tokens
from sandbox.faults import Fault, Wire
from sandbox.handling import Refused, read, route
from sandbox.page import render
from sandbox.services import SERVICES
from sandbox.world import Audience, World

_NO_OUTSIDE = "default-src 'none'; style-src 'unsafe-inline'"
FOLDERS = ("inbox", "sentitems", "drafts", "archive", "junkemail")
"""What comes into the last two, a rule or the filter of junk has put there."""


class _TokenRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    user: str
    audience: Audience = "api"


def routes(world: World, wire: Wire) -> list[BaseRoute]:
    async def make_token(request: Request) -> Response:
        wanted = await read(request, _TokenRequest)
        try:
            return JSONResponse({"access_token": _token(world, wanted)})
        except KeyError:
            raise Refused(404, f"no employee has the address {wanted.user}") from None

    async def deliver_mail(request: Request) -> Response:
        folder = request.query_params.get("folder", "inbox")
        if folder not in FOLDERS:
            raise Refused(422, f"folder must be one of {', '.join(FOLDERS)}")
        mailbox = _mailbox(world, request)
        raw = await _content(request)
        with _readable():
            return _made(graph.deliver_mail(world, mailbox, folder, raw))

    async def deliver_meeting(request: Request) -> Response:
        mailbox = _mailbox(world, request)
        raw = await _content(request)
        with _readable():
            return _made(graph.deliver_meeting(world, mailbox, raw))

    async def send_draft(request: Request) -> Response:
        try:
            sent = graph.send_draft(world, request.path_params["id"])
        except KeyError:
            raise Refused(404, "no draft has this id") from None
        return JSONResponse({"id": sent})

    async def arm(request: Request) -> Response:
        fault = await read(request, Fault)
        wire.arm(fault)
        return JSONResponse(_fault(fault), 201)

    async def faults(request: Request) -> Response:
        return JSONResponse([_fault(fault) for fault in wire.faults])

    async def disarm(request: Request) -> Response:
        wire.disarm()
        return Response(status_code=204)

    async def requests(request: Request) -> Response:
        service = request.query_params.get("service")
        return JSONResponse(
            [call.as_json() for call in wire.calls if service in (None, call.service)]
        )

    async def configure_salesforce(request: Request) -> Response:
        switches = await read(request, salesforce.Org)
        given = switches.model_dump(include=switches.model_fields_set)
        return JSONResponse(salesforce.configure(world, **given).model_dump(by_alias=True))

    async def reset(request: Request) -> Response:
        restore(world)
        wire.disarm()
        wire.calls.clear()
        clock_handles.set_right(world)
        return Response(status_code=204)

    async def users(request: Request) -> Response:
        return JSONResponse(_people(world))

    async def page(request: Request) -> Response:
        html = await render(world, wire, request.app.router)
        return HTMLResponse(html, headers={"Content-Security-Policy": _NO_OUTSIDE})

    return [
        route("GET", "/sandbox/", page),
        route("POST", "/sandbox/tokens", make_token),
        route("POST", "/sandbox/mail", deliver_mail),
        route("POST", "/sandbox/calendar", deliver_meeting),
        route("POST", "/sandbox/drafts/{id:path}/send", send_draft),
        route("POST", "/sandbox/faults", arm),
        route("GET", "/sandbox/faults", faults),
        route("DELETE", "/sandbox/faults", disarm),
        route("GET", "/sandbox/requests", requests),
        route("POST", "/sandbox/reset", reset),
        route("POST", "/sandbox/salesforce", configure_salesforce),
        route("GET", "/sandbox/users", users),
        *clock_handles.routes(world),
        *outlook_handles.routes(world),
    ]


def restore(world: World) -> None:
    """Puts every service's sample data back, all or nothing."""
    with world.store.transaction():
        for name, service in SERVICES.items():
            world.store.clear(name)
            service.seed(world)


def mailboxes(world: World) -> list[str]:
    """The addresses of everyone's mailbox and of the shared ones."""
    company = world.company
    return [p.address for p in company.employees] + [q.address for q in company.queues]


def _token(world: World, wanted: _TokenRequest) -> str:
    if wanted.audience != "salesforce":
        return tokens.issue(world, wanted.user, wanted.audience)
    return salesforce.issue_token(world, wanted.user)


def _mailbox(world: World, request: Request) -> str:
    """The address of the mailbox named in the query, as the company spells it."""
    wanted = request.query_params.get("mailbox", "").strip().casefold()
    if not wanted:
        raise Refused(422, "the query must name a mailbox")
    for address in mailboxes(world):
        if address.casefold() == wanted:
            return address
    raise Refused(404, f"there is no mailbox {wanted}")


async def _content(request: Request) -> bytes:
    raw = await request.body()
    if not raw.strip():
        raise Refused(400, "the body is empty")
    return raw


@contextmanager
def _readable() -> Iterator[None]:
    """Parsers raise ValueError for content that is no message or calendar."""
    try:
        yield
    except ValueError as error:
        raise Refused(422, f"the body can't be read: {error}") from error


def _made(id_: str) -> Response:
    return JSONResponse({"id": id_}, 201)


def _fault(fault: Fault) -> dict[str, Any]:
    return fault.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True)


def _people(world: World) -> dict[str, Any]:
    company = world.company
    return {
        "users": [
            {
                "id": person.oid,
                "name": person.name,
                "address": person.address,
                "mailboxes": [person.address, *person.delegates],
                "crm": {
                    "user": person.crm_user,
                    "read": person.crm_read if person.crm_user else "none",
                    "write": person.crm_user and person.crm_write,
                },
            }
            for person in company.employees
        ],
        "sharedMailboxes": [
            {
                "id": queue.id,
                "name": queue.name,
                "address": queue.address,
                "members": [p.address for p in company.employees if queue.address in p.delegates],
            }
            for queue in company.queues
        ],
    }
