"""Messages over the wire: fields, ids, who may read what."""

from urllib.parse import quote

import pytest

from sandbox import graph
from tests.sandbox.graph.graph_world import ANNA, BERND, HENRY, IMMUTABLE, INES, SALES, Graph, mime


async def test_a_message_has_graphs_fields(mailbox: Graph) -> None:
    id_ = mailbox.mail(
        subject="Żółw",
        html="<p>Hi <b>there</b></p>",
        Cc="c@x.example",
        Reply_To="desk@customer.example",
        Importance="High",
    )

    shown = await mailbox.get(f"me/messages/{id_}")

    assert shown["id"] == id_
    assert shown["subject"] == "Żółw"
    assert shown["internetMessageId"] == "<one@customer.example>"
    assert shown["from"]["emailAddress"] == {
        "name": "Zoë Custom",
        "address": "zoe@customer.example",
    }
    assert [p["emailAddress"]["address"] for p in shown["toRecipients"]] == [ANNA]
    assert [p["emailAddress"]["address"] for p in shown["ccRecipients"]] == ["c@x.example"]
    assert [p["emailAddress"]["address"] for p in shown["replyTo"]] == ["desk@customer.example"]
    assert shown["sentDateTime"] == "2026-01-05T08:00:00Z"
    assert shown["body"]["contentType"] == "html"
    assert shown["bodyPreview"] == "Hi there"
    assert (shown["importance"], shown["isDraft"], shown["hasAttachments"]) == (
        "high",
        False,
        False,
    )
    assert shown["@odata.etag"] == f'W/"{shown["changeKey"]}"'
    assert "uniqueBody" not in shown
    assert "internetMessageHeaders" not in shown


async def test_select_narrows_and_brings_what_comes_only_on_demand(mailbox: Graph) -> None:
    id_ = mailbox.mail(text="new\n> old", X_Custom="yes")

    shown = await mailbox.get(
        f"me/messages/{id_}?$select=Subject,uniqueBody,internetMessageHeaders"
    )

    assert set(shown) == {
        "@odata.context",
        "@odata.etag",
        "id",
        "subject",
        "uniqueBody",
        "internetMessageHeaders",
    }
    assert shown["uniqueBody"]["content"] == "new"
    assert {"name": "X-Custom", "value": "yes"} in shown["internetMessageHeaders"]


async def test_sent_items_have_no_headers_but_their_mapi_properties(mailbox: Graph) -> None:
    id_ = mailbox.mail(folder="sentitems", In_Reply_To="<zero@x>", References="<start@x> <zero@x>")
    wanted = "String 0x1042", "String 0x1039", "Integer 0x0036", "String 0x1035"
    chosen = quote(" or ".join(f"id eq '{name}'" for name in wanted))

    shown = await mailbox.get(
        f"me/messages/{id_}?$select=subject,internetMessageHeaders"
        f"&$expand=singleValueExtendedProperties($filter={chosen})"
    )

    assert "internetMessageHeaders" not in shown
    assert {p["id"]: p["value"] for p in shown["singleValueExtendedProperties"]} == {
        "String 0x1042": "<zero@x>",
        "String 0x1039": "<start@x> <zero@x>",
        "Integer 0x0036": "0",
        "String 0x1035": "<one@customer.example>",
    }


async def test_bodies_come_in_the_preferred_form(mailbox: Graph) -> None:
    rich = mailbox.mail(text=None, html="<p>a &amp; b</p>")
    plain = mailbox.mail(text="1 < 2\nend")
    as_text, as_html = ({"Prefer": f'outlook.body-content-type="{k}"'} for k in ("text", "html"))

    answer = await mailbox.http.get(f"me/messages/{rich}", headers=as_text)

    assert answer.headers["Preference-Applied"] == 'outlook.body-content-type="text"'
    assert answer.json()["body"] == {"contentType": "text", "content": "a & b"}
    shown = await mailbox.get(f"me/messages/{plain}", **as_html)
    assert "1 &lt; 2<br>" in shown["body"]["content"]
    assert (await mailbox.get(f"me/messages/{plain}"))["body"]["contentType"] == "text"


async def test_both_kinds_of_id_are_taken_and_the_asked_kind_given(mailbox: Graph) -> None:
    regular = mailbox.mail()

    answer = await mailbox.http.get(f"me/messages/{regular}", headers=IMMUTABLE)

    immutable = answer.json()["id"]
    assert answer.headers["Preference-Applied"] == 'IdType="ImmutableId"'
    assert immutable != regular
    assert regular.startswith("AAMk")
    assert immutable.startswith("AAkA")
    assert (await mailbox.get(f"me/messages/{quote(immutable, safe='')}"))["id"] == regular
    assert (await mailbox.get(f"users('{ANNA}')/messages('{immutable}')"))["id"] == regular


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (str.swapcase, (400, "ErrorInvalidIdMalformed")),
        (lambda id_: "nonsense", (400, "ErrorInvalidIdMalformed")),
        (lambda id_: id_ + "A", (400, "ErrorInvalidIdMalformed")),
        (lambda id_: id_[:100] + ("A" if id_[100] != "A" else "B") + id_[101:], None),
    ],
)
async def test_an_id_is_case_sensitive_and_right_as_a_whole(
    mailbox: Graph, spoil, expected
) -> None:
    id_ = mailbox.mail()
    expected = expected or (404, "ErrorItemNotFound")
    assert await mailbox.refused(f"me/messages/{spoil(id_)}") == expected


