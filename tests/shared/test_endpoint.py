"""Requests in, answers out, whatever happens between."""

import json
import logging
from typing import Any

import azure.functions as func
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edit_activity.payload import EditRequest
from save_activity.payload import SaveRequest
from shared import endpoint, replies
from shared.errors import (
    FieldError,
    Forbidden,
    InvalidRequest,
    NotFound,
    ThreadlineError,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from shared.wire import ActivityKey, Answered, ItemQuery

ITEM = {"kind": "email", "id": "AAMkAG_-="}


def request(
    body: bytes = b"", headers: dict[str, str] | None = None, **params: str
) -> func.HttpRequest:
    return func.HttpRequest("POST", "/api/x", headers=headers, params=params, body=body)


def save_request(**fields: Any) -> SaveRequest:
    return endpoint.body(request(json.dumps({"item": ITEM} | fields).encode()), SaveRequest)


def refused_fields(**fields: Any) -> list[str]:
    with pytest.raises(InvalidRequest) as refused:
        save_request(**fields)
    assert refused.value.code == "invalid"
    return [error.field for error in refused.value.errors]


async def answer_to(
    error: Exception, headers: dict[str, str] | None = None
) -> tuple[func.HttpResponse, dict[str, Any]]:
    @endpoint.answering("test")
    async def fails(req: func.HttpRequest) -> func.HttpResponse:
        raise error

    response = await fails(request(headers=headers))
    return response, json.loads(response.get_body())


class Shape(Answered):
    some_name: str


async def test_an_answer_is_camel_case_json_with_the_callers_correlation_id() -> None:
    @endpoint.answering("test")
    async def works(req: func.HttpRequest) -> func.HttpResponse:
        return replies.ok(Shape(some_name="ä"), status=201)

    response = await works(request(headers={"X-Correlation-Id": "mine.1"}))
    assert response.status_code == 201
    assert response.mimetype == "application/json"
    assert json.loads(response.get_body()) == {"someName": "ä"}
    assert response.headers["x-correlation-id"] == "mine.1"


async def test_an_invalid_correlation_id_is_not_echoed() -> None:
    response, _ = await answer_to(NotFound("x"), {"x-correlation-id": "a\r\nb: c"})
    assert response.headers["x-correlation-id"].isalnum()


async def test_a_problem_says_all_that_rfc_9457_asks() -> None:
    response, problem = await answer_to(
        InvalidRequest("Not so.", code="excluded", errors=(FieldError("links.0", "No."),))
    )
    assert response.status_code == 422
    assert response.mimetype == "application/problem+json"
    assert problem == {
        "type": "/api/openapi.json#/x-problems/excluded",
        "title": "Excluded",
        "status": 422,
        "detail": "Not so.",
        "code": "excluded",
        "errors": [{"field": "links.0", "message": "No."}],
    }


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Unauthenticated("x"), 401, "unauthenticated"),
        (Forbidden("x"), 403, "forbidden"),
        (NotFound("x", code="not_saved"), 404, "not_saved"),
        (TooLarge("x"), 413, "too_large"),
        (Throttled("x", retry_after=1.2), 429, "throttled"),
        (Unavailable("x"), 503, "unavailable"),
    ],
)
async def test_statuses(error: ThreadlineError, status: int, code: str) -> None:
    response, problem = await answer_to(error)
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)


async def test_every_error_of_ours_has_its_answer() -> None:
    def tree(kind: type[ThreadlineError]) -> list[type[ThreadlineError]]:
        return [kind, *(below for one in kind.__subclasses__() for below in tree(one))]

    assert {kind.code for kind in tree(ThreadlineError)} <= set(replies.PROBLEMS)


async def test_what_is_not_available_always_says_when_to_come_again() -> None:
    response, problem = await answer_to(Unavailable("x"))
    assert problem["retryAfter"] == replies.A_WHILE
    assert response.headers["Retry-After"] == str(replies.A_WHILE)


