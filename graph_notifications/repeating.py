"""A series that is followed: those of its occurrences that have come near are saved.

What happened to the ones that are saved already is looked at one by one, as with any meeting.
"""

from collections.abc import Sequence
from dataclasses import replace

from graph_notifications.work import FINAL, Done, Parts, ref, refused, unfiled
from shared.domain import Meeting, identity
from shared.errors import InvalidRequest, NotFound
from shared.following import (
    MEETING_FOLLOWED,
    PROLONGED,
    SERIES_AHEAD,
    Filed,
    FollowedMeeting,
    digest,
)
from shared.ports import Mailbox
from shared.saving import series
from shared.saving.beginning import Follower


async def look(followed: FollowedMeeting, parts: Parts) -> Done:
    """Saves the occurrences that nobody has seen yet. One that was saved once and isn't there or
    isn't followed any more is a person's decision, and is left alone."""
    mailbox = parts.mailbox(followed.mailbox)
    try:
        near = await series.upcoming(ref("meeting", followed.item), mailbox=mailbox, now=parts.now)
    except NotFound:
        await parts.books.followings.remove(followed)
        return Done("gone")
    of_series = await parts.books.followings.meetings(followed.mailbox, followed.item)
    handled = followed.seen | {digest(one.identity) for one in of_series}
    new = [one for one in near if digest(identity(one)) not in handled]
    try:
        saved = await _saved(new, followed, mailbox, parts)
    except FINAL as error:
        return refused(error)
    seen = handled | {digest(identity(one.meeting)) for one in saved}
    seen &= {digest(identity(one)) for one in near}  # those that are past don't come again
    until = parts.now + SERIES_AHEAD + MEETING_FOLLOWED
    if near and (seen != followed.seen or until - followed.until > PROLONGED):
        await parts.books.followings.put_meeting(replace(followed, seen=seen, until=until))
    return Done("occurrences_saved" if saved else "known")


async def _saved(
    new: Sequence[Meeting], followed: FollowedMeeting, mailbox: Mailbox, parts: Parts
) -> Sequence[series.Occurrence]:
    async def save(filed: Filed) -> Sequence[series.Occurrence]:
        return await series.save_new(
            new,
            filed,
            Follower(followed.owner, followed.mailbox, parts.now),
            crm=parts.crm(followed.owner),
            mailbox=mailbox,
            policy=parts.policy,
            books=parts.books,
        )

    try:
        return await save(followed.filed)
    except (InvalidRequest, NotFound):
        return await save(unfiled(followed.filed))
