"""The Mailbox over Microsoft Graph, on behalf of one caller."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus

from shared.domain import Attachment, AttachmentKind, Item, ItemRef, Meeting
from shared.errors import Forbidden, NoMailbox, NotFound, Unsupported, Upstream
from shared.outbound import Errand, Sender, retry_after
from shared.outlook import gathering, mapping, wire
from shared.outlook.batches import (
    Group,
    Step,
    batch_body,
    batch_replies,
    content_of,
    groups,
    waves,
)
from shared.outlook.calling import PREFERENCES, Graph, Token, all_of, checked, shaped
from shared.outlook.contents import as_message, shortcut
from shared.outlook.failures import failure, parsed
from shared.outlook.paths import Detail, attachment_path, item_path, source_path

_ATTEMPTS = 4
_FIRST_WAIT = 0.5
_PASSING = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


class GraphMailbox:
    """Reads as the caller whose Graph token `token` gives; made anew for each incoming request.

    `root`, `token` and `places` are those of `Graph`. Where it is the app's own token, `me` is the
    Entra object id of the user whose mailbox "me" then is.
    """

    def __init__(
        self,
        sender: Sender,
        errand: Errand,
        root: str,
        token: Token,
        me: str = "me",
        places: asyncio.Semaphore | None = None,
    ) -> None:
        self._graph = Graph(sender, errand, root, token, places)
        self._me = me

    async def fetch(self, ref: ItemRef) -> Item:
        """See `Mailbox`. The id in the answer's `ref` is the immutable one, whichever was asked."""
        return await self._item(ref, "whole")

    async def identify(self, ref: ItemRef) -> Item:
        """See `Mailbox`."""
        return await self._item(ref, "key")

    async def read_source(self, ref: ItemRef) -> bytes:
        """See `Mailbox`. Raises `Unsupported` for a meeting, which has no such form."""
        if ref.kind != "email":
            raise Unsupported("Only an e-mail can be read as a message file.")
        return (await self._graph.get(source_path(self._located(ref)))).content

    async def conversation(self, ref: ItemRef, most: int) -> Sequence[ItemRef]:
        """See `Mailbox`. Raises `Unsupported` for a meeting."""
        if ref.kind != "email":
            raise Unsupported("Only an e-mail has a conversation.")
        ids = await gathering.conversation(self._graph, self._located(ref), most)
        return [replace(ref, id=id_) for id_ in ids]

    async def occurrences(
        self, ref: ItemRef, start: datetime, end: datetime, most: int
    ) -> Sequence[Meeting]:
        """See `Mailbox`."""
        span = gathering.Span(start, end)
        found = await gathering.occurrences(self._graph, self._located(ref), span, most)
        return [mapping.meeting(ref, event) for event in found]

    async def is_junk(self, ref: ItemRef) -> bool:
        """See `Mailbox`."""
        return ref.kind == "email" and await gathering.is_junk(self._graph, self._located(ref))

    async def is_discarded(self, ref: ItemRef) -> bool:
        """See `Mailbox`."""
        return ref.kind == "email" and await gathering.is_discarded(self._graph, self._located(ref))

    async def read_files(
        self, ref: ItemRef, attachments: Sequence[Attachment]
    ) -> Sequence[bytes | None]:
        """See `Mailbox`. One attachment is read as it is, several of them by one JSON batch."""
        found: dict[int, bytes | None] = {}
        steps = []
        for place, attachment in enumerate(attachments):
            known = shortcut(attachment.url)
            if known is None:
                steps.append(Step(place, attachment))
            else:
                found[place] = known
        for wave in waves(groups(steps)):
            for contents in await all_of([self._contents(ref, group) for group in wave]):
                found.update(contents)
        return [found[place] for place in range(len(attachments))]

    async def _item(self, ref: ItemRef, detail: Detail) -> Item:
        content = parsed((await self._graph.get(item_path(self._located(ref), detail))).content)
        if ref.kind == "email":
            return mapping.email(ref, shaped(wire.Message, content))
        return mapping.meeting(ref, shaped(wire.Event, content))

    async def _contents(self, ref: ItemRef, group: Group) -> Mapping[int, bytes | None]:
        if group[0].attachment.kind is AttachmentKind.REFERENCE:
            try:
                return await self._batch(self._beta, ref, group)
            except (NotFound, NoMailbox, Forbidden, Upstream):
                # Graph's beta promises nothing: a link is not worth failing a save for
                return {step.place: None for step in group}
        if len(group) == 1:
            return {group[0].place: await self._content(ref, group[0].attachment)}
        return await self._batch(self._graph.root, ref, group)

    async def _content(self, ref: ItemRef, attachment: Attachment) -> bytes | None:
        try:
            path = attachment_path(self._located(ref), attachment.id)
            answer = await self._graph.get(f"{path}/$value")
        except (NotFound, NoMailbox, Forbidden, Upstream):
            return None
        is_item = attachment.kind is AttachmentKind.ITEM
        return as_message(answer.content) if is_item else answer.content

    async def _batch(self, root: str, ref: ItemRef, group: Group) -> Mapping[int, bytes | None]:
        waiting = {step.place: step.attachment for step in group}
        found: dict[int, bytes | None] = {}
        for attempt in range(1, _ATTEMPTS + 1):
            replies = await self._post_batch(root, ref, waiting)
            for place, reply in replies.items():
                if reply.status not in _PASSING:
                    found[place] = _content_or_none(waiting.pop(place), reply)
            if not waiting:
                break
            await self._pause(attempt, [replies[place] for place in waiting])
        return found

    async def _post_batch(
        self, root: str, ref: ItemRef, wanted: Mapping[int, Attachment]
    ) -> dict[int, wire.BatchReply]:
        located = self._located(ref)
        paths = {place: _batched_path(located, attachment) for place, attachment in wanted.items()}
        body = batch_body(paths, PREFERENCES)
        # repeatable: this batch holds GETs only
        answer = await self._graph.ask("POST", f"{root}/$batch", body, repeatable=True)
        replies = batch_replies(parsed(checked(answer).content))
        if replies.keys() != wanted.keys():
            raise Upstream("Outlook left some of our questions unanswered.")
        return replies

    async def _pause(self, attempt: int, refused: Sequence[wire.BatchReply]) -> None:
        """Waits as long as the most patient of them asks; raises where that is too long."""
        now = datetime.now(UTC)
        asked = [retry_after(_lowered(reply.headers), now) for reply in refused]
        worst = refused[0]
        longest = max((seconds for seconds in asked if seconds is not None), default=None)
        error = failure(worst.status, worst.body, longest)
        if attempt == _ATTEMPTS:
            raise error
        backed_off = _FIRST_WAIT * 2 ** (attempt - 1)
        await self._graph.sender.pause(
            backed_off if longest is None else longest, self._graph.errand, otherwise=error
        )

    def _located(self, ref: ItemRef) -> ItemRef:
        return replace(ref, mailbox=self._me) if ref.mailbox == "me" else ref

    @property
    def _beta(self) -> str:
        return f"{self._graph.root.removesuffix('/v1.0')}/beta"


def _batched_path(ref: ItemRef, attachment: Attachment) -> str:
    """A file is read as an entity, not by `$value`: a batch gives a `$value` that is JSON as JSON,
    and its bytes would be lost. An item has no bytes in its entity."""
    path = attachment_path(ref, attachment.id)
    return f"{path}/$value" if attachment.kind is AttachmentKind.ITEM else path


def _content_or_none(attachment: Attachment, reply: wire.BatchReply) -> bytes | None:
    if reply.status == HTTPStatus.UNAUTHORIZED:
        raise failure(reply.status, reply.body, None)
    if reply.status != HTTPStatus.OK:
        return None
    return content_of(attachment, reply.body)


def _lowered(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {name.lower(): value for name, value in (headers or {}).items()}
