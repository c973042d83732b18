"""How we speak to one organisation, for one caller: who asks, how long, how often again."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from shared.crm import Connection
from shared.crm.salesforce import composite
from shared.crm.salesforce.channel import Channel, NotAnswered, Request
from shared.crm.salesforce.composite import Part, Reply
from shared.crm.salesforce.faults import LOCKED, code, fault, is_momentary_limit
from shared.errors import ThreadlineError, Unavailable, Upstream
from shared.outbound import Limits, retry_after

_WAIT_WORTHY: Final = frozenset({429, 502, 503, 504})
_UNSURE: Final = frozenset({502, 504})
"""What a gateway says that may have passed the call on."""
_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 8.0

AskToken = Callable[[str | None], Awaitable[str]]
"""Gives a token other than the refused one, if there is one."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The replies of a composite by name. `repeated` says that an earlier, unanswered try may have
    done the work already."""

    replies: dict[str, Reply]
    repeated: bool

    def __getitem__(self, name: str) -> Reply:
        return self.replies[name]

    @property
    def refusal(self) -> Reply | None:
        return composite.refusal(self.replies)


class Wire:
    """Every call may be repeated, and is where no answer came: what we create carries a unique key
    or happens together with the deletion of what it replaces, what we change ends the same, and a
    second delete finds nothing.

    Without the key's field (see infra/salesforce) a repeated create could make a second record;
    callers then say `once`.
    """

    def __init__(
        self, channel: Channel, connection: Connection, token: AskToken, limits: Limits
    ) -> None:
        self._channel = channel
        self._connection = connection
        self._token = token
        self._limits = limits

    async def transact(self, parts: Sequence[Part], *, once: bool = False) -> Answered:
        """All the parts in order, all or nothing, in one round trip."""
        return await self._composite(parts, all_or_none=True, once=once)

    async def ask(self, parts: Sequence[Part]) -> dict[str, Reply]:
        """The replies to independent reads, in one round trip as far as one composite holds them,
        side by side beyond."""
        groups = composite.grouped(parts)
        answers = await asyncio.gather(*(self._composite(g, all_or_none=False) for g in groups))
        return {name: reply for answered in answers for name, reply in answered.replies.items()}

    async def send(self, request: Request, *, once: bool = False) -> tuple[Reply, bool]:
        """One call by itself, and whether an unanswered try came before."""
        token = await self._token(None)
        reply, repeated = await self._patiently(request, token, once=once)
        if reply.status == 401:  # the token may have ended before its time
            token = await self._token(token)
            reply, again = await self._patiently(request, token, once=once)
            repeated = repeated or again
        return reply, repeated

    async def _composite(
        self, parts: Sequence[Part], *, all_or_none: bool, once: bool = False
    ) -> Answered:
        body = composite.body(parts, all_or_none=all_or_none)
        reply, repeated = await self.send(Request("POST", "composite", body), once=once)
        if not reply.ok:
            raise fault(reply)
        try:
            return Answered(composite.read(reply.body), repeated)
        except (ValueError, KeyError, TypeError) as unreadable:
            raise Upstream("Salesforce answered with something unexpected.") from unreadable

    async def _patiently(self, request: Request, token: str, *, once: bool) -> tuple[Reply, bool]:
        """The answer, after as many tries as make sense and as the errand's time allows.

        Raises what the last refusal means where there is no time to wait for another try.
        """
        repeated = False
        for attempt in range(1, self._limits.attempts + 1):
            last = attempt == self._limits.attempts
            try:
                reply = await self._once(request, token)
            except NotAnswered as broken:
                if last or once:
                    raise _no_answer() from broken
                repeated = True
                await self._pause(_back_off(attempt), _no_answer())
                continue
            refused = _passing(reply)
            if refused is None:
                return reply, repeated
            if last or (once and refused.status in _UNSURE):
                raise fault(refused)
            asked = retry_after(refused.headers, datetime.now(UTC))
            await self._pause(_back_off(attempt) if asked is None else asked, fault(refused))
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _once(self, request: Request, token: str) -> Reply:
        left = self._connection.sender.left(self._connection.errand)
        if left <= 0:
            raise _no_answer()
        sending = self._channel.send(
            request,
            token,
            connect=min(self._limits.connect, left),
            read=min(self._limits.read, left),
            correlation_id=self._connection.errand.correlation_id,
        )
        try:
            # requests bounds each read, not the whole; a trickling answer is bounded here.
            async with asyncio.timeout(left):
                return await sending
        except TimeoutError as late:
            raise _no_answer() from late

    async def _pause(self, wait: float, otherwise: ThreadlineError) -> None:
        await self._connection.sender.pause(wait, self._connection.errand, otherwise)


def _passing(reply: Reply) -> Reply | None:
    """The refusal, of the whole or within an undone composite, that another try may not meet."""
    if reply.status in _WAIT_WORTHY or code(reply) in (LOCKED, "SERVER_UNAVAILABLE"):
        return reply
    if is_momentary_limit(reply):
        return reply
    try:
        refused = composite.refusal(composite.read(reply.body))
    except (ValueError, KeyError, TypeError):
        return None
    return refused if refused is not None and code(refused) == LOCKED else None


def _back_off(attempt: int) -> float:
    """Exponential with full jitter, so that callers who failed together don't return so."""
    ceiling: float = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (attempt - 1))
    return ceiling * random.random()  # noqa: S311  # no secret


def _no_answer() -> Unavailable:
    return Unavailable("Salesforce did not answer in time.")
