"""What the feed of changes makes of refusals, odd answers and links, against a Graph that is told
what to answer."""

import json
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.errors import (
    Conflict,
    Forbidden,
    NoMailbox,
    NotFound,
    ThreadlineError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Upstream,
)
from shared.outbound import Sender
from shared.outlook.subscriptions import GraphChangeFeed

ROOT = "https://graph.example/v1.0"
NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
ENDS = "2026-03-25T15:30:00.0000000+05:30"
HERE = "calendar/2027-03-21"


@dataclass
class Graph:
    """Answers as told, in turn, and then with the end of a round in which nothing happened."""

    script: deque[httpx.Response] = field(default_factory=deque)
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.script:
            return self.script.popleft()
        return page()

    def tell(self, *answers: httpx.Response) -> None:
        self.script.extend(answers)

    @property
    def urls(self) -> list[str]:
        return [str(request.url) for request in self.requests]


def page(*rows: dict[str, Any], following: str = "", last: str = f"{ROOT}/d?t=9") -> httpx.Response:
    link = {"@odata.nextLink": following} if following else {"@odata.deltaLink": last}
    return httpx.Response(200, json={"value": list(rows), **link})


def refusal(status: int, code: str = "x", message: str = "", **headers: str) -> httpx.Response:
    error = {"code": code, "message": message or "The mailbox of ann@contoso.example …"}
    return httpx.Response(status, json={"error": error}, headers=headers)


@pytest.fixture
def graph() -> Graph:
    return Graph()


@pytest.fixture
def feed(graph: Graph) -> GraphChangeFeed:
    sender = Sender(transport=httpx.MockTransport(graph), jitter=lambda: 0.0)

    async def token() -> str:
        return f"token-{len(graph.requests)}"

    url = "https://app.example/api/"
    return GraphChangeFeed(sender, sender.errand(20), f"{ROOT}/", token, url, lambda: NOW)


async def test_what_is_asked_for_is_what_graph_documents(
    graph: Graph, feed: GraphChangeFeed
) -> None:
    made = httpx.Response(201, json={"id": "s-1", "expirationDateTime": ENDS})
    graph.tell(made, made)
    until = datetime(2026, 3, 25, 12, tzinfo=UTC)
    for kind in ("email", "meeting"):
        told = await feed.subscribe("o'ann#ext#@contoso.example", kind, "secret", until)
        assert told == ("s-1", datetime(2026, 3, 25, 10, tzinfo=UTC))
    mail, calendar = (json.loads(request.content) for request in graph.requests)
    assert mail == {
        "changeType": "created,deleted",
        "notificationUrl": "https://app.example/api/graph/notifications",
        "lifecycleNotificationUrl": "https://app.example/api/graph/lifecycle",
        "resource": "users/o%27ann%23ext%23@contoso.example/messages",
        "expirationDateTime": "2026-03-25T12:00:00Z",
        "clientState": "secret",
    }
    assert (calendar["changeType"], calendar["resource"].rpartition("/")[2]) == (
        "updated,deleted",
        "events",
    )
    assert 'IdType="ImmutableId"' in graph.requests[0].headers["prefer"]


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ("2026-03-25T10:00:00Z", 10),
        ("2026-03-25T10:00:00.0000000Z", 10),
        ("2026-03-25T10:00:00.1234567+00:00", 10),
        ("2026-03-25T02:00:00-08:00", 10),
        ("2026-03-25T10:00:00", 10),
    ],
)
async def test_an_expiry_is_read_whatever_its_offset(
    ends: str, expected: int, graph: Graph, feed: GraphChangeFeed
) -> None:
    graph.tell(httpx.Response(200, json={"id": "s", "expirationDateTime": ends}))
    told = await feed.renew("s", NOW)
    assert told.replace(microsecond=0) == datetime(2026, 3, 25, expected, tzinfo=UTC)
    assert told.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (refusal(403, "ExtensionError", "Operation: Create; … Access is denied."), Forbidden),
        (refusal(403, "Forbidden", "Mailbox has reached the maximum of 1000 subs"), Throttled),
        (refusal(404, "ExtensionError"), NoMailbox),
        (refusal(409, "Conflict"), Conflict),
        (
            refusal(400, "ValidationError", "Subscription validation request timed out."),
            Unavailable,
        ),
        (refusal(400, "InvalidRequest", "Subscription expiration can only be …"), Upstream),
        (refusal(429, **{"Retry-After": "120"}), Throttled),
        (refusal(500), Unavailable),
        (refusal(503), Unavailable),
        (httpx.Response(200, json={"id": "s", "expirationDateTime": ENDS}), Upstream),
        (httpx.Response(201, json={"id": "s"}), Upstream),
        (httpx.Response(201, json={"id": "s", "expirationDateTime": "soon"}), Upstream),
        (httpx.Response(201, json=[]), Upstream),
        (httpx.Response(201, content=b"<html>"), Upstream),
        (httpx.Response(302, headers={"Location": "https://elsewhere.example"}), Upstream),
    ],
)
async def test_refusals_of_a_new_subscription(
    answer: httpx.Response,
    expected: type[ThreadlineError],
    graph: Graph,
    feed: GraphChangeFeed,
) -> None:
    graph.tell(answer)
    with pytest.raises(expected) as refused:
        await feed.subscribe("ann@contoso.example", "email", "secret", NOW)
    assert type(refused.value) is expected
    assert "ann@" not in refused.value.detail
    assert len(graph.requests) == 1


