"""A whole series of meetings: each occurrence that is near is a record of its own, the same one as
if it had been saved singly."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from shared.domain import ItemRef, LookUp, Meeting, Notice, RecordRef, Saved, identity
from shared.errors import Conflict, FieldError, InvalidRequest, ThreadlineError
from shared.following import (
    MEETING_FOLLOWED,
    SERIES_AHEAD,
    SERIES_MOST,
    Filed,
    FollowedMeeting,
    Origin,
    digest,
)
from shared.notifications import LookAfter
from shared.policy import Policy
from shared.ports import Crm, Followings, Mailbox
from shared.saving import beginning
from shared.saving import save as saving
from shared.saving.automatic import LeftOut, check_item
from shared.saving.beginning import Follower
from shared.saving.save import Opened, Order
from shared.saving.standing import PATIENCE, Books
from shared.saving.turns import in_turns

_NOTHING_AHEAD = f"This series has no meeting within the next {SERIES_AHEAD.days} days."
_SAVES_AT_ONCE = 4
_ROWS_AT_ONCE = 8
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One that is saved."""

    meeting: Meeting
    saved: Saved


async def upcoming(ref: ItemRef, *, mailbox: Mailbox, now: datetime) -> tuple[Meeting, ...]:
    """The occurrences from today to `SERIES_AHEAD`, at most `SERIES_MOST`, without cancelled ones;
    today is the day in the meeting's own zone. `ref` names the series or one of its occurrences.

    Raises `NotFound` (item_not_found).
    """
    found = await mailbox.occurrences(ref, now - _DAY, now + SERIES_AHEAD, SERIES_MOST + 1)
    return tuple(one for one in found if not one.cancelled and not _is_over(one, now))[:SERIES_MOST]


def _is_over(meeting: Meeting, now: datetime) -> bool:
    """Whether it began before today."""
    zone = ZoneInfo(meeting.time_zone)
    return meeting.start.astimezone(zone).date() < now.astimezone(zone).date()


def next_of(occurrences: Sequence[Occurrence], now: datetime) -> Occurrence:
    """The one that goes on or comes next; of those that are over, the last one."""
    return next((one for one in occurrences if one.meeting.end > now), occurrences[-1])


def open_all(meetings: Sequence[Meeting], order: Order, policy: Policy) -> tuple[Opened, ...]:
    """Those that may be saved as ordered; what the policy excludes is left out.

    Raises `InvalidRequest` where nothing is left or single attachments were chosen.
    """
    saving.check_order(order, policy)
    _check_files(order)
    allowed = []
    refusal = InvalidRequest(_NOTHING_AHEAD)
    for meeting in meetings:
        try:
            allowed.append(saving.opened(replace(order, ref=meeting.ref), meeting, policy))
        except InvalidRequest as error:
            refusal = error
    if not allowed:
        raise refusal
    return tuple(allowed)


async def save_all(
    meetings: Sequence[Opened],
    follower: Follower,
    *,
    crm: Crm,
    mailbox: Mailbox,
    policy: Policy,
    books: Books | None,
) -> tuple[Occurrence, ...]:
    """Saves each, a few side by side. Again and from several callers it gives the same records.

    That the series brought them is told before there is a record, as the call after one that was
    interrupted finds it there; a ledger that fails fails nothing. Raises as `save_opened` does:
    what is saved by then stays, and the next call goes on.
    """

    telling = books

    async def save(opened: Opened) -> Occurrence:
        meeting = meeting_of(opened)

        async def tell(known: LookUp) -> None:
            nonlocal telling
            if known.existing is not None or telling is None:
                return
            try:
                async with asyncio.timeout(PATIENCE):
                    await telling.origins.add(_origin(meeting, follower))
            except (ThreadlineError, TimeoutError):
                telling = None  # nor are the others to wait for it

        saved = await saving.save_opened(
            opened, crm=crm, mailbox=mailbox, policy=policy, check=tell
        )
        return Occurrence(meeting, saved)

    return tuple(await in_turns(save, meetings, _SAVES_AT_ONCE))


