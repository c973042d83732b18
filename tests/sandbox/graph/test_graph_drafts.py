"""Writing: drafts, changes, stamps, sending."""

import base64

import pytest

from sandbox import graph
from tests.sandbox.graph.graph_world import ANNA, BERND, IMMUTABLE, Graph

COLOR = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name Color"
DRAFT = {
    "subject": "Offer ☂",
    "body": {"contentType": "HTML", "content": "<p>our offer</p>"},
    "toRecipients": [{"emailAddress": {"address": BERND, "name": "Bernd"}}],
    "bccRecipients": [{"emailAddress": {"address": "hidden@customer.example"}}],
    "singleValueExtendedProperties": [{"id": COLOR, "value": "Green"}],
    "attachments": [
        {
            "@odata.type": "#microsoft.graph.fileAttachment",
            "name": "offer.txt",
            "contentBytes": base64.b64encode(b"price").decode(),
        }
    ],
}


async def _draft(seen: Graph) -> str:
    answer = await seen.http.post("me/messages", json=DRAFT, headers=IMMUTABLE)
    assert answer.status_code == 201, answer.text
    id_: str = answer.json()["id"]
    return id_


async def test_a_draft_is_made_with_what_it_was_given(mailbox: Graph) -> None:
    shown = await mailbox.get(
        f"me/messages/{await _draft(mailbox)}"
        f"?$expand=attachments,singleValueExtendedProperties($filter=id eq '{COLOR}')"
    )
    assert (shown["isDraft"], shown["hasAttachments"], shown["subject"]) == (True, True, "Offer ☂")
    assert shown["from"]["emailAddress"]["address"] == ANNA
    assert shown["internetMessageId"].startswith("<")
    assert shown["body"]["contentType"] == "html"
    assert shown["attachments"][0]["contentBytes"] == "cHJpY2U="
    assert shown["singleValueExtendedProperties"] == [{"id": COLOR, "value": "Green"}]


async def test_sending_keeps_the_immutable_id_and_delivers_inside(mailbox: Graph) -> None:
    id_ = await _draft(mailbox)
    draft = await mailbox.get(f"me/messages/{id_}")
    mailbox.clock.forward(minutes=5)

    sent_id = graph.send_draft(mailbox.world, id_)

    sent = await mailbox.get(f"me/messages/{id_}")
    assert sent["id"] == sent_id != draft["id"]
    assert (sent["isDraft"], sent["sentDateTime"]) == (False, "2026-03-02T09:05:00Z")
    assert sent["internetMessageId"] == draft["internetMessageId"]
    assert await mailbox.refused(f"me/messages/{draft['id']}") == (404, "ErrorItemNotFound")
    folder = await mailbox.get("me/mailFolders/sentitems/messages")
    assert [row["id"] for row in folder["value"]] == [sent_id]

    mailbox.speak_as(BERND)
    (received,) = (await mailbox.get("me/mailFolders/inbox/messages?$expand=attachments"))["value"]
    assert received["internetMessageId"] == draft["internetMessageId"]
    assert received["subject"] == "Offer ☂"
    assert received["bccRecipients"] == []
    assert received["attachments"][0]["contentBytes"] == "cHJpY2U="
    assert "our offer" in received["body"]["content"]


async def test_a_draft_is_sent_once_and_only_a_draft(mailbox: Graph) -> None:
    id_ = mailbox.mail(folder="drafts", To=BERND, Bcc="x@y.example")
    graph.send_draft(mailbox.world, id_)
    with pytest.raises(KeyError):
        graph.send_draft(mailbox.world, id_)
    with pytest.raises(KeyError):
        graph.send_draft(mailbox.world, mailbox.mail())
    with pytest.raises(KeyError):
        graph.send_draft(mailbox.world, "nonsense")


async def test_a_draft_without_a_sender_is_sent_by_its_owner(mailbox: Graph) -> None:
    graph.send_draft(mailbox.world, mailbox.mail(folder="drafts", From="", Date="", To=BERND))
    (sent,) = (await mailbox.get("me/mailFolders/sentitems/messages"))["value"]
    mailbox.speak_as(BERND)
    (received,) = (await mailbox.get("me/messages"))["value"]
    for shown in (sent, received):
        assert shown["from"]["emailAddress"]["address"] == ANNA
        assert shown["sentDateTime"] == "2026-03-02T09:00:00Z"


