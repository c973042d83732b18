"""From a save on: its thread or its meeting is followed, with the choices of that save."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain import Activity, Email, Item, Meeting, RecordRef, identity
from shared.errors import Conflict
from shared.following import (
    MEETING_FOLLOWED,
    PROLONGED,
    THREAD_FOLLOWED,
    ChangeKind,
    Filed,
    FollowedMeeting,
    FollowedThread,
    bounded,
    people_of,
    thread_id,
)
from shared.notifications import LookAfter
from shared.ports import Followings, Subscriptions
from shared.saving.standing import Books, followed_item

MOST_REFERENCES = 50
"""How many of a message's references are known to belong to its thread, the newest ones."""

_TRIES = 4
_MARGIN = timedelta(minutes=5)
"""By which the service's clock may differ from ours."""


@dataclass(frozen=True, slots=True)
class Follower:
    """Whoever follows: their Entra object id, the path of the mailbox, and the moment before the
    item was read."""

    owner: str
    mailbox: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Begun:
    """`look_after` is to be queued where nobody tells us yet of changes in that mailbox."""

    following: bool
    look_after: LookAfter | None = None


NOT_BEGUN = Begun(following=False)


def filed(activity: Activity, *, default_files: bool) -> Filed:
    """Where what follows goes: where the record is. What the CRM has counts, not what was asked:
    of a record that was there already, the link stayed."""
    link = next(iter(activity.links), None)
    return Filed(
        link=RecordRef(link.type, link.id) if link else None,
        categories={name: v for name, v in activity.categories.items() if v is not None},
        default_files=default_files,
    )


async def begin(
    item: Item,
    record: str,
    choices: Filed,
    follower: Follower,
    *,
    explicit: bool = False,
    known: FollowedThread | FollowedMeeting | None = None,
    books: Books,
) -> Begun:
    """Follows an item, or goes on with it: `record` is the CRM's id of it, empty while a save is
    put off, and `known` what `followed_item` gave.

    What was stopped is begun again only where that is `explicit`. Raises what the ledger raises.
    """
    if item.kind == "meeting" and item.end + MEETING_FOLLOWED <= follower.now:
        return NOT_BEGUN
    followings = books.followings
    wish = _Wish(record, choices, explicit)
    follows, known = await _follow(item, wish, follower, known, followings)
    if not follows:
        return NOT_BEGUN
    looking_after = to_look_after(follower, item.kind, books.subscriptions)
    if item.kind == "meeting":
        return Begun(True, await looking_after)
    # after the thread itself: messages of no thread are tidied away
    knowing = followings.know_messages(
        follower.mailbox,
        thread_id(item.conversation_id, item.message_id),
        _to_know(item, follower, known),
    )
    look_after, _ = await asyncio.gather(looking_after, knowing)
    return Begun(True, look_after)


async def to_look_after(
    follower: Follower, kind: ChangeKind, subscriptions: Subscriptions
) -> LookAfter | None:
    """The message to queue, unless the mailbox has a subscription that lives. Where there is none,
    its row is made here, so that the timer sees to it even if the message is lost.

    To be asked after what is followed has been written: whoever ends a subscription marks it first,
    and looks then whether something is followed again, so that one of the two sees the other.
    """
    row = await subscriptions.begin(follower.mailbox, kind, follower.now - _MARGIN)
    if row.id and row.expires > follower.now:
        return None
    return LookAfter(mailbox=follower.mailbox, kind=kind, at=follower.now)


def _to_know(
    email: Email, follower: Follower, known: FollowedThread | FollowedMeeting | None
) -> tuple[str, ...]:
    """The Message-IDs that belong to its thread for certain: its own, and what it refers to where
    the thread is new. Of one that is followed already, an earlier message may still be waiting to
    be saved, and what is known counts as saved."""
    own = (email.message_id,)
    if isinstance(known, FollowedThread) and _goes_on(known, follower):
        found: Iterable[str | None] = own
    else:
        found = (*own, email.in_reply_to, *email.references[::-1][:MOST_REFERENCES])
    return tuple(dict.fromkeys(id_ for id_ in found if id_))


def _goes_on(thread: FollowedThread, follower: Follower) -> bool:
    return not thread.stopped and thread.until > follower.now


@dataclass(frozen=True, slots=True)
class _Wish:
    record: str
    choices: Filed
    explicit: bool


async def _follow(
    item: Item,
    wish: _Wish,
    follower: Follower,
    known: FollowedThread | FollowedMeeting | None,
    followings: Followings,
) -> tuple[bool, FollowedThread | FollowedMeeting | None]:
    """Whether it is followed, and what there was of it before. Whoever else writes at the same
    moment follows it too: after some tries theirs will do."""
    for _ in range(_TRIES):
        try:
            if isinstance(item, Email):
                old = known if isinstance(known, FollowedThread) else None
                return await _follow_thread(item, wish, follower, old, followings), old
            was = known if isinstance(known, FollowedMeeting) else None
            await follow_meeting(item, wish.record, wish.choices, follower, was, followings)
        except Conflict:
            known = await followed_item(item, follower.mailbox, followings)
        else:
            return True, was
    return True, known


async def _follow_thread(
    email: Email,
    wish: _Wish,
    follower: Follower,
    old: FollowedThread | None,
    followings: Followings,
) -> bool:
    if old is not None and old.stopped and old.until > follower.now and not wish.explicit:
        return False
    thread = _thread(email, wish, follower, old)
    if thread is not None:
        await followings.put_thread(thread)
    return True


def _thread(
    email: Email, wish: _Wish, follower: Follower, old: FollowedThread | None
) -> FollowedThread | None:
    """None where what there is says all of it."""
    people = people_of(participant.address for participant in email.participants)
    until = follower.now + THREAD_FOLLOWED
    if old is None or not _goes_on(old, follower):
        return FollowedThread(
            mailbox=follower.mailbox,
            id=thread_id(email.conversation_id, email.message_id),
            owner=follower.owner,
            filed=wish.choices,
            people=bounded(people | (old.people if old else frozenset())),
            record=wish.record,
            since=follower.now,
            until=until,
            version=old.version if old else "",
        )
    new = replace(old, people=bounded(old.people | people))
    if wish.record and (old.filed != wish.choices or not old.record):
        # by whoever chose it: nobody else need see that record
        new = replace(new, filed=wish.choices, record=wish.record, owner=follower.owner)
    if new == old and until - old.until < PROLONGED:
        return None
    return replace(new, until=max(until, old.until))


async def follow_meeting(
    meeting: Meeting,
    record: str,
    choices: Filed,
    follower: Follower,
    old: FollowedMeeting | None,
    followings: Followings,
) -> None:
    """Writes that it is followed from now on, unless that is written already. Raises `Conflict`,
    and what else the ledger raises."""
    new = FollowedMeeting(
        mailbox=follower.mailbox,
        item=meeting.ref.id,
        watched=meeting.series_master_id or meeting.ref.id,
        scope="occurrence",
        identity=identity(meeting),
        owner=old.owner if old else follower.owner,
        record=record,
        organizer=meeting.is_organizer,
        filed=choices,
        until=meeting.end + MEETING_FOLLOWED,
        version=old.version if old else "",
    )
    if new != old:
        await followings.put_meeting(new)
