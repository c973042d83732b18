"""What happens after the click, through the running app with real queues and tables."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox.graph.messages import find_message
from shared.notifications import QUEUE, ItemChanged
from tests.contract.mailbox_items import Appointment, Mail
from tests.following.running_app import (
    ANNA,
    BERND,
    CRMS,
    SALES,
    App,
    arriving,
    codes,
    email,
    meeting,
    path_of,
)
from tests.sandbox.host.host_process import wait_until

pytestmark = pytest.mark.long

CUSTOMER = ("Jan Nowak", "jan.nowak@customer.example")
QUESTION = Mail(sender=CUSTOMER)
with_one_crm = pytest.mark.parametrize("app", CRMS[:1], indirect=True)
"""For what is no CRM's own; each of these tests starts processes."""


def deliver(app: App, mail: Mail, mailbox: str = ANNA) -> dict[str, str]:
    return email(app.sandbox.deliver_mail(arriving(mail), mailbox))


def answer_of(number: int, to: str = ANNA, **fields: Any) -> Mail:
    """The customer's, to the question or what else is named."""
    return Mail(
        **{
            "sender": CUSTOMER,
            "to": (("", to),),
            "subject": "AW: Offer for 40 pumps",
            "message_id": f"<answer-{number}@customer.example>",
            "in_reply_to": QUESTION.message_id,
            "references": (QUESTION.message_id,),
        }
        | fields
    )


def saved_link(activity: dict[str, Any]) -> list[str]:
    return [link["type"] for link in activity["links"]]


def appointments(app: App, subject: str) -> list[Any]:
    name = "subject" if app.crm == "dataverse" else "Subject"
    return [row for row in app.meetings() if str(row[name]).endswith(subject)]


def appointment(app: App, subject: str) -> Any:
    (row,) = appointments(app, subject)
    return row


def is_cancelled(app: App, row: Any) -> bool:
    if app.crm == "dataverse":
        return bool(row["statecode"] == 2)
    return str(row["Subject"]).casefold().startswith("cancel")


def test_a_conversation_goes_on_by_itself(app: App) -> None:
    """From both sides, with the link and the reason, one record each, and no colleague's aside."""
    account = app.sandbox.world.company.accounts[0]
    item = deliver(app, QUESTION)
    with app.running():
        found = app.call("GET", "records", q=account.name, types="account").json()["records"][0]
        first = app.follow(item, links=[{"type": "account", "id": found["id"]}])
        assert "following" in codes(first)
        before = set(app.emails())
        mine = app.sandbox.reply(item["id"], "Gladly.")
        theirs = deliver(app, answer_of(1))
        aside = deliver(
            app,
            answer_of(2, sender=("Bernd", BERND), message_id="<aside@contoso.example>"),
        )
        app.settle()
        found_sent = find_message(app.sandbox.world.store, None, mine)
        assert found_sent is not None
        own_id = found_sent[0]["fields"]["internetMessageId"]
        assert set(app.emails()) - before == {own_id, "<answer-1@customer.example>"}
        for id_ in (mine, theirs["id"]):
            told = app.find(email(id_))
            assert told is not None
            assert saved_link(told) == ["account"]
            assert {"followed_thread", "following"} <= codes(told)
            assert told["savedBy"]["email"] == ANNA
        assert app.find(aside) is None
        again = app.save(theirs)
        assert "followed_thread" in codes(again)
    assert len(app.emails()) == len(before) + 2


