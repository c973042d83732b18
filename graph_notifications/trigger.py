"""Microsoft Graph tells of changes: POST /api/graph/notifications and /api/graph/lifecycle, and the
work on what they tell."""

import time
import typing
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus

import azure.functions as func
from pydantic import ValidationError

from graph_notifications import receiving
from graph_notifications.known_secrets import KnownSecrets
from graph_notifications.payload import LONGEST_HANDSHAKE
from shared import background, composition, endpoint, replies, telemetry
from shared.errors import Unavailable
from shared.following import digest
from shared.notifications import (
    PUT_BACK_FOR_DAYS,
    QUEUE,
    CaughtUp,
    ItemChanged,
    LookAfter,
    Message,
    read,
)
from shared.saving.queueing import QUEUE as SAVES

if typing.TYPE_CHECKING:
    from graph_notifications.work import Done, Parts

STORAGE = "AzureWebJobsStorage"

_NO_LEDGER = "This deployment has no ledger."
_SWITCHED_OFF = "switched_off"
_known = KnownSecrets(time.monotonic)

bp = func.Blueprint()


@bp.function_name("graph_notifications")
@bp.route("graph/notifications", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.queue_output(arg_name="queued", queue_name=QUEUE, connection=STORAGE)
@endpoint.answering("graph_notifications")
async def graph_notifications(
    req: func.HttpRequest,
    queued: func.Out[typing.List[str]],  # noqa: UP006  # Azure's worker takes no list[str] here
) -> func.HttpResponse:
    """What happened to items in followed mailboxes."""
    return _handshake(req) or await _received(req, queued, receiving.notifications)


@bp.function_name("graph_lifecycle")
@bp.route("graph/lifecycle", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.queue_output(arg_name="queued", queue_name=QUEUE, connection=STORAGE)
@endpoint.answering("graph_lifecycle")
async def graph_lifecycle(
    req: func.HttpRequest,
    queued: func.Out[typing.List[str]],  # noqa: UP006
) -> func.HttpResponse:
    """What happened to this app's subscriptions."""
    return _handshake(req) or await _received(req, queued, receiving.lifecycle)


@bp.function_name("follow_change")
@bp.queue_trigger(arg_name="msg", queue_name=QUEUE, connection=STORAGE)
@bp.queue_output(arg_name="queued", queue_name=QUEUE, connection=STORAGE)
@bp.queue_output(arg_name="saves", queue_name=SAVES, connection=STORAGE)
async def follow_change(
    msg: func.QueueMessage,
    queued: func.Out[typing.List[str]],  # noqa: UP006
    saves: func.Out[typing.List[str]],  # noqa: UP006
) -> None:
    """Tried again by the queue for as long as a service is down."""
    message = _message(msg)
    if message is None:
        return
    with background.working("follow_change", msg.id):
        telemetry.note(kind=message.kind, what=message.what, tries=msg.dequeue_count)
        done = await _done(message)
        if done.messages:
            queued.set([one.model_dump_json() for one in done.messages])
        if done.saves:
            saves.set(list(done.saves))
        telemetry.note(outcome=done.outcome, queued=len(done.messages))
        if done.alarm == "mailbox_not_followed":
            mailbox = digest(message.mailbox) if "@" in message.mailbox else message.mailbox
            telemetry.warning(
                "mailbox_not_followed", kind=message.kind, mailbox=mailbox, code=done.code
            )
        elif done.alarm == "change_refused":
            telemetry.warning("change_refused", kind=message.kind, code=done.code)


@bp.function_name("put_back_change")
@bp.queue_trigger(arg_name="msg", queue_name=f"{QUEUE}-poison", connection=STORAGE)
@bp.queue_output(arg_name="queued", queue_name=QUEUE, connection=STORAGE)
async def put_back_change(
    msg: func.QueueMessage,
    queued: func.Out[typing.List[str]],  # noqa: UP006
) -> None:
    """What the queue has given up comes back, until nobody will mend it any more."""
    message = _message(msg)
    if message is None:
        return
    with background.working("put_back_change", msg.id):
        telemetry.note(kind=message.kind, what=message.what)
        if datetime.now(UTC) < message.at + timedelta(days=PUT_BACK_FOR_DAYS):
            queued.set([message.model_dump_json()])
            telemetry.note(outcome="put_back")
        else:
            telemetry.note(outcome="lost")
            telemetry.warning("change_lost", kind=message.kind, what=message.what)


@bp.function_name("renew_subscriptions")
@bp.timer_trigger(arg_name="timer", schedule="0 7 * * * *")
@bp.queue_output(arg_name="queued", queue_name=QUEUE, connection=STORAGE)
async def renew_subscriptions(
    timer: func.TimerRequest,
    queued: func.Out[typing.List[str]],  # noqa: UP006
) -> None:
    """Every mailbox that is followed is looked after, each by a message of its own."""
    with background.working("renew_subscriptions"):
        subscriptions = composition.subscriptions() if composition.follows() else None
        if subscriptions is None:
            return
        now = datetime.now(UTC)
        rows = await subscriptions.all()
        messages = [LookAfter(mailbox=row.mailbox, kind=row.kind, at=now) for row in rows]
        if messages:
            queued.set([message.model_dump_json() for message in messages])
        telemetry.note(mailboxes=len(messages))


class _Receive(typing.Protocol):
    def __call__(
        self, body: bytes, now: datetime, *, known: KnownSecrets, find: receiving.Find
    ) -> Awaitable[receiving.Received]: ...


def _handshake(req: func.HttpRequest) -> func.HttpResponse | None:
    """Graph's question whether this address wants to be told: its token, as plain text
    (https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks). Answered
    before anything else is looked at, since it waits for ten seconds at most."""
    token = req.params.get("validationToken")
    if token is None:
        return None
    telemetry.note(handshake=True)
    if len(token) > LONGEST_HANDSHAKE or not token.isprintable():
        return replies.plain("", status=HTTPStatus.BAD_REQUEST)
    return replies.plain(token)


async def _received(
    req: func.HttpRequest,
    queued: func.Out[typing.List[str]],  # noqa: UP006
    receive: _Receive,
) -> func.HttpResponse:
    """Where nothing is followed any more, Graph is not to come again with it: should it be switched
    on again, what happened meanwhile is caught up with."""
    if not composition.follows():
        telemetry.note(outcome=_SWITCHED_OFF)
        return replies.plain("", status=HTTPStatus.ACCEPTED)
    subscriptions = composition.subscriptions()
    if subscriptions is None:
        raise Unavailable(_NO_LEDGER)
    received = await receive(
        req.get_body(), datetime.now(UTC), known=_known, find=subscriptions.of_secret
    )
    if received.messages:
        queued.set([message.model_dump_json() for message in received.messages])
    telemetry.note(
        accepted=received.accepted,
        forged=received.forged,
        malformed=received.malformed,
        unknown=received.unknown,
    )
    return replies.plain("", status=HTTPStatus.ACCEPTED)


async def _done(message: Message) -> "Done":
    from graph_notifications import emails, meetings
    from graph_notifications.caretaking import Caretaker
    from graph_notifications.work import Done

    if not composition.follows():
        return Done(_SWITCHED_OFF)
    now = datetime.now(UTC)
    parts = await _parts(now)
    if isinstance(message, ItemChanged):
        look = emails.look if message.kind == "email" else meetings.look
        return await look(message, parts)
    feed = composition.change_feed()
    if feed is None:
        return Done(_SWITCHED_OFF)
    caretaker = Caretaker(feed, parts.books.followings, parts.books.subscriptions, now)
    if isinstance(message, CaughtUp):
        return await caretaker.caught_up(message)
    return await caretaker.look_after(message)


async def _parts(now: datetime) -> "Parts":
    from graph_notifications.work import Parts

    books, ledger = composition.books(), composition.ledger()
    if books is None or ledger is None:
        raise Unavailable(_NO_LEDGER)
    policy = await composition.policy()
    return Parts(
        books=books,
        ledger=ledger,
        policy=policy,
        mailbox=composition.mailbox_of,
        crm=partial(composition.crm_as, policy=policy),
        now=now,
    )


def _message(msg: func.QueueMessage) -> Message | None:
    try:
        return read(msg.get_body())
    except ValidationError:
        telemetry.warning("unreadable_message", queue=QUEUE)
        return None
