"""Which changes are told to whom, and in what words."""

from datetime import datetime
from typing import Any

import httpx
import pytest

from sandbox.world import TENANT
from tests.sandbox.graph.graph_world import ANNA, BERND, mime
from tests.sandbox.graph.subscriber import IMMUTABLE, Subscriber
from tests.sandbox.graph.test_graph_events import MOVED, SERIES, calendar

INBOX = f"users/{ANNA}/mailFolders('inbox')/messages"
SENT = f"users/{ANNA}/mailFolders('sentitems')/messages"
EVENTS = f"users/{ANNA}/events"
MEETING = f"""
DTSTART:20260310T100000Z
DTEND:20260310T110000Z
ORGANIZER:mailto:zoe@x.example
ATTENDEE:mailto:{ANNA}
"""


def test_a_mail_that_arrives_is_told_with_all_that_identifies_it(subscriber: Subscriber) -> None:
    made = subscriber.subscribe()
    first = subscriber.sandbox.deliver_mail(mime(), ANNA)
    second = subscriber.sandbox.deliver_mail(mime(Message_ID="<two@x.example>"), ANNA)
    told = subscriber.told()
    assert [t["resourceData"]["id"] for t in told] == [first, second]
    owner = next(p for p in subscriber.sandbox.world.company.employees if p.address == ANNA).oid
    assert {t["resource"] for t in told} == {
        f"Users/{owner}/Messages/{first}",
        f"Users('{owner}')/messages('{second}')",
    }
    expires = datetime.fromisoformat(made["expirationDateTime"])
    for change in told:
        assert change["subscriptionId"] == made["id"]
        assert (change["changeType"], change["clientState"]) == ("created", "secret")
        assert change["tenantId"] == TENANT
        assert datetime.fromisoformat(change["subscriptionExpirationDateTime"]) == expires
        assert change["resourceData"]["@odata.type"] == "#Microsoft.Graph.Message"
        assert change["resourceData"]["@odata.id"] == change["resource"]
        shown = subscriber.get(f"users/{ANNA}/messages/{change['resourceData']['id']}")
        assert change["resourceData"]["@odata.etag"] == shown["@odata.etag"]


def test_the_expiry_comes_with_other_offsets_too(subscriber: Subscriber) -> None:
    subscriber.subscribe()
    for _ in range(3):
        subscriber.sandbox.deliver_mail(mime(), ANNA)
    expiries = [t["subscriptionExpirationDateTime"] for t in subscriber.told()]
    assert any(text.endswith("+05:30") for text in expiries)
    assert len({datetime.fromisoformat(text) for text in expiries}) == 1


def test_ids_are_immutable_where_the_subscription_asked_for_it(subscriber: Subscriber) -> None:
    subscriber.subscribe(immutable=True)
    id_ = subscriber.sandbox.deliver_mail(mime(), ANNA)
    lasting = subscriber.get(f"users/{ANNA}/messages/{id_}", **IMMUTABLE)["id"]
    moved = subscriber.sandbox.move_message(id_, "deleteditems")
    assert moved != id_
    assert subscriber.changes() == [
        ("created", lasting),
        ("deleted", lasting),
        ("created", lasting),
    ]


def test_others_mailboxes_folders_and_kinds_of_change_are_not_told(subscriber: Subscriber) -> None:
    subscriber.subscribe(resource=INBOX, changeType="updated")
    subscriber.sandbox.deliver_mail(mime(), BERND)
    subscriber.sandbox.deliver_mail(mime(), ANNA, "sentitems")
    id_ = subscriber.sandbox.deliver_mail(mime(), ANNA)
    subscriber.sandbox.deliver_meeting(calendar(MEETING), ANNA)
    subscriber.sandbox.change_message(id_, isRead=True)
    subscriber.sandbox.delete_message(id_)
    assert subscriber.changes() == [("updated", id_)]


