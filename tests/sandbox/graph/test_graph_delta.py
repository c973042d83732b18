"""Delta queries: rounds, pages, what is removed, tokens that are too old."""

from typing import Any

import pytest

from sandbox import graph
from sandbox.graph import snapshots
from tests.sandbox.graph.graph_world import ANNA, BERND, IMMUTABLE, SALES, Graph
from tests.sandbox.graph.test_graph_events import MOVED, SERIES, calendar

INBOX = f"users/{ANNA}/mailFolders/inbox/messages/delta"
VIEW = f"users/{ANNA}/calendarView/delta"
SPRING = "startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-05-01T00:00:00Z"
MEETING = (
    "UID:visit@x\nDTSTART:20260310T100000Z\nDTEND:20260310T110000Z\nORGANIZER:mailto:z@x.example"
)


async def round_of(seen: Graph, path: str, **headers: str) -> tuple[list[dict[str, Any]], str]:
    """All items of a round, and the link to the next one."""
    items: list[dict[str, Any]] = []
    while True:
        page = await seen.get(path, **headers)
        items += page["value"]
        if "@odata.deltaLink" in page:
            assert "@odata.nextLink" not in page
            return items, page["@odata.deltaLink"]
        path = page["@odata.nextLink"]


async def test_a_first_round_gives_the_folder_in_pages(sample: Graph) -> None:
    whole = await sample.get(f"users/{ANNA}/mailFolders/inbox/messages?$top=1000")
    first = await sample.get(INBOX, Prefer="odata.maxpagesize=2")
    assert first["@odata.context"].endswith("Collection(message)")
    assert len(first["value"]) == 2
    assert "$skiptoken=" in first["@odata.nextLink"]
    items, link = await round_of(sample, INBOX, Prefer="odata.maxpagesize=2")
    plain = [{k: v for k, v in i.items() if k != "@odata.type"} for i in items]
    assert plain == [{k: v for k, v in i.items() if k != "@odata.type"} for i in whole["value"]]
    assert {item["@odata.type"] for item in items} >= {"#microsoft.graph.message"}
    assert "$deltatoken=" in link


async def test_a_quiet_round_is_empty_and_gives_the_same_link(mailbox: Graph) -> None:
    mailbox.mail()
    _, link = await round_of(mailbox, INBOX)
    assert await round_of(mailbox, link) == ([], link)


async def test_the_next_round_tells_what_came_changed_and_went(mailbox: Graph) -> None:
    read, moved, gone, _ = (mailbox.mail(subject=f"m{n}") for n in range(4))
    _, link = await round_of(mailbox, INBOX)
    graph.change_message(mailbox.world, read, {"isRead": True})
    graph.move_message(mailbox.world, moved, "deleteditems")
    graph.delete_message(mailbox.world, gone)
    new = mailbox.mail(subject="new")
    mailbox.mail(folder="sentitems")
    mailbox.mail(mailbox=BERND)

    items, later = await round_of(mailbox, link)

    assert [item["id"] for item in items] == [new, read, moved, gone]
    assert items[1]["isRead"] is True
    for removed in items[2:]:
        assert removed["@removed"] == {"reason": "deleted"}
        assert removed["@odata.type"] == "#microsoft.graph.message"
        assert set(removed) == {"@odata.type", "id", "@removed"}
    assert await round_of(mailbox, later) == ([], later)
    again, _ = await round_of(mailbox, link)
    assert again == items


async def test_a_round_is_of_the_moment_it_began(mailbox: Graph) -> None:
    ids = {mailbox.mail(subject=f"m{n}") for n in range(5)}
    first = await mailbox.get(INBOX, Prefer="odata.maxpagesize=2")
    late = mailbox.mail(subject="late")
    rest, link = await round_of(mailbox, first["@odata.nextLink"], Prefer="odata.maxpagesize=2")
    assert {item["id"] for item in (*first["value"], *rest)} == ids
    assert [item["id"] for item in (await round_of(mailbox, link))[0]] == [late]


