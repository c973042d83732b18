"""Saves that are not done at once: kept, and finished later as the same person.

A save is put off only once the caller has read the item, and where nothing but waiting is in the
way: for the CRM, for a draft to be sent, or for a whole conversation to be worked through; so what
is done later is what they were allowed. Later runs are ordinary saves: repeated or side by side
they give the one record, and the first to tell the outcome to the receipt has told it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from save_activity import backfill, drafts, following, logic, outcomes, series
from save_activity.payload import ConversationSave, SaveRequest
from save_activity.tools import Done, Later, Tools
from shared.domain import Activity
from shared.errors import (
    Conflict,
    FieldError,
    InvalidRequest,
    NoMailbox,
    ThreadlineError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Upstream,
)
from shared.following import mailbox_path
from shared.notifications import LookAfter
from shared.ports import Ledger
from shared.receipts import Failure, Receipt, new_id
from shared.saving.beginning import Follower
from shared.saving.save import Opened

_NO_CONVERSATIONS = (
    "This deployment does not work on without you, which a whole conversation needs; your admin "
    "can switch that on. Save single messages until then."
)
_ONE_MESSAGES_FILES = 'Of a whole conversation only "default" or none can be saved.'

_ODD = (NoMailbox, Unauthenticated, Upstream)
"""What says nothing about the item or its owner, and may pass: a mailbox that is being moved, this
app's own sign-in, an answer that makes no sense."""


@dataclass(frozen=True, slots=True)
class Finished:
    """`again` says that the receipt is to be queued again; `look_after` is to be queued."""

    receipt: Receipt
    again: bool = False
    look_after: LookAfter | None = None


async def save_or_defer(
    request: SaveRequest, follower: Follower, *, tools: Tools, ledger: Ledger | None
) -> Done | Later:
    """Saves what the request names, or keeps it for later where there is a ledger.

    A mailbox that can't be read now puts nothing off: nobody would know what they asked for. Nor
    does a ledger that fails: the CRM's own error is told then.
    """
    logic.check_scope(request)
    if request.scope == "series":
        opened_series = await series.open_series(request, follower, tools)
        work = series.save(opened_series, request, follower, lambda: tools)
        return await _or_later(
            work, _named(request, opened_series.id), None, follower, tools, ledger
        )
    opened = await logic.open_item(request, mailbox=tools.mailbox, policy=tools.policy)
    named = _named(request, opened.item.ref.id)
    if logic.is_draft(opened.item):
        return await _once_sent(opened, named, follower, tools, ledger)
    if request.scope == "conversation":
        return await _whole_conversation(opened, named, follower, tools, ledger)
    work = following.save(opened, request, follower, tools)
    return await _or_later(work, named, opened, follower, tools, ledger)


def _named(request: SaveRequest, item_id: str) -> SaveRequest:
    """By the id that stays when the item is moved to another folder."""
    item = request.item.model_copy(update={"id": item_id})
    return request.model_copy(update={"item": item})


async def _or_later(
    work: Awaitable[Done],
    request: SaveRequest,
    opened: Opened | None,
    follower: Follower,
    tools: Tools,
    ledger: Ledger | None,
) -> Done | Later:
    try:
        return await work
    except (Throttled, Unavailable) as error:
        if ledger is None:
            raise
        try:
            receipt = await ledger.add(
                replace(
                    _receipt(request, follower),
                    not_before=outcomes.not_before(error, follower.now),
                )
            )
        except ThreadlineError:
            raise error from None
    if opened is None:
        return Later(receipt)
    look_after = await following.begin_ahead(opened.item, request, follower, tools)
    return Later(receipt, look_after)


def _receipt(request: SaveRequest, follower: Follower) -> Receipt:
    return Receipt(
        id=new_id(follower.now),
        owner=follower.owner,
        asked=request.model_dump_json(by_alias=True),
    )


async def _once_sent(
    opened: Opened,
    request: SaveRequest,
    follower: Follower,
    tools: Tools,
    ledger: Ledger | None,
) -> Later:
    if ledger is None or tools.books is None or not tools.may_follow:
        raise InvalidRequest(logic.NOT_SENT)
    if request.scope == "conversation":
        reason = "A draft is saved once it is sent; save its conversation then."
        raise InvalidRequest(reason, errors=(FieldError("scope", reason),))
    return await drafts.wait_for_sending(
        opened, request, follower, tools=tools, books=tools.books, ledger=ledger
    )


