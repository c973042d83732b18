"""JSON batches."""

from typing import Any

import pytest

from tests.sandbox.graph.graph_world import BERND, Graph


async def _run(seen: Graph, *requests: dict[str, Any]) -> dict[str, dict[str, Any]]:
    answer = await seen.http.post("$batch", json={"requests": list(requests)})
    assert answer.status_code == 200, answer.text
    return {response["id"]: response for response in answer.json()["responses"]}


def _get(id_: str, url: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "method": "GET", "url": url, **more}


async def test_each_request_has_its_own_status_and_headers(mailbox: Graph) -> None:
    message = mailbox.mail(files=(("a.bin", b"\x00\x01"),))
    listed = await mailbox.get(f"me/messages/{message}/attachments")
    file = listed["value"][0]["id"]
    immutable = {"Prefer": 'IdType="ImmutableId"'}

    answers = await _run(
        mailbox,
        _get("bytes", f"/me/messages/{message}/attachments/{file}/$value"),
        _get("json", f"me/messages/{message}?$select=subject", headers=immutable),
        _get("missing", f"/me/messages/{mailbox.mail(BERND)}"),
        _get("unknown", "/me/nonsense"),
    )

    assert answers["bytes"]["body"] == "AAE="
    assert answers["bytes"]["headers"]["Content-Type"] == "application/octet-stream"
    assert answers["json"]["body"]["subject"] == "Hello"
    assert answers["json"]["body"]["id"].startswith("AAkA")
    assert answers["json"]["headers"]["Preference-Applied"] == 'IdType="ImmutableId"'
    assert answers["missing"]["body"]["error"]["code"] == "ErrorItemNotFound"
    assert [answers[id_]["status"] for id_ in ("missing", "unknown")] == [404, 400]


async def test_requests_wait_for_those_they_depend_on(mailbox: Graph) -> None:
    message = mailbox.mail()
    change = {
        "id": "change",
        "method": "PATCH",
        "url": f"/me/messages/{message}",
        "headers": {"Content-Type": "application/json"},
        "body": {"categories": ["Saved"]},
    }

    answers = await _run(
        mailbox,
        change,
        _get("after", f"/me/messages/{message}", dependsOn=["change"]),
        _get("fails", "/me/nonsense"),
        _get("skipped", f"/me/messages/{message}", dependsOn=["fails"]),
    )

    assert answers["after"]["body"]["categories"] == ["Saved"]
    assert answers["skipped"]["status"] == 424


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [_get(str(n), "/me/messages") for n in range(21)],
        [_get("1", "/me/messages"), _get("1", "/me/messages")],
        [_get("1", "/me/messages", dependsOn=["2"]), _get("2", "/me/messages")],
        [{"id": "1", "method": "GET"}],
        [_get("1", "https://localhost:7443/graph/v1.0/me/messages")],
        [{"id": "1", "method": "PATCH", "url": "/me/messages/x", "body": {}}],
    ],
)
async def test_a_malformed_batch_is_refused_whole(mailbox: Graph, requests: list[Any]) -> None:
    refused = await mailbox.refused("$batch", "POST", json={"requests": requests})
    assert refused == (400, "BadRequest")


async def test_a_batch_of_twenty_to_one_mailbox_stays_within_its_concurrency(
    mailbox: Graph,
) -> None:
    message = mailbox.mail()
    requests = (_get(str(number), f"/me/messages/{message}") for number in range(20))
    answers = await _run(mailbox, *requests)
    assert [answer["status"] for answer in answers.values()] == [200] * 20


async def test_the_batch_needs_a_token_itself(mailbox: Graph) -> None:
    del mailbox.http.headers["Authorization"]
    body = {"requests": [_get("1", "/me/messages")]}
    refused = await mailbox.refused("$batch", "POST", json=body)
    assert refused == (401, "InvalidAuthenticationToken")
