"""What Dataverse's errors become."""

import json

import pytest

from shared import errors
from shared.crm.dataverse.batch import Reply
from shared.crm.dataverse.faults import DUPLICATE_KEY, code, fault


def refused(status: int, number: str = "", message: str = "", **headers: str) -> Reply:
    body = json.dumps({"error": {"code": number, "message": message}}).encode()
    return Reply(status, {name.replace("_", "-"): v for name, v in headers.items()}, body)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refused(403), errors.Forbidden),
        (refused(400, "0x80040220"), errors.Forbidden),
        (refused(404), errors.NotFound),
        (refused(400, "0x80040217"), errors.NotFound),
        (refused(412), errors.Conflict),
        (refused(412, "0x80040333"), errors.Conflict),
        (refused(500, "0x80040333"), errors.Conflict),
        (refused(400, "0x8004022e"), errors.Conflict),
        (refused(400, "0x80044331"), errors.InvalidRequest),
        (refused(400, "0x80043e09"), errors.InvalidRequest),
        (refused(400), errors.InvalidRequest),
        (refused(400, "0x80044a02"), errors.TooLarge),
        (refused(413), errors.TooLarge),
        (refused(401), errors.Unauthenticated),
        (refused(429), errors.Throttled),
        (refused(400, "0x80072322"), errors.Throttled),
        (refused(429, "-2147015902"), errors.Throttled),
        (refused(502), errors.Unavailable),
        (refused(503), errors.Unavailable),
        (refused(504), errors.Unavailable),
        (refused(500, "0x80044151"), errors.Unavailable),
        (refused(500), errors.Upstream),
        (refused(501), errors.Upstream),
        (Reply(500, {}, b"<html>"), errors.Upstream),
        (Reply(400, {}, b'{"error": "text"}'), errors.InvalidRequest),
    ],
)
def test_the_code_counts_before_the_status(
    reply: Reply, expected: type[errors.ThreadlineError]
) -> None:
    assert type(fault(reply)) is expected


@pytest.mark.parametrize("number", ["0x80040237", "-2147220937", "2147746359"])
def test_a_code_is_read_in_every_notation(number: str) -> None:
    assert code(refused(412, number)) == DUPLICATE_KEY


def test_retry_after_is_passed_on() -> None:
    asked = fault(refused(429, retry_after="17"))
    assert isinstance(asked, errors.Throttled)
    assert asked.retry_after == 17.0


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (
            "0x80044331",
            "The length of the 'new_topic' attribute of the 'email' entity exceeded 's3cr3t'.",
        ),
        (
            "0x8004431a",
            "A validation error occurred.  The value 7 of 'new_topic' on record of type 'email' is "
            "outside the valid range. Accepted Values: 100000000,100000001",
        ),
        (
            "0x8004432f",
            "A validation error occurred.  The value -7 of 'new_topic' on record of type 'email' "
            "is outside the valid range. Accepted Values: 0 to 10",
        ),
    ],
    ids=["length", "choice", "number"],
)
def test_a_refused_value_is_told_by_its_column(number: str, message: str) -> None:
    problem = fault(refused(400, number, message))
    assert isinstance(problem, errors.InvalidRequest)
    assert problem.detail == "Dynamics 365 refused the value of new_topic."


@pytest.mark.parametrize("status", [400, 403, 404, 412, 429, 500, 503])
@pytest.mark.parametrize("number", ["", "0x80044331", "0x80040203", "0x80040220"])
def test_nothing_of_the_vendors_words_is_passed_on(status: int, number: str) -> None:
    said = "anna@contoso.example 'anna@contoso.example' attribute 's3cr3t body' attribute"
    problem = fault(refused(status, number, said))
    assert "anna" not in problem.detail
    assert "s3cr3t" not in problem.detail
