"""What every queue and timer trigger does around its own few lines: one log line, safe errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from shared import telemetry
from shared.errors import ThreadlineError


class NotDone(Exception):
    """The host is to run this again. It logs the message, which is a code and no more."""


@contextmanager
def working(operation: str, correlation_id: str | None = None) -> Iterator[None]:
    """Whatever goes wrong inside is logged, and raised as `NotDone`."""
    with telemetry.call(operation, correlation_id):
        try:
            yield
        except ThreadlineError as error:
            telemetry.note(outcome=error.code)
            raise NotDone(error.code) from None
        except Exception as error:  # the outermost frame: logged whole, never hidden
            telemetry.fault("fault", error)
            telemetry.note(outcome="internal")
            raise NotDone("internal") from None
