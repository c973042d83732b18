"""Logs are for finding faults, never for finding people."""

import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import telemetry

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJvaWQiOiIxIn0.c2lnbmF0dXJl-_x"


@pytest.fixture(autouse=True)
def guarded() -> Iterator[None]:
    before = logging.getLogRecordFactory()
    telemetry.guard()
    yield
    logging.setLogRecordFactory(before)


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [json.loads(record.getMessage()) for record in caplog.records]


def test_a_call_is_one_line_with_what_it_noted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with telemetry.call("save_activity", "abc-1"):
        telemetry.note(kind="email", files=2)
        telemetry.note(status=201)
    (line,) = lines(caplog)
    assert line.pop("duration_ms") is not None
    assert line == {
        "event": "save_activity",
        "correlation_id": "abc-1",
        "kind": "email",
        "files": 2,
        "status": 201,
    }


def test_a_call_that_fails_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(ZeroDivisionError), telemetry.call("find_activity", None):
        raise ZeroDivisionError
    assert lines(caplog)[0]["event"] == "find_activity"


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        " ",
        "a\r\nSet-Cookie: x=1",
        "a" * 65,
        "-a",
        "ä",
        "a b",
        'a"b',
        "a@b.example",
        "a\x00",
        "a\n",
    ],
)
def test_an_id_that_could_smuggle_is_replaced(hostile: str) -> None:
    with telemetry.call("x", hostile):
        assert telemetry.correlation_id() != hostile
        assert len(telemetry.correlation_id()) == 32


def test_the_id_is_known_inside_a_call_only() -> None:
    with telemetry.call("x", "id-1"):
        assert telemetry.correlation_id() == "id-1"
    assert telemetry.correlation_id() == ""


@pytest.mark.parametrize(
    ("logged", "kept"),
    [
        ("to ann.lee+x@contoso.example now", "to <address> now"),
        ("<ann@contoso.example>", "<<address>>"),
        ("/users/ann%40contoso.example/messages", "/users/<address>/messages"),
        (f"Authorization: Bearer {TOKEN}", "Authorization: <token>"),
        (f"assertion={TOKEN}&x", "assertion=<token>&x"),
        ("BEARER abcdefghijkl", "<token>"),
        ("GET https://x.example/a?$filter=subject eq", "GET https://x.example/a?<query> eq"),
        ("3 of 4 saved in 12.5 ms", "3 of 4 saved in 12.5 ms"),
    ],
)
def test_what_is_redacted(logged: str, kept: str) -> None:
    assert telemetry.redact(logged) == kept


@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=200),
    st.from_regex(r"[a-z][a-z.+-]{0,20}[a-z]@[a-z]{1,10}\.example", fullmatch=True),
    st.text(alphabet=st.characters(codec="utf-8"), max_size=200),
)
def test_no_address_survives_wherever_it_stands(before: str, address: str, after: str) -> None:
    assert address not in telemetry.redact(f"{before} {address} {after}")


def test_long_hostile_text_takes_no_time() -> None:
    # would take minutes if any pattern were quadratic over the whole
    for text in ("a" * 5_000_000, "a." * 2_000_000, "https://" * 500_000, "eyJ" * 1_000_000):
        assert len(telemetry.redact(text)) <= 8192


def test_records_of_other_loggers_are_redacted(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("somebody.else").warning("sent to %s", "ann@contoso.example")
    assert caplog.messages == ["sent to <address>"]


def test_a_record_with_wrong_arguments_is_survived(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("somebody.else").warning("%d of %s", "ann@contoso.example")
    assert "unreadable log message" in caplog.text
    assert "ann@" not in caplog.text


def test_exceptions_keep_their_stack_and_lose_their_messages(
    caplog: pytest.LogCaptureFixture,
) -> None:
    subject, body = "my salary", "dear ann@contoso.example"

    def inner() -> None:
        raise KeyError(subject)

    try:
        try:
            inner()
        except KeyError as cause:
            raise RuntimeError(body) from cause
    except RuntimeError as error:
        telemetry.fault("fault", error)
        logging.getLogger("somebody.else").exception("failed")
    assert caplog.text.count("in inner") == 2
    assert caplog.text.count("builtins.RuntimeError") == 2
    assert caplog.text.count("builtins.KeyError") == 2
    assert "salary" not in caplog.text
    assert "ann@" not in caplog.text


def test_every_exception_of_a_group_keeps_its_stack(caplog: pytest.LogCaptureFixture) -> None:
    subject = "my salary"

    def inner() -> None:
        raise KeyError(subject)

    try:
        inner()
    except KeyError as one:
        telemetry.fault("fault", ExceptionGroup(subject, [one, ValueError(subject)]))
    assert "in inner" in caplog.text
    assert "ExceptionGroup" in caplog.text
    assert "builtins.ValueError" in caplog.text
    assert "salary" not in caplog.text


def test_guarding_twice_guards_once() -> None:
    once = logging.getLogRecordFactory()
    telemetry.guard()
    assert logging.getLogRecordFactory() is once


def test_the_http_libraries_do_not_tell_urls() -> None:
    for name in ("httpx", "azure.core.pipeline.policies.http_logging_policy", "urllib3"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)
