"""Saves that were put off, through the running app: its host, real queues, and each CRM."""

import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from azure.storage.queue import QueueClient

from sandbox.dataverse.sample import user_id
from sandbox.salesforce.ids import derive_id
from shared.ledger.receipts import TABLE
from shared.receipts import new_id
from shared.saving.queueing import QUEUE
from tests.contract.mailbox_items import Appointment, Enclosure, Mail
from tests.following.running_app import ANNA, BERND, CRMS, SALES, App, email, meeting
from tests.sandbox.host.host_process import wait_until

pytestmark = pytest.mark.long

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


with_one_crm = pytest.mark.parametrize("app", CRMS[:1], indirect=True)
"""For what is no CRM's own; each of these tests starts processes."""


def mail(app: App, mailbox: str = ANNA, **fields: Any) -> dict[str, str]:
    return email(app.sandbox.deliver_mail(Mail(**fields).source(), mailbox))


def save(app: App, item: dict[str, str], who: str = ANNA, **fields: Any) -> httpx.Response:
    return app.call("POST", "activities", who, {"item": item, **fields})


def row(app: App, receipt: str) -> dict[str, Any]:
    return next(one for one in app.rows(TABLE) if one["RowKey"] == receipt)


def deliver(app: App, receipt: str, times: int = 1) -> None:
    """Sends its message, as the queue does."""
    key = {"owner": row(app, receipt)["PartitionKey"], "receipt": receipt}
    app.put(QUEUE, *[json.dumps(key)] * times)


def clear_queue(app: App) -> None:
    with QueueClient.from_connection_string(app.storage, QUEUE) as queue:
        queue.clear_messages()


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
    before = set(app.emails())
    item = mail(app, **SECRET_MAIL)
    with app.running():
        app.sandbox.fault(service=app.crm, **fault)
        receipt = put_off(save(app, item))
        assert app.receipt(receipt) == {"receipt": receipt, "status": "queued"}
        app.sandbox.clear_faults()
        told = app.outcome(receipt)
        assert told["status"] == "saved", told
        assert "problem" not in told
        (made,) = [one for id_, one in app.emails().items() if id_ not in before]
        assert owner_is(app, made, ANNA)
        assert told["activity"]["subject"] == "s3cret-subject"
        assert told["activity"]["savedBy"]["email"] == ANNA
        assert file_names(told["activity"]) == FILES[app.crm]
        notices = {one["code"] for one in told["activity"]["notices"]}
        assert ("attachments_rejected" in notices) == (app.crm == "dataverse")
        again = save(app, item)
        assert (again.status_code, again.json()["id"]) == (200, told["activity"]["id"])
    assert len(app.emails()) == len(before) + 1


@with_one_crm
def test_a_meeting_is_put_off_too(app: App) -> None:
    id_ = app.sandbox.deliver_meeting(Appointment().calendar(), ANNA)
    with app.running():
        app.sandbox.fault(service=app.crm, status=503)
        receipt = put_off(save(app, meeting(id_)))
        app.sandbox.clear_faults()
        assert app.outcome(receipt)["activity"]["kind"] == "meeting"


@with_one_crm
def test_neither_queue_nor_table_holds_anything_of_the_item_or_the_person(app: App) -> None:
    item = mail(app, **SECRET_MAIL)
    with app.running(AzureFunctionsJobHost__extensions__queues__visibilityTimeout="00:00:05"):
        app.sandbox.fault(service=app.crm, status=503)
        receipt = put_off(save(app, item))
        wait_until(lambda: "finish_save' (Failed" in app.log)
        time.sleep(0.5)
    wait_until(lambda: app.peek(QUEUE))
    queued = "".join(app.peek(QUEUE))
    assert receipt in queued
    kept = repr(row(app, receipt))
    log = app.log
    for text in (kept, log, queued):
        assert not any(secret in text for secret in SECRETS)
        assert "@" not in text
        assert "eyJ" not in text
    with app.running():
        app.sandbox.clear_faults()
        assert app.outcome(receipt)["status"] == "saved"
    kept = repr(row(app, receipt))
    assert not any(secret in kept for secret in SECRETS)
    assert "@" not in kept


@with_one_crm
def test_a_service_that_asks_to_wait_is_left_alone_until_then(app: App) -> None:
    item = mail(app)
    with app.running():
        app.sandbox.fault(service=app.crm, status=429, headers={"Retry-After": "6"})
        receipt = put_off(save(app, item))
        app.sandbox.clear_faults()
        assert app.outcome(receipt)["status"] == "saved"
        calls = app.sandbox.requests(app.crm)
        refused = [call["status"] for call in calls].index(429)
        first, second = (datetime.fromisoformat(call["at"]) for call in calls[refused:][:2])
        assert second - first > timedelta(seconds=3)  # counted from when the save began


def test_a_refusal_is_the_receipts_end_and_the_admins_event(app: App) -> None:
    ghost = "5d0c1a52-0000-4000-8000-000000000000"
    id_ = ghost if app.crm == "dataverse" else "001000000000001AAA"
    with app.running():
        app.sandbox.fault(service=app.crm, status=503)
        receipt = put_off(save(app, mail(app), links=[{"type": "account", "id": id_}]))
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
        receipt = put_off(save(app, mail(app)))
        wait_until(lambda: "deferred_save_put_back" in app.log)
        assert app.receipt(receipt) == {"receipt": receipt, "status": "queued"}
        app.sandbox.clear_faults()
        assert app.outcome(receipt)["status"] == "saved"
    assert "deferred_save_failed" not in app.log


