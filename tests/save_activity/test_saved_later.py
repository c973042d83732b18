"""Drafts, conversations, series and shared mailboxes through the running app, its queues and
tables."""

import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from sandbox.running import Running
from sandbox.salesforce.ids import derive_id
from shared.saving.queueing import QUEUE
from tests.contract.mailbox_items import Appointment, Mail
from tests.following.running_app import (
    ANNA,
    BERND,
    CRMS,
    SALES,
    App,
    codes,
    email,
    meeting,
)
from tests.sandbox.host.host_process import wait_until

pytestmark = pytest.mark.long

CUSTOMER = ("Jan Nowak", "jan.nowak@customer.example")

with_one_crm = pytest.mark.parametrize("app", CRMS[:1], indirect=True)
"""For what is no CRM's own; each of these tests starts processes."""


def draft(sandbox: Running, **fields: Any) -> dict[str, str]:
    mail = Mail(sender=("Anna", ANNA), to=(CUSTOMER,), message_id=None, **fields)
    return email(sandbox.deliver_mail(mail.source(), ANNA, "drafts"))


def conversation(app: App, count: int, mailbox: str = ANNA) -> list[str]:
    """The Graph ids of a thread between Anna and a customer, oldest first."""
    ids = []
    for n in range(count):
        before = tuple(f"<c{m}@customer.example>" for m in range(n))
        mail = Mail(
            subject=f"Message {n}",
            message_id=f"<c{n}@customer.example>",
            in_reply_to=before[-1] if before else None,
            references=before,
        )
        ids.append(app.sandbox.deliver_mail(mail.source(), mailbox))
    return ids


def stop(app: App, item: dict[str, str], who: str = ANNA) -> httpx.Response:
    query = {"kind": item["kind"], "mailbox": item["mailbox"], "item": item["id"]}
    return app.call("DELETE", "following", who, **query)


def test_a_draft_is_saved_once_it_is_sent_with_what_was_sent(app: App) -> None:
    before = len(app.emails())
    with app.running():
        item = draft(app.sandbox, subject="A first thought")
        told = app.save(item)
        assert told == {"receipt": told["receipt"], "status": "pending_send"}
        assert app.receipt(told["receipt"]) == told
        again = app.save(item)
        assert again == told
        wait_until(lambda: app.is_told(ANNA))
        app.sandbox.change_message(item["id"], subject="What was sent")
        app.sandbox.send_draft(item["id"])
        done = app.outcome(told["receipt"])
        assert done["status"] == "saved", done
        assert done["activity"]["subject"] == "What was sent"
        assert {"draft_sent", "following"} <= codes(done["activity"])
        assert done["activity"]["savedBy"]["email"] == ANNA
    assert len(app.emails()) == before + 1


@with_one_crm
def test_a_discarded_draft_ends_its_receipt(app: App) -> None:
    with app.running():
        item = draft(app.sandbox)
        told = app.save(item)
        wait_until(lambda: app.is_told(ANNA))
        app.sandbox.move_message(item["id"], "deleteditems")
        done = app.outcome(told["receipt"])
        assert done["status"] == "failed"
        assert done["problem"]["code"] == "item_not_found"


@with_one_crm
def test_a_draft_that_is_not_wanted_any_more_is_not_saved(app: App) -> None:
    before = len(app.emails())
    with app.running():
        item = draft(app.sandbox)
        told = app.save(item)
        wait_until(lambda: app.is_told(ANNA))
        assert stop(app, item).json() == {"following": False}
        assert app.receipt(told["receipt"])["problem"]["code"] == "not_saved"
        app.sandbox.send_draft(item["id"])
        app.settle()
    assert len(app.emails()) == before


