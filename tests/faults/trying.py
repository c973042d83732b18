"""Doing something over a network that fails, and what must come of it."""

from collections.abc import Awaitable, Callable

import pytest

from shared.errors import Throttled, Unavailable, Upstream
from tests.faults.broken_transport import FAULTS, Fault
from tests.faults.stages import CALLS

every_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
once_and_lasting = pytest.mark.parametrize("lasts", [False, True], ids=["once", "lasting"])


def every_call(of: str) -> pytest.MarkDecorator:
    """All calls of one operation, of each CRM."""
    found = [
        pytest.param(name, number, id=f"{name}-{purpose}")
        for name, calls in CALLS.items()
        for purpose, number in getattr(calls, of).items()
    ]
    return pytest.mark.parametrize(("name", "call"), found)


def _check_clear(problem: BaseException, fault: Fault) -> None:
    if fault.status == 429:
        assert isinstance(problem, Throttled)
        assert problem.retry_after == float(fault.retry_after or 0)
    elif fault.status == 500:
        assert isinstance(problem, Upstream)
    else:
        assert isinstance(problem, Unavailable)


def _heals_alone(fault: Fault, *, lasts: bool) -> bool:
    """Whether the call in question is tried again by itself, and then goes through."""
    return not lasts and fault.status != 500 and fault.retry_after != "3600"


async def attempt(
    fault: Fault, *, lasts: bool, action: Callable[[], Awaitable[object]]
) -> object | None:
    """The result, or None where the action failed clearly, as it had to."""
    if _heals_alone(fault, lasts=lasts):
        return await action()
    with pytest.raises((Throttled, Unavailable, Upstream)) as failed:
        await action()
    _check_clear(failed.value, fault)
    return None
