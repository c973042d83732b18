"""What is known of an item beside the CRM: whether it is followed, and how its record came to be.

Nobody may depend on it: the CRM's answer is told without it where the ledger is down.
"""

import asyncio
from dataclasses import dataclass, replace

from shared.domain import Activity, ActivityKind, Item, Notice, identity
from shared.errors import ThreadlineError
from shared.following import FollowedMeeting, FollowedThread, Origin, Reason, thread_id
from shared.ports import Followings, Origins, Subscriptions

PATIENCE = 3.0
"""Seconds that an answer may wait for the ledger beyond what the CRM takes."""

FOLLOWING = "following"
"""The code of the notice that an item is followed."""

_FOLLOWED: dict[ActivityKind, Notice] = {
    "email": Notice(FOLLOWING, "Later replies are saved by themselves, with the same link."),
    "meeting": Notice(FOLLOWING, "Later changes of the meeting reach its record by themselves."),
}
_REASONS: dict[Reason, str] = {
    "followed_thread": "It was saved by itself, because {name} follows its conversation.",
    "draft_sent": "It was saved when {name} sent the draft.",
    "conversation": "{name} saved it together with its whole conversation.",
    "series": "{name} saved it together with its series.",
}


@dataclass(frozen=True, slots=True)
class Books:
    """Where it is kept what is followed, and how records came to be."""

    followings: Followings
    subscriptions: Subscriptions
    origins: Origins


@dataclass(frozen=True, slots=True)
class Standing:
    """`followed` is what there is of the item in that mailbox, stopped or not."""

    followed: FollowedThread | FollowedMeeting | None = None
    origin: Origin | None = None

    @property
    def following(self) -> bool:
        followed = self.followed
        return followed is not None and not (
            isinstance(followed, FollowedThread) and followed.stopped
        )


NOTHING = Standing()


async def look(item: Item, mailbox: str, books: Books) -> Standing:
    """`mailbox` is a path. Raises what the ledger raises."""
    followed, origin = await asyncio.gather(
        followed_item(item, mailbox, books.followings), books.origins.find(identity(item))
    )
    return Standing(followed, origin)


async def look_or_nothing(item: Item, mailbox: str, books: Books | None) -> Standing:
    """As `look`, where that works and in time."""
    if books is None:
        return NOTHING
    try:
        async with asyncio.timeout(PATIENCE):
            return await look(item, mailbox, books)
    except (ThreadlineError, TimeoutError):
        return NOTHING


async def followed_item(
    item: Item, mailbox: str, followings: Followings
) -> FollowedThread | FollowedMeeting | None:
    """The thread of an e-mail, or this very meeting."""
    if item.kind == "email":
        return await followings.thread(mailbox, thread_id(item.conversation_id, item.message_id))
    of_event = await followings.meetings(mailbox, item.ref.id)
    same = (one for one in of_event if one.identity == identity(item))
    return next(same, None)


def told(activity: Activity, *, origin: Origin | None, following: bool) -> Activity:
    """The activity with the notices of how it came to be and whether it is followed."""
    notices = [*activity.notices, *_origin_notices(activity, origin)]
    if following:
        notices.append(_FOLLOWED[activity.kind])
    return replace(activity, notices=tuple(notices))


def _origin_notices(activity: Activity, origin: Origin | None) -> list[Notice]:
    """An origin's actor is who the CRM says saved it: both are the same person."""
    if origin is None:
        return []
    name = activity.saved_by.name or "Someone"
    notices = []
    reason = _REASONS.get(origin.reason)
    if reason is not None:
        notices.append(Notice(origin.reason, reason.format(name=name)))
    if "@" in origin.mailbox:
        text = f"{name} saved it from the mailbox of {origin.mailbox}."
        notices.append(Notice("shared_mailbox", text))
    return notices
