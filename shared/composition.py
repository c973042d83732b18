"""Builds the real parts, lazily: once per worker what all calls share, anew what is a caller's.

What is shared belongs to the event loop it was made on; the Functions worker has one. Everything
heavy is imported here, on first use, so that a worker starts fast.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from pydantic import ValidationError

from shared import telemetry
from shared.errors import Forbidden, Unavailable
from shared.policy import Policy
from shared.settings import PREFIX, Settings, settings

if TYPE_CHECKING:
    from shared.app_tokens import AppTokens
    from shared.caller import Authenticator, Caller
    from shared.crm import OpenCrm
    from shared.on_behalf_of import OnBehalfOf
    from shared.outbound import Sender
    from shared.ports import Crm, Mailbox

_HEALTH_PATIENCE = 6.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the calls of one worker share."""

    sender: "Sender"
    authenticator: "Authenticator"
    on_behalf_of: "OnBehalfOf"
    app_tokens: "AppTokens"
    open_crm: "OpenCrm"


_by_loop: "WeakKeyDictionary[asyncio.AbstractEventLoop, _Shared]" = WeakKeyDictionary()


async def caller(authorization: str | None) -> "Caller":
    """Who a request with this Authorization header comes from.

    Raises `Unauthenticated`, `Forbidden`, and `Unavailable` where this deployment is not set up.
    """
    return await _shared().authenticator.authenticate(authorization)


def crm_for(caller: "Caller") -> "Crm":
    """The configured CRM as the caller sees it, for one request. Raises `Unavailable`."""
    from shared.crm import Connection

    shared, chosen = _shared(), policy()
    errand = shared.sender.errand(_configured().patience, telemetry.correlation_id())
    return shared.open_crm(
        Connection(
            sender=shared.sender,
            errand=errand,
            token=shared.on_behalf_of.source(caller, errand),
            categories={"email": chosen.email_categories, "meeting": chosen.meeting_categories},
        )
    )


def mailbox_for(caller: "Caller") -> "Mailbox":
    """Outlook as the caller sees it, for one request. Raises `Unavailable`."""
    from shared.outlook.client import GraphMailbox

    shared, root = _shared(), _configured().mailbox_url
    errand = shared.sender.errand(_configured().patience, telemetry.correlation_id())
    port = "" if root.port in (443, None) else f":{root.port}"
    scope = f"{root.scheme}://{root.host}{port}/.default"
    source = shared.on_behalf_of.source(caller, errand)
    return GraphMailbox(shared.sender, errand, str(root), partial(source, scope))


def policy() -> Policy:
    """The admin's policy document, read again when its file changes; without one, the defaults.

    Raises `Unavailable` where the document is missing or not valid.
    """
    file = _configured().policy_file
    if file is None:
        return Policy()
    try:
        return _policy_of(file, file.stat().st_mtime_ns)
    except OSError as error:
        raise Unavailable("The admin's policy document can't be read.") from error


def health_checks() -> Mapping[str, Callable[[], Awaitable[None]]]:
    """What `GET /api/health` looks at, by name."""
    return {"settings": _check_settings, "policy": _check_policy, "crm": _check_crm}


async def close() -> None:
    """Ends what this event loop's calls shared; the next call builds it anew."""
    shared = _by_loop.pop(asyncio.get_running_loop(), None)
    if shared:
        await shared.sender.aclose()


def _shared() -> _Shared:
    loop = asyncio.get_running_loop()
    found = _by_loop.get(loop)
    if found is None:
        # nothing here awaits, so no other call can be building at the same time
        found = _by_loop[loop] = _build(_configured())
    return found


def _build(chosen: Settings) -> _Shared:
    from shared.app_tokens import AppTokens
    from shared.caller import Authenticator
    from shared.crm import open_crm
    from shared.on_behalf_of import App, OnBehalfOf
    from shared.outbound import Sender

    try:
        opener = open_crm(chosen.crm)
    except ValidationError as error:
        prefix = f"{PREFIX}{chosen.crm}_"
        raise _not_set_up(error, prefix) from None
    sender = Sender()
    secret = chosen.client_secret
    app = App(
        client_id=chosen.client_id,
        authority=str(chosen.authority),
        client_secret=secret.get_secret_value() if secret else None,
        identity_client_id=chosen.identity_client_id,
    )
    return _Shared(
        sender=sender,
        authenticator=Authenticator(
            sender,
            tenants=chosen.tenant_list,
            audiences=chosen.audiences,
            authority=app.authority,
        ),
        on_behalf_of=OnBehalfOf(sender, app),
        app_tokens=AppTokens(sender, app, chosen.tenant_list[0]),
        open_crm=opener,
    )


def _configured() -> Settings:
    try:
        return settings()
    except ValidationError as error:
        raise _not_set_up(error, PREFIX) from None


def _not_set_up(error: ValidationError, prefix: str) -> Unavailable:
    """Names the settings and what is wrong with each; never their values."""
    wrong = "; ".join(
        f"{prefix}{'_'.join(str(step) for step in one['loc'])}".upper() + f": {one['msg']}"
        for one in error.errors(include_input=False, include_url=False)
    )
    return Unavailable(f"This deployment is not set up: {wrong}.")


@lru_cache(maxsize=1)
def _policy_of(file: Path, changed: int) -> Policy:
    """`changed` is there for the cache: a changed file is another one."""
    try:
        return Policy.model_validate_json(file.read_bytes())
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(step) for step in one['loc']) or 'document'}: {one['msg']}"
            for one in error.errors(include_input=False, include_url=False)
        )
        raise Unavailable(f"The admin's policy document is not valid: {wrong}.") from None


async def _check_settings() -> None:
    _configured()


async def _check_policy() -> None:
    policy()


async def _check_crm() -> None:
    """Asks as the app. A CRM that doesn't know the app still answers, and callers come as
    themselves, so that is no failure."""
    from shared.crm import Connection

    shared = _shared()
    errand = shared.sender.errand(_HEALTH_PATIENCE, telemetry.correlation_id())
    with suppress(Forbidden):
        await shared.open_crm(
            Connection(shared.sender, errand, token=shared.app_tokens.source(errand))
        ).check()