async def test_immutable_ids_come_in_every_round(mailbox: Graph) -> None:
    mailbox.mail()
    (item,), link = await round_of(mailbox, INBOX, **IMMUTABLE)
    regular = (await mailbox.get(f"me/messages/{item['id']}"))["id"]
    assert item["id"] != regular
    graph.delete_message(mailbox.world, item["id"])
    (removed,), _ = await round_of(mailbox, link, **IMMUTABLE)
    assert removed["id"] == item["id"]
    (removed,), _ = await round_of(mailbox, link)
    assert removed["id"] == regular


async def test_the_options_of_the_first_request_hold_for_all(mailbox: Graph) -> None:
    mailbox.mail(Date="Thu, 01 Jan 2026 09:00:00 +0000")
    path = f"{INBOX}?$select=subject&$filter=receivedDateTime ge 2026-03-01T00:00:00Z&$top=1"
    items, link = await round_of(mailbox, path)
    assert items == []
    for number in range(2):
        raw = {"Received": "from a by b; Mon, 02 Mar 2026 09:00:00 +0000"}
        mailbox.mail(subject=f"m{number}", **raw)
    page = await mailbox.get(link)
    assert len(page["value"]) == 1
    assert set(page["value"][0]) == {"@odata.type", "@odata.etag", "id", "subject"}
    assert "@odata.nextLink" in page


@pytest.mark.parametrize("kind", ["created", "updated", "deleted"])
async def test_one_kind_of_change_alone_may_be_tracked(mailbox: Graph, kind: str) -> None:
    changed, gone = mailbox.mail(), mailbox.mail()
    items, link = await round_of(mailbox, f"{INBOX}?changeType={kind}")
    assert len(items) == (2 if kind == "created" else 0)
    graph.change_message(mailbox.world, changed, {"isRead": True})
    graph.delete_message(mailbox.world, gone)
    wanted = {"created": mailbox.mail(), "updated": changed, "deleted": gone}
    assert [item["id"] for item in (await round_of(mailbox, link))[0]] == [wanted[kind]]


async def test_the_sdks_spelling_is_understood(mailbox: Graph) -> None:
    id_ = mailbox.mail()
    for name in ("delta()", "microsoft.graph.delta()"):
        items, link = await round_of(mailbox, INBOX.replace("delta", name))
        assert [item["id"] for item in items] == [id_]
        assert f"/{name}?" in link


async def test_bad_rounds_are_refused(mailbox: Graph) -> None:
    _, link = await round_of(mailbox, INBOX)
    token = link.partition("?")[2]
    for path in (
        f"{INBOX}?$filter=isRead eq true",
        f"{INBOX}?$orderby=subject",
        f"{INBOX}?$skip=2",
        f"{INBOX}?changeType=moved",
        f"{INBOX}?$skiptoken=nonsense",
        f"users/{ANNA}/mailFolders/drafts/messages/delta?{token}",
        f"users/{ANNA}/mailFolders/inbox/messages?{token}",
        f"{VIEW}?{token}",
        VIEW,
        f"{VIEW}?{SPRING}&$select=subject",
    ):
        assert (await mailbox.refused(path))[0] == 400, path
    assert (await mailbox.refused(INBOX.replace("inbox", "nowhere")))[0] == 404
    other = INBOX.replace(ANNA, BERND)
    assert await mailbox.refused(other) == (403, "ErrorAccessDenied")
    mailbox.speak_as(ANNA, "Calendars.Read")
    assert await mailbox.refused(link) == (403, "ErrorAccessDenied")


async def test_the_app_and_delegates_track_a_shared_mailbox(mailbox: Graph) -> None:
    id_ = mailbox.mail(mailbox=SALES)
    path = INBOX.replace(ANNA, SALES)
    assert [item["id"] for item in (await round_of(mailbox, path))[0]] == [id_]
    mailbox.speak_as_app("Mail.Read")
    assert [item["id"] for item in (await round_of(mailbox, path))[0]] == [id_]


