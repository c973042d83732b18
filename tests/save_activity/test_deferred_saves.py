"""Saves that were put off, through the running app: its host, real queues, and each CRM."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient
from azure.storage.queue import QueueClient

from sandbox.app_settings import app_settings
from sandbox.dataverse.sample import user_id
from sandbox.running import Running
from sandbox.salesforce.ids import derive_id
from save_activity.trigger import QUEUE
from shared.ledger.receipts import TABLE
from shared.receipts import new_id
from tests.contract.mailbox_items import Appointment, Enclosure, Mail
from tests.sandbox.host.host_process import ROOT, answers, free_port, wait_until

ANNA = "anna.kowalska@contoso.example"
BERND = "bernd.schaefer@contoso.example"
CRMS = ("dataverse", "salesforce")
SALES = "sales@contoso.example"
SECRETS = ("s3cret-subject", "s3cret-body", "s3cret-sender", "s3cret-file", "s3cret-name")
SECRET_MAIL: dict[str, Any] = {
    "subject": "s3cret-subject",
    "html": "<p>s3cret-body</p>",
    "sender": ("s3cret-name", "s3cret-sender@customer.example"),
    "enclosures": (
        Enclosure("s3cret-file.txt", b"abc", "text/plain"),
        Enclosure("s3cret-file.exe", b"MZ"),
    ),
}

FILES = {
    "dataverse": ["s3cret-file.txt"],  # it blocks .exe
    "salesforce": ["s3cret-file.exe", "s3cret-file.txt"],
}


@dataclass
class App:
    """The app, started and killed as the test likes."""

    sandbox: Running
    storage: str
    crm: str
    state: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)

    @contextmanager
    def running(self, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
        quick = {"AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:01"}
        env = (
            dict(os.environ)
            | app_settings(
                crm=self.crm,
                sandbox_url=self.sandbox.url,
                ca=self.sandbox.ca,
                storage=self.storage,
            )
            | {"THREADLINE_PATIENCE": "3"}
            | quick
            | self.settings
            | settings
        )
        host = [sys.executable, "-m", "sandbox.host", "--port", str(self.port)]
        with (self.state / "host.log").open("ab") as log:
            process = subprocess.Popen(
                [*host, "--state", str(self.state)], cwd=ROOT, env=env, stdout=log, stderr=log
            )
        try:
            wait_until(lambda: answers(self.port))
            yield process
        finally:
            process.kill()
            process.wait()

    @property
    def log(self) -> str:
        return (self.state / "host.log").read_text()

    def save(self, item: dict[str, str], who: str = ANNA, **fields: Any) -> httpx.Response:
        return self._call("POST", "activities", who, {"item": item, **fields})

    def receipt(self, id_: str, who: str = ANNA) -> httpx.Response:
        return self._call("GET", f"receipts/{id_}", who)

    def outcome(self, id_: str, who: str = ANNA) -> dict[str, Any]:
        """The receipt once it has one."""
        found: dict[str, Any] = {}

        def over() -> bool:
            answer = self.receipt(id_, who)
            assert answer.status_code == 200, answer.text
            found.update(answer.json())
            return found["status"] != "queued"

        wait_until(over)
        return found

    def mail(self, mailbox: str = ANNA, **fields: Any) -> dict[str, str]:
        id_ = self.sandbox.deliver_mail(Mail(**fields).source(), mailbox)
        return {"kind": "email", "mailbox": "me", "id": id_}

    def meeting(self) -> dict[str, str]:
        id_ = self.sandbox.deliver_meeting(Appointment().calendar(), ANNA)
        return {"kind": "meeting", "mailbox": "me", "id": id_}

    def emails(self) -> list[Any]:
        table = "email" if self.crm == "dataverse" else "EmailMessage"
        return self.sandbox.world.store.all(self.crm, table)

    def queue(self, suffix: str = "") -> QueueClient:
        return QueueClient.from_connection_string(self.storage, f"{QUEUE}{suffix}")

    def waiting(self, suffix: str = "") -> list[bytes]:
        """The messages that the queue shows, in the clear."""
        with suppress(ResourceNotFoundError):
            found = self.queue(suffix).peek_messages(max_messages=32)
            return [base64.b64decode(message.content) for message in found]
        return []

    def deliver(self, receipt: str, times: int = 1) -> None:
        """Sends its message: the queue keeps those of a killed worker back for ten minutes."""
        key = {"owner": self.row(receipt)["PartitionKey"], "receipt": receipt}
        for _ in range(times):
            self.queue().send_message(base64.b64encode(json.dumps(key).encode()).decode())

    def row(self, id_: str) -> dict[str, Any]:
        with TableClient.from_connection_string(self.storage, TABLE) as table:
            return dict(next(iter(table.query_entities(f"RowKey eq '{id_}'"))))

    def _call(self, method: str, path: str, who: str, body: Any = None) -> httpx.Response:
        return httpx.request(
            method,
            f"http://127.0.0.1:{self.port}/api/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.sandbox.token(who)}"},
            timeout=60,
        )


@pytest.fixture(params=CRMS)
def app(
    request: pytest.FixtureRequest, fresh_sandbox: Running, storage: str, tmp_path: Path
) -> App:
    made = App(fresh_sandbox, storage, request.param, tmp_path)
    for suffix in ("", "-poison"):
        with suppress(ResourceNotFoundError):
            made.queue(suffix).clear_messages()
    return made


with_one_crm = pytest.mark.parametrize("app", CRMS[:1], indirect=True)
"""For what is no CRM's own; each of these tests starts processes."""


