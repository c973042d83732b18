"""What the health of this deployment is told by."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from shared import composition, telemetry, worker
from shared.errors import Forbidden, Unavailable
from shared.settings import PREFIX

Check = Callable[[], Awaitable[str | None]]
"""Passes with nothing to say, or with a remark for the admin; fails by a `ThreadlineError`."""

_PATIENCE = 6.0
"""Seconds."""


def checks() -> Mapping[str, Check]:
    """What `GET /api/health` looks at, by name."""
    found: dict[str, Check] = {
        "settings": _check_settings,
        "policy": _check_policy,
        "crm": _check_crm,
    }
    with suppress(Unavailable):  # which the check of the settings tells
        if worker.configured().ledger:
            found["ledger"] = _check_ledger
    return found


async def _check_settings() -> str:
    """An optional library that is missing is no failure, but the admin should know."""
    if worker.configured().embeddings_url is None:
        return ""
    from shared.embeddings.azure_openai import LIBRARY, library_is_there

    if library_is_there():
        return ""
    return f"{PREFIX}EMBEDDINGS_URL has no effect: this package was built without {LIBRARY}."


async def _check_policy() -> str:
    """A bad document is no failure while the last good one holds, but the admin should know."""
    await composition.policy()
    problem = worker.policies().problem
    return f"The last good policy document holds. {problem}" if problem else ""


async def _check_ledger() -> str | None:
    """Reads a row that nobody can have."""
    found = composition.ledger()
    if found is not None:
        await found.find("health", "0" * 32)
    return None


async def _check_crm() -> str | None:
    """Asks as the app. A CRM that doesn't know the app still answers, and callers come as
    themselves, so that is no failure."""
    from shared.crm import Connection

    shared = worker.parts()
    errand = shared.sender.errand(_PATIENCE, telemetry.correlation_id())
    with suppress(Forbidden):
        return await shared.open_crm(
            Connection(shared.sender, errand, token=shared.app_tokens.source(errand))
        ).check()
    return None