def test_a_conversation_is_saved_whole_with_progress(app: App) -> None:
    before = len(app.emails())
    ids = conversation(app, 12)
    with app.running():
        told = app.save(email(ids[4]), scope="conversation")
        assert told["status"] == "queued"
        done = app.outcome(told["receipt"])
        assert done["status"] == "saved", done
        assert done["progress"] == {"done": 12, "total": 12}
        assert done["activity"]["subject"] == "Message 4"
        assert {"conversation_saved", "following"} <= codes(done["activity"])
        found = app.find(email(ids[9]))
        assert found is not None
        assert {"conversation", "following"} <= codes(found)
        assert len(app.emails()) == before + 12
        again = app.outcome(app.save(email(ids[0]), scope="conversation")["receipt"])
        assert again["status"] == "saved"
        assert len(app.emails()) == before + 12


def test_a_conversation_survives_workers_that_die_and_a_crm_that_is_down(
    app: App,
) -> None:
    before = len(app.emails())
    ids = conversation(app, 40)

    def are_saved(many: int) -> bool:
        return len(app.emails()) - before >= many

    with app.running():
        app.sandbox.fault(service=app.crm, delayMs=40)
        receipt = app.save(email(ids[0]), scope="conversation")["receipt"]
        for reached in (3, 11):
            wait_until(partial(are_saved, reached))
            app.kill(0)
            app.start(0)
        wait_until(partial(are_saved, 20))
        app.sandbox.clear_faults()
        app.sandbox.fault(service=app.crm, status=503)
        time.sleep(2)
        assert app.receipt(receipt)["status"] == "queued"
        app.sandbox.clear_faults()
        done = app.outcome(receipt)
        assert done["status"] == "saved", done
        assert done["progress"] == {"done": 40, "total": 40}
    assert len(app.emails()) == before + 40


@with_one_crm
def test_a_series_that_the_crm_could_not_take_whole_is_finished_later(app: App) -> None:
    today = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0, tzinfo=None)
    start = today + timedelta(days=3)
    series = app.sandbox.deliver_meeting(Appointment(weeks=6, start=start).calendar(), ANNA)
    before = len(app.meetings())
    with app.running():
        app.sandbox.fault(service=app.crm, delayMs=300)
        breaker = threading.Timer(1.0, lambda: app.sandbox.fault(service=app.crm, status=503))
        breaker.start()
        told = app.save(meeting(series), scope="series")
        breaker.join()
        assert told["status"] == "queued"
        app.sandbox.clear_faults()
        done = app.outcome(told["receipt"])
        assert done["status"] == "saved", done
        assert "series_saved" in codes(done["activity"])
        assert len(app.meetings()) == before + 6
        wait_until(lambda: app.is_told(ANNA, "events"))
        found = app.find(meeting(series))
        assert found is not None
        assert {"following", "series"} <= codes(found)
        assert stop(app, meeting(series)).status_code == 200
        found = app.find(meeting(series))
        assert found is not None
        assert "following" not in codes(found)


def test_a_shared_mailbox_is_saved_from_found_in_suggested_for_and_followed(
    app: App,
) -> None:
    mail = Mail(to=(("Sales", SALES),))
    item = email(app.sandbox.deliver_mail(mail.source(), SALES), SALES)
    with app.running():
        saved = app.follow(item)
        assert {"shared_mailbox", "following"} <= codes(saved)
        text = next(n["text"] for n in saved["notices"] if n["code"] == "shared_mailbox")
        assert SALES in text
        assert "Anna Kowalska" in text
        assert app.find(item) == app.save(item)
        suggested = app.call("POST", "links/suggest", ANNA, {"item": item})
        assert suggested.status_code == 200, suggested.text
        colleague = email(app.sandbox.deliver_mail(mail.source(), BERND))
        found = app.find(colleague, BERND)
        assert found is not None
        assert "shared_mailbox" in codes(found)
        answer = Mail(
            sender=CUSTOMER,
            to=(("Sales", SALES),),
            message_id="<answer@customer.example>",
            in_reply_to="<offer-1@customer.example>",
            references=("<offer-1@customer.example>",),
        )
        reply = email(app.sandbox.deliver_mail(answer.source(), SALES), SALES)
        app.settle()
        told = app.find(reply)
        assert told is not None
        assert {"followed_thread", "shared_mailbox", "following"} <= codes(told)
        assert stop(app, reply).json() == {"following": False}
        told = app.find(item)
        assert told is not None
        assert "following" not in codes(told)