def test_a_meeting_is_moved_and_cancelled(app: App) -> None:
    later = datetime.now() + timedelta(days=20)  # noqa: DTZ005  # wall-clock time of the meeting
    planned = Appointment(start=later.replace(hour=10, minute=0, second=0, microsecond=0))
    id_ = app.sandbox.deliver_meeting(planned.calendar(), ANNA)
    with app.running():
        app.follow(meeting(id_))
        row = appointment(app, planned.subject)
        assert not is_cancelled(app, row)
        start = "scheduledstart" if app.crm == "dataverse" else "StartDateTime"
        was = row[start]
        moved = planned.start + timedelta(hours=3)
        app.sandbox.change_event(
            id_,
            start={"dateTime": moved.isoformat(), "timeZone": "Central European Standard Time"},
            end={
                "dateTime": (moved + timedelta(hours=1)).isoformat(),
                "timeZone": "Central European Standard Time",
            },
            location={"displayName": "Room 9"},
        )
        app.settle()
        row = appointment(app, planned.subject)
        assert row[start] != was
        assert row["location" if app.crm == "dataverse" else "Location"] == "Room 9"
        app.sandbox.cancel_event(id_)
        app.settle()
        assert is_cancelled(app, appointment(app, planned.subject))
    assert app.log.count("follow_change' (Failed") == 0


@with_one_crm
def test_a_meeting_that_its_organizer_deletes_is_cancelled(app: App) -> None:
    later = datetime.now() + timedelta(days=20)  # noqa: DTZ005  # wall-clock time of the meeting
    planned = Appointment(start=later.replace(hour=10, minute=0, second=0, microsecond=0))
    id_ = app.sandbox.deliver_meeting(planned.calendar(), ANNA)
    with app.running():
        app.follow(meeting(id_))
        app.sandbox.delete_event(id_)
        app.settle()
        assert is_cancelled(app, appointment(app, planned.subject))


def test_a_series_is_followed_as_a_whole(app: App) -> None:
    later = datetime.now() + timedelta(days=2)  # noqa: DTZ005  # wall-clock time of the meeting
    start = later.replace(hour=10, minute=0, second=0, microsecond=0)
    planned = Appointment(start=start, weeks=4, subject="Weekly")
    id_ = app.sandbox.deliver_meeting(planned.calendar(), ANNA)
    with app.running():
        told = app.follow(meeting(id_), scope="series")
        assert "series_saved" in codes(told)
        app.settle()
        assert len(appointments(app, "Weekly")) == 4
        app.sandbox.change_event(id_, location={"displayName": "Room 9"})
        app.settle()
        place = "location" if app.crm == "dataverse" else "Location"
        assert [row[place] for row in appointments(app, "Weekly")] == ["Room 9"] * 4
        app.sandbox.cancel_event(id_)
        app.settle()
        assert [is_cancelled(app, row) for row in appointments(app, "Weekly")] == [True] * 4


def test_a_draft_is_saved_once_it_is_sent(app: App) -> None:
    draft = Mail(sender=("Anna", ANNA), to=(CUSTOMER,), message_id=None, subject="Our offer")
    id_ = app.sandbox.deliver_mail(draft.source(), ANNA, folder="drafts")
    with app.running():
        told = app.save(email(id_), follow=True)
        assert told["status"] == "pending_send"
        before = len(app.emails())
        wait_until(lambda: app.is_told(ANNA))
        app.sandbox.change_message(id_, subject="Our better offer")
        app.settle()
        assert app.receipt(told["receipt"])["status"] == "pending_send"
        app.sandbox.send_draft(id_)
        done = app.outcome(told["receipt"])
        assert done["status"] == "saved", done
        assert done["activity"]["subject"] == "Our better offer"
        assert "draft_sent" in codes(done["activity"])
        app.settle()
    assert len(app.emails()) == before + 1


@with_one_crm
def test_a_draft_that_is_thrown_away_ends_its_receipt(app: App) -> None:
    draft = Mail(sender=("Anna", ANNA), to=(CUSTOMER,), message_id=None)
    id_ = app.sandbox.deliver_mail(draft.source(), ANNA, folder="drafts")
    with app.running():
        told = app.save(email(id_))
        wait_until(lambda: app.is_told(ANNA))
        app.sandbox.move_message(id_, "deleteditems")
        done = app.outcome(told["receipt"])
    assert (done["status"], done["problem"]["code"]) == ("failed", "item_not_found")
    assert "discarded" in done["problem"]["detail"]


