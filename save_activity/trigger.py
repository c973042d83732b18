"""POST /api/activities, GET /api/receipts/{receipt}, and the work on saves that were put off."""

import typing
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import azure.functions as func
from pydantic import ValidationError

from save_activity import deferring, outcomes
from save_activity.payload import (
    RECEIPT,
    SAVE,
    ProgressShape,
    ReceiptKey,
    ReceiptShape,
    SaveRequest,
)
from save_activity.tools import Later, Tools
from shared import background, composition, endpoint, notifications, replies, telemetry
from shared.domain import Activity
from shared.errors import NotFound, ThreadlineError, Upstream
from shared.following import mailbox_path
from shared.notifications import LookAfter
from shared.policy import Policy
from shared.ports import Ledger
from shared.receipts import KEPT, Failure, Receipt, made_at
from shared.saving import finding, queueing
from shared.saving.beginning import Follower
from shared.saving.queueing import QUEUE, QueuedSave
from shared.wire import ActivityShape

STORAGE = "AzureWebJobsStorage"

UNFORESEEN_TRIES = 5
"""How often an error that nobody foresaw is tried again; a service that is down is tried as often
as host.json says, and then again, for `PUT_BACK`."""

ODD_TRIES = 30
"""How often an answer that makes no sense is: an hour long, since a service that breaks down may
give such ones before it gives none."""

PUT_BACK = timedelta(days=7)
"""How long a save is tried, counted from when it was asked for, or its draft was sent."""

OVERDUE = timedelta(days=1)
"""After which a receipt that is still queued may have lost its message, and gets another one: a
save that is done twice gives the same record."""

_GIVEN_UP = Failure(
    "unavailable",
    "For a week a service could not be reached, so this was not saved. Save it again.",
)

bp = func.Blueprint()


@bp.function_name(SAVE.name)
@bp.route(SAVE.route, methods=[SAVE.method], auth_level=func.AuthLevel.ANONYMOUS)
@bp.queue_output(arg_name="queued", queue_name=QUEUE, connection=STORAGE)
@bp.queue_output(arg_name="looked", queue_name=notifications.QUEUE, connection=STORAGE)
@endpoint.answering(SAVE.name)
async def save_activity(
    req: func.HttpRequest, queued: func.Out[str], looked: func.Out[str]
) -> func.HttpResponse:
    now = datetime.now(UTC)
    caller = await composition.caller(req.headers.get("Authorization"))
    policy = await composition.policy()
    request = endpoint.body(req, SaveRequest)
    outcome = await deferring.save_or_defer(
        request,
        Follower(caller.oid, mailbox_path(request.item.mailbox, caller.oid), now),
        tools=Tools(
            crm=composition.crm_for(caller, policy),
            mailbox=composition.mailbox_for(caller),
            policy=policy,
            books=composition.books(),
            may_follow=composition.may_follow(caller),
        ),
        ledger=composition.ledger() if composition.may_defer(caller) else None,
    )
    _look_after(outcome.look_after, looked)
    if isinstance(outcome, Later):
        receipt = outcome.receipt
        telemetry.note(receipt=receipt.id)
        if receipt.status == "queued":
            queued.set(queueing.message(receipt))
        return replies.ok(ReceiptShape(receipt=receipt.id, status=receipt.status), status=202)
    saved = outcome.saved
    return replies.activity(saved.activity, status=201 if saved.created else 200)


