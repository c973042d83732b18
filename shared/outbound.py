"""The one way out: an async HTTP sender with time-outs, bounded waits and careful retries.

A `Sender` lives as long as the worker and holds the connection pool; an `Errand` lives as long as
one incoming request and says how much time is left for it. Nothing here logs a URL, a header or
a body: URLs of a CRM query hold people's addresses.
"""

import asyncio
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from shared.errors import ThreadlineError, Throttled, Unavailable

_WAIT_WORTHY = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 8.0
_DEFAULT_RETRY_AFTER = 30.0
_LONGEST_ASKED = 86_400.0


@dataclass(frozen=True, slots=True)
class Errand:
    """One incoming request, as its outgoing calls see it.

    `deadline` is a moment of the sender's monotonic clock; make errands with `Sender.errand`.
    """

    deadline: float
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request.

    `repeatable` says that sending it twice does no more than sending it once, so that it may be
    sent again when no answer came. Everybody who sets it says in a comment why that holds.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    repeatable: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status. Header names are lower-case.

    `attempts` above 1 means that an earlier, unanswered try may have done the work already.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to connect and to wait for an answer, and how often a call is tried in all."""

    connect: float = 5.0
    read: float = 30.0
    attempts: int = 4


class Sender:
    """Sends calls over pooled connections, on one event loop.

    `sleep`, `clock` (monotonic seconds), `now` (UTC, for Retry-After dates) and `jitter` (0 to 1)
    are there for tests.
    """

    def __init__(
        self,
        limits: Limits = Limits(),  # frozen
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        jitter: Callable[[], float] = random.random,
    ) -> None:
        # Their INFO and DEBUG lines hold URLs and headers: addresses and tokens.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._limits = limits
        self._sleep = sleep
        self._clock = clock
        self._now = now
        self._jitter = jitter
        self._client = httpx.AsyncClient(
            transport=transport,
            follow_redirects=False,  # a redirect would carry the token to another host
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20),
        )

    def errand(self, patience: float, correlation_id: str = "") -> Errand:
        """A new errand that may spend `patience` seconds from now."""
        return Errand(self._clock() + patience, correlation_id)

    async def send(self, call: Call, errand: Errand) -> Answer:
        """Sends the call and returns the answer, retrying where that is safe and there is time.

        A 429 counts as refused before any work was done, so it is waited out for every call; 502,
        503, 504 and broken connections only for repeatable ones. The last such answer is returned
        as it is, except a 429.

        Raises `Throttled` where the service asks to wait beyond the errand's deadline or keeps
        refusing, and `Unavailable` where no answer came in time.
        """
        for attempt in range(1, self._limits.attempts + 1):
            last = attempt == self._limits.attempts
            try:
                answer = await self._once(call, errand, attempt)
            except httpx.TransportError as broken:
                if not call.repeatable or last:
                    raise Unavailable("A service did not answer.") from broken
                await self.pause(self._back_off(attempt), errand, _no_answer())
                continue
            if answer.status not in _WAIT_WORTHY:
                return answer
            asked = retry_after(answer.headers, self._now())
            throttled = answer.status == HTTPStatus.TOO_MANY_REQUESTS
            if not throttled and (last or not call.repeatable):
                return answer
            refusal = _refusal(throttled, asked)
            if last:
                raise refusal
            wait = self._back_off(attempt) if asked is None else asked
            await self.pause(wait, errand, refusal)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def aclose(self) -> None:
        """Closes the pooled connections."""
        await self._client.aclose()

    async def _once(self, call: Call, errand: Errand, attempt: int) -> Answer:
        left = self.left(errand)
        if left <= 0:
            raise _no_answer()
        timeout = httpx.Timeout(
            min(self._limits.read, left), connect=min(self._limits.connect, left)
        )
        headers = dict(call.headers)
        if errand.correlation_id:
            headers["x-correlation-id"] = errand.correlation_id
        try:
            # httpx bounds each read, not the whole; a trickling answer is bounded here.
            async with asyncio.timeout(left):
                response = await self._client.request(
                    call.method, call.url, headers=headers, content=call.content, timeout=timeout
                )
        except TimeoutError as late:
            raise _no_answer() from late
        return Answer(response.status_code, response.headers, response.content, attempt)

    def left(self, errand: Errand) -> float:
        """The seconds that are left for the errand; none or fewer when its time is over."""
        return errand.deadline - self._clock()

    async def pause(self, wait: float, errand: Errand, otherwise: ThreadlineError) -> None:
        """Waits so many seconds, or raises `otherwise` at once where that goes beyond the errand's
        deadline."""
        if self._clock() + wait >= errand.deadline:
            raise otherwise
        await self._sleep(wait)

    def _back_off(self, attempt: int) -> float:
        """Exponential with full jitter, so that callers who failed together don't return so."""
        ceiling: float = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (attempt - 1))
        return ceiling * self._jitter()


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for, in either of its forms (RFC 9110 10.2.3).

    None where there is no such header or it can't be read; a day at most. A moment in the past
    gives 0. Fractions, which the RFC doesn't know, are what Microsoft Graph gives
    (graph/throttling sample: 2.128).
    """
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), _LONGEST_ASKED)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - now).total_seconds()), _LONGEST_ASKED)


def _no_answer() -> Unavailable:
    return Unavailable("A service did not answer in time.")


def _refusal(throttled: bool, asked: float | None) -> ThreadlineError:
    if throttled:
        return Throttled(
            "The service asks to wait before the next try.",
            retry_after=_DEFAULT_RETRY_AFTER if asked is None else asked,
        )
    return Unavailable("The service is not available.", retry_after=asked)