def put_off(answer: httpx.Response) -> str:
    assert answer.status_code == 202, answer.text
    assert set(answer.json()) == {"receipt", "status"}
    assert answer.json()["status"] == "queued"
    receipt: str = answer.json()["receipt"]
    return receipt


def file_names(activity: dict[str, Any]) -> list[str]:
    return sorted(one["name"] for one in activity["attachments"]["saved"])


def owner_is(app: App, row: Any, address: str) -> bool:
    if app.crm == "salesforce":
        return bool(row["CreatedById"] == derive_id("005", address))
    user = ["systemuser", user_id(address)]
    return bool(row["ownerid"] == user and row["createdby"] == user)


@pytest.mark.parametrize("fault", [{"status": 503}, {"drop": "before"}], ids=["503", "drop"])
def test_what_the_crm_could_not_take_is_saved_as_the_user_when_it_is_back(
    app: App, fault: dict[str, Any]
) -> None:
    before = len(app.emails())
    item = app.mail(**SECRET_MAIL)
    with app.running():
        app.sandbox.fault(service=app.crm, **fault)
        receipt = put_off(app.save(item))
        assert app.receipt(receipt).json() == {"receipt": receipt, "status": "queued"}
        app.sandbox.clear_faults()
        told = app.outcome(receipt)
        assert told["status"] == "saved", told
        assert "problem" not in told
        (row,) = app.emails()[before:]
        assert owner_is(app, row, ANNA)
        assert told["activity"]["subject"] == "s3cret-subject"
        assert told["activity"]["savedBy"]["email"] == ANNA
        assert file_names(told["activity"]) == FILES[app.crm]
        notices = {one["code"] for one in told["activity"]["notices"]}
        assert ("attachments_rejected" in notices) == (app.crm == "dataverse")
        again = app.save(item)
        assert (again.status_code, again.json()["id"]) == (200, told["activity"]["id"])
    assert len(app.emails()) == before + 1


@with_one_crm
def test_a_meeting_is_put_off_too(app: App) -> None:
    with app.running():
        app.sandbox.fault(service=app.crm, status=503)
        receipt = put_off(app.save(app.meeting()))
        app.sandbox.clear_faults()
        assert app.outcome(receipt)["activity"]["kind"] == "meeting"


