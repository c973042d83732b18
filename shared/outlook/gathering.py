"""What a mailbox is asked for beyond single items: conversations, series, discarded drafts."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.domain import ItemRef
from shared.errors import Forbidden, NoMailbox, NotFound
from shared.outlook import mapping, wire
from shared.outlook.calling import Graph, all_of, shaped
from shared.outlook.failures import parsed
from shared.outlook.paths import instant, item_path, path, quoted
from shared.outlook.places import AT_ONCE

_JUNK = "junkemail"
_REJECTED = ("deleteditems", _JUNK)
_THROWN_AWAY = ("deleteditems", "recoverableitemsdeletions")
"""Well-known names (https://learn.microsoft.com/en-us/graph/api/resources/mailfolder). What is
deleted for good lies in the latter for some days, where its immutable id may still find it."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_FLOATING = timedelta(days=1)
"""Graph lists all-day events by their days in UTC; ours begin at a midnight of their own zone."""


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` until just before `end`."""

    start: datetime
    end: datetime


async def conversation(graph: Graph, ref: ItemRef, most: int) -> Sequence[str]:
    """The ids of a conversation's messages, oldest first; the newest `most`.

    Exchange sorts a filtered list by nothing that the filter doesn't name first
    (https://learn.microsoft.com/en-us/graph/api/user-list-messages), so all ids are read and
    sorted here. Messages in a folder inside of Deleted Items count as kept.
    """
    asked, rejected = await _placed(graph, ref, _REJECTED)
    found = [asked]
    if asked.conversation_id:
        wanted = path("conversation", ref.mailbox, conversation=quoted(asked.conversation_id))
        rows = [row async for page in graph.pages(wanted) for row in page.value]
        found = [shaped(wire.ListedMessage, row) for row in rows]
    kept = {m.id: m for m in found if not m.is_draft and m.parent_folder_id not in rejected}
    ordered = sorted(kept.values(), key=_age)
    return [message.id for message in ordered[max(0, len(ordered) - most) :]]


async def is_junk(graph: Graph, ref: ItemRef) -> bool:
    """Whether it lies in Junk Email."""
    asked, folders = await _placed(graph, ref, [_JUNK])
    return asked.parent_folder_id in folders


async def is_discarded(graph: Graph, ref: ItemRef) -> bool:
    """Whether it is a draft that lies where things are thrown away to."""
    asked, folders = await _placed(graph, ref, _THROWN_AWAY)
    return bool(asked.is_draft) and asked.parent_folder_id in folders


async def occurrences(graph: Graph, ref: ItemRef, span: Span, most: int) -> Sequence[wire.Event]:
    """The events of a series that begin in the span, earliest first; the first `most`.

    A list tells which ones have attachments; those are asked for one by one, as expanding
    attachments is documented for single events only
    (https://learn.microsoft.com/en-us/graph/api/event-list-instances).
    """
    asked = await _series(graph, ref)
    wanted = path(
        "occurrences",
        ref.mailbox,
        item=asked,
        start=instant(span.start - _FLOATING),
        end=instant(span.end + _FLOATING),
    )
    rows = [row async for page in graph.pages(wanted) for row in page.value]
    begun = ((mapping.beginning(event), event) for event in (shaped(wire.Event, r) for r in rows))
    within = {event.id: (when, event) for when, event in begun if span.start <= when < span.end}
    ordered = sorted(within.values(), key=lambda pair: (pair[0], pair[1].id))
    return await _whole(graph, ref, [event for _, event in ordered[:most]])


async def _series(graph: Graph, ref: ItemRef) -> str:
    """The id of the series that it is, or is of. Raises `NotFound`."""
    answer = await graph.get(path("meeting series", ref.mailbox, item=ref.id))
    event = shaped(wire.Series, parsed(answer.content))
    master = event.id if event.type == "seriesMaster" else event.series_master_id
    if not master:
        raise NotFound("This meeting is not one of a series.", code="item_not_found")
    return master


async def _whole(graph: Graph, ref: ItemRef, events: Sequence[wire.Event]) -> Sequence[wire.Event]:
    """The same events with the lists of their attachments, but those gone meanwhile."""
    having = [event for event in events if event.has_attachments]
    known: dict[str, wire.Event | None] = {}
    for first in range(0, len(having), AT_ONCE):
        asked = having[first : first + AT_ONCE]
        found = await all_of([_event(graph, ref.mailbox, event.id) for event in asked])
        known.update(zip((event.id for event in asked), found, strict=True))
    together = (known.get(event.id, event) for event in events)
    return [event for event in together if event is not None]


async def _event(graph: Graph, mailbox: str, id_: str) -> wire.Event | None:
    try:
        answer = await graph.get(item_path(ItemRef("meeting", mailbox, id_), "whole"))
    except NotFound:
        return None
    return shaped(wire.Event, parsed(answer.content))


async def _placed(
    graph: Graph, ref: ItemRef, folders: Sequence[str]
) -> tuple[wire.ListedMessage, frozenset[str]]:
    """The message, and the ids of those folders that there are."""
    jobs: list[Awaitable[Any]] = [_message(graph, ref)]
    jobs += [_folder(graph, ref.mailbox, name) for name in folders]
    message, *ids = await all_of(jobs)
    return message, frozenset(id_ for id_ in ids if id_ is not None)


async def _message(graph: Graph, ref: ItemRef) -> wire.ListedMessage:
    answer = await graph.get(path("email place", ref.mailbox, item=ref.id))
    return shaped(wire.ListedMessage, parsed(answer.content))


async def _folder(graph: Graph, mailbox: str, name: str) -> str | None:
    """None where the mailbox has no such folder, or hides it from whom it was shared with."""
    try:
        answer = await graph.get(path("folder", mailbox, folder=name))
    except (NotFound, NoMailbox, Forbidden):
        return None
    return shaped(wire.Folder, parsed(answer.content)).id


def _age(message: wire.ListedMessage) -> tuple[datetime, str]:
    return mapping.moment(message.received_date_time) or _LONG_AGO, message.id