async def _whole_conversation(
    opened: Opened,
    request: SaveRequest,
    follower: Follower,
    tools: Tools,
    ledger: Ledger | None,
) -> Later:
    if ledger is None:
        raise InvalidRequest(_NO_CONVERSATIONS, errors=(FieldError("scope", _NO_CONVERSATIONS),))
    if request.attachments not in ("default", ()):
        raise InvalidRequest(
            _ONE_MESSAGES_FILES, errors=(FieldError("attachments", _ONE_MESSAGES_FILES),)
        )
    receipt = _receipt(request, follower)
    if request.item.mailbox != "me":
        # somebody else's mailbox, of which the app may read more than this person
        receipt = await backfill.listed(receipt, tools.mailbox)
    receipt = await ledger.add(receipt)
    return Later(receipt, await following.begin_ahead(opened.item, request, follower, tools))


async def finish(
    receipt: Receipt,
    follower: Follower,
    tools: Callable[[], Tools],
    ledger: Ledger,
    *,
    odd_is_final: bool = True,
) -> Finished:
    """Does what a queued receipt asks for, or more of it, and gives the receipt as it is then.
    `tools` gives fresh ones for each part of the work.

    Raises `Throttled`, `Unavailable`, `Conflict`, and what is odd unless `odd_is_final`, where it
    is to be tried again; any other refusal is final and becomes the receipt's failure. A receipt
    that isn't queued stays as it is.
    """
    if receipt.status != "queued":
        return Finished(receipt)
    if receipt.not_before is not None and follower.now < receipt.not_before:
        wait = (receipt.not_before - follower.now).total_seconds()
        raise Throttled("A service asked to wait.", retry_after=wait)
    request = asked(receipt)
    try:
        if request.scope == "conversation":
            run = await backfill.go_on(receipt, follower, tools, ledger, odd_is_final=odd_is_final)
            return Finished(run.receipt, run.again, run.look_after)
        was_draft = receipt.queued_at is not None
        done = await _save(request, follower, tools, was_draft=was_draft)
    except Conflict:
        raise
    except (Throttled, Unavailable) as error:
        if request.scope != "conversation":  # which has kept it, with how far it came
            await outcomes.keep_wait(receipt, error, ledger, follower.now)
        raise
    except ThreadlineError as error:
        if isinstance(error, _ODD) and not odd_is_final:
            raise
        await _end_ahead(request, follower, tools())
        return Finished(await outcomes.fail(receipt, Failure(error.code, error.detail), ledger))
    told = outcomes.notices(done.saved.activity)
    return Finished(await outcomes.succeed(receipt, told, ledger), look_after=done.look_after)


def asked(receipt: Receipt) -> ConversationSave:
    """What the receipt was made for; also of one that asks for no conversation."""
    return ConversationSave.model_validate_json(receipt.asked)


def asker(receipt: Receipt) -> tuple[str, str]:
    """The owner, and the path of the mailbox that the item is read from."""
    return receipt.owner, mailbox_path(asked(receipt).item.mailbox, receipt.owner)


async def _save(
    request: SaveRequest, follower: Follower, tools: Callable[[], Tools], *, was_draft: bool
) -> Done:
    at = tools()
    if request.scope == "series":
        opened_series = await series.open_series(request, follower, at)
        return await series.save(opened_series, request, follower, tools)
    opened = await logic.open_item(request, mailbox=at.mailbox, policy=at.policy)
    logic.refuse_draft(opened.item)
    try:
        return await following.save(opened, request, follower, at, put_off=not was_draft)
    except (Throttled, Unavailable):
        # nothing was followed while it was a draft, and answers may come before the CRM does
        await following.begin_ahead(opened.item, request, follower, at, repeated=True)
        raise


async def _end_ahead(request: SaveRequest, follower: Follower, tools: Tools) -> None:
    if request.item.kind != "email" or tools.books is None:
        return
    try:
        item = await tools.mailbox.identify(request.item.ref())
    except ThreadlineError:
        return
    await following.end_ahead(item, follower, tools)


async def told(
    receipt: Receipt, find: Callable[[SaveRequest], Awaitable[Activity | None]]
) -> Activity | None:
    """The activity of a saved receipt as the CRM has it now, with the notices of its save.

    None where there is none yet or any more, and where `find` can't tell at this moment.
    """
    if receipt.status != "saved":
        return None
    try:
        activity = await find(asked(receipt))
    except ThreadlineError:
        return None
    if activity is None:
        return None
    known = {notice.code for notice in activity.notices}
    more = tuple(notice for notice in receipt.notices if notice.code not in known)
    return replace(activity, notices=(*activity.notices, *more))