async def test_a_refused_token_is_replaced_once(graph: Graph, feed: GraphChangeFeed) -> None:
    graph.tell(httpx.Response(401), httpx.Response(204))
    await feed.end("s")
    assert [r.headers["authorization"] for r in graph.requests] == [
        "Bearer token-0",
        "Bearer token-1",
    ]
    graph.tell(httpx.Response(401), httpx.Response(401))
    with pytest.raises(Unauthenticated):
        await feed.end("s")


async def test_a_strange_id_stays_one_part_of_the_address(
    graph: Graph, feed: GraphChangeFeed
) -> None:
    graph.tell(httpx.Response(404))
    await feed.end("../users/a?b#c'd%")
    assert graph.urls == [f"{ROOT}/subscriptions/..%2Fusers%2Fa%3Fb%23c%27d%25"]


ELSEWHERE = (
    "https://elsewhere.example/v1.0/d?t=1",
    "https://graph.example.elsewhere.example/v1.0/d",
    "https://graph.example/v1.0.elsewhere.example/d",
    "https://graph.example/beta/d",
    "https://graph.example@elsewhere.example/v1.0/d",
    "http://graph.example/v1.0/d",
    "//elsewhere.example/v1.0/d",
    "/v1.0/d",
    f"{ROOT}",
    f" {ROOT}/d",
    f"{ROOT}/d e",
    f"{ROOT}/d\r\nX: y",
    f"{ROOT}/d{'x' * 20_000}",
    f"{ROOT}/é",
    "",
)


@pytest.mark.parametrize("link", ELSEWHERE)
async def test_a_kept_link_that_leads_elsewhere_is_never_called(
    link: str, graph: Graph, feed: GraphChangeFeed
) -> None:
    found = await feed.changes("ann@contoso.example", "meeting", {HERE: link}, NOW)
    assert found.anew
    assert found.position == {HERE: f"{ROOT}/d?t=9"}
    assert len(graph.requests) == 1
    assert graph.urls[0].startswith(f"{ROOT}/users/ann@contoso.example/calendarView/delta()?")


@pytest.mark.parametrize("link", ELSEWHERE)
@pytest.mark.parametrize("kind", ["next", "delta"])
async def test_an_answers_link_that_leads_elsewhere_is_never_called(
    kind: str, link: str, graph: Graph, feed: GraphChangeFeed
) -> None:
    told = {"value": [], f"@odata.{kind}Link": link}
    graph.tell(httpx.Response(200, json=told))
    with pytest.raises(Upstream):
        await feed.changes("a", "meeting", {HERE: f"{ROOT}/d?t=1"}, NOW)
    assert graph.urls == [f"{ROOT}/d?t=1"]


async def test_the_sweep_follows_no_link_elsewhere(graph: Graph, feed: GraphChangeFeed) -> None:
    links = {folder: f"{ROOT}/{folder}?t=1" for folder in ("inbox", "sentitems")}
    graph.tell(page(), page(), page({"id": "m"}, following=ELSEWHERE[0]))
    with pytest.raises(Upstream):
        await feed.changes("a", "email", links, NOW)
    assert all(url.startswith(f"{ROOT}/") for url in graph.urls)


@pytest.mark.parametrize(
    "answer",
    [
        refusal(410, "SyncStateNotFound"),
        refusal(410, "resyncRequired", Location="https://elsewhere.example/"),
        httpx.Response(410),
        refusal(400, "SyncStateInvalid"),
        refusal(404, "ErrorItemNotFound"),
    ],
)
async def test_a_link_that_graph_forgot_is_begun_anew(
    answer: httpx.Response, graph: Graph, feed: GraphChangeFeed
) -> None:
    graph.tell(answer, page({"id": "e", "lastModifiedDateTime": "2026-03-20T11:59:00Z"}))
    found = await feed.changes("a", "meeting", {HERE: f"{ROOT}/d?t=1"}, NOW)
    assert found.anew
    assert found.items == ("e",)
    assert len(graph.requests) == 2


async def test_a_link_forgotten_within_a_round_is_begun_anew(
    graph: Graph, feed: GraphChangeFeed
) -> None:
    graph.tell(page(following=f"{ROOT}/d?s=2"), refusal(410))
    assert (await feed.changes("a", "meeting", {HERE: f"{ROOT}/d?t=1"}, NOW)).anew
    graph.tell(page(following=f"{ROOT}/d?s=2"), refusal(410))
    with pytest.raises(Unavailable):
        await feed.changes("a", "meeting", {}, NOW)