def test_a_message_that_moves_leaves_one_folder_and_comes_to_another(
    subscriber: Subscriber,
) -> None:
    id_ = subscriber.sandbox.deliver_mail(mime(), ANNA)
    inbox = subscriber.subscribe(resource=INBOX)["id"]
    sent = subscriber.subscribe(resource=SENT)["id"]
    moved = subscriber.sandbox.move_message(id_, "sentitems")
    seen = {
        (t["subscriptionId"], t["changeType"], t["resourceData"]["id"]) for t in subscriber.told()
    }
    assert seen == {(inbox, "deleted", id_), (sent, "created", moved)}
    assert subscriber.refused("GET", f"users/{ANNA}/messages/{id_}")[0] == 404
    assert subscriber.get(f"users/{ANNA}/messages/{moved}")["subject"] == "Hello"


def test_a_deleted_message_is_gone_with_its_files(subscriber: Subscriber) -> None:
    id_ = subscriber.sandbox.deliver_mail(mime(files=(("a.txt", b"a"),)), ANNA)
    subscriber.subscribe()
    before = len(subscriber.sandbox.world.store.all("graph", "attachments"))
    subscriber.sandbox.delete_message(id_)
    assert subscriber.changes() == [("deleted", id_)]
    assert subscriber.refused("GET", f"users/{ANNA}/messages/{id_}")[0] == 404
    assert len(subscriber.sandbox.world.store.all("graph", "attachments")) == before - 1


def test_a_draft_is_created_changed_and_discarded(subscriber: Subscriber) -> None:
    subscriber.subscribe()
    id_ = subscriber.sandbox.deliver_mail(mime(To=BERND), ANNA, "drafts")
    subscriber.sandbox.change_message(id_, subject="Better")
    subscriber.sandbox.delete_message(id_)
    assert subscriber.changes() == [("created", id_), ("updated", id_), ("deleted", id_)]


def test_a_draft_over_the_wire_is_one_creation(subscriber: Subscriber) -> None:
    subscriber.subscribe()
    subscriber.speak_as(ANNA)
    file = {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": "a.txt",
        "contentBytes": "YQ==",
    }
    made = subscriber.http.post("me/messages", json={"subject": "New", "attachments": [file]})
    path = f"me/messages/{made.json()['id']}"
    subscriber.http.post(f"{path}/attachments", json=file)
    assert [change for change, _ in subscriber.changes()] == ["created", "updated"]


def test_sending_a_draft_tells_sender_and_receiver(subscriber: Subscriber) -> None:
    draft = subscriber.sandbox.deliver_mail(mime(To=BERND), ANNA, "drafts")
    mine = subscriber.subscribe()["id"]
    his = subscriber.subscribe(resource=f"users/{BERND}/messages")["id"]
    sent = subscriber.sandbox.send_draft(draft)
    told = [
        (t["subscriptionId"], t["changeType"], t["resourceData"]["id"]) for t in subscriber.told()
    ]
    assert (mine, "deleted", draft) in told
    assert (mine, "created", sent) in told
    assert [change for id_, change, _ in told if id_ == his] == ["created"]
    assert len(told) == 3


def test_a_reply_is_sent_and_continues_the_conversation(subscriber: Subscriber) -> None:
    id_ = subscriber.sandbox.deliver_mail(
        mime(subject="Pallets", Cc=f"Bernd <{BERND}>", To=f"{ANNA}, other@x.example"), ANNA
    )
    subscriber.subscribe(resource=SENT)
    sent = subscriber.sandbox.reply(id_, "Twelve.\nPerhaps 13.", everyone=True)
    assert subscriber.changes() == [("created", sent)]
    asked, answer = (subscriber.get(f"users/{ANNA}/messages/{i}") for i in (id_, sent))
    assert (answer["subject"], answer["isDraft"]) == ("RE: Pallets", False)
    assert answer["conversationId"] == asked["conversationId"]
    assert answer["conversationIndex"].startswith(asked["conversationIndex"].rstrip("=")[:-1])
    assert addresses(answer, "to") == ["zoe@customer.example"]
    assert addresses(answer, "cc") == ["other@x.example", BERND]
    assert "<p>Perhaps 13.</p>" in answer["body"]["content"]
    assert "Hello there" in answer["body"]["content"]
    source = subscriber.http.get(f"users/{ANNA}/messages/{sent}/$value").text
    assert f"In-Reply-To: {asked['internetMessageId']}" in source
    (received,) = subscriber.get(
        f"users/{BERND}/messages?$filter=internetMessageId eq '{answer['internetMessageId']}'"
    )["value"]
    assert received["subject"] == "RE: Pallets"


