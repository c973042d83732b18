"""Faults of every kind, over the wire, and what the log says of them afterwards."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox.running import Running
from sandbox.world import TENANT

KEYS = f"/entra/{TENANT}/discovery/v2.0/keys"
OPENID = f"/entra/{TENANT}/v2.0/.well-known/openid-configuration"


@pytest.fixture
def wire(fresh_sandbox: Running) -> Iterator[Running]:
    yield fresh_sandbox
    fresh_sandbox.clear_faults()


@pytest.fixture
def http(wire: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=wire.url) as client:
        yield client


def log(wire: Running) -> list[tuple[Any, ...]]:
    return [(c["service"], c["method"], c["path"], c["status"]) for c in wire.requests()]


def test_a_status_with_body_and_headers(wire: Running, http: httpx.Client) -> None:
    body = {"error": {"code": "TooManyRequests"}}
    wire.fault(service="entra", status=429, body=body, headers={"Retry-After": "7"})
    answer = http.get(KEYS)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.json() == body
    assert log(wire) == [("entra", "GET", KEYS, 429)]


def test_a_body_that_is_text_is_sent_as_it_is(wire: Running, http: httpx.Client) -> None:
    wire.fault(
        service="entra", status=502, body="<h1>Bad</h1>", headers={"Content-Type": "text/html"}
    )
    answer = http.get(KEYS)
    assert (answer.text, answer.headers["content-type"]) == ("<h1>Bad</h1>", "text/html")


def test_a_fault_holds_as_often_as_it_says(wire: Running, http: httpx.Client) -> None:
    wire.fault(service="entra", status=503, times=2)
    assert [http.get(KEYS).status_code for _ in range(4)] == [503, 503, 200, 200]


def test_a_fault_without_times_holds_until_cleared(wire: Running, http: httpx.Client) -> None:
    wire.fault(service="entra", status=500)
    assert [http.get(KEYS).status_code for _ in range(3)] == [500, 500, 500]
    wire.clear_faults()
    assert http.get(KEYS).status_code == 200


def test_faults_queue_up(wire: Running, http: httpx.Client) -> None:
    wire.fault(service="entra", status=500, times=1)
    wire.fault(service="entra", status=503, times=1)
    assert [http.get(KEYS).status_code for _ in range(3)] == [500, 503, 200]


@pytest.mark.parametrize(
    "condition",
    [
        {"service": "graph"},
        {"method": "POST"},
        {"path": "openid"},
        {"path": r"keys\?a=2"},
    ],
)
def test_a_fault_leaves_other_calls_alone(
    wire: Running, http: httpx.Client, condition: dict[str, str]
) -> None:
    wire.fault(**{"service": "entra", "status": 500, **condition})
    assert http.get(f"{KEYS}?a=1").status_code == 200


@pytest.mark.parametrize(
    "condition",
    [{"method": "get"}, {"path": "keys"}, {"path": r"\?\$top=a b$"}, {"path": "%24top=a%20b"}],
)
def test_a_fault_finds_its_calls(
    wire: Running, http: httpx.Client, condition: dict[str, str]
) -> None:
    wire.fault(**{"service": "entra", "status": 500, **condition})
    assert http.get(f"{KEYS}?%24top=a%20b").status_code == 500


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_cut_connection_gives_no_answer(wire: Running, http: httpx.Client, drop: str) -> None:
    wire.fault(service="entra", drop=drop, times=1)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        http.get(KEYS)
    assert http.get(KEYS).status_code == 200
    assert log(wire) == [("entra", "GET", KEYS, None), ("entra", "GET", KEYS, 200)]


@pytest.mark.parametrize("size", [10, 3_000_000], ids=["small", "large"])
def test_cut_before_the_work_with_a_body(wire: Running, http: httpx.Client, size: int) -> None:
    wire.fault(service="entra", drop="before", times=1)
    with pytest.raises(httpx.TransportError):
        http.post(f"/entra/{TENANT}/oauth2/v2.0/token", content=b"x" * size)


def test_a_delay_slows_every_match_until_cleared(wire: Running, http: httpx.Client) -> None:
    http.get(KEYS)
    wire.fault(service="entra", path="keys", delayMs=150)
    for _ in range(2):
        started = time.perf_counter()
        assert http.get(KEYS).status_code == 200
        assert time.perf_counter() - started > 0.149
    wire.fault(service="entra", path="keys", delayMs=120_000)
    wire.clear_faults()
    assert http.get(KEYS).status_code == 200


def test_a_delay_goes_together_with_a_failure(wire: Running, http: httpx.Client) -> None:
    wire.fault(service="entra", delayMs=100)
    wire.fault(service="entra", status=503, delayMs=100, times=1)
    started = time.perf_counter()
    assert http.get(KEYS).status_code == 503
    assert time.perf_counter() - started > 0.199
    assert http.get(KEYS).status_code == 200


async def test_slowed_calls_do_not_wait_for_each_other(wire: Running) -> None:
    wire.fault(service="entra", path="keys", delayMs=2000)
    async with httpx.AsyncClient(base_url=wire.url) as client:
        slow = [asyncio.create_task(client.get(KEYS)) for _ in range(8)]
        await asyncio.sleep(0.2)
        fast = await client.get(f"/entra/{TENANT}/v2.0/.well-known/openid-configuration")
        assert fast.status_code == 200
        assert not any(task.done() for task in slow)
        assert {(await task).status_code for task in slow} == {200}


def test_a_client_that_gives_up_is_logged_as_unanswered(wire: Running, http: httpx.Client) -> None:
    wire.fault(service="entra", delayMs=2000, times=1)
    with pytest.raises(httpx.ReadTimeout):
        http.get(KEYS, timeout=httpx.Timeout(60, read=0.1))
    assert log(wire) == [("entra", "GET", KEYS, None)]


def test_the_log_can_be_asked_for_one_service(wire: Running, http: httpx.Client) -> None:
    http.get(KEYS)
    http.get("/graph/v1.0/me")
    assert [c["path"] for c in wire.requests("entra")] == [KEYS]
    assert [c["service"] for c in wire.requests()] == ["entra", "graph"]
    assert wire.requests()[0]["at"].endswith("Z")


def test_the_handles_are_not_in_the_log_and_do_not_fail(wire: Running) -> None:
    for service in ("entra", "graph", "dataverse", "salesforce"):
        wire.fault(service=service, status=500)
    wire.token("anna.kowalska@contoso.example")
    assert wire.requests() == []


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ({"service": "mail", "status": 500}, "service"),
        ({"status": 500}, "service"),
        ({"service": "graph"}, "what to do"),
        ({"service": "graph", "status": 99}, "status"),
        ({"service": "graph", "status": 500, "drop": "after"}, "choose one"),
        ({"service": "graph", "drop": "halfway"}, "drop"),
        ({"service": "graph", "delayMs": -1}, "delayMs"),
        ({"service": "graph", "delayMs": 1, "body": "x"}, "need a `status`"),
        ({"service": "graph", "status": 500, "times": 0}, "times"),
        ({"service": "graph", "status": 500, "path": "("}, "regular expression"),
        ({"service": "graph", "status": 500, "header": {}}, "header"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(
    wire: Running, http: httpx.Client, fault: dict[str, Any], word: str
) -> None:
    answer = http.post("/sandbox/faults", json=fault)
    assert answer.status_code == 422
    assert word in answer.json()["error"]
    assert http.get("/sandbox/faults").json() == []


def test_a_fault_that_is_no_json_is_refused(http: httpx.Client) -> None:
    assert http.post("/sandbox/faults", content=b"{").status_code == 400


def test_reset_ends_faults_and_empties_the_log(wire: Running, http: httpx.Client) -> None:
    wire.fault(service="entra", status=500)
    http.get(OPENID)
    wire.reset()
    assert http.get(OPENID).status_code == 200
    assert log(wire) == [("entra", "GET", OPENID, 200)]
