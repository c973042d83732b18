"""A network that fails at a chosen call, in a chosen way."""

from dataclasses import dataclass

import httpx


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail. `status` answers for the service; otherwise `error` is raised, after the
    service did the work where `done`."""

    name: str
    status: int | None = None
    retry_after: str | None = None
    error: type[httpx.TransportError] | None = None
    done: bool = False

    async def act(self, inner: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
        if self.done:
            response = await inner.handle_async_request(request)
            await response.aread()
            await response.aclose()
        if self.error is not None:
            raise self.error(self.name, request=request)
        headers = {"retry-after": self.retry_after} if self.retry_after else {}
        return httpx.Response(self.status or 500, headers=headers, text="<html>busy</html>")


FAULTS = (
    Fault("429", status=429, retry_after="2"),
    Fault("429 for long", status=429, retry_after="3600"),
    Fault("500", status=500),
    Fault("503", status=503),
    Fault("timed out, not done", error=httpx.ReadTimeout),
    Fault("timed out, done", error=httpx.ReadTimeout, done=True),
    Fault("not connected", error=httpx.ConnectError),
    Fault("cut before", error=httpx.RemoteProtocolError),
    Fault("cut after", error=httpx.ReadError, done=True),
)


class BrokenTransport(httpx.AsyncBaseTransport):
    """Fails at call number `at` (from 1), and at all later ones too where it `lasts`.

    `calls` counts what was sent.
    """

    def __init__(
        self, inner: httpx.AsyncBaseTransport, fault: Fault | None, at: int, *, lasts: bool
    ) -> None:
        self._inner = inner
        self._fault = fault
        self._at = at
        self._lasts = lasts
        self.calls = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        hit = self.calls >= self._at if self._lasts else self.calls == self._at
        if hit and self._fault is not None:
            return await self._fault.act(self._inner, request)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()