def test_what_follows_keeps_up_with_edits_and_removals_of_the_record(app: App) -> None:
    account, other = (
        {"type": "account", "id": one.id if app.crm == "dataverse" else derive_id("001", one.id)}
        for one in app.sandbox.world.company.accounts[:2]
    )
    sent = Mail(sender=("Anna", ANNA), to=(CUSTOMER,), message_id="<sent@contoso.example>")

    def answer(number: int) -> dict[str, str]:
        mail = Mail(
            message_id=f"<answer-{number}@customer.example>",
            in_reply_to="<sent@contoso.example>",
            references=("<sent@contoso.example>",),
        )
        return email(app.sandbox.deliver_mail(mail.source(), ANNA))

    with app.running():
        item = email(app.sandbox.deliver_mail(sent.source(), ANNA, "sentitems"))
        saved = app.follow(item, links=[account])
        edited = app.call("PATCH", f"activities/email/{saved['id']}", ANNA, {"links": [other]})
        assert edited.status_code == 200, edited.text
        first = answer(1)
        app.settle()
        found = app.find(first)
        assert found is not None
        assert [link["id"].lower() for link in found["links"]] == [other["id"].lower()]
        gone = app.call("DELETE", f"activities/email/{edited.json()['id']}", ANNA)
        assert gone.status_code == 200, gone.text
        second = answer(2)
        app.settle()
        assert app.find(second) is None


@with_one_crm
def test_without_rights_to_a_shared_mailbox_nothing_is_told(app: App) -> None:
    item = email(app.sandbox.deliver_mail(Mail().source(), SALES), SALES)
    with app.running():
        query = {"kind": "email", "mailbox": SALES, "item": item["id"]}
        answers = [
            app.call("POST", "activities", BERND, {"item": item}),
            app.call("POST", "activities", BERND, {"item": item, "scope": "conversation"}),
            app.call("GET", "activities", BERND, **query),
            app.call("POST", "links/suggest", BERND, {"item": item}),
            stop(app, item, BERND),
        ]
        assert [answer.status_code for answer in answers] == [403] * 5
        assert {answer.json()["code"] for answer in answers} == {"forbidden"}
    assert app.peek(QUEUE) == []


@with_one_crm
def test_where_mailboxes_are_not_followed_drafts_are_refused_and_the_rest_saved(
    app: App,
) -> None:
    with app.running(THREADLINE_CALLBACK_URL=""):
        refused = app.call("POST", "activities", ANNA, {"item": draft(app.sandbox)})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
        mail = email(app.sandbox.deliver_mail(Mail().source(), ANNA))
        saved = app.save(mail, follow=True)
        assert codes(saved) == {"follow_unavailable"}
        assert codes(app.save(mail)) == set()
    assert app.rows("followed") == []


@with_one_crm
def test_neither_queues_nor_tables_hold_anything_of_items_or_people(app: App) -> None:
    secret = {"subject": "s3cret-subject", "html": "<p>s3cret-body</p>"}
    with app.running():
        app.follow(email(app.sandbox.deliver_mail(Mail(**secret).source(), ANNA)))  # type: ignore[arg-type]
        app.save(draft(app.sandbox, **secret))
        ids = conversation(app, 3)
        app.outcome(app.save(email(ids[0]), scope="conversation")["receipt"])
        app.settle()
        kept = app.every_row()
        for text in (kept, app.log):
            assert "s3cret" not in text
            assert "customer.example" not in text
            assert ANNA not in text
