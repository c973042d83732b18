"""The page for people: it shows what is there, and runs nothing that a message brings along."""

from collections.abc import Iterator

import httpx
import pytest

from sandbox.running import Running
from sandbox.world import TENANT
from tests.sandbox.graph.receiver import receiving
from tests.sandbox.graph.subscriber import Subscriber

ANNA = "anna.kowalska@contoso.example"


@pytest.fixture
def http(fresh_sandbox: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fresh_sandbox.url) as client:
        yield client


def page(http: httpx.Client) -> str:
    answer = http.get("/sandbox/").raise_for_status()
    assert answer.headers["content-type"].startswith("text/html")
    return answer.text


def test_it_shows_people_and_their_mail(fresh_sandbox: Running, http: httpx.Client) -> None:
    fresh_sandbox.deliver_mail(b"Subject: <script>alert(1)</script>\r\n\r\nHi.", ANNA)
    shown = page(http)
    assert "Inês Carvalho" in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "<script" not in shown


def test_it_shows_what_was_saved(fresh_sandbox: Running, http: httpx.Client) -> None:
    headers = {"authorization": f"Bearer {fresh_sandbox.token(ANNA, 'dataverse')}"}
    for table in ("emails", "appointments"):
        http.post(
            f"/dataverse/api/data/v9.2/{table}",
            headers=headers,
            json={
                "subject": f"Saved among {table}",
                "scheduledstart": "2026-03-10T10:00:00Z",
                "scheduledend": "2026-03-10T11:00:00Z",
            }
            if table == "appointments"
            else {"subject": f"Saved among {table}"},
        ).raise_for_status()
    shown = page(http)
    assert "Saved among emails" in shown
    assert "Saved among appointments" in shown


def test_it_shows_what_was_saved_in_salesforce(fresh_sandbox: Running, http: httpx.Client) -> None:
    headers = {"authorization": f"Bearer {fresh_sandbox.token(ANNA, 'salesforce')}"}
    event = {
        "Subject": "Saved among events",
        "StartDateTime": "2026-03-10T10:00:00Z",
        "EndDateTime": "2026-03-10T11:00:00Z",
    }
    http.post("/services/data/v64.0/sobjects/Event", headers=headers, json=event).raise_for_status()
    assert "Saved among events" in page(http)


def test_it_shows_who_is_told_of_changes(fresh_sandbox: Running, http: httpx.Client) -> None:
    with receiving() as receiver:
        Subscriber(fresh_sandbox, receiver).subscribe()
        assert f"{receiver.url}/told" in page(http)


def test_it_shows_faults_and_calls_but_not_its_own(
    fresh_sandbox: Running, http: httpx.Client
) -> None:
    http.get(f"/entra/{TENANT}/discovery/v2.0/keys")
    fresh_sandbox.fault(service="graph", status=503, times=3)
    before = fresh_sandbox.requests()
    shown = page(http)
    assert f"/entra/{TENANT}/discovery/v2.0/keys" in shown
    assert "503" in shown
    assert fresh_sandbox.requests() == before
    fresh_sandbox.clear_faults()
