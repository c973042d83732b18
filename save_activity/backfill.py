"""Saves a whole conversation, bit by bit: a run saves for a while, keeps how far it came on the
receipt, and leaves the rest to the next one.

Which messages there are is read once, so that every run goes on where the one before ended,
however that ended; what was saved and not yet kept is saved again, which changes nothing.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from save_activity import following, logic
from save_activity.outcomes import keep_wait, notices, succeed
from save_activity.payload import ConversationSave
from save_activity.tools import Tools
from shared.domain import Item, ItemRef, LookUp, Notice, identity
from shared.errors import (
    Conflict,
    NoMailbox,
    NotFound,
    ThreadlineError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Upstream,
)
from shared.following import Filed, Origin
from shared.notifications import LookAfter
from shared.ports import Ledger, Mailbox
from shared.receipts import Progress, Receipt
from shared.saving import save as saving
from shared.saving.automatic import LeftOut, check_item, someone_external
from shared.saving.beginning import Follower, begin
from shared.saving.standing import followed_item
from shared.saving.turns import in_turns

MOST = 200
"""Messages of a conversation that are saved, the newest of them."""

RUN = 90.0
"""Seconds after which a run begins nothing new."""

_PART = 8
_AT_ONCE = 4
_LEFT_OUT = {
    "internal": "among colleagues only",
    "label": "private or confidential",
    "excluded": "with someone on the exclusion list",
    "gone": "not in the mailbox any more",
    "draft": "not sent yet",
    "automatic": "automatic replies, reports or invitations",
    "off": "of a kind that is not saved",
    "refused": "refused by the CRM",
}


@dataclass(frozen=True, slots=True)
class Run:
    """How far a run came. `again` says that another one is to follow."""

    receipt: Receipt
    again: bool
    look_after: LookAfter | None = None


async def go_on(
    receipt: Receipt,
    follower: Follower,
    tools: Callable[[], Tools],
    ledger: Ledger,
    clock: Callable[[], float] = monotonic,
    *,
    odd_is_final: bool = True,
) -> Run:
    """Saves more of the conversation that a queued receipt asks for: the message that was clicked
    on first, then the others, oldest first, by the rules for what is saved by itself.

    Raises `Throttled`, `Unavailable`, `Conflict`, `NoMailbox` and `Unauthenticated` where it is to
    be tried again, and `Upstream`, which costs a message only if `odd_is_final`; and whatever
    speaks against the message that was clicked on.
    """
    end = clock() + RUN
    look_after: LookAfter | None = None
    try:
        receipt = await _with_messages(receipt, tools(), ledger)
        asked, progress = _read(receipt)
        while progress.done < progress.total:
            if clock() >= end:
                return Run(receipt, True, look_after)
            if progress.done == 0:
                told, more = await _first(asked, follower, tools())
                receipt = await _keep(receipt, asked, 1, ledger, told)
                look_after = more or look_after
            else:
                part = asked.messages[progress.done : progress.done + _PART]
                left_out = await _part(part, asked, follower, tools(), odd_is_final=odd_is_final)
                asked = _counted(asked, left_out)
                receipt = await _keep(receipt, asked, progress.done + len(part), ledger)
            asked, progress = _read(receipt)
    except (Throttled, Unavailable) as error:
        await keep_wait(receipt, error, ledger, follower.now)
        raise
    done = await succeed(receipt, (*receipt.notices, *_summary(asked, progress)), ledger)
    return Run(done, False, look_after)


def _read(receipt: Receipt) -> tuple[ConversationSave, Progress]:
    asked = ConversationSave.model_validate_json(receipt.asked)
    return asked, receipt.progress or Progress(0, len(asked.messages))


async def listed(receipt: Receipt, mailbox: Mailbox) -> Receipt:
    """The receipt with the messages that there are, as that mailbox shows them."""
    asked = ConversationSave.model_validate_json(receipt.asked)
    found = await mailbox.conversation(asked.item.ref(), MOST)
    others = [ref.id for ref in found if ref.id != asked.item.id][-(MOST - 1) :]
    asked = asked.model_copy(update={"messages": (asked.item.id, *others)})
    return _with(receipt, asked, 0)


async def _with_messages(receipt: Receipt, tools: Tools, ledger: Ledger) -> Receipt:
    if receipt.progress is not None:
        return receipt
    return await ledger.replace(await listed(receipt, tools.mailbox))


async def _keep(
    receipt: Receipt,
    asked: ConversationSave,
    done: int,
    ledger: Ledger,
    told: tuple[Notice, ...] = (),
) -> Receipt:
    return await ledger.replace(_with(receipt, asked, done, told))


def _with(
    receipt: Receipt, asked: ConversationSave, done: int, told: tuple[Notice, ...] = ()
) -> Receipt:
    return replace(
        receipt,
        asked=asked.model_dump_json(by_alias=True),
        progress=Progress(done, len(asked.messages)),
        notices=(*receipt.notices, *told),
    )


async def _first(
    asked: ConversationSave, follower: Follower, tools: Tools
) -> tuple[tuple[Notice, ...], LookAfter | None]:
    opened = await logic.open_item(asked, mailbox=tools.mailbox, policy=tools.policy)
    logic.refuse_draft(opened.item)
    done = await following.save(opened, asked, follower, tools, put_off=True)
    return notices(done.saved.activity), done.look_after


async def _part(
    part: Sequence[str],
    asked: ConversationSave,
    follower: Follower,
    tools: Tools,
    *,
    odd_is_final: bool,
) -> Counter[str]:
    """Saves these messages; how many were left out for what reason."""
    left_out: Counter[str] = Counter()

    async def save(id_: str) -> Item | None:
        try:
            return await _save(replace(asked.item.ref(), id=id_), asked, follower, tools)
        except (Throttled, Unavailable, Unauthenticated, Conflict, NoMailbox):
            raise
        except LeftOut as left:
            left_out[left.why] += 1
        except NotFound as error:
            left_out["gone" if error.code == "item_not_found" else "refused"] += 1
        except ThreadlineError as error:
            if isinstance(error, Upstream) and not odd_is_final:
                raise
            left_out["refused"] += 1
        return None

    saved = await in_turns(save, part, _AT_ONCE)
    await _follow([item for item in saved if item is not None], asked, follower, tools)
    return left_out


async def _save(ref: ItemRef, asked: ConversationSave, follower: Follower, tools: Tools) -> Item:
    item = await tools.mailbox.fetch(ref)
    check_item(item, tools.policy)
    order = replace(asked.order(), ref=ref)
    own = (follower.mailbox,) if "@" in follower.mailbox else ()
    external = someone_external(item, *own)

    async def check(known: LookUp) -> None:
        """How it came to be is told before there is a record, so that none is without."""
        if known.existing is not None:
            return
        await external(known)
        if tools.books is not None:
            origin = Origin(identity(item), "conversation", follower.owner, follower.mailbox)
            await tools.books.origins.add(origin)

    await saving.save_opened(
        saving.opened(order, item, tools.policy),
        crm=tools.crm,
        mailbox=tools.mailbox,
        policy=tools.policy,
        check=check,
    )
    return item


async def _follow(
    saved: Sequence[Item], asked: ConversationSave, follower: Follower, tools: Tools
) -> None:
    """The thread is followed since the first message; here it learns of the others."""
    books = tools.books
    if books is None or not tools.may_follow or not following.wanted(asked, tools):
        return
    for item in saved:
        known = await followed_item(item, follower.mailbox, books.followings)
        await begin(item, "", Filed(), follower, known=known, books=books)


def _counted(asked: ConversationSave, left_out: Counter[str]) -> ConversationSave:
    return asked.model_copy(update={"left_out": dict(Counter(asked.left_out) + left_out)})


def _summary(asked: ConversationSave, progress: Progress) -> tuple[Notice, ...]:
    missing = sum(asked.left_out.values())
    whole = Notice(
        "conversation_saved",
        f"{progress.total - missing} of the conversation's {progress.total} messages are saved "
        f"(at most the newest {MOST}).",
    )
    if not missing:
        return (whole,)
    reasons = ", ".join(f"{n} {_LEFT_OUT[why]}" for why, n in sorted(asked.left_out.items()))
    return (whole, Notice("left_out", f"Not saved: {reasons}."))