@with_one_crm
def test_nobody_else_sees_a_receipt(app: App) -> None:
    with app.running():
        app.sandbox.fault(service=app.crm, status=503)
        receipt = put_off(save(app, mail(app)))
        forged = receipt[:-1] + ("0" if receipt[-1] != "0" else "1")
        for id_, who in ((receipt, BERND), (forged, ANNA), ("x", ANNA), ("a-b-c", ANNA)):
            answer = app.call("GET", f"receipts/{id_}", who)
            assert (answer.status_code, answer.json()["code"]) == (404, "record_not_found")
        assert app.call("GET", "receipts/x'%20or%20true").status_code == 422
        nobody = httpx.get(f"http://127.0.0.1:{app.ports[0]}/api/receipts/{receipt}")
        assert nobody.status_code == 401


@with_one_crm
def test_forged_and_unreadable_messages_do_nothing(app: App) -> None:
    before = len(app.emails())
    anna = next(e.oid for e in app.sandbox.world.company.employees if e.address == ANNA)
    bodies = (
        "not json",
        "{}",
        json.dumps({"owner": anna, "receipt": new_id(datetime.now(UTC))}),
        json.dumps({"owner": str(uuid.uuid4()), "receipt": "' or true"}),
    )
    with app.running():
        app.sandbox.fault(service=app.crm, status=503)
        receipt = put_off(save(app, mail(app)))
        app.sandbox.clear_faults()
        bernd = next(e.oid for e in app.sandbox.world.company.employees if e.address == BERND)
        app.put(QUEUE, *bodies, json.dumps({"owner": bernd, "receipt": receipt}))
        assert app.outcome(receipt)["status"] == "saved"
        wait_until(lambda: app.peek(QUEUE) == [])
    assert len(app.emails()) == before + 1
    assert app.peek(f"{QUEUE}-poison") == []


def test_ten_deliveries_at_once_make_one_record(app: App) -> None:
    before = len(app.emails())
    item = mail(app, **SECRET_MAIL)
    app.sandbox.fault(service=app.crm, status=503)
    with app.running():
        receipt = put_off(save(app, item))
    app.sandbox.clear_faults()
    deliver(app, receipt, 10)
    with app.running():
        assert app.outcome(receipt)["status"] == "saved"
        wait_until(lambda: app.peek(QUEUE) == [])
        saved = app.outcome(receipt)["activity"]
        assert file_names(saved) == FILES[app.crm]
    assert len(app.emails()) == before + 1


def test_a_worker_that_is_killed_at_any_call_leaves_the_save_to_the_next(app: App) -> None:
    item = mail(app, **SECRET_MAIL)
    before = len(app.emails())
    with app.running():
        app.sandbox.fault(service=app.crm, status=503)
        receipt = put_off(save(app, item))
    app.sandbox.clear_faults()
    for service in ("entra", "graph", app.crm):
        app.sandbox.fault(service=service, delayMs=60)
    for calls in (2, 4, 5, 6):
        done = len(app.sandbox.requests())
        clear_queue(app)
        deliver(app, receipt)
        with app.running():
            end = time.monotonic() + 120
            while len(app.sandbox.requests()) < done + calls and time.monotonic() < end:
                if row(app, receipt)["Status"] != "queued":
                    break
                time.sleep(0.002)
            app.kill()
    app.sandbox.clear_faults()
    time.sleep(0.2)
    clear_queue(app)
    deliver(app, receipt)
    with app.running():
        told = app.outcome(receipt)
        assert told["status"] == "saved", told
        assert file_names(told["activity"]) == FILES[app.crm]
    assert len(app.emails()) == before + 1


@with_one_crm
def test_where_background_access_is_not_set_up_nothing_is_half_done(app: App) -> None:
    before = len(app.emails())
    item = mail(app)
    with app.running(THREADLINE_BACKGROUND="", THREADLINE_CALLBACK_URL=""):
        app.sandbox.fault(service=app.crm, status=503, headers={"Retry-After": "7"})
        answer = save(app, item)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "7"
        assert answer.json()["retryAfter"] == 7
        assert app.peek(QUEUE) == []
        app.sandbox.clear_faults()
        assert save(app, item).status_code == 201
    assert len(app.emails()) == before + 1


@with_one_crm
def test_a_mailbox_that_is_down_puts_nothing_off(app: App) -> None:
    item = mail(app)
    with app.running():
        app.sandbox.fault(service="graph", status=503)
        answer = save(app, item)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        app.sandbox.clear_faults()
        assert app.peek(QUEUE) == []


def test_a_shared_mailbox_is_read_again_by_its_name(app: App) -> None:
    item = {**mail(app, SALES), "mailbox": SALES}
    with app.running():
        app.sandbox.fault(service=app.crm, status=503)
        receipt = put_off(save(app, item))
        app.sandbox.clear_faults()
        told = app.outcome(receipt)
        assert told["status"] == "saved", told
        assert told["activity"]["savedBy"]["email"] == ANNA


def test_a_save_that_another_one_overtook_is_told_as_saved(app: App) -> None:
    before = len(app.emails())
    with app.running():
        app.sandbox.fault(service=app.crm, status=503)
        receipts = [put_off(save(app, mail(app))), put_off(save(app, mail(app, BERND), BERND))]
        app.sandbox.clear_faults()
        first, second = (
            app.outcome(receipt, who=who)
            for receipt, who in zip(receipts, (ANNA, BERND), strict=True)
        )
    assert first["activity"]["id"] == second["activity"]["id"]
    assert len(app.emails()) == before + 1
