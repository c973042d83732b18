"""Which calls Graph answers."""

import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.graph import (
    batch,
    delta_calls,
    directory,
    event_calls,
    message_calls,
    subscription_calls,
    writing_calls,
)
from sandbox.graph.calls import (
    BETA,
    V1,
    Handler,
    authenticate,
    body_of,
    endpoint,
    json_answer,
    refusal,
)
from sandbox.graph.errors import GraphError, bad_request
from sandbox.graph.throttle import Gate
from sandbox.world import World

_KEY_SEGMENT = re.compile(r"\('((?:[^']|'')*)'\)")
_OWNERS = ("/me", "/users/{user}")
_MESSAGE_CALLS: tuple[tuple[str, str, str, Handler], ...] = (
    ("GET", "", "Mail.Read", message_calls.get_message),
    ("PATCH", "", "Mail.ReadWrite", writing_calls.change_message),
    ("GET", "/$value", "Mail.Read", message_calls.get_source),
    ("POST", "/send", "Mail.Send", writing_calls.send_message),
    ("POST", "/createReply", "Mail.ReadWrite", writing_calls.create_reply),
    ("POST", "/createReplyAll", "Mail.ReadWrite", writing_calls.create_reply_to_all),
    ("GET", "/attachments", "Mail.Read", message_calls.list_attachments),
    ("POST", "/attachments", "Mail.ReadWrite", writing_calls.add_attachment),
    ("GET", "/attachments/{attachment}", "Mail.Read", message_calls.get_attachment),
    ("GET", "/attachments/{attachment}/$value", "Mail.Read", message_calls.get_attachment_content),
)
_CALENDAR_CALLS: tuple[tuple[str, str, str, Handler], ...] = (
    ("GET", "/calendarView", "Calendars.Read", event_calls.calendar_view),
    ("GET", "/events", "Calendars.Read", event_calls.list_events),
    ("GET", "/events/{id}", "Calendars.Read", event_calls.get_event),
    ("PATCH", "/events/{id}", "Calendars.ReadWrite", writing_calls.change_event),
    ("GET", "/events/{id}/instances", "Calendars.Read", event_calls.list_instances),
    ("GET", "/events/{id}/attachments", "Calendars.Read", event_calls.list_event_attachments),
    (
        "GET",
        "/events/{id}/attachments/{attachment}",
        "Calendars.Read",
        event_calls.get_event_attachment,
    ),
    (
        "GET",
        "/events/{id}/attachments/{attachment}/$value",
        "Calendars.Read",
        event_calls.get_event_attachment_content,
    ),
)
_CALLS: tuple[tuple[str, str, str, Handler], ...] = (
    ("GET", "/messages", "Mail.Read", message_calls.list_messages),
    ("POST", "/messages", "Mail.ReadWrite", writing_calls.create_draft),
    ("GET", "/mailFolders", "Mail.Read", message_calls.list_folders),
    ("GET", "/mailFolders/{folder}", "Mail.Read", message_calls.get_folder),
    ("GET", "/mailFolders/{folder}/messages", "Mail.Read", message_calls.list_messages),
    *(
        ("GET", f"{path}/{delta}", need, call)
        for delta in ("delta", "delta()", "microsoft.graph.delta()")
        for path, need, call in (
            ("/mailFolders/{folder}/messages", "Mail.Read", delta_calls.message_delta),
            ("/calendarView", "Calendars.Read", delta_calls.event_delta),
        )
    ),
    *((verb, f"/messages/{{id}}{rest}", need, call) for verb, rest, need, call in _MESSAGE_CALLS),
    *_CALENDAR_CALLS,
    *((verb, f"/calendar{rest}", need, call) for verb, rest, need, call in _CALENDAR_CALLS),
)


def routes(world: World) -> list[BaseRoute]:
    """Everything under `/graph/v1.0` and `/graph/beta`."""
    gate = Gate()
    return [Mount(root, app=_version(world, gate, root)) for root in (V1, BETA)]


def _version(world: World, gate: Gate, root: str) -> ASGIApp:
    calls = Router(
        [
            *subscription_calls.routes(world),
            *directory.routes(world),
            *(
                Route(
                    f"{owner}{path}", endpoint(world, gate, permission, handler), methods=[method]
                )
                for owner in _OWNERS
                for method, path, permission, handler in _CALLS
            ),
        ],
        redirect_slashes=False,
        default=_unknown(world),
    )
    single = _key_segments(calls)
    return Router(
        [Route("/$batch", _batch(world, single, root), methods=["POST"])],
        redirect_slashes=False,
        default=single,
    )


def _batch(world: World, app: ASGIApp, root: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            authenticate(world, request)
            steps = batch.read_steps(await body_of(request))
        except GraphError as error:
            return refusal(world, request, error)
        return json_answer({"responses": await batch.run(app, request, root, steps)})

    return answer


def _unknown(world: World) -> ASGIApp:
    """What this stand-in doesn't know is refused, as Graph refuses an unknown segment."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        segment = scope["path"].rpartition("/")[2]
        error = bad_request(f"Resource not found for the segment '{segment}'.")
        response = refusal(world, Request(scope), error)
        await response(scope, receive, send)

    return answer


def _key_segments(app: ASGIApp) -> ASGIApp:
    """Reads `users('x')/messages('y')` as `users/x/messages/y`."""

    async def plain(scope: Scope, receive: Receive, send: Send) -> None:
        path = _KEY_SEGMENT.sub(lambda m: "/" + m[1].replace("''", "'"), scope["path"])
        await app({**scope, "path": path}, receive, send)

    return plain