def test_a_shared_mailbox_is_followed_too(app: App) -> None:
    question = deliver(app, Mail(sender=CUSTOMER, to=(("", SALES),)), SALES)
    item = {**question, "mailbox": SALES}
    with app.running():
        app.follow(item)
        deliver(app, answer_of(1, SALES), SALES)
        app.settle()
        assert app.reason("<answer-1@customer.example>") == "followed_thread"
    assert "@" not in json.dumps([row["Id"] for row in app.rows("subscriptions")])


@with_one_crm
def test_a_crm_that_is_down_for_a_while_costs_nothing(app: App) -> None:
    item = deliver(app, QUESTION)
    with app.running():
        app.follow(item)
        app.settle()
        app.sandbox.fault(service=app.crm, status=503)
        deliver(app, answer_of(1))
        wait_until(lambda: "follow_change' (Failed" in app.log)
        assert "<answer-1@customer.example>" not in app.emails()
        app.sandbox.clear_faults()
        app.settle()
    assert app.reason("<answer-1@customer.example>") == "followed_thread"
    assert "<answer-1@customer.example>" in app.emails()


@with_one_crm
def test_what_the_queue_gives_up_is_put_back(app: App) -> None:
    item = deliver(app, QUESTION)
    tries = {"AzureFunctionsJobHost__extensions__queues__maxDequeueCount": "1"}
    with app.running(**tries):
        app.follow(item)
        app.settle()
        app.sandbox.fault(service=app.crm, status=503)
        deliver(app, answer_of(1))
        wait_until(lambda: '"put_back"' in app.log)
        app.sandbox.clear_faults()
        app.settle()
        assert "<answer-1@customer.example>" in app.emails()
        assert "change_lost" not in app.log
        old = datetime.now(UTC) - timedelta(days=8)
        anna = path_of(ANNA, app.sandbox)
        lost = ItemChanged(mailbox=anna, kind="email", at=old, item=item["id"])
        app.put(f"{QUEUE}-poison", lost.model_dump_json(), "not json")
        wait_until(lambda: "change_lost" in app.log)
        wait_until(lambda: "unreadable_message" in app.log)
        app.settle()


@with_one_crm
def test_a_lost_subscription_and_lost_notifications_are_made_good(app: App) -> None:
    item = deliver(app, QUESTION)
    with app.running():
        app.follow(item)
        app.settle()
        app.sandbox.make_mischief(drop=1.0)
        deliver(app, answer_of(1))
        app.settle()
        assert "<answer-1@customer.example>" not in app.emails()
        app.sandbox.make_mischief()
        app.sandbox.lifecycle("missed")
        app.settle()
        assert "<answer-1@customer.example>" in app.emails()
        app.sandbox.lifecycle("subscriptionRemoved")
        app.settle()
        assert len(app.subscriptions(ANNA)) == 1
        deliver(app, answer_of(2))
        app.settle()
        assert "<answer-2@customer.example>" in app.emails()
        (known,) = app.subscriptions(ANNA)
        app.sandbox.lifecycle("reauthorizationRequired")
        app.settle()
        (renewed,) = app.subscriptions(ANNA)
        assert renewed["id"] == known["id"]
        asked = [(call["method"], call["path"]) for call in app.sandbox.requests("graph")]
        # by what was asked: it may all have happened within one second of the expiry's
        assert any(how == "PATCH" and known["id"] in where for how, where in asked)


# Graph's own protocol


def post(app: App, where: str, **parts: Any) -> httpx.Response:
    return httpx.post(f"http://127.0.0.1:{app.ports[0]}/api/graph/{where}", timeout=120, **parts)


