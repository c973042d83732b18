"""Settings, output values, schedules and keys of the host, without a process."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.host.bindings import messages
from sandbox.host.config import (
    ConfigError,
    apply_local_settings,
    expand,
    read_host_json,
    seconds,
)
from sandbox.host.encoding import UndecodableMessage, decode, encode
from sandbox.host.functions import Binding, Function, enabled
from sandbox.host.invocation import Invoker, trace_of
from sandbox.host.keys import Keys, kept_keys
from sandbox.host.storage import connection_string
from sandbox.host.timers import Schedule
from sandbox.host.triggers import InvocationFailed


def written(folder: Path, document: object) -> Path:
    path = folder / "settings.json"
    path.write_text(json.dumps(document))
    return path


def test_host_json_left_short_means_the_documented_defaults(tmp_path: Path) -> None:
    config = read_host_json(written(tmp_path, {"version": "2.0"}))
    assert config.route_prefix == "api"
    assert config.function_timeout == 1800
    assert config.queues.batch_size == 16
    assert config.queues.new_batch_threshold == 8
    assert config.queues.max_dequeue_count == 5
    assert config.queues.base64


def test_host_json_is_heeded(tmp_path: Path) -> None:
    config = read_host_json(
        written(
            tmp_path,
            {
                "version": "2.0",
                "functionTimeout": "-1",
                "extensions": {
                    "http": {"routePrefix": ""},
                    "queues": {
                        "batchSize": 4,
                        "maxDequeueCount": 2,
                        "visibilityTimeout": "00:00:30",
                        "messageEncoding": "none",
                    },
                },
            },
        )
    )
    assert config.route_prefix == ""
    assert config.function_timeout is None
    assert config.queues.new_batch_threshold == 2
    assert config.queues.max_dequeue_count == 2
    assert config.queues.visibility_timeout == 30
    assert not config.queues.base64


def test_application_settings_go_before_host_json(tmp_path: Path) -> None:
    document = {"version": "2.0", "extensions": {"queues": {"batchSize": 4}}}
    prefix = "AzureFunctionsJobHost__extensions__"
    config = read_host_json(
        written(tmp_path, document),
        {
            f"{prefix}queues__visibilityTimeout": "00:00:05",
            f"{prefix}queues__batchSize": "7",
            f"{prefix}http__routePrefix": "v1",
            "OTHER": "x",
        },
    )
    assert config.queues.visibility_timeout == 5
    assert config.queues.batch_size == 7
    assert config.route_prefix == "v1"


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"version": "1.0"},
        {"version": "2.0", "functionTimeout": "5 minutes"},
        {"version": "2.0", "extensions": {"queues": {"batchSize": 33}}},
        {"version": "2.0", "extensions": {"queues": {"messageEncoding": "rot13"}}},
    ],
)
def test_a_wrong_host_json_is_refused(tmp_path: Path, document: object) -> None:
    with pytest.raises(ConfigError):
        read_host_json(written(tmp_path, document))


@pytest.mark.parametrize(
    ("timespan", "expected"),
    [("00:05:00", 300), ("1.02:00:00", 93_600), ("00:00:00.25", 0.25), ("-00:00:01", -1)],
)
def test_time_spans_are_read(timespan: str, expected: float) -> None:
    assert seconds(timespan) == expected


def test_local_settings_fill_the_environment_but_never_override_it(tmp_path: Path) -> None:
    environ = {"A": "set before"}
    path = written(tmp_path, {"IsEncrypted": False, "Values": {"A": "file", "B": 1}})
    apply_local_settings(path, environ)
    assert environ == {"A": "set before", "B": "1"}


def test_encrypted_local_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        apply_local_settings(written(tmp_path, {"IsEncrypted": True}), {})


def test_binding_expressions_are_expanded() -> None:
    assert expand("%A%-queue", {"A": "my"}) == "my-queue"
    with pytest.raises(ConfigError, match="MISSING"):
        expand("%MISSING%", {})


def test_a_connection_is_found_by_its_name_and_its_prefixed_name() -> None:
    assert connection_string("Mine", {"Mine": "x"}) == "x"
    assert connection_string("Mine", {"AzureWebJobsMine": "y"}) == "y"
    assert "127.0.0.1:10001" in connection_string("Mine", {"Mine": "UseDevelopmentStorage=true"})
    with pytest.raises(ConfigError):
        connection_string("Mine", {})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", [b"plain"]),
        ("", [b""]),
        (b"\x00\xff", [b"\x00\xff"]),
        ('{"a": 1}', [b'{"a": 1}']),
        ('["a", {"b": 1}]', [b"a", b'{"b": 1}']),
        ("[not json", [b"[not json"]),
        (["a", "b"], [b"a", b"b"]),
        ([], []),
        (func.QueueMessage(body="m"), [b"m"]),
        ([func.QueueMessage(body="m"), "n"], [b"m", b"n"]),
    ],
)
def test_an_output_becomes_messages(value: object, expected: list[bytes]) -> None:
    assert messages(value) == expected


def test_an_output_of_another_type_is_refused() -> None:
    with pytest.raises(NotImplementedError):
        messages(12)


@given(st.binary())
def test_base64_messages_come_back_whole(body: bytes) -> None:
    assert decode(encode(body, base64_text=True), base64_text=True) == body


def test_a_message_that_is_not_base64_is_told_apart() -> None:
    with pytest.raises(UndecodableMessage):
        decode("ä plain text", base64_text=True)
    assert decode("ä plain text", base64_text=False) == "ä plain text".encode()


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("*/15 * * * * *", "2026-01-05T09:00:14", "2026-01-05T09:00:15"),
        ("0 */5 * * * *", "2026-01-05T09:00:00", "2026-01-05T09:05:00"),
        ("0 30 9 * * 1-5", "2026-01-02T09:30:00", "2026-01-05T09:30:00"),
        ("0 0 0 13 * FRI", "2026-01-05T00:00:00", "2026-02-13T00:00:00"),
        ("5 4 * * *", "2026-01-05T09:00:00", "2026-01-06T04:05:00"),
    ],
)
def test_ncrontab_schedules(expression: str, after: str, expected: str) -> None:
    assert Schedule(expression).after(utc(after)) == utc(expected)


@pytest.mark.parametrize(
    "expression", ["", "* * *", "* * * * * * *", "61 * * * * *", "0 0 0 L * *", "@daily"]
)
def test_what_is_no_ncrontab_is_refused(expression: str) -> None:
    with pytest.raises(ConfigError):
        Schedule(expression)


def test_keys_open_their_level_and_are_kept(tmp_path: Path) -> None:
    keys = kept_keys(tmp_path / "state" / "keys.json")
    assert keys == kept_keys(tmp_path / "state" / "keys.json")
    assert (tmp_path / "state" / "keys.json").stat().st_mode & 0o077 == 0
    assert keys.admits("ANONYMOUS", "")
    assert keys.admits("FUNCTION", keys.function)
    assert keys.admits("FUNCTION", keys.master)
    assert keys.admits("ADMIN", keys.master)
    assert not keys.admits("ADMIN", keys.function)
    assert not keys.admits("FUNCTION", "")
    assert not Keys("f", "m").admits("FUNCTION", "ö")


async def test_a_functions_own_time_out_is_not_taken_for_the_hosts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def impatient(timer: object) -> None:
        raise TimeoutError("a service was slow")

    async def nowhere(binding: Binding, value: Any) -> None:
        raise AssertionError("this function has no outputs")

    function = Function("f", impatient, Binding("timerTrigger", "timer", {}), (), True, False)
    invoker = Invoker(Path(), timeout=60, threads=ThreadPoolExecutor(1), publish=nowhere)
    with pytest.raises(InvocationFailed, match="TimeoutError"):
        await invoker.run(function, None, trace_of(None, None))
    assert "was exceeded" not in caplog.text
    assert "a service was slow" in caplog.text


@pytest.mark.parametrize(("value", "there"), [("true", False), ("1", False), ("false", True)])
def test_a_setting_switches_a_function_off(value: str, there: bool) -> None:
    one = Function("work", print, Binding("queueTrigger", "msg", {}), (), False, False)
    other = Function("rest", print, Binding("queueTrigger", "msg", {}), (), False, False)
    found = enabled((one, other), {"AzureWebJobs.work.Disabled": value})
    assert found == ((one, other) if there else (other,))