@pytest.mark.parametrize(("seconds", "header"), [(0.0, "1"), (1.2, "2"), (30, "30")])
async def test_waits_are_told_in_whole_seconds_in_both_places(seconds: float, header: str) -> None:
    for error in (Throttled("x", retry_after=seconds), Unavailable("x", retry_after=seconds)):
        response, problem = await answer_to(error)
        assert response.headers["Retry-After"] == header
        assert problem["retryAfter"] == int(header)


async def test_who_is_not_signed_in_is_told_how() -> None:
    response, _ = await answer_to(Unauthenticated("x"))
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "error", [ValueError("ann@contoso.example"), ThreadlineError("x", code="no_such_code")]
)
async def test_the_unforeseen_tells_the_client_nothing_and_the_log_where(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    response, problem = await answer_to(error, {"x-correlation-id": "find-me"})
    assert response.status_code == 500
    assert problem["code"] == "internal"
    assert "find-me" in problem["detail"]
    assert "ann@" not in response.get_body().decode()
    assert "in fails" in caplog.text
    assert "ann@" not in caplog.text


async def test_the_log_line_of_a_failed_call_holds_code_and_status(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    await answer_to(NotFound("x", code="not_saved"))
    line = json.loads(caplog.messages[-1])
    assert (line["event"], line["outcome"], line["status"]) == ("test", "not_saved", 404)


def test_a_whole_save_request_is_read() -> None:
    wanted = save_request(
        links=[{"type": "opportunity", "id": "3b1f6c1e"}],
        categories={"new_a": 1, "new_b": True, "new_c": "x", "new_d": None},
        attachments=["AAA="],
        scope="occurrence",
        follow=True,
    )
    assert wanted.item.mailbox == "me"
    assert wanted.attachments == ("AAA=",)
    assert wanted.categories == {"new_a": 1, "new_b": True, "new_c": "x", "new_d": None}
    assert type(wanted.categories["new_b"]) is bool


def test_what_is_left_out_has_a_default() -> None:
    wanted = save_request()
    assert (wanted.links, wanted.categories, wanted.attachments) == ((), {}, "default")
    assert (wanted.scope, wanted.follow) == (None, None)


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"links": [{"type": "opportunity"}]}, ["links.0.id"]),
        ({"links": [{"type": "opp'x", "id": "1"}]}, ["links.0.type"]),
        ({"links": [{"type": "account", "id": "1/../2"}]}, ["links.0.id"]),
        ({"links": [{"type": "account", "id": "1\r\nx: y"}]}, ["links.0.id"]),
        ({"links": [{"type": "account", "id": "1\n"}]}, ["links.0.id"]),
        ({"links": {}}, ["links"]),
        ({"links": None}, ["links"]),
        ({"follow": "true"}, ["follow"]),
        ({"follow": 1}, ["follow"]),
        ({"scope": "all"}, ["scope"]),
        ({"attachments": "all"}, ["attachments"]),
        ({"attachments": ["A'B"]}, ["attachments", "attachments.0"]),
        ({"categories": {"a b": 1}}, ["categories.?"]),
        ({"categories": {"a": 1.5}}, ["categories.a"]),
        ({"categories": {"a": [1]}}, ["categories.a"]),
        ({"categories": {"a": "x\x00"}}, ["categories.a"]),
        ({"categories": {"a": 10**400}}, ["categories.a"]),
        ({"surprise": 1}, ["surprise"]),
        ({"ann@contoso.example": 1}, ["?"]),
        ({"item": {"kind": "task", "id": "a"}}, ["item.kind"]),
        ({"item": {"kind": "email", "id": "a", "subject": "x"}}, ["item.subject"]),
        ({"item": ITEM | {"id": "a/b"}}, ["item.id"]),
        ({"item": ITEM | {"id": "a'b"}}, ["item.id"]),
        ({"item": ITEM | {"id": ""}}, ["item.id"]),
        ({"item": ITEM | {"id": "a" * 1025}}, ["item.id"]),
        ({"item": ITEM | {"mailbox": "Me"}}, ["item.mailbox"]),
        ({"item": ITEM | {"mailbox": "a@b\r\nx"}}, ["item.mailbox"]),
        ({"item": ITEM | {"mailbox": "../ann@contoso.example"}}, ["item.mailbox"]),
        ({"item": ITEM | {"mailbox": "ann@contoso.example/x"}}, ["item.mailbox"]),
    ],
)
def test_hostile_and_wrong_fields_are_named(fields: dict[str, Any], refused: list[str]) -> None:
    assert refused_fields(**fields) == refused