@with_one_crm
def test_the_webhooks_prove_themselves_and_take_nothing_from_strangers(app: App) -> None:
    item = deliver(app, QUESTION)
    with app.running():
        for where in ("notifications", "lifecycle"):
            shakes_hands(app, where)
        app.follow(item)
        app.settle()
        forged_and_malformed(app)
        stored = [row["Secret"] for row in app.rows("subscriptions")]
        real = {
            "clientState": stored[0],
            "changeType": "created",
            "resourceData": {"id": item["id"]},
            "subscriptionId": "of another time",
        }
        assert post(app, "notifications", json={"value": [real]}).status_code == 202
        wait_until(lambda: '"outcome": "known"' in app.log)
        app.settle()
    log = app.log
    assert not any(secret in log for secret in stored)
    assert "@customer" not in log
    assert ANNA not in log


def shakes_hands(app: App, where: str) -> None:
    """As Graph asks: encoded, with an empty text body."""
    token = (
        "Validation: Testing client application reachability for subscription+id: a+b/ü%&<script>"
    )
    told = post(app, where, params={"validationToken": token}, content=b"")
    assert (told.status_code, told.text) == (200, token)
    assert told.headers["content-type"].startswith("text/plain")
    assert told.headers["x-content-type-options"] == "nosniff"
    plus = httpx.post(
        f"http://127.0.0.1:{app.ports[0]}/api/graph/{where}?validationToken=a+b%2Bc%20d"
    )
    assert plus.text == "a b+c d"
    assert post(app, where, params={"validationToken": "x" * 5000}).status_code == 400
    assert post(app, where, params={"validationToken": "a\r\nb"}).status_code == 400
    assert httpx.get(told.url).status_code == 404


def forged_and_malformed(app: App) -> None:
    before = app.log.count("follow_change")
    forged = {"clientState": "guessed", "changeType": "created", "resourceData": {"id": "x"}}
    for where in ("notifications", "lifecycle"):
        for body in (b"", b"not json", b"{}", b'{"value": [null, {}, 7]}', b"\xff" * 100):
            assert post(app, where, content=body).status_code == 202
        told = post(app, where, json={"value": [forged, {"lifecycleEvent": "missed", **forged}]})
        assert (told.status_code, told.content) == (202, b"")
    lines = [
        json.loads(line[line.index("{") :]) for line in app.log.splitlines() if "forged" in line
    ]
    assert sum(line["malformed"] for line in lines) >= 10
    assert sum(line["forged"] for line in lines) == 3
    assert sum(line["accepted"] for line in lines if line["forged"] or line["malformed"]) == 0
    assert app.log.count("follow_change") == before


@with_one_crm
def test_a_store_that_is_down_makes_graph_come_again(app: App) -> None:
    item = deliver(app, QUESTION)
    with app.running():
        app.follow(item)
        app.settle()
        secret = app.rows("subscriptions")[0]["Secret"]
    real = {
        "clientState": secret,
        "changeType": "created",
        "resourceData": {"id": item["id"]},
    }
    nowhere = app.storage.replace("TableEndpoint=", "TableEndpoint=http://127.0.0.1:9/x;Unused=")
    assert nowhere != app.storage
    with app.running(THREADLINE_LEDGER=nowhere):
        assert post(app, "notifications", json={"value": [real]}).status_code == 503
        assert post(app, "lifecycle", params={"validationToken": "t"}).status_code == 200


@with_one_crm
def test_where_following_is_switched_off_nothing_is_followed(app: App) -> None:
    item = deliver(app, QUESTION)
    with app.running():
        app.follow(item)
        app.settle()
    with app.running(THREADLINE_CALLBACK_URL=""):
        deliver(app, answer_of(1))
        app.settle()
        app.look_after(path_of(ANNA, app.sandbox))
        app.settle()
        assert "<answer-1@customer.example>" not in app.emails()
    with app.running():
        app.look_after(path_of(ANNA, app.sandbox))
        app.settle()
        assert "<answer-1@customer.example>" in app.emails()
