"""Lists: filters, sorting, pages, folders."""

from urllib.parse import quote

import pytest

from tests.sandbox.graph.graph_world import ANNA, Graph

COLOR = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name Color"


async def _subjects(seen: Graph, filter_: str, rest: str = "") -> list[str]:
    path = f"me/messages?$select=subject&$top=50&$filter={quote(filter_)}{rest}"
    return [row["subject"] for row in (await seen.get(path))["value"]]


@pytest.fixture
def three(mailbox: Graph) -> Graph:
    for number, (subject, sender) in enumerate(
        [("Alpha", "a@x.example"), ("beta's", "b@x.example"), ("Gamma", "a@x.example")], 1
    ):
        mailbox.mail(
            subject=subject,
            From=sender,
            Message_ID=f"<{number}@x>",
            Date=f"Mon, 0{number} Jan 2026 09:00:00 +0000",
            Importance="high" if number == 3 else "normal",
        )
    mailbox.mail(subject="Delta", folder="sentitems", Message_ID="<4@x>")
    return mailbox


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ("internetMessageId eq '<2@x>'", ["beta's"]),
        ("subject eq 'beta''s'", ["beta's"]),
        ("subject ne 'Alpha'", ["Delta", "Gamma", "beta's"]),
        ("startswith(subject,'g') or contains(subject,'LPH')", ["Gamma", "Alpha"]),
        ("from/emailAddress/address eq 'A@X.EXAMPLE'", ["Gamma", "Alpha"]),
        ("receivedDateTime ge 2026-01-02T00:00:00Z and importance eq 'high'", ["Gamma"]),
        ("receivedDateTime lt 2026-01-02T10:00:00+01:00", ["Alpha"]),
        ("not(importance eq 'high') and isDraft eq false", ["Delta", "beta's", "Alpha"]),
        ("subject in ('Alpha','Gamma')", ["Gamma", "Alpha"]),
        ("contains(subject,'not(eq)')", []),
        (
            "toRecipients/any(r:r/emailAddress/address eq 'anna.kowalska@contoso.example') "
            "and subject eq 'alpha'",
            ["Alpha"],
        ),
        (
            "singleValueExtendedProperties/Any(ep: ep/id eq 'String 0x1035' and "
            "startswith(ep/value, '<3'))",
            ["Gamma"],
        ),
    ],
)
async def test_filters(three: Graph, filter_: str, expected: list[str]) -> None:
    assert await _subjects(three, filter_) == expected


@pytest.mark.parametrize(
    ("filter_", "code"),
    [
        ("subject eq", "BadRequest"),
        ("nonsense eq 'x'", "RequestBroker--ParseUri"),
        ("length(subject) eq 3", "BadRequest"),
        ("subject eq 3", "BadRequest"),
        ("subject add 1 eq 2", "BadRequest"),
    ],
)
async def test_a_filter_that_is_not_understood_is_refused(
    three: Graph, filter_: str, code: str
) -> None:
    assert await three.refused(f"me/messages?$filter={quote(filter_)}") == (400, code)


async def test_a_conversations_id_is_compared_exactly(three: Graph) -> None:
    first = (await three.get("me/messages"))["value"][0]
    conversation = first["conversationId"]
    assert await _subjects(three, f"conversationId eq '{conversation}'") == [first["subject"]]
    assert await _subjects(three, f"conversationId eq '{conversation.swapcase()}'") == []


async def test_sorting_follows_exchanges_rule_for_filtered_lists(three: Graph) -> None:
    answer = await three.get("me/messages?$orderby=subject desc&$select=subject")
    assert [r["subject"] for r in answer["value"]] == ["Gamma", "Delta", "beta's", "Alpha"]
    filter_ = "receivedDateTime ge 2026-01-01T00:00:00Z and importance eq 'normal'"
    assert await _subjects(three, filter_, "&$orderby=receivedDateTime") == [
        "Alpha",
        "beta's",
        "Delta",
    ]
    path = f"me/messages?$filter={quote(filter_)}&$orderby=importance"
    assert await three.refused(path) == (400, "InefficientFilter")


async def test_pages_link_to_each_other_until_the_end(three: Graph) -> None:
    link: str | None = "me/messages?$top=3&$count=true&$select=subject"
    seen = []
    while link:
        page = await three.get(link)
        assert page["@odata.count"] == 4
        seen.append([row["subject"] for row in page["value"]])
        link = page.get("@odata.nextLink")
    assert seen == [["Delta", "Gamma", "beta's"], ["Alpha"]]


async def test_ten_messages_are_a_page_by_default(mailbox: Graph) -> None:
    for number in range(12):
        mailbox.mail(Message_ID=f"<{number}@x>")
    assert len((await mailbox.get("me/messages"))["value"]) == 10
    shown = await mailbox.get("me/messages", Prefer="odata.maxpagesize=2")
    assert len(shown["value"]) == 2
    assert (await mailbox.refused("me/messages?$top=0"))[0] == 400
    assert (await mailbox.refused("me/messages?$top=1001"))[0] == 400


async def test_folders_by_name_and_by_id(three: Graph) -> None:
    folders = {f["displayName"]: f for f in (await three.get("me/mailFolders"))["value"]}
    assert folders["Inbox"]["totalItemCount"] == 3
    sent = await three.get(f"me/mailFolders/{folders['Sent Items']['id']}/messages")
    assert [row["subject"] for row in sent["value"]] == ["Delta"]
    assert sent["value"][0]["parentFolderId"] == folders["Sent Items"]["id"]
    inbox = await three.get(f"users/{ANNA}/mailFolders('inbox')/messages?$count=true")
    assert inbox["@odata.count"] == 3
    picked = await three.get("me/mailFolders/inbox?$select=id")
    assert picked.keys() == {"@odata.context", "id"}
    assert await three.refused("me/mailFolders/inbox?$select=colour") == (
        400,
        "RequestBroker--ParseUri",
    )
    assert await three.refused("me/mailFolders/nowhere") == (404, "ErrorItemNotFound")


async def test_archive_and_junk_are_folders_like_others(three: Graph) -> None:
    three.mail(subject="Filed by a rule", folder="archive", Message_ID="<5@x>")
    three.mail(subject="You won", folder="junkemail", Message_ID="<6@x>")
    for folder, subject in (("archive", "Filed by a rule"), ("junkemail", "You won")):
        found = await three.get(f"me/mailFolders/{folder}/messages")
        assert [row["subject"] for row in found["value"]] == [subject]
    assert len((await three.get("me/messages"))["value"]) == 6


async def test_stamps_are_found_by_filter(three: Graph) -> None:
    id_ = (await three.get("me/messages?$top=1"))["value"][0]["id"]
    stamp = {"singleValueExtendedProperties": [{"id": COLOR, "value": "Green"}]}
    await three.http.patch(f"me/messages/{id_}", json=stamp)
    filter_ = f"singleValueExtendedProperties/any(ep: ep/id eq '{COLOR}' and ep/value eq 'Green')"
    assert await _subjects(three, filter_) == ["Delta"]
