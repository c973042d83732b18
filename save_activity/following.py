"""What a save does beside making the record: it tells how the record came to be, and begins to
follow what happens next. Nothing of it ever fails a save."""

import asyncio
from dataclasses import replace

from save_activity.payload import SaveRequest
from save_activity.tools import Done, Tools
from shared.domain import Email, Item, Notice, RecordRef, Saved, identity
from shared.errors import ThreadlineError
from shared.following import Filed, FollowedThread, Origin
from shared.notifications import LookAfter
from shared.saving import save as saving
from shared.saving.beginning import NOT_BEGUN, Begun, Follower, begin, filed
from shared.saving.save import Opened
from shared.saving.standing import PATIENCE, Standing, followed_item, look_or_nothing, told

UNAVAILABLE = Notice(
    "follow_unavailable", "It is saved, but what happens next will not be saved by itself."
)


def wanted(request: SaveRequest, tools: Tools) -> bool:
    """Whether to follow, where that is possible: what was asked for, else the admin's default."""
    return tools.policy.follow_replies if request.follow is None else request.follow


async def save(
    opened: Opened,
    request: SaveRequest,
    follower: Follower,
    tools: Tools,
    *,
    put_off: bool = False,
) -> Done:
    """As `shared.saving.save.save_opened`, with all that goes with it. `put_off` says that
    `begin_ahead` came before, at the click: what somebody stopped since stays stopped."""
    item = opened.item
    explicit = request.follow is True and not put_off
    saved, standing = await _save_and_look(opened, follower, tools)
    origin = standing.origin or _from_elsewhere(item, saved, follower)
    news = origin if origin is not standing.origin else None
    begun, failed = await _after(
        item, saved, request, follower, standing, news, tools, explicit=explicit
    )
    following = begun.following or standing.following
    activity = told(saved.activity, origin=origin, following=following)
    if not following and (failed or request.follow):
        activity = replace(activity, notices=(*activity.notices, UNAVAILABLE))
    return Done(replace(saved, activity=activity), begun.look_after)


async def _save_and_look(
    opened: Opened, follower: Follower, tools: Tools
) -> tuple[Saved, Standing]:
    """Also how the item stands: asked while the CRM works. Where nothing is followed, that matters
    of a record that was there already only."""
    ahead = tools.books if tools.may_follow else None
    looking = asyncio.ensure_future(look_or_nothing(opened.item, follower.mailbox, ahead))
    try:
        saved = await saving.save_opened(
            opened, crm=tools.crm, mailbox=tools.mailbox, policy=tools.policy
        )
        standing = await looking
    finally:
        looking.cancel()
    if ahead is None and not saved.created:
        standing = await look_or_nothing(opened.item, follower.mailbox, tools.books)
    return saved, standing


def _from_elsewhere(item: Item, saved: Saved, follower: Follower) -> Origin | None:
    """A record made from a mailbox that is not the actor's own says so."""
    if not saved.created or "@" not in follower.mailbox:
        return None
    return Origin(identity(item), "asked", follower.owner, follower.mailbox)


async def _after(
    item: Item,
    saved: Saved,
    request: SaveRequest,
    follower: Follower,
    standing: Standing,
    news: Origin | None,
    tools: Tools,
    *,
    explicit: bool,
) -> tuple[Begun, bool]:
    """Also whether following was wanted and failed."""
    books = tools.books
    if books is None:
        return NOT_BEGUN, False
    follows = tools.may_follow and wanted(request, tools)
    try:
        async with asyncio.timeout(PATIENCE):
            if news is not None:
                await books.origins.add(news)
            if not follows:
                return NOT_BEGUN, False
            begun = await begin(
                item,
                saved.activity.id,
                filed(saved.activity, default_files=request.attachments == "default"),
                follower,
                explicit=explicit,
                known=standing.followed,
                books=books,
            )
    except (ThreadlineError, TimeoutError):
        # part of it may be written: whoever looks after the mailbox finds out
        begun = Begun(False, _look_after(item, follower) if follows else None)
        return begun, follows
    return begun, False


def _look_after(item: Item, follower: Follower) -> LookAfter:
    return LookAfter(mailbox=follower.mailbox, kind=item.kind, at=follower.now)


async def begin_ahead(
    item: Item, request: SaveRequest, follower: Follower, tools: Tools, *, repeated: bool = False
) -> LookAfter | None:
    """Follows the thread of an e-mail whose save is put off, so that what is answered meanwhile is
    saved too; where that is `repeated`, only what nobody has followed or stopped yet. What is to be
    queued, if that isn't lost: the timer sees to the mailbox as well."""
    books = tools.books
    if books is None or not tools.may_follow or not wanted(request, tools):
        return None
    if not isinstance(item, Email):
        return None
    choices = Filed(
        link=next((RecordRef(key.type, key.id) for key in request.links), None),
        categories={name: value for name, value in request.categories.items() if value is not None},
        default_files=request.attachments == "default",
    )
    try:
        async with asyncio.timeout(PATIENCE):
            known = await followed_item(item, follower.mailbox, books.followings)
            if repeated and known is not None:
                return None
            explicit = request.follow is True
            begun = await begin(
                item, "", choices, follower, explicit=explicit, known=known, books=books
            )
    except (ThreadlineError, TimeoutError):
        return _look_after(item, follower)
    return begun.look_after


async def end_ahead(item: Item, follower: Follower, tools: Tools) -> None:
    """Ends what `begin_ahead` began, where nothing was saved."""
    if tools.books is None:
        return
    followings = tools.books.followings
    try:
        known = await followed_item(item, follower.mailbox, followings)
        if isinstance(known, FollowedThread) and not known.record:
            await followings.remove(known)
    except ThreadlineError:
        return  # it is followed without a record, until it is over