def test_ones_own_mail_is_answered_to_those_it_went_to(subscriber: Subscriber) -> None:
    id_ = subscriber.sandbox.deliver_mail(
        mime(From=ANNA, To="zoe@x.example", subject="Re: x"), ANNA, "sentitems"
    )
    sent = subscriber.get(f"users/{ANNA}/messages/{subscriber.sandbox.reply(id_, 'And?')}")
    assert (addresses(sent, "to"), sent["subject"]) == (["zoe@x.example"], "Re: x")


def test_an_answer_begins_as_a_draft_over_the_wire(subscriber: Subscriber) -> None:
    id_ = subscriber.sandbox.deliver_mail(mime(Cc=BERND), ANNA)
    subscriber.speak_as(ANNA)
    for call, copied in (("createReply", []), ("createReplyAll", [BERND])):
        made = subscriber.http.post(f"me/messages/{id_}/{call}")
        assert made.status_code == 201
        assert made.json()["isDraft"] is True
        assert addresses(made.json(), "cc") == copied


def test_a_meeting_is_made_changed_cancelled_and_deleted(subscriber: Subscriber) -> None:
    subscriber.subscribe(resource=EVENTS)
    id_ = subscriber.sandbox.deliver_meeting(calendar(MEETING), ANNA)
    subscriber.sandbox.deliver_meeting(calendar(MEETING + "LOCATION:Hall 4"), ANNA)
    subscriber.sandbox.change_event(
        id_,
        subject="Visit",
        start={"dateTime": "2026-03-11T10:00:00", "timeZone": "UTC"},
        location={"displayName": "Hall 5"},
        attendees=[{"emailAddress": {"address": BERND}, "type": "optional"}],
    )
    shown = subscriber.get(f"{EVENTS}/{id_}")
    assert (shown["subject"], shown["location"]["displayName"]) == ("Visit", "Hall 5")
    assert shown["start"]["dateTime"] == "2026-03-11T10:00:00.0000000"
    assert shown["end"]["dateTime"] == "2026-03-11T11:00:00.0000000"
    assert [a["emailAddress"]["address"] for a in shown["attendees"]] == [BERND]
    subscriber.sandbox.cancel_event(id_)
    shown = subscriber.get(f"{EVENTS}/{id_}")
    assert (shown["isCancelled"], shown["subject"]) == (True, "Canceled: Visit")
    subscriber.sandbox.delete_event(id_)
    assert subscriber.refused("GET", f"{EVENTS}/{id_}")[0] == 404
    assert subscriber.changes() == [
        ("created", id_),
        *[("updated", id_)] * 3,
        ("deleted", id_),
    ]
    assert subscriber.told()[0]["resourceData"]["@odata.type"] == "#Microsoft.Graph.Event"


def test_an_organizers_own_meeting_leaves_the_calendar_when_cancelled(
    subscriber: Subscriber,
) -> None:
    id_ = subscriber.sandbox.deliver_meeting(
        calendar(f"DTSTART:20260310T100000Z\nORGANIZER:mailto:{ANNA}"), ANNA
    )
    subscriber.subscribe(resource=EVENTS)
    subscriber.sandbox.cancel_event(id_)
    assert subscriber.changes() == [("deleted", id_)]


def test_whatever_happens_to_an_occurrence_is_told_of_its_series(subscriber: Subscriber) -> None:
    subscriber.subscribe(resource=EVENTS)
    series = subscriber.sandbox.deliver_meeting(calendar(SERIES, MOVED), ANNA)
    assert subscriber.changes() == [("created", series)]
    first, second, *_ = occurrences(subscriber, series)
    version = subscriber.get(f"{EVENTS}/{series}")["changeKey"]

    subscriber.sandbox.change_event(
        first["id"], start={"dateTime": "2026-03-16T15:00", "timeZone": "Europe/Warsaw"}
    )
    subscriber.sandbox.cancel_event(second["id"])  # Anna organizes it: this deletes it

    assert subscriber.changes()[1:] == [("updated", series)] * 2
    assert subscriber.get(f"{EVENTS}/{series}")["changeKey"] != version
    now, *rest = occurrences(subscriber, series)
    assert (now["id"], now["type"]) == (first["id"], "exception")
    assert now["start"]["dateTime"] == "2026-03-16T14:00:00.0000000"
    assert second["id"] not in [event["id"] for event in rest]
    assert subscriber.refused("GET", f"{EVENTS}/{second['id']}")[0] == 404


