"""The HTTP sender waits as long as it may, repeats only what may be repeated, and says why not."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Throttled, Unavailable
from shared.outbound import Answer, Call, Limits, Sender, retry_after

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
URL = "https://crm.example/api?$filter=email eq 'anna@contoso.example'"
Act = Callable[[httpx.Request], httpx.Response]


@dataclass
class Service(httpx.AsyncBaseTransport):
    """Answers from a script, the last line of it for ever; time passes only in `sleep`."""

    script: list[Act]
    took: float = 0.0
    time: float = 1000.0
    waits: list[float] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.time += self.took
        act = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return act(request)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds

    def sender(self) -> Sender:
        return Sender(
            transport=self,
            sleep=self.sleep,
            clock=lambda: self.time,
            now=lambda: NOW,
            jitter=lambda: 1.0,
        )

    async def send(
        self, *, repeatable: bool = True, patience: float = 60, method: str = "POST"
    ) -> Answer:
        sender = self.sender()
        try:
            call = Call(method, URL, {"x": "y"}, b"body", repeatable=repeatable)
            return await sender.send(call, sender.errand(patience, "correlation"))
        finally:
            await sender.aclose()


def status(code: int, **headers: str) -> Act:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx.Response(code, headers=named, content=b"ok")


def broken(error: type[httpx.TransportError]) -> Act:
    def act(request: httpx.Request) -> httpx.Response:
        raise error("broken", request=request)

    return act


async def test_an_answer_comes_back_with_its_headers_in_lower_case() -> None:
    service = Service([status(200, ETag="1")])
    answer = await service.send()
    assert (answer.status, answer.content, answer.attempts) == (200, b"ok", 1)
    assert answer.headers["etag"] == "1"


async def test_the_call_and_the_correlation_id_are_passed_on() -> None:
    service = Service([status(200)])
    await service.send()
    request = service.requests[0]
    assert request.headers["x-correlation-id"] == "correlation"
    assert request.headers["x"] == "y"
    assert request.content == b"body"


@pytest.mark.parametrize("code", [200, 201, 204, 400, 401, 403, 404, 409, 412, 500, 501])
async def test_what_waiting_would_not_mend_is_returned_at_once(code: int) -> None:
    service = Service([status(code)])
    assert (await service.send()).status == code
    assert len(service.requests) == 1


@pytest.mark.parametrize("code", [429, 502, 503, 504])
async def test_a_repeatable_call_is_tried_again(code: int) -> None:
    service = Service([status(code), status(code), status(200)])
    answer = await service.send()
    assert (answer.status, answer.attempts) == (200, 3)
    assert service.waits == [0.5, 1.0]


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.WriteError]
)
async def test_a_repeatable_call_is_tried_again_after_a_broken_connection(
    error: type[httpx.TransportError],
) -> None:
    service = Service([broken(error), status(200)])
    assert (await service.send()).attempts == 2


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout])
async def test_no_other_call_is_tried_again_after_a_broken_connection(
    error: type[httpx.TransportError],
) -> None:
    service = Service([broken(error), status(200)])
    with pytest.raises(Unavailable):
        await service.send(repeatable=False)
    assert len(service.requests) == 1


async def test_no_other_call_is_tried_again_after_a_503() -> None:
    service = Service([status(503), status(200)])
    assert (await service.send(repeatable=False)).status == 503


async def test_any_call_may_follow_a_429_since_nothing_was_done() -> None:
    service = Service([status(429, retry_after="3"), status(200)])
    assert (await service.send(repeatable=False)).status == 200
    assert service.waits == [3.0]


async def test_it_gives_up_after_the_last_attempt() -> None:
    service = Service([status(503)])
    assert (await service.send()).status == 503
    assert len(service.requests) == Limits().attempts
    service = Service([broken(httpx.ConnectError)])
    with pytest.raises(Unavailable):
        await service.send()
    assert len(service.requests) == Limits().attempts
    service = Service([status(429, retry_after="2")])
    with pytest.raises(Throttled) as refused:
        await service.send()
    assert refused.value.retry_after == 2.0


@pytest.mark.parametrize(
    "asked", ["7", format_datetime(NOW + timedelta(seconds=7), usegmt=True)], ids=["s", "date"]
)
async def test_it_waits_as_long_as_asked(asked: str) -> None:
    service = Service([status(429, retry_after=asked), status(200)])
    await service.send()
    assert service.waits == [7.0]


@pytest.mark.parametrize("code", [429, 503])
async def test_it_never_waits_beyond_the_deadline(code: int) -> None:
    service = Service([status(code, retry_after="61")])
    with pytest.raises((Throttled, Unavailable)) as refused:
        await service.send(patience=60)
    assert service.waits == []
    assert isinstance(refused.value, Throttled if code == 429 else Unavailable)
    assert refused.value.retry_after == 61.0


async def test_time_spent_waiting_for_answers_counts() -> None:
    service = Service([status(429, retry_after="5")], took=20)
    with pytest.raises(Throttled):
        await service.send(patience=60)
    assert service.waits == [5.0, 5.0]


async def test_nothing_is_sent_after_the_deadline() -> None:
    service = Service([status(200)])
    with pytest.raises(Unavailable):
        await service.send(patience=0)
    assert service.requests == []


async def test_a_redirect_is_not_followed() -> None:
    service = Service([status(302, location="https://evil.example/")])
    assert (await service.send()).status == 302
    assert len(service.requests) == 1


async def test_no_address_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    service = Service([broken(httpx.ConnectError), status(200)])
    await service.send()
    assert "anna" not in caplog.text


async def test_errors_tell_no_address() -> None:
    service = Service([broken(httpx.ConnectError)])
    with pytest.raises(Unavailable) as refused:
        await service.send(repeatable=False)
    assert "anna" not in str(refused.value)


@given(st.text())
def test_any_retry_after_is_read_or_ignored(text: str) -> None:
    value = retry_after({"retry-after": text}, NOW)
    assert value is None or value >= 0


@given(st.integers(min_value=0, max_value=86_400))
def test_seconds_and_dates_say_the_same(seconds: int) -> None:
    moment = NOW + timedelta(seconds=seconds)
    assert retry_after({"retry-after": str(seconds)}, NOW) == seconds
    assert retry_after({"retry-after": format_datetime(moment, usegmt=True)}, NOW) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "9" * 400,
        "Mon, 01 Jan 2099 00:00:00 GMT",
        "Mon, 01 Jan 99999999999 00:00:00 GMT",
        "Mon, 01 Jan 2020 00:00:00 +99999999999",
    ],
)
def test_what_is_asked_is_a_day_at_most_or_ignored(text: str) -> None:
    assert retry_after({"retry-after": text}, NOW) in (86_400.0, None)


def test_a_date_in_the_past_means_now() -> None:
    past = format_datetime(NOW - timedelta(days=1), usegmt=True)
    assert retry_after({"retry-after": past}, NOW) == 0.0
