"""What changed in a mailbox, so that nothing that no notification told of stays missed.

Graph's delta queries tell what changed since a link that an earlier answer ended with
(https://learn.microsoft.com/en-us/graph/delta-query-overview). They miss nothing, however long ago
that was and whatever the clocks say, but each covers one folder, or one span of the calendar:

- **E-mail** comes to be in the inbox or in Sent Items, which are asked for by delta. A rule may put
  a reply into any other folder before it can be seen in the inbox, and following a delta of every
  folder takes a call for each. So the whole mailbox is swept besides for what was received since
  `since`, which costs one call more. What the sweep alone would miss, such as mail sent by a client
  that was offline and dated then, is what the deltas are there for; what both miss is mail that was
  moved or imported into another folder with an old date, and nobody answers by that.
- **Meetings** come by the delta of a year of the calendar, which is begun anew every month so that
  what lies further ahead comes in. Then, and where Graph has forgotten the link, what was removed
  before is not told (`Changes.anew`).

A position is `{place: link}`. The links are followed only where they lead to the configured root.
A round of many pages is read a part at a time (`Changes.more`), its position within the round.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus

from shared.errors import Unavailable, Upstream
from shared.following import Changes
from shared.outlook import mapping, wire
from shared.outlook.calling import Graph, all_of, checked, shaped
from shared.outlook.failures import parsed
from shared.outlook.paths import instant, path

_MARGIN = timedelta(minutes=15)
"""Between our clock and Exchange's, and between an item's date and when it can be seen."""

_FOLDERS = ("inbox", "sentitems")
_CALENDAR = "calendar"
_BEHIND = timedelta(days=31)
_AHEAD = timedelta(days=366)
_BEGUN_ANEW = timedelta(days=31)
_PAGES_AT_ONCE = 25
_PAGE_SIZE = "odata.maxpagesize=200"
_EXPIRED = frozenset({HTTPStatus.GONE})
_LOST = _EXPIRED | {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}
"""A link that Graph has forgotten is answered by 410 (syncStateNotFound, resyncRequired); one that
it makes nothing of any more by 400, or by 404 where the mailbox was made anew."""


class _LinkLost(Exception):
    """Graph doesn't go on from this link."""


@dataclass(frozen=True, slots=True)
class _Round:
    """What a delta query told, and the link to go on from; `more` where the round isn't over."""

    changes: tuple[wire.Change, ...]
    link: str
    more: bool
    anew: bool = False


async def new_emails(
    graph: Graph, mailbox: str, position: Mapping[str, str], since: datetime
) -> Changes:
    """The messages that came to be in the mailbox. Three calls where little happened.

    The sweep comes last, so that nothing falls between it and the beginning of a delta.
    """
    start = instant(since - _MARGIN)
    rounds = await all_of(
        [
            _round(
                graph,
                position.get(folder),
                path("new emails", mailbox, folder=folder, since=start),
            )
            for folder in _FOLDERS
        ]
    )
    told = [c.id for one in rounds for c in one.changes if c.removed is None]
    async for page in graph.pages(path("emails since", mailbox, since=start)):
        told += [shaped(wire.ListedMessage, row).id for row in page.value]
    return Changes(
        items=tuple(dict.fromkeys(told)),
        position={folder: one.link for folder, one in zip(_FOLDERS, rounds, strict=True)},
        anew=any(one.anew for one in rounds),
        more=any(one.more for one in rounds),
    )


async def other_meetings(
    graph: Graph, mailbox: str, position: Mapping[str, str], since: datetime, now: datetime
) -> Changes:
    """The meetings and series that changed or were removed. One call where little happened.

    Graph tells a changed series with all of its occurrences, and a removed one of them merely by
    leaving it out, so each is told as its series. A round that begins lists the whole span: of it,
    what was changed since `since` is told.
    """
    place, link = _span(position, now.date())
    first = path(
        "calendar changes",
        mailbox,
        start=instant(_midnight(now.date() - _BEHIND)),
        end=instant(_midnight(_end_of(place))),
    )
    one = await _round(graph, link, first)
    told = [c for c in one.changes if not one.anew or _changed_since(c, since - _MARGIN)]
    return Changes(
        items=tuple(dict.fromkeys(c.series_master_id or c.id for c in told)),
        position={place: one.link},
        anew=one.anew,
        more=one.more,
    )


def _span(position: Mapping[str, str], today: date) -> tuple[str, str | None]:
    """The place, named by the day that the span ends on, and the link of an earlier call where that
    day is still far enough ahead."""
    for place, link in position.items():
        if today + _AHEAD - _BEGUN_ANEW <= _end_of(place) <= today + _AHEAD:
            return place, link
    return f"{_CALENDAR}/{today + _AHEAD}", None


def _end_of(place: str) -> date:
    """The first of all days for what is no place of a calendar."""
    kind, _, day = place.partition("/")
    try:
        return date.fromisoformat(day) if kind == _CALENDAR else date.min
    except ValueError:
        return date.min


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _changed_since(change: wire.Change, since: datetime) -> bool:
    """What says nothing of that is an occurrence like its series, which says it."""
    changed = mapping.moment(change.last_modified_date_time)
    return changed is not None and changed >= since


async def _round(graph: Graph, link: str | None, first: str) -> _Round:
    if link is not None and graph.owns(link):
        with suppress(_LinkLost):
            return await _read(graph, link, lost=_LOST)
    try:
        begun = await _read(graph, f"{graph.root}{first}", lost=_EXPIRED)
    except _LinkLost:
        raise Unavailable("Outlook forgot what it was telling.") from None
    return replace(begun, anew=True)


async def _read(graph: Graph, url: str, lost: Collection[int]) -> _Round:
    """Raises `_LinkLost` for an answer with one of those statuses."""
    changes: list[wire.Change] = []
    for _ in range(_PAGES_AT_ONCE):
        # repeatable: it changes nothing
        answer = await graph.ask("GET", url, repeatable=True, prefer=_PAGE_SIZE)
        if answer.status in lost:
            raise _LinkLost
        page = shaped(wire.Page, parsed(checked(answer).content))
        changes += (shaped(wire.Change, row) for row in page.value)
        following = page.next_link or page.delta_link
        if following is None or not graph.owns(following):
            raise Upstream("Outlook's changes go on nowhere, or at another address.")
        if page.next_link is None:
            return _Round(tuple(changes), following, more=False)
        url = following
    return _Round(tuple(changes), url, more=True)