def test_an_attendees_occurrence_stays_when_cancelled(subscriber: Subscriber) -> None:
    invited = "\nORGANIZER:mailto:zoe@x.example"
    series = subscriber.sandbox.deliver_meeting(calendar(SERIES + invited), ANNA)
    first = occurrences(subscriber, series)[0]
    subscriber.sandbox.cancel_event(first["id"])
    shown = subscriber.get(f"{EVENTS}/{first['id']}")
    assert (shown["isCancelled"], shown["type"]) == (True, "exception")
    assert subscriber.get(f"{EVENTS}/{series}")["isCancelled"] is False


def test_a_series_with_another_time_forgets_its_exceptions(subscriber: Subscriber) -> None:
    series = subscriber.sandbox.deliver_meeting(calendar(SERIES, MOVED), ANNA)
    subscriber.subscribe(resource=EVENTS)
    assert "exception" in {event["type"] for event in occurrences(subscriber, series)}
    subscriber.sandbox.change_event(series, subject="Still with exceptions")
    assert "exception" in {event["type"] for event in occurrences(subscriber, series)}

    subscriber.sandbox.change_event(
        series, start={"dateTime": "2026-03-16T11:00", "timeZone": "Europe/Warsaw"}
    )

    found = occurrences(subscriber, series)
    assert {event["type"] for event in found} == {"occurrence"}
    assert {event["start"]["dateTime"][11:13] for event in found} == {"10", "09"}  # DST between
    assert subscriber.changes() == [("updated", series)] * 2


def test_a_deleted_series_takes_its_occurrences_along(subscriber: Subscriber) -> None:
    series = subscriber.sandbox.deliver_meeting(calendar(SERIES, MOVED), ANNA)
    some = occurrences(subscriber, series)
    subscriber.subscribe(resource=EVENTS)
    subscriber.sandbox.delete_event(series)
    assert subscriber.changes() == [("deleted", series)]
    for event in some:
        assert subscriber.refused("GET", f"{EVENTS}/{event['id']}")[0] == 404
    again = subscriber.sandbox.deliver_meeting(calendar(SERIES), ANNA)
    assert again != series


def test_what_outlook_would_not_do_is_refused(subscriber: Subscriber) -> None:
    box = subscriber.sandbox
    mail, meeting = box.deliver_mail(mime(), ANNA), box.deliver_meeting(calendar(MEETING), ANNA)
    for wrong, status in (
        (lambda: box.change_message(mail, subject="not of a received one"), 422),
        (lambda: box.change_message(mail, colour="red"), 422),
        (lambda: box.move_message(mail, "nowhere"), 422),
        (lambda: box.move_message("nonsense", "inbox"), 404),
        (lambda: box.delete_message(meeting), 404),
        (lambda: box.delete_event(mail), 404),
        (lambda: box.change_event(meeting, start={"dateTime": "soon"}), 422),
        (lambda: box.change_event(meeting, end={"dateTime": "2026-03-01T10:00:00"}), 422),
    ):
        with pytest.raises(httpx.HTTPStatusError) as refused:
            wrong()
        assert refused.value.response.status_code == status


def addresses(message: dict[str, Any], part: str) -> list[str]:
    return [p["emailAddress"]["address"] for p in message[f"{part}Recipients"]]


def occurrences(subscriber: Subscriber, series: str) -> list[dict[str, Any]]:
    span = "startDateTime=2026-01-01T00:00:00Z&endDateTime=2027-01-01T00:00:00Z&$top=100"
    found: list[dict[str, Any]] = subscriber.get(f"{EVENTS}/{series}/instances?{span}")["value"]
    return sorted(found, key=lambda event: str(event["originalStart"]))