@with_one_crm
def test_neither_queue_nor_table_holds_anything_of_the_item_or_the_person(app: App) -> None:
    item = app.mail(**SECRET_MAIL)
    with app.running(AzureFunctionsJobHost__extensions__queues__visibilityTimeout="00:00:05"):
        app.sandbox.fault(service=app.crm, status=503)
        receipt = put_off(app.save(item))
        wait_until(lambda: "finish_save' (Failed" in app.log)
        time.sleep(0.5)
    wait_until(app.waiting)
    queued = b"".join(app.waiting()).decode()
    assert receipt in queued
    kept = repr(app.row(receipt))
    log = app.log
    for text in (kept, log, queued):
        assert not any(secret in text for secret in SECRETS)
        assert "@" not in text
        assert "eyJ" not in text
    with app.running():
        app.sandbox.clear_faults()
        assert app.outcome(receipt)["status"] == "saved"
    kept = repr(app.row(receipt))
    assert not any(secret in kept for secret in SECRETS)
    assert "@" not in kept


@with_one_crm
def test_a_service_that_asks_to_wait_is_left_alone_until_then(app: App) -> None:
    item = app.mail()
    with app.running():
        app.sandbox.fault(service=app.crm, status=429, headers={"Retry-After": "6"})
        receipt = put_off(app.save(item))
        app.sandbox.clear_faults()
        assert app.outcome(receipt)["status"] == "saved"
        calls = app.sandbox.requests(app.crm)
        refused = [call["status"] for call in calls].index(429)
        first, second = (datetime.fromisoformat(call["at"]) for call in calls[refused:][:2])
        assert second - first > timedelta(seconds=5.9)


def test_a_refusal_is_the_receipts_end_and_the_admins_event(app: App) -> None:
    ghost = "5d0c1a52-0000-4000-8000-000000000000"
    id_ = ghost if app.crm == "dataverse" else "001000000000001AAA"
    with app.running():
        app.sandbox.fault(service=app.crm, status=503)
        receipt = put_off(app.save(app.mail(), links=[{"type": "account", "id": id_}]))
        app.sandbox.clear_faults()
        told = app.outcome(receipt)
        assert told["status"] == "failed"
        assert told["problem"]["code"] == "record_not_found"
        assert told["problem"]["detail"]
        assert "activity" not in told
    events = [line for line in app.log.splitlines() if receipt in line]
    assert sum("deferred_save_failed" in line for line in events) == 1


@with_one_crm
def test_what_the_queue_gives_up_is_put_back_and_saved_in_the_end(app: App) -> None:
    tries = {"AzureFunctionsJobHost__extensions__queues__maxDequeueCount": "2"}
    with app.running(**tries):
        app.sandbox.fault(service=app.crm, status=503)
        receipt = put_off(app.save(app.mail()))
        wait_until(lambda: "deferred_save_put_back" in app.log)
        assert app.receipt(receipt).json() == {"receipt": receipt, "status": "queued"}
        app.sandbox.clear_faults()
        assert app.outcome(receipt)["status"] == "saved"
    assert "deferred_save_failed" not in app.log


@with_one_crm
def test_nobody_else_sees_a_receipt(app: App) -> None:
    with app.running():
        app.sandbox.fault(service=app.crm, status=503)
        receipt = put_off(app.save(app.mail()))
        forged = receipt[:-1] + ("0" if receipt[-1] != "0" else "1")
        for id_, who in ((receipt, BERND), (forged, ANNA), ("x", ANNA), ("a-b-c", ANNA)):
            answer = app.receipt(id_, who)
            assert (answer.status_code, answer.json()["code"]) == (404, "record_not_found")
        assert app.receipt("x'%20or%20true", ANNA).status_code == 422
        assert httpx.get(f"http://127.0.0.1:{app.port}/api/receipts/{receipt}").status_code == 401


@with_one_crm
def test_forged_and_unreadable_messages_do_nothing(app: App) -> None:
    before = len(app.emails())
    anna = next(e.oid for e in app.sandbox.world.company.employees if e.address == ANNA)
    bodies = (
        b"not json",
        b"{}",
        json.dumps({"owner": anna, "receipt": new_id(datetime.now(UTC))}).encode(),
        json.dumps({"owner": str(uuid.uuid4()), "receipt": "' or true"}).encode(),
    )
    with app.running():
        app.sandbox.fault(service=app.crm, status=503)
        receipt = put_off(app.save(app.mail()))
        app.sandbox.clear_faults()
        bernd = next(e.oid for e in app.sandbox.world.company.employees if e.address == BERND)
        for body in (*bodies, json.dumps({"owner": bernd, "receipt": receipt}).encode()):
            app.queue().send_message(base64.b64encode(body).decode())
        assert app.outcome(receipt)["status"] == "saved"
        wait_until(lambda: app.waiting() == [])
    assert len(app.emails()) == before + 1
    assert app.waiting("-poison") == []


