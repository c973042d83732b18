"""Work without a caller ends in one log line, and fails by a code only."""

import json
import logging

import pytest

from shared import telemetry
from shared.background import NotDone, working
from shared.errors import Throttled


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [json.loads(r.getMessage()) for r in caplog.records if r.name == "threadline"]


def test_what_was_foreseen_is_raised_as_its_code(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    def work() -> None:
        with working("finish_save", "abc"):
            telemetry.note(tries=3)
            raise Throttled("s3cret", retry_after=3)

    with pytest.raises(NotDone) as raised:
        work()
    assert str(raised.value) == "throttled"
    assert raised.value.__suppress_context__
    (line,) = lines(caplog)
    assert (line["event"], line["correlation_id"]) == ("finish_save", "abc")
    assert (line["outcome"], line["tries"]) == ("throttled", 3)


def test_what_nobody_foresaw_is_logged_whole_and_raised_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(NotDone) as raised, working("finish_save"):
        raise KeyError("s3cret")
    assert str(raised.value) == "internal"
    fault, line = lines(caplog)
    assert fault["error"] == "KeyError"
    assert line["outcome"] == "internal"
