"""Saves a whole series at somebody's click: its meetings of the next weeks."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from save_activity.following import UNAVAILABLE, wanted
from save_activity.payload import SaveRequest
from save_activity.tools import Done, Tools
from shared.domain import Saved
from shared.errors import FieldError, InvalidRequest, NotFound, ThreadlineError
from shared.notifications import LookAfter
from shared.saving import save as saving
from shared.saving import series
from shared.saving.beginning import Follower
from shared.saving.save import Opened
from shared.saving.series import Occurrence
from shared.saving.standing import PATIENCE, look_or_nothing, told

_NO_SERIES = "This meeting is not part of a series; leave scope out."
_AT_A_TIME = 20
_PATIENCE = 4 * PATIENCE


@dataclass(frozen=True, slots=True)
class OpenedSeries:
    """`id` is the series', whichever of its meetings was named."""

    id: str
    meetings: Sequence[Opened]


async def open_series(request: SaveRequest, follower: Follower, tools: Tools) -> OpenedSeries:
    """Raises `InvalidRequest`, `NotFound` (item_not_found)."""
    order = request.order()
    saving.check_order(order, tools.policy)
    ref = request.item.ref()
    try:
        meetings = await series.upcoming(ref, mailbox=tools.mailbox, now=follower.now)
    except NotFound:
        await tools.mailbox.identify(ref)  # raises it where there is no such meeting at all
        raise InvalidRequest(_NO_SERIES, errors=(FieldError("scope", _NO_SERIES),)) from None
    opened = series.open_all(meetings, order, tools.policy)
    return OpenedSeries(meetings[0].series_master_id or ref.id, opened)


async def save(
    opened: OpenedSeries, request: SaveRequest, follower: Follower, tools: Callable[[], Tools]
) -> Done:
    """Saves each of its meetings, and follows them and the series where that is wanted. The answer
    is the record of the next one.

    `tools` gives fresh ones for each part of a long series. Raises as `series.save_all` does.
    """
    saved: list[Occurrence] = []
    for start in range(0, len(opened.meetings), _AT_A_TIME):
        part = opened.meetings[start : start + _AT_A_TIME]
        at = tools()
        saved += await series.save_all(
            part,
            follower,
            crm=at.crm,
            mailbox=at.mailbox,
            policy=at.policy,
            books=at.books,
        )
    at = tools()
    look_after, followed, failed = await _after(saved, request, follower, at)
    chosen = series.next_of(saved, follower.now)
    standing = await look_or_nothing(chosen.meeting, follower.mailbox, at.books)
    activity = told(
        chosen.saved.activity, origin=standing.origin, following=followed or standing.following
    )
    notices = [*activity.notices, series.notice(saved, followed=followed)]
    if failed or (request.follow and not followed):
        notices.append(UNAVAILABLE)
    created = any(one.saved.created for one in saved)
    return Done(Saved(replace(activity, notices=tuple(notices)), created), look_after)


async def _after(
    saved: Sequence[Occurrence], request: SaveRequest, follower: Follower, tools: Tools
) -> tuple[LookAfter | None, bool, bool]:
    """What is to be queued, whether the series is followed now, and whether that failed."""
    books = tools.books
    if books is None or not (tools.may_follow and wanted(request, tools)):
        return None, False, False
    try:
        async with asyncio.timeout(_PATIENCE):
            look_after = await series.follow_all(saved, request.order(), follower, books)
    except (ThreadlineError, TimeoutError):
        return LookAfter(mailbox=follower.mailbox, kind="meeting", at=follower.now), False, True
    return look_after, True, False