def test_ten_deliveries_at_once_make_one_record(app: App) -> None:
    before = len(app.emails())
    item = app.mail(**SECRET_MAIL)
    app.sandbox.fault(service=app.crm, status=503)
    with app.running():
        receipt = put_off(app.save(item))
    app.sandbox.clear_faults()
    app.deliver(receipt, 10)
    with app.running():
        assert app.outcome(receipt)["status"] == "saved"
        wait_until(lambda: app.waiting() == [])
        saved = app.outcome(receipt)["activity"]
        assert file_names(saved) == FILES[app.crm]
    assert len(app.emails()) == before + 1


def test_a_worker_that_is_killed_at_any_call_leaves_the_save_to_the_next(app: App) -> None:
    item = app.mail(**SECRET_MAIL)
    before = len(app.emails())
    with app.running():
        app.sandbox.fault(service=app.crm, status=503)
        receipt = put_off(app.save(item))
    app.sandbox.clear_faults()
    for service in ("entra", "graph", app.crm):
        app.sandbox.fault(service=service, delayMs=60)
    for calls in (2, 4, 5, 6):
        done = len(app.sandbox.requests())
        app.queue().clear_messages()
        app.deliver(receipt)
        with app.running() as process:
            end = time.monotonic() + 120
            while len(app.sandbox.requests()) < done + calls and time.monotonic() < end:
                if app.row(receipt)["Status"] != "queued":
                    break
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
    app.sandbox.clear_faults()
    time.sleep(0.2)
    app.queue().clear_messages()
    app.deliver(receipt)
    with app.running():
        told = app.outcome(receipt)
        assert told["status"] == "saved", told
        assert file_names(told["activity"]) == FILES[app.crm]
    assert len(app.emails()) == before + 1


@with_one_crm
def test_where_background_access_is_not_set_up_nothing_is_half_done(app: App) -> None:
    before = len(app.emails())
    item = app.mail()
    with app.running(THREADLINE_BACKGROUND=""):
        app.sandbox.fault(service=app.crm, status=503, headers={"Retry-After": "7"})
        answer = app.save(item)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "7"
        assert answer.json()["retryAfter"] == 7
        assert app.waiting() == []
        app.sandbox.clear_faults()
        assert app.save(item).status_code == 201
    assert len(app.emails()) == before + 1


@with_one_crm
def test_a_mailbox_that_is_down_puts_nothing_off(app: App) -> None:
    item = app.mail()
    with app.running():
        app.sandbox.fault(service="graph", status=503)
        answer = app.save(item)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        app.sandbox.clear_faults()
        assert app.waiting() == []


def test_a_shared_mailbox_is_read_again_by_its_name(app: App) -> None:
    item = {**app.mail(SALES), "mailbox": SALES}
    with app.running():
        app.sandbox.fault(service=app.crm, status=503)
        receipt = put_off(app.save(item))
        app.sandbox.clear_faults()
        told = app.outcome(receipt)
        assert told["status"] == "saved", told
        assert told["activity"]["savedBy"]["email"] == ANNA


def test_a_save_that_another_one_overtook_is_told_as_saved(app: App) -> None:
    before = len(app.emails())
    with app.running():
        app.sandbox.fault(service=app.crm, status=503)
        receipts = [put_off(app.save(app.mail())), put_off(app.save(app.mail(BERND), BERND))]
        app.sandbox.clear_faults()
        first, second = (
            app.outcome(receipt, who=who)
            for receipt, who in zip(receipts, (ANNA, BERND), strict=True)
        )
    assert first["activity"]["id"] == second["activity"]["id"]
    assert len(app.emails()) == before + 1
