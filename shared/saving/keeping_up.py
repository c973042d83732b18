"""What is followed keeps up with what people do to its record."""

from collections.abc import Awaitable, Callable, Set
from dataclasses import replace

from shared.domain import Activity, RecordRef
from shared.errors import Conflict
from shared.following import FollowedMeeting, FollowedThread
from shared.ports import Followings

_TRIES = 4

_Step = Callable[[FollowedThread | FollowedMeeting], Awaitable[None]]


async def moved(before: str, activity: Activity, followings: Followings) -> None:
    """What follows goes where the record is linked to now. `before` is the id that the record had:
    it may have got another one.

    Raises what the ledger raises.
    """
    link = next((RecordRef(one.type, one.id) for one in activity.links), None)

    async def move(one: FollowedThread | FollowedMeeting) -> None:
        new = replace(one, record=activity.id, filed=replace(one.filed, link=link))
        if new == one:
            return
        if isinstance(new, FollowedThread):
            await followings.put_thread(new)
        else:
            await followings.put_meeting(new)

    await _each({before, activity.id}, move, followings)


async def ended(names: Set[str], followings: Followings) -> None:
    """A record that somebody removed brings nothing more: its thread is stopped, so that only a
    person begins it again, and its meeting forgotten. `names` are the ways its id was written.

    Raises what the ledger raises.
    """

    async def end(one: FollowedThread | FollowedMeeting) -> None:
        if isinstance(one, FollowedMeeting):
            await followings.remove(one)
            if await _is_there(one, followings):
                raise Conflict("It was written meanwhile.")
        elif not one.stopped:
            await followings.put_thread(replace(one, stopped=True))

    await _each(names, end, followings)


async def _is_there(meeting: FollowedMeeting, followings: Followings) -> bool:
    """A removal leaves alone what has changed since it was looked at."""
    found = await followings.meetings(meeting.mailbox, meeting.item)
    return any(one.item == meeting.item for one in found)


async def _each(records: Set[str], step: _Step, followings: Followings) -> None:
    """Begins anew where something changed meanwhile."""
    for attempt in range(1, _TRIES + 1):
        try:
            for record in records:
                for one in await followings.of_record(record):
                    await step(one)
        except Conflict:
            if attempt == _TRIES:
                raise
        else:
            return
