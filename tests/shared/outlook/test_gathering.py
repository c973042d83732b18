"""How conversations, series and drafts are asked for, against a Graph that is told what it has and
how to fail."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import ItemRef, Meeting
from shared.errors import (
    Forbidden,
    NotFound,
    ThreadlineError,
    Throttled,
    Unavailable,
    Upstream,
)
from shared.outbound import Sender
from shared.outlook.batches import AT_ONCE
from shared.outlook.client import GraphMailbox

ROOT = "https://graph.example/v1.0"
MAIL = ItemRef("email", "me", "m-1")
SERIES = ItemRef("meeting", "me", "series")
START = datetime(2026, 3, 1, tzinfo=UTC)
END = datetime(2026, 6, 1, tzinfo=UTC)
Fault = httpx.Response | Exception


def message(id_: str, hour: int = 0, **more: Any) -> dict[str, Any]:
    when = f"2026-01-05T{hour:02}:00:00Z"
    return {"id": id_, "conversationId": "c", "receivedDateTime": when, "isDraft": False, **more}


def event(id_: str, start: str, **more: Any) -> dict[str, Any]:
    moment = {"dateTime": start, "timeZone": "UTC"}
    return {"id": id_, "type": "occurrence", "start": moment, "end": moment, **more}


@dataclass
class Graph:
    """Answers by the last part of the path. `faults` are what it does instead, by the number of the
    call; `page` is how many rows of a list it gives at once."""

    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    faults: dict[int, Fault] = field(default_factory=dict)
    page: int = 3
    next_root: str = ROOT
    requests: list[httpx.Request] = field(default_factory=list)
    busy: int = 0
    busiest: int = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        fault = self.faults.pop(len(self.requests), None)
        self.busy += 1
        self.busiest = max(self.busy, self.busiest)
        await asyncio.sleep(0)
        self.busy -= 1
        if isinstance(fault, Exception):
            raise fault
        return fault or self._answer(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        *_, collection, last = unquote(request.url.raw_path.decode().partition("?")[0]).split("/")
        if last == "messages":
            return self._list(request, list(self.messages.values()))
        if last == "instances":
            return self._list(request, [e for e in self.events.values() if e["id"] != "series"])
        if collection == "mailFolders":
            found = self.folders.get(last)
            return httpx.Response(200, json={"id": found}) if found else httpx.Response(404)
        item = (self.messages if collection == "messages" else self.events).get(last)
        return httpx.Response(200, json=item) if item else httpx.Response(404)

    def _list(self, request: httpx.Request, rows: list[dict[str, Any]]) -> httpx.Response:
        first = int(request.url.params.get("$skip", 0))
        content: dict[str, Any] = {"value": rows[first : first + self.page]}
        if first + self.page < len(rows):
            url = request.url.copy_set_param("$skip", str(first + self.page))
            content["@odata.nextLink"] = str(url).replace(ROOT, self.next_root)
        return httpx.Response(200, json=content)

    def options(self, last: str) -> dict[str, str]:
        """Those of the first call whose path ends so."""
        return next(
            dict(r.url.params) for r in self.requests if r.url.path.rpartition("/")[2] == last
        )


@pytest.fixture
def graph() -> Graph:
    return Graph(
        messages={
            one["id"]: one
            for one in (
                message("m-1", 1),
                message("m-4", 4),
                message("m-2", 2, parentFolderId="f-sent"),
                message("draft", 5, isDraft=True, parentFolderId="f-drafts"),
                message("gone", 6, parentFolderId="f-deleted"),
                message("junk", 7, parentFolderId="f-junk"),
                message("m-3", 3),
            )
        },
        events={
            "series": event("series", "2026-03-02T09:00:00", type="seriesMaster"),
            "o-2": event("o-2", "2026-03-09T09:00:00", seriesMasterId="series"),
            "o-1": event("o-1", "2026-03-02T09:00:00", seriesMasterId="series"),
            **{
                f"o-{week}": event(
                    f"o-{week}",
                    f"2026-05-{week:02}T09:00:00",
                    seriesMasterId="series",
                    hasAttachments=True,
                )
                for week in range(10, 17)
            },
        },
        folders={"deleteditems": "f-deleted", "junkemail": "f-junk"},
    )


@pytest.fixture
def mailbox(graph: Graph) -> GraphMailbox:
    return opened(graph)


def opened(graph: Graph) -> GraphMailbox:
    async def token() -> str:
        return "token"

    sender = Sender(transport=httpx.MockTransport(graph), jitter=lambda: 0.0)
    return GraphMailbox(sender, sender.errand(20), ROOT, token)


Ask = Callable[[GraphMailbox], Awaitable[Any]]
ASKED: dict[str, Ask] = {
    "conversation": lambda mailbox: mailbox.conversation(MAIL, 10),
    "occurrences": lambda mailbox: mailbox.occurrences(SERIES, START, END, 10),
    "is_discarded": lambda mailbox: mailbox.is_discarded(MAIL),
}


async def test_a_conversation_is_followed_over_its_pages(
    graph: Graph, mailbox: GraphMailbox
) -> None:
    found = await mailbox.conversation(MAIL, 10)
    assert [ref.id for ref in found] == ["m-1", "m-2", "m-3", "m-4"]
    options = graph.options("messages")
    assert options["$filter"] == "conversationId eq 'c'"
    assert "$orderby" not in options
    assert len(graph.requests) == 3 + 3
    assert graph.busiest <= AT_ONCE


@pytest.mark.parametrize("id_", ["o'clock", "''", "a' or isRead eq true or '", "x&$top=1#/?%27 ü"])
async def test_a_conversations_id_stays_a_text(
    id_: str, graph: Graph, mailbox: GraphMailbox
) -> None:
    graph.messages["m-1"]["conversationId"] = id_
    await mailbox.conversation(MAIL, 10)
    doubled = id_.replace("'", "''")
    assert graph.options("messages") == {
        "$filter": f"conversationId eq '{doubled}'",
        "$select": "id,conversationId,receivedDateTime,isDraft,parentFolderId",
        "$top": "500",
    }


@pytest.mark.parametrize("mailbox_", ["o'neil#ext#@contoso.example", "a/../b", "x?y&z %27ü"])
@pytest.mark.parametrize("id_", ["a/b", "..", "it's", "a b+c=d%2F?#"])
async def test_strange_names_stay_one_part_of_the_path(
    id_: str, mailbox_: str, graph: Graph, mailbox: GraphMailbox
) -> None:
    asked = (
        mailbox.conversation(ItemRef("email", mailbox_, id_), 1),
        mailbox.occurrences(ItemRef("meeting", mailbox_, id_), START, END, 1),
        mailbox.is_discarded(ItemRef("email", mailbox_, id_)),
    )
    for one in asked:
        with pytest.raises(NotFound):
            await one
    for request in graph.requests:
        path = request.url.raw_path.decode().partition("?")[0]
        assert path.startswith("/v1.0/users/") or id_ == ".."
        assert path.count("/") <= 5


async def test_a_message_without_a_conversation_is_alone(
    graph: Graph, mailbox: GraphMailbox
) -> None:
    graph.messages["m-1"]["conversationId"] = None
    assert [ref.id for ref in await mailbox.conversation(MAIL, 10)] == ["m-1"]
    assert len(graph.requests) == 3


@pytest.mark.parametrize("status", [403, 404])
async def test_a_folder_that_is_hidden_hides_nothing_else(
    status: int, graph: Graph, mailbox: GraphMailbox
) -> None:
    graph.faults = {2: httpx.Response(status)}
    assert len(await mailbox.conversation(MAIL, 10)) == 5
    graph.folders = {}
    assert len(await mailbox.conversation(MAIL, 10)) == 6


@pytest.mark.parametrize(
    ("folder", "draft", "expected"),
    [
        ("f-deleted", True, True),
        ("f-dumpster", True, True),
        ("f-drafts", True, False),
        (None, True, False),
        ("f-deleted", False, False),
    ],
)
async def test_where_discarded_drafts_lie(
    folder: str | None, draft: bool, expected: bool, graph: Graph, mailbox: GraphMailbox
) -> None:
    graph.folders = {"deleteditems": "f-deleted", "recoverableitemsdeletions": "f-dumpster"}
    graph.messages["m-1"] |= {"isDraft": draft, "parentFolderId": folder}
    assert await mailbox.is_discarded(MAIL) is expected
    assert not await mailbox.is_discarded(SERIES)


async def test_only_those_with_attachments_are_asked_for_one_by_one(
    graph: Graph, mailbox: GraphMailbox
) -> None:
    found = await mailbox.occurrences(SERIES, START, END, 5)
    assert [one.ref.id for one in found] == ["o-1", "o-2", "o-10", "o-11", "o-12"]
    singly = [r for r in graph.requests if "$expand" in r.url.params]
    assert len(singly) == 3
    assert len(graph.requests) == 1 + 3 + 3


async def test_never_more_than_four_calls_at_once(graph: Graph, mailbox: GraphMailbox) -> None:
    assert len(await mailbox.occurrences(SERIES, START, END, 20)) == 9
    assert sum("$expand" in request.url.params for request in graph.requests) == 7
    assert graph.busiest == AT_ONCE


async def test_what_goes_meanwhile_is_left_out(graph: Graph, mailbox: GraphMailbox) -> None:
    graph.faults = {6: httpx.Response(404)}
    assert len(await mailbox.occurrences(SERIES, START, END, 20)) == 8


async def test_the_span_is_asked_for_with_room_for_all_day_meetings(
    graph: Graph, mailbox: GraphMailbox
) -> None:
    await mailbox.occurrences(SERIES, START, END, 1)
    options = graph.options("instances")
    assert options["startDateTime"] == "2026-02-28T00:00:00Z"
    assert options["endDateTime"] == "2026-06-02T00:00:00Z"


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize(
    "fault",
    [
        httpx.Response(429, headers={"Retry-After": "0"}),
        httpx.Response(503),
        httpx.Response(504),
        httpx.ReadError("cut"),
        httpx.ConnectTimeout("late"),
    ],
    ids=["429", "503", "504", "cut", "late"],
)
async def test_each_call_is_tried_again(asked: str, fault: Fault, graph: Graph) -> None:
    expected = await ASKED[asked](opened(graph))
    calls = len(graph.requests)
    for number in range(1, calls + 1):
        graph.requests.clear()
        graph.faults = {number: fault}
        assert await ASKED[asked](opened(graph)) == expected


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (httpx.Response(500), Unavailable),
        (httpx.Response(429, headers={"Retry-After": "600"}), Throttled),
        (httpx.Response(400), Upstream),
        (httpx.Response(200, content=b"<html>"), Upstream),
        (httpx.Response(200, json=[]), Upstream),
    ],
)
async def test_each_call_can_fail_for_good(
    asked: str, fault: httpx.Response, expected: type[ThreadlineError], graph: Graph
) -> None:
    await ASKED[asked](opened(graph))
    for number in range(1, len(graph.requests) + 1):
        graph.requests.clear()
        graph.faults = {number: fault}
        with pytest.raises(expected) as failed:
            await ASKED[asked](opened(graph))
        assert type(failed.value) is expected
        assert failed.value.__cause__ is None


@pytest.mark.parametrize("asked", ["conversation", "occurrences"])
async def test_a_list_that_goes_on_elsewhere_is_not_followed(
    asked: str, graph: Graph, mailbox: GraphMailbox
) -> None:
    graph.next_root = "https://elsewhere.example/v1.0"
    with pytest.raises(Upstream):
        await ASKED[asked](mailbox)
    assert {request.url.host for request in graph.requests} == {"graph.example"}


async def test_what_may_not_be_opened_is_forbidden(graph: Graph, mailbox: GraphMailbox) -> None:
    graph.faults = {1: httpx.Response(403)}
    with pytest.raises(Forbidden):
        await mailbox.occurrences(SERIES, START, END, 1)


ZONES = ("Europe/Warsaw", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "UTC", None)
_hours = st.integers(-5 * 24, 20 * 24)


@given(
    st.lists(st.tuples(_hours, st.booleans(), st.sampled_from(ZONES)), max_size=12),
    _hours,
    st.integers(0, 10 * 24),
    st.integers(0, 8),
)
def test_the_span_of_occurrences_is_what_their_own_starts_say(
    drawn: list[tuple[int, bool, str | None]], first: int, length: int, most: int
) -> None:
    """Over the switch of the clocks in Europe on 29 March, for meetings of any zone and day."""
    base = datetime(2026, 3, 25, tzinfo=UTC)
    graph = Graph(events={"series": event("series", "2026-03-25T00:00:00", type="seriesMaster")})
    for number, (hours, all_day, zone) in enumerate(drawn):
        at = base + timedelta(hours=hours)
        shown = f"{at:%Y-%m-%d}T00:00:00" if all_day else f"{at:%Y-%m-%dT%H:%M:%S}"
        graph.events[f"o-{number}"] = event(
            f"o-{number}", shown, isAllDay=all_day, originalStartTimeZone=zone
        )
    start = base + timedelta(hours=first)
    end = start + timedelta(hours=length)

    async def ask() -> tuple[list[Meeting], list[Meeting]]:
        mailbox = opened(graph)
        singly = [await mailbox.fetch(ItemRef("meeting", "me", id_)) for id_ in graph.events]
        found = await mailbox.occurrences(SERIES, start, end, most)
        return list(found), [one for one in singly[1:] if isinstance(one, Meeting)]

    found, all_ = asyncio.run(ask())
    expected = [one for one in all_ if start <= one.start < end]
    expected.sort(key=lambda one: (one.start, one.ref.id))
    assert found == expected[:most]


@given(st.lists(st.tuples(st.integers(0, 23), st.booleans(), st.booleans()), max_size=12), _hours)
def test_a_conversation_is_sorted_and_cut_by_age(
    drawn: list[tuple[int, bool, bool]], most: int
) -> None:
    rows = [message("m-1", 0)]
    rows += [
        message(f"x-{n}", hour, isDraft=draft, parentFolderId="f-deleted" if thrown else "f")
        for n, (hour, draft, thrown) in enumerate(drawn)
    ]
    graph = Graph({row["id"]: row for row in rows}, folders={"deleteditems": "f-deleted"})
    found = asyncio.run(_ids(opened(graph), max(most, 0)))
    kept = [r for r in rows if not r["isDraft"] and r.get("parentFolderId") != "f-deleted"]
    kept.sort(key=lambda row: (row["receivedDateTime"], row["id"]))
    assert found == [row["id"] for row in kept][max(0, len(kept) - max(most, 0)) :]


async def _ids(mailbox: GraphMailbox, most: int) -> list[str]:
    return [ref.id for ref in await mailbox.conversation(MAIL, most)]
