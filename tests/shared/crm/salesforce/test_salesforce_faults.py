"""Salesforce's refusals, as they were recorded, in our words."""

from typing import Any

import pytest

from shared.crm.salesforce import composite
from shared.crm.salesforce.composite import Reply
from shared.crm.salesforce.faults import SchemaChanged, code, duplicate_detail, fault
from shared.crm.salesforce.tokens import _refusal
from shared.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    ThreadlineError,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Upstream,
)
from tests.shared.crm.salesforce import recorded


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (400, recorded.DUPLICATE, Conflict, "Standard_Contact_Duplicate_Rule"),
        (400, recorded.DUPLICATE_WITHOUT_DETAIL, Conflict, "duplicate rule"),
        (400, recorded.LOCKED, Conflict, "try again"),
        (500, recorded.LOCKED, Conflict, "try again"),
        (403, recorded.DAILY_LIMIT, Throttled, "used up"),
        (403, recorded.CONCURRENT_LIMIT, Throttled, "used up"),
        (401, recorded.EXPIRED, Unauthenticated, "sign-in"),
        (400, recorded.MISSING_FIELD, InvalidRequest, "LastName"),
        (404, recorded.NOT_FOUND, NotFound, "no such record"),
        (404, recorded.DELETED, NotFound, "no such record"),
        (400, recorded.READ_ONLY, Forbidden, "allow"),
        (503, None, Unavailable, "not available"),
        (413, None, TooLarge, "more than"),
        (500, None, Upstream, "status 500"),
        (302, None, InvalidRequest, "status 302"),
        (418, [{"errorCode": "SOMETHING_NEW", "message": "x"}], InvalidRequest, "SOMETHING_NEW"),
        (418, [{"errorCode": "<b>x</b>", "message": "x"}], InvalidRequest, r"\(status 418\)"),
        (400, ["odd"], InvalidRequest, "status 400"),
    ],
)
def test_each_refusal_has_its_meaning(
    status: int, body: Any, error: type[ThreadlineError], words: str
) -> None:
    raised = fault(Reply(status, body))
    assert type(raised) is error
    with pytest.raises(error, match=words):
        raise raised


def test_how_long_to_wait() -> None:
    def wait(reply: Reply) -> float:
        raised = fault(reply)
        assert isinstance(raised, Throttled)
        return raised.retry_after

    assert wait(Reply(403, recorded.DAILY_LIMIT)) == 3600
    assert wait(Reply(403, recorded.CONCURRENT_LIMIT)) == 30
    assert wait(Reply(429, None)) == 30
    assert wait(Reply(429, None, {"retry-after": "7"})) == 7


def test_the_misspelt_detail_is_read_in_both_spellings() -> None:
    (right,) = [{"duplicateResult": {"duplicateRule": "R"}, "errorCode": "DUPLICATES_DETECTED"}]
    assert duplicate_detail(Reply(400, [right])) == {"duplicateRule": "R"}
    assert duplicate_detail(Reply(400, recorded.DUPLICATE))["allowSave"] is True
    assert duplicate_detail(Reply(400, recorded.DUPLICATE_WITHOUT_DETAIL)) == {}


def test_no_word_of_salesforces_own_is_passed_on() -> None:
    secret = "s3cr3t"
    for status in (400, 403, 404, 500):
        for name in ("STRING_TOO_LONG", "FIELD_CUSTOM_VALIDATION_EXCEPTION", "X", "NOT_FOUND"):
            body = [{"errorCode": name, "message": secret, "fields": [f"{secret} <x>"]}]
            assert secret not in fault(Reply(status, body)).detail


def test_a_recorded_composite_is_read() -> None:
    replies = composite.read(recorded.COMPOSITE)
    assert replies["refAccount"].ok
    assert replies["refAccount"].row["totalSize"] == 17
    assert code(replies["refXYZZY"]) == "INVALID_TYPE"
    assert isinstance(fault(replies["refXYZZY"]), SchemaChanged)


def test_what_was_only_undone_is_not_the_reason() -> None:
    halted = Reply(400, [{"errorCode": "PROCESSING_HALTED", "message": "rolled back"}])
    undone = {"success": False, "errors": [{"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK"}]}
    failed = {"success": False, "errors": [{"statusCode": "STRING_TOO_LONG", "fields": ["A"]}]}
    replies = {"a": halted, "b": Reply(200, [undone, failed]), "c": halted}
    refused = composite.refusal(replies)
    assert refused is replies["b"]
    assert code(refused) == "STRING_TOO_LONG"
    assert composite.refusal({"a": Reply(200, {}), "b": Reply(204)}) is None
    assert composite.refusal({"a": halted}) is halted


@pytest.mark.parametrize("answer", [None, [], {}, {"compositeResponse": "x"}])
def test_what_is_no_composite_is_refused(answer: Any) -> None:
    with pytest.raises(ValueError, match="composite"):
        composite.read(answer)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, recorded.NOT_APPROVED, Forbidden),
        (400, {"error": "inactive_user", "error_description": "user is inactive"}, Forbidden),
        (400, {"error": "invalid_client_id", "error_description": "x"}, Upstream),
        (400, recorded.EXPIRED_GRANT, Upstream),
        (400, {"error": "invalid_grant", "error_description": "audience is invalid"}, Upstream),
        (503, {}, Unavailable),
        (200, {"access_token": 5}, Upstream),
    ],
)
def test_sign_ins_that_are_refused(status: int, body: Any, error: type[ThreadlineError]) -> None:
    assert type(_refusal(status, body)) is error