@pytest.mark.parametrize(
    "mailbox", ["me", "o'brien@contoso.example", "büro@müller.example", "a+b@x-y.example"]
)
def test_real_mailboxes_are_taken(mailbox: str) -> None:
    assert save_request(item=ITEM | {"mailbox": mailbox}).item.mailbox == mailbox


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"item": "\xff"}',
        b'{"item": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b"item=x&links=y",
        '{"item": 1}'.encode("utf-16"),
    ],
)
def test_what_is_no_json_in_utf_8_is_malformed(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        endpoint.body(request(body), SaveRequest)
    assert refused.value.code == "malformed"


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"1"])
def test_json_that_is_no_object_is_invalid(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        endpoint.body(request(body), SaveRequest)
    assert [error.field for error in refused.value.errors] == ["$"]


def test_a_huge_body_is_not_even_parsed() -> None:
    with pytest.raises(TooLarge):
        endpoint.body(request(b"[" * 10_000_000), SaveRequest)


def test_many_errors_are_told_in_part() -> None:
    assert len(refused_fields(**{f"x{n}": 1 for n in range(1000)})) == 20


def test_queries_and_paths_are_checked_alike() -> None:
    assert endpoint.query(request(kind="email", item="A="), ItemQuery).mailbox == "me"
    with pytest.raises(InvalidRequest) as refused:
        endpoint.query(request(kind="x", item="A B", more="1"), ItemQuery)
    assert {error.field for error in refused.value.errors} == {"kind", "item", "more"}
    with pytest.raises(InvalidRequest):
        endpoint.path(
            func.HttpRequest("GET", "/", route_params={"kind": "email", "id": "a'b"}, body=b""),
            ActivityKey,
        )


def test_an_edit_tells_leaving_out_from_emptying() -> None:
    nothing = endpoint.body(request(b"{}"), EditRequest).change()
    assert (nothing.links, nothing.categories, nothing.contacts) == (None, None, None)
    emptied = endpoint.body(
        request(b'{"links": [], "categories": {"a": null}, "contacts": []}'), EditRequest
    ).change()
    assert (emptied.links, emptied.categories, emptied.contacts) == ((), {"a": None}, ())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
near_requests = st.fixed_dictionaries(
    {"item": st.just(ITEM) | json_values},
    optional=dict.fromkeys(("links", "categories", "attachments", "scope", "follow"), json_values),
)


@given(json_values | near_requests)
def test_any_json_is_read_or_refused(value: Any) -> None:
    body = json.dumps(value).encode()
    try:
        wanted = endpoint.body(request(body), SaveRequest)
    except InvalidRequest as refused:
        assert refused.code in {"invalid", "malformed"}
        assert refused.code == "malformed" or refused.errors
    else:
        assert wanted.model_dump(mode="json", exclude_unset=True) == value


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        endpoint.body(request(body), SaveRequest)


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=5))
def test_any_query_is_read_or_refused(params: dict[str, str]) -> None:
    try:
        endpoint.query(func.HttpRequest("GET", "/", params=params, body=b""), ItemQuery)
    except InvalidRequest as refused:
        assert refused.errors