async def save_new(
    meetings: Sequence[Meeting],
    choices: Filed,
    follower: Follower,
    *,
    crm: Crm,
    mailbox: Mailbox,
    policy: Policy,
    books: Books,
) -> tuple[Occurrence, ...]:
    """Saves occurrences that nobody clicked on, and follows each; those that are never saved by
    themselves are left out. That the series brought them is told before there is a record.

    Raises as `save_opened` does, and what the ledger raises.
    """
    order = Order(
        ref=ItemRef("meeting", "me", ""),
        links=(choices.link,) if choices.link else (),
        categories=choices.categories,
        attachments="default" if choices.default_files else (),
    )

    async def save(opened: Opened) -> Occurrence:
        meeting = meeting_of(opened)

        async def check(known: LookUp) -> None:
            if known.existing is None:
                await books.origins.add(_origin(meeting, follower))

        saved = await saving.save_opened(
            opened, crm=crm, mailbox=mailbox, policy=policy, check=check
        )
        occurrence = Occurrence(meeting, saved)
        await _follow(occurrence, order, follower, None, books.followings)
        return occurrence

    allowed = []
    for meeting in meetings:
        with suppress(LeftOut):
            check_item(meeting, policy)
            allowed.append(saving.opened(replace(order, ref=meeting.ref), meeting, policy))
    return tuple(await in_turns(save, allowed, _SAVES_AT_ONCE))


def meeting_of(opened: Opened) -> Meeting:
    """The occurrence that was opened."""
    if not isinstance(opened.item, Meeting):
        raise TypeError("Only meetings come in series.")
    return opened.item


def _check_files(order: Order) -> None:
    """Attachment ids are those of one occurrence."""
    if order.attachments != "default" and order.attachments:
        reason = 'Of a whole series only "default" or none can be saved.'
        raise InvalidRequest(reason, errors=(FieldError("attachments", reason),))


async def follow_all(
    occurrences: Sequence[Occurrence],
    order: Order,
    follower: Follower,
    books: Books,
) -> LookAfter | None:
    """The series is followed from now on, and each of these occurrences; what is to be queued.

    Raises what the ledger raises.
    """
    first = occurrences[0].meeting
    series = first.series_master_id or first.ref.id
    known = await books.followings.meetings(follower.mailbox, series)
    by_item = {one.item: one for one in known}
    meetings = [one.meeting for one in occurrences]
    await follow_series(meetings, order, follower, by_item.get(series), books.followings)

    async def follow(one: Occurrence) -> None:
        await _follow(one, order, follower, by_item.get(one.meeting.ref.id), books.followings)

    await in_turns(follow, occurrences, _ROWS_AT_ONCE)
    return await beginning.to_look_after(follower, "meeting", books.subscriptions)


async def _follow(
    one: Occurrence,
    order: Order,
    follower: Follower,
    known: FollowedMeeting | None,
    followings: Followings,
) -> None:
    activity = one.saved.activity
    choices = beginning.filed(activity, default_files=order.attachments == "default")
    with suppress(Conflict):  # whoever else writes it at this moment follows it too
        await beginning.follow_meeting(
            one.meeting, activity.id, choices, follower, known, followings
        )


async def follow_series(
    occurrences: Sequence[Meeting],
    order: Order,
    follower: Follower,
    known: FollowedMeeting | None,
    followings: Followings,
) -> None:
    """Writes that the series of these occurrences is followed, for as long as its horizon reaches;
    they are not new to it."""
    first = occurrences[0]
    series = first.series_master_id or first.ref.id
    seen = frozenset(digest(identity(one)) for one in occurrences)
    followed = FollowedMeeting(
        mailbox=follower.mailbox,
        item=series,
        watched=series,
        scope="series",
        identity=identity(replace(first, is_series=True)),
        owner=known.owner if known else follower.owner,
        record="",
        organizer=first.is_organizer,
        filed=_choices(order),
        until=follower.now + SERIES_AHEAD + MEETING_FOLLOWED,
        seen=seen | (known.seen if known else frozenset()),
        version=known.version if known else "",
    )
    with suppress(Conflict):  # whoever else writes it at this moment follows it too
        await followings.put_meeting(followed)


def _choices(order: Order) -> Filed:
    link = next(iter(order.links), None)
    return Filed(
        link=RecordRef(link.type, link.id) if link else None,
        categories=order.categories,
        default_files=order.attachments == "default",
    )


def _origin(meeting: Meeting, follower: Follower) -> Origin:
    return Origin(identity(meeting), "series", follower.owner, follower.mailbox)


def notice(occurrences: Sequence[Occurrence], *, followed: bool) -> Notice:
    """What the user should know of the others."""
    last = occurrences[-1].meeting
    day = last.start.astimezone(ZoneInfo(last.time_zone)).date().isoformat()
    count = len(occurrences)
    meetings = "1 meeting of the series is" if count == 1 else f"{count} meetings of the series are"
    later = (
        "Later ones are saved as they come near."
        if followed
        else "Later ones are not saved by themselves; save the series again when they are near."
    )
    reach = f"within {SERIES_AHEAD.days} days, and at most {SERIES_MOST}"
    return Notice("series_saved", f"{meetings} saved, until {day} ({reach}). {later}")