async def test_a_round_that_cannot_be_begun_says_why(graph: Graph, feed: GraphChangeFeed) -> None:
    for status, expected in ((404, NotFound), (403, Forbidden), (400, Upstream)):
        graph.tell(refusal(status), refusal(status))
        position = {HERE: f"{ROOT}/d?t=1"} if status != 403 else {}
        with pytest.raises(expected):
            await feed.changes("a", "meeting", position, NOW)
        graph.script.clear()


async def test_a_round_is_read_in_parts(graph: Graph, feed: GraphChangeFeed) -> None:
    pages = [page({"id": f"e{n}"}, following=f"{ROOT}/d?s={n}") for n in range(30)]
    graph.tell(*pages, page({"id": "last"}))
    first = await feed.changes("a", "meeting", {HERE: f"{ROOT}/d?t=1"}, NOW)
    assert first.more
    assert first.position == {HERE: f"{ROOT}/d?s=24"}
    second = await feed.changes("a", "meeting", first.position, NOW)
    assert not second.more
    told = [*first.items, *second.items]
    assert told == [*(f"e{n}" for n in range(30)), "last"]


async def test_a_list_without_an_end_is_not_followed_for_ever(
    graph: Graph, feed: GraphChangeFeed
) -> None:
    links = {folder: f"{ROOT}/{folder}?t=1" for folder in ("inbox", "sentitems")}
    graph.tell(page(), page(), *(page(following=f"{ROOT}/m?s=1") for _ in range(300)))
    with pytest.raises(Upstream):
        await feed.changes("a", "email", links, NOW)


async def test_occurrences_are_told_once_as_their_series_and_removed_ones_are_told(
    graph: Graph, feed: GraphChangeFeed
) -> None:
    graph.tell(
        page(
            {
                "id": "series",
                "type": "seriesMaster",
                "lastModifiedDateTime": "2020-01-01T00:00:00Z",
            },
            {"id": "o1", "type": "occurrence", "seriesMasterId": "series"},
            {"id": "o2", "type": "exception", "seriesMasterId": "series"},
            {"id": "single", "subject": "x", "start": "odd"},
            {"id": "away", "@removed": {"reason": "deleted"}},
            {"id": "moved", "@removed": {"reason": "changed"}},
        )
    )
    found = await feed.changes("a", "meeting", {HERE: f"{ROOT}/d?t=1"}, NOW)
    assert found.items == ("series", "single", "away", "moved")


async def test_a_beginning_tells_what_changed_lately(graph: Graph, feed: GraphChangeFeed) -> None:
    graph.tell(
        page(
            {"id": "old", "lastModifiedDateTime": "2026-03-20T11:30:00Z"},
            {"id": "of old", "type": "occurrence", "seriesMasterId": "old"},
            {"id": "new", "lastModifiedDateTime": "2026-03-20T11:50:00Z"},
        )
    )
    found = await feed.changes("a", "meeting", {}, NOW)
    assert found.items == ("new",)


async def test_the_calendar_is_asked_for_a_month_back_and_a_year_ahead(
    graph: Graph, feed: GraphChangeFeed
) -> None:
    await feed.changes("a", "meeting", {}, NOW)
    (request,) = graph.requests
    assert dict(request.url.params) == {
        "startDateTime": "2026-02-17T00:00:00Z",
        "endDateTime": "2027-03-21T00:00:00Z",
    }
    assert "odata.maxpagesize=" in request.headers["prefer"]
    assert 'IdType="ImmutableId"' in request.headers["prefer"]


async def test_mail_is_asked_for_with_a_margin(graph: Graph, feed: GraphChangeFeed) -> None:
    graph.tell(page({"id": "m"}), page({"id": "n"}), page({"id": "m"}, {"id": "o"}))
    found = await feed.changes("a", "email", {}, NOW)
    assert sorted(found.items) == ["m", "n", "o"]
    filters = {request.url.params["$filter"] for request in graph.requests}
    assert filters == {"receivedDateTime ge 2026-03-20T11:45:00Z"}
    assert all(request.url.params["$select"] == "id" for request in graph.requests)
    changed = [r.url.params.get("changeType") for r in graph.requests]
    assert changed == ["created", "created", None]


@pytest.mark.parametrize("row", [{}, {"id": 5}, {"id": None}, "x", None])
async def test_a_row_without_an_id_is_an_upstream_fault(
    row: Any, graph: Graph, feed: GraphChangeFeed
) -> None:
    graph.tell(page(row))
    with pytest.raises(Upstream) as odd:
        await feed.changes("a", "meeting", {HERE: f"{ROOT}/d?t=1"}, NOW)
    assert odd.value.__cause__ is None