async def test_sending_over_the_wire_takes_its_scope(mailbox: Graph) -> None:
    path = f"me/messages/{await _draft(mailbox)}/send"
    assert await mailbox.refused(path, "POST") == (403, "ErrorAccessDenied")
    mailbox.speak_as(ANNA, "Mail.Send", "Mail.ReadWrite")
    assert (await mailbox.http.post(path)).status_code == 202
    assert await mailbox.refused(path, "POST") == (400, "ErrorInvalidRequest")


async def test_categories_change_anywhere_and_content_in_drafts_only(mailbox: Graph) -> None:
    received = f"me/messages/{mailbox.mail()}"
    before = await mailbox.get(received)
    answer = await mailbox.http.patch(received, json={"categories": ["Saved"], "isRead": True})
    assert answer.json()["categories"] == ["Saved"]
    assert answer.json()["changeKey"] != before["changeKey"]
    refused = await mailbox.refused(received, "PATCH", json={"subject": "New"})
    assert refused == (400, "ErrorInvalidPropertySet")

    draft = f"me/messages/{mailbox.mail(folder='drafts')}"
    await mailbox.http.patch(draft, json={"subject": "New", "body": {"content": "text"}})
    source = (await mailbox.http.get(f"{draft}/$value")).text
    assert "Subject: =?utf-8?" in source
    assert (await mailbox.get(draft))["bodyPreview"] == "text"


async def test_a_stamp_is_set_replaced_and_removed(mailbox: Graph) -> None:
    path = f"me/messages/{mailbox.mail()}"
    shown = f"{path}?$expand=singleValueExtendedProperties($filter=id eq '{COLOR}')"
    for value in ("Green", "Red", None):
        change = {"singleValueExtendedProperties": [{"id": COLOR, "value": value}]}
        assert (await mailbox.http.patch(path, json=change)).status_code == 200
        found = (await mailbox.get(shown)).get("singleValueExtendedProperties", [])
        assert [p["value"] for p in found] == ([value] if value else [])


async def test_bad_changes_are_refused(mailbox: Graph) -> None:
    path = f"me/messages/{mailbox.mail(folder='drafts')}"
    malformed = (400, "RequestBodyRead")
    assert await mailbox.refused(path, "PATCH", json={"colour": "red"}) == malformed
    assert await mailbox.refused(path, "PATCH", json={"categories": "red"}) == malformed
    assert await mailbox.refused(path, "PATCH", json={"body": None}) == malformed
    assert await mailbox.refused(path, "PATCH", json=["x"]) == (400, "BadRequest")
    assert await mailbox.refused(path, "PATCH", content=b"{") == (400, "BadRequest")
    stale = {"If-Match": 'W/"old"'}
    refused = await mailbox.refused(path, "PATCH", json={"subject": "x"}, headers=stale)
    assert refused == (412, "ErrorIrresolvableConflict")
    mailbox.speak_as(ANNA, "Mail.Read")
    assert await mailbox.refused(path, "PATCH", json={}) == (403, "ErrorAccessDenied")


async def test_files_are_added_to_drafts_only(mailbox: Graph) -> None:
    upload = DRAFT["attachments"][0]
    draft = f"me/messages/{mailbox.mail(folder='drafts')}"
    answer = await mailbox.http.post(f"{draft}/attachments", json=upload)
    assert (answer.status_code, answer.json()["name"]) == (201, "offer.txt")
    assert (await mailbox.get(draft))["hasAttachments"] is True
    received = f"me/messages/{mailbox.mail()}/attachments"
    assert await mailbox.refused(received, "POST", json=upload) == (400, "ErrorInvalidRequest")
    broken = upload | {"contentBytes": "%%%"}
    refused = await mailbox.refused(f"{draft}/attachments", "POST", json=broken)
    assert refused == (400, "RequestBodyRead")
