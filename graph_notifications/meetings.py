"""Something happened to a meeting or its series: what is followed of it becomes as it is now."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from graph_notifications import repeating
from graph_notifications.work import FINAL, Done, Parts, ref, refused
from shared.domain import Meeting, identity
from shared.errors import Conflict, NotFound
from shared.following import MEETING_FOLLOWED, FollowedMeeting
from shared.notifications import ItemChanged
from shared.ports import Crm, Mailbox
from shared.saving.automatic import LeftOut, check_item

_TRIES = 5
_AROUND = timedelta(days=2)
_MOST_AROUND = 10


async def look(changed: ItemChanged, parts: Parts) -> Done:
    """Raises where it is to be looked at again.

    What is told of a series may be about any occurrence: those that are followed are looked at one
    by one, each by a message of its own.
    """
    found = await parts.books.followings.meetings(changed.mailbox, changed.item)
    followed = [one for one in found if one.until > parts.now]
    own = [one for one in followed if one.item == changed.item]
    others = dict.fromkeys(one.item for one in followed if one.item != changed.item)
    messages = tuple(changed.model_copy(update={"item": item}) for item in others)
    done = [await _look_at(one, parts) for one in own]
    if not done:
        return Done("fanned_out" if messages else "not_followed", messages)
    alarmed = next((one for one in done if one.alarm), done[0])
    return replace(alarmed, messages=(*messages, *(one for each in done for one in each.messages)))


async def _look_at(meeting: FollowedMeeting, parts: Parts) -> Done:
    """Of workers at the same meeting at the same time, whoever looked at an older state begins
    anew, so that the newest one wins: which is older shows only once the record is written."""
    for _ in range(_TRIES):
        try:
            if meeting.scope == "series":
                return await repeating.look(meeting, parts)
            return await _refreshed(meeting, parts)
        except Conflict:
            there = await parts.books.followings.meetings(meeting.mailbox, meeting.item)
            current = [one for one in there if one.item == meeting.item]
            if not current:
                return Done("not_followed")
            meeting = current[0]
    raise Conflict("The meeting is being changed at this moment.")


async def _refreshed(followed: FollowedMeeting, parts: Parts) -> Done:
    mailbox = parts.mailbox(followed.mailbox)
    try:
        meeting = await mailbox.fetch(ref("meeting", followed.item))
    except NotFound:
        meeting = None
    if meeting is not None and not isinstance(meeting, Meeting):
        raise TypeError("A meeting is no e-mail.")
    there = await _under_another_id(followed, mailbox) if meeting is None else None
    if there is not None:
        return await _moved(followed, there, parts)
    try:
        if meeting is None:
            return await _gone(followed, parts)
        return await _written(followed, meeting, parts)
    except FINAL as error:  # the CRM's: what the mailbox refuses is asked again
        return refused(error)


async def _under_another_id(followed: FollowedMeeting, mailbox: Mailbox) -> Meeting | None:
    """The same occurrence, where its series was changed so that its ids are others."""
    if followed.watched == followed.item:
        return None
    end = followed.until - MEETING_FOLLOWED
    series = ref("meeting", followed.watched)
    try:
        near = await mailbox.occurrences(series, end - _AROUND, end + _AROUND, _MOST_AROUND)
    except NotFound:
        return None
    return next((one for one in near if identity(one) == followed.identity), None)


async def _moved(followed: FollowedMeeting, there: Meeting, parts: Parts) -> Done:
    """It is followed under its new id from then on, and looked at again."""
    followings = parts.books.followings
    with suppress(Conflict):  # it is followed already
        await followings.put_meeting(replace(followed, item=there.ref.id, version=""))
    await followings.remove(followed)
    return Done("moved", _told_of(replace(followed, item=there.ref.id), parts))


async def _written(followed: FollowedMeeting, meeting: Meeting, parts: Parts) -> Done:
    """The record becomes as the meeting is, or ends with it."""
    if meeting.is_series:  # it was a single one when it was saved
        return await _not_followed_any_more(followed, "became_series", parts)
    organizers = await _organizers(followed, meeting, parts)
    if organizers is not None:
        return Done("left_to_organizer", _told_of(organizers, parts) if meeting.cancelled else ())
    crm = parts.crm(followed.owner)
    try:
        check_item(meeting, parts.policy)
    except LeftOut as left_out:
        if not meeting.cancelled:
            return Done(left_out.why)
        outcome = await _cancelled(followed, crm)
    else:
        known = await crm.look_up(meeting, None)
        if known.existing is None and not followed.record:
            return Done("not_saved_yet")
        try:
            activity = await crm.refresh(meeting, known)
        except NotFound:  # a person deleted it, so it is not made again
            return await _not_followed_any_more(followed, "deleted", parts)
        followed = replace(followed, record=activity.id)
        outcome = "cancelled" if meeting.cancelled else "refreshed"
    until = max(followed.until, meeting.end + MEETING_FOLLOWED)
    await parts.books.followings.put_meeting(
        replace(followed, until=until, organizer=meeting.is_organizer)
    )
    return Done(outcome)


async def _organizers(
    followed: FollowedMeeting, meeting: Meeting, parts: Parts
) -> FollowedMeeting | None:
    """The organizer's own, where it is followed, too: an attendee's copy may be behind it, or have
    notes and a subject of the attendee's own, or be cancelled for that attendee alone."""
    if meeting.is_organizer:
        return None
    of_record = await parts.books.followings.of_record(followed.record)
    meetings = (one for one in of_record if isinstance(one, FollowedMeeting))
    return next((one for one in meetings if one.organizer and one.until > parts.now), None)


def _told_of(meeting: FollowedMeeting, parts: Parts) -> tuple[ItemChanged, ...]:
    """So that it is looked at."""
    mailbox, item = meeting.mailbox, meeting.item
    return (ItemChanged(mailbox=mailbox, kind="meeting", at=parts.now, item=item),)


async def _gone(followed: FollowedMeeting, parts: Parts) -> Done:
    """Where the organizer's own is gone before its end, it doesn't take place; an attendee's says
    nothing, nor does it say anything that somebody tidied up afterwards."""
    outcome = "gone"
    is_over = followed.until - MEETING_FOLLOWED <= parts.now
    if followed.organizer and followed.record and not is_over:
        outcome = await _cancelled(followed, parts.crm(followed.owner))
    return await _not_followed_any_more(followed, outcome, parts)


async def _cancelled(followed: FollowedMeeting, crm: Crm) -> str:
    try:
        await crm.cancel(followed.record)
    except NotFound:
        return "deleted"
    return "cancelled"


async def _not_followed_any_more(followed: FollowedMeeting, outcome: str, parts: Parts) -> Done:
    await parts.books.followings.remove(followed)
    return Done(outcome)