async def test_forgotten_tokens_ask_for_a_new_start(mailbox: Graph) -> None:
    for number in range(3):
        mailbox.mail(subject=f"m{number}")
    first = await mailbox.get(INBOX, Prefer="odata.maxpagesize=1")
    _, link = await round_of(mailbox, INBOX)
    graph.forget_delta_tokens(mailbox.world)
    for old in (link, first["@odata.nextLink"], f"{INBOX}?$deltatoken=nonsense"):
        assert await mailbox.refused(old) == (410, "SyncStateNotFound")
    assert len((await round_of(mailbox, INBOX))[0]) == 3


async def test_the_oldest_tokens_are_forgotten_but_not_one_in_use(mailbox: Graph) -> None:
    _, unused = await round_of(mailbox, INBOX)
    mailbox.mail()
    _, used = await round_of(mailbox, INBOX)
    for number in range(snapshots.CAPACITY):
        snapshots.keep(mailbox.world.store, {"number": number}, {})
        if number % 50 == 0:
            await round_of(mailbox, used)
    assert await mailbox.refused(unused) == (410, "SyncStateNotFound")
    assert await round_of(mailbox, used) == ([], used)


async def test_a_calendar_view_is_tracked(mailbox: Graph) -> None:
    world = mailbox.world
    meeting = graph.deliver_meeting(world, ANNA, calendar(MEETING))
    graph.deliver_meeting(world, ANNA, calendar("UID:later\nDTSTART:20270310T100000Z"))
    items, link = await round_of(mailbox, f"{VIEW}?{SPRING}")
    assert [item["id"] for item in items] == [meeting]
    assert items[0]["@odata.type"] == "#microsoft.graph.event"
    assert items[0]["subject"] == "Meeting"
    assert await round_of(mailbox, link) == ([], link)

    graph.cancel_event(world, meeting)
    (item,), link = await round_of(mailbox, link)
    assert (item["id"], item["isCancelled"]) == (meeting, True)

    away = {"dateTime": "2026-06-01T10:00:00", "timeZone": "UTC"}
    graph.change_event(world, meeting, {"start": away})
    (item,), link = await round_of(mailbox, link)
    assert (item["id"], item["@removed"]) == (meeting, {"reason": "deleted"})
    assert await round_of(mailbox, link) == ([], link)


async def test_a_series_comes_whole_with_occurrences_in_short(mailbox: Graph) -> None:
    series = graph.deliver_meeting(mailbox.world, ANNA, calendar(SERIES, MOVED))
    items, link = await round_of(mailbox, f"{VIEW}?{SPRING}", Prefer="odata.maxpagesize=2")
    assert [item["type"] for item in items] == [
        "seriesMaster",
        "occurrence",
        "occurrence",
        "exception",
        "occurrence",
    ]
    assert items[0]["id"] == series
    short = {"@odata.type", "@odata.etag", "id", "seriesMasterId", "type", "start", "end"}
    assert set(items[1]) == short
    assert items[1]["seriesMasterId"] == series
    assert items[3]["subject"] == "Moved"

    graph.delete_event(mailbox.world, items[1]["id"])
    items, link = await round_of(mailbox, link)
    assert [item["type"] for item in items] == [
        "seriesMaster",
        "occurrence",
        "exception",
        "occurrence",
    ]
    graph.change_event(mailbox.world, items[1]["id"], {"subject": "Another"})
    items, link = await round_of(mailbox, link)
    assert [item.get("subject") for item in items] == ["Meeting", "Another", "Moved", None]

    graph.delete_event(mailbox.world, series)
    (item,), _ = await round_of(mailbox, link, **IMMUTABLE)
    assert item["@removed"] == {"reason": "deleted"}
    assert item["id"] != series