async def test_a_mailboxes_ids_and_conversations_are_its_own(mailbox: Graph) -> None:
    mine, other = mailbox.mail(), mailbox.mail(BERND)
    first = await mailbox.get(f"me/messages/{mine}")
    assert await mailbox.refused(f"me/messages/{other}") == (404, "ErrorItemNotFound")

    mailbox.speak_as(BERND)
    second = await mailbox.get(f"me/messages/{other}")

    assert first["internetMessageId"] == second["internetMessageId"]
    assert first["conversationId"] != second["conversationId"]


async def test_replies_share_a_conversation_whatever_order_they_arrive_in(mailbox: Graph) -> None:
    async def conversation(**headers: str) -> str:
        shown = await mailbox.get(f"me/messages/{mailbox.mail(**headers)}")
        found: str = shown["conversationId"]
        return found

    reply = await conversation(Message_ID="<b@x>", In_Reply_To="<a@x>", References="<a@x>")
    first = await conversation(Message_ID="<a@x>")
    third = await conversation(Message_ID="<c@x>", References="<a@x> <b@x>")
    other = await conversation(Message_ID="<z@x>")

    assert reply == first == third != other


async def test_the_source_comes_as_it_was_delivered(mailbox: Graph) -> None:
    raw = mime(subject="source").replace(b"\n", b"\r\n") + b"\xff\x00"
    id_ = graph.deliver_mail(mailbox.world, ANNA, "inbox", raw)

    answer = await mailbox.http.get(f"me/messages/{id_}/$value")

    assert (answer.headers["content-type"], answer.content) == ("text/plain", raw)


async def test_an_invitation_is_an_event_message(sample: Graph) -> None:
    shown = await sample.get(f"me/messages/{graph.sample_id(sample.world, 'meeting-request-mail')}")
    assert shown["@odata.type"] == "#microsoft.graph.eventMessageRequest"
    assert shown["meetingMessageType"] == "meetingRequest"


async def test_unknown_properties_options_and_segments_are_refused(mailbox: Graph) -> None:
    path = f"me/messages/{mailbox.mail()}"
    parse_error = (400, "RequestBroker--ParseUri")
    assert await mailbox.refused(f"{path}?$select=nonsense") == parse_error
    assert await mailbox.refused(f"{path}?$expand=extensions") == parse_error
    assert await mailbox.refused("me/messages?$search=hello") == parse_error
    assert await mailbox.refused(f"{path}?colour=red") == parse_error
    assert await mailbox.refused(f"{path}?$filter=isRead eq true") == parse_error
    assert await mailbox.refused(f"{path}?$expand=attachments($filter=size gt 3)") == parse_error
    assert await mailbox.refused(f"{path}/attachments?$top=1") == parse_error
    assert await mailbox.refused("me/nonsense") == (400, "BadRequest")


async def test_a_token_for_graph_is_needed(mailbox: Graph) -> None:
    path = f"me/messages/{mailbox.mail()}"
    for header in ("", "Bearer ", "Bearer not.a.token"):
        mailbox.http.headers["Authorization"] = header
        assert await mailbox.refused(path) == (401, "InvalidAuthenticationToken")


async def test_another_persons_mailbox_takes_a_delegation_and_the_shared_scope(
    mailbox: Graph,
) -> None:
    id_ = mailbox.mail(HENRY)
    path = f"users/{HENRY}/messages/{id_}"
    denied = (403, "ErrorAccessDenied")
    assert await mailbox.refused(path) == denied  # Anna is no delegate of Henry's

    mailbox.speak_as(INES)
    assert (await mailbox.get(path))["id"] == id_
    mailbox.speak_as(INES, "Mail.Read")
    assert await mailbox.refused(path) == denied
    mailbox.speak_as(HENRY, "User.Read")
    assert await mailbox.refused(path) == denied
    mailbox.speak_as(HENRY, "Mail.ReadWrite")
    assert (await mailbox.get(path))["id"] == id_
    assert await mailbox.refused("users/nobody@x.example/messages") == (404, "ErrorInvalidUser")


async def test_a_shared_mailbox_is_read_by_its_members(mailbox: Graph) -> None:
    id_ = mailbox.mail(SALES)
    assert (await mailbox.get(f"users/{SALES.upper()}/messages/{id_}"))["id"] == id_
    mailbox.speak_as(BERND)
    assert await mailbox.refused(f"users/{SALES}/messages/{id_}") == (403, "ErrorAccessDenied")


async def test_an_app_reads_by_its_roles_and_has_no_me(mailbox: Graph) -> None:
    id_ = mailbox.mail()
    mailbox.speak_as_app("Mail.Read")
    assert (await mailbox.get(f"users/{ANNA}/messages/{id_}"))["id"] == id_
    assert await mailbox.refused(f"me/messages/{id_}") == (400, "BadRequest")
    assert await mailbox.refused(f"users/{ANNA}/events") == (403, "ErrorAccessDenied")


async def test_every_answer_names_its_request(mailbox: Graph) -> None:
    answer = await mailbox.http.get("me/messages", headers={"client-request-id": "mine"})
    assert answer.headers["client-request-id"] == "mine"
    assert answer.headers["request-id"]
    with pytest.raises(graph.UnknownMailbox):
        mailbox.mail("nobody@contoso.example")