@bp.function_name(RECEIPT.name)
@bp.route(RECEIPT.route, methods=[RECEIPT.method], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint.answering(RECEIPT.name)
async def read_receipt(req: func.HttpRequest) -> func.HttpResponse:
    caller = await composition.caller(req.headers.get("Authorization"))
    policy = await composition.policy()
    key = endpoint.path(req, ReceiptKey)
    ledger = composition.ledger()
    receipt = await ledger.find(caller.oid, key.receipt) if ledger else None
    if receipt is None:
        raise NotFound("You have no such receipt. Receipts are kept for 30 days.")

    async def find(request: SaveRequest) -> Activity | None:
        return await finding.find(
            request.item.ref(),
            mailbox_path(request.item.mailbox, caller.oid),
            crm=composition.crm_for(caller, policy),
            mailbox=composition.mailbox_for(caller),
            books=composition.books(),
            now=datetime.now(UTC),
        )

    telemetry.note(receipt=receipt.id)
    activity = await deferring.told(receipt, find)
    return replies.ok(_shape(receipt, activity))


@bp.function_name("finish_save")
@bp.queue_trigger(arg_name="msg", queue_name=QUEUE, connection=STORAGE)
@bp.queue_output(arg_name="queued", queue_name=QUEUE, connection=STORAGE)
@bp.queue_output(arg_name="looked", queue_name=notifications.QUEUE, connection=STORAGE)
async def finish_save(msg: func.QueueMessage, queued: func.Out[str], looked: func.Out[str]) -> None:
    """Tried again by the queue for as long as a service is down."""
    key = _key(msg)
    if key is None:
        return
    with background.working("finish_save", key.receipt):
        telemetry.note(receipt=key.receipt, tries=msg.dequeue_count)
        ledger = _ledger()
        receipt = await ledger.find(key.owner, key.receipt)
        if receipt is None:
            telemetry.note(outcome="no_receipt")
            return
        try:
            finished = await _finished(receipt, ledger, msg.dequeue_count or 0)
        except ThreadlineError:
            raise
        except Exception as error:
            if (msg.dequeue_count or 0) < UNFORESEEN_TRIES:
                raise
            telemetry.fault("fault", error)
            done = await outcomes.fail(receipt, _unforeseen(receipt), ledger)
            finished = deferring.Finished(done)
        if finished.again:
            queued.set(queueing.message(receipt))
        _look_after(finished.look_after, looked)
        _report(receipt, finished.receipt)


@bp.function_name("give_up_save")
@bp.queue_trigger(arg_name="msg", queue_name=f"{QUEUE}-poison", connection=STORAGE)
@bp.queue_output(arg_name="queued", queue_name=QUEUE, connection=STORAGE)
async def give_up_save(msg: func.QueueMessage, queued: func.Out[str]) -> None:
    """Puts back what the queue has given up, or tells the user after a week."""
    key = _key(msg)
    if key is None:
        return
    with background.working("give_up_save", key.receipt):
        ledger = _ledger()
        receipt = await ledger.find(key.owner, key.receipt)
        if receipt is None or receipt.status != "queued":
            return
        if datetime.now(UTC) - (receipt.queued_at or made_at(receipt.id)) < PUT_BACK:
            telemetry.warning("deferred_save_put_back", receipt=receipt.id)
            queued.set(queueing.message(receipt))
            return
        _report(receipt, await outcomes.fail(receipt, _GIVEN_UP, ledger))


@bp.function_name("tidy_receipts")
@bp.timer_trigger(arg_name="timer", schedule="0 17 3 * * *")
@bp.queue_output(arg_name="queued", queue_name=QUEUE, connection=STORAGE)
async def tidy_receipts(timer: func.TimerRequest, queued: func.Out[typing.List[str]]) -> None:  # noqa: UP006  # Azure's worker takes no list[str] here
    """Forgets what is too old, and queues again what has lost its message."""
    with background.working("tidy_receipts"):
        ledger = composition.ledger()
        if ledger is None:
            return
        now = datetime.now(UTC)
        forgotten = await ledger.forget(now - KEPT)
        overdue = await ledger.waiting(now - OVERDUE)
        if overdue:
            queued.set([queueing.message(receipt) for receipt in overdue])
        telemetry.note(forgotten=forgotten, overdue=len(overdue))


async def _finished(receipt: Receipt, ledger: Ledger, tries: int) -> deferring.Finished:
    policy = await composition.policy()
    owner, mailbox = deferring.asker(receipt)
    follower = Follower(owner, mailbox, datetime.now(UTC))
    return await deferring.finish(
        receipt, follower, _tools_of(owner, policy), ledger, odd_is_final=tries >= ODD_TRIES
    )


def _tools_of(owner: str, policy: Policy) -> Callable[[], Tools]:
    def tools() -> Tools:
        return Tools(
            crm=composition.crm_as(owner, policy),
            mailbox=composition.mailbox_of(owner),
            policy=policy,
            books=composition.books(),
            may_follow=composition.follows(),
        )

    return tools


def _look_after(message: LookAfter | None, looked: func.Out[str]) -> None:
    if message is not None:
        looked.set(message.model_dump_json())


def _ledger() -> Ledger:
    found = composition.ledger()
    if found is None:
        raise Upstream("Saves are queued, but no ledger is set up any more.")
    return found


def _key(msg: func.QueueMessage) -> QueuedSave | None:
    try:
        return queueing.read(msg.get_body())
    except ValidationError:
        telemetry.warning("unreadable_message", queue=QUEUE)
        return None


def _unforeseen(receipt: Receipt) -> Failure:
    return Failure(
        "internal", f"Something went wrong in this app. Its admin finds it as {receipt.id}."
    )


def _report(before: Receipt, after: Receipt) -> None:
    """A failure is also an event of its own, for an alert."""
    telemetry.note(outcome=after.status)
    if before.status == "queued" and after.failure is not None:
        telemetry.warning("deferred_save_failed", receipt=after.id, code=after.failure.code)


def _shape(receipt: Receipt, activity: Activity | None) -> ReceiptShape:
    failure = receipt.failure
    return ReceiptShape(
        receipt=receipt.id,
        status=receipt.status,
        progress=(
            ProgressShape(done=receipt.progress.done, total=receipt.progress.total)
            if receipt.progress
            else None
        ),
        activity=ActivityShape.of(activity) if activity else None,
        problem=(
            replies.problem_shape(ThreadlineError(failure.detail, code=failure.code))
            if failure
            else None
        ),
    )
