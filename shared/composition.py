"""Builds the real parts, lazily: once per worker what all calls share, anew what is a caller's.

What is shared belongs to the event loop it was made on; the Functions worker has one. Everything
heavy is imported here, on first use, so that a worker starts fast.
"""

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
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
    from shared.embeddings.azure_openai import AzureOpenAIEmbeddings
    from shared.ledger.table import Account
    from shared.on_behalf_of import OnBehalfOf, TokenSource
    from shared.outbound import Errand, Sender
    from shared.policy_source import FixedPolicy, PolicySource
    from shared.ports import (
        ChangeFeed,
        Crm,
        Embeddings,
        Followings,
        Ledger,
        Mailbox,
        Origins,
        Subscriptions,
    )
    from shared.saving.standing import Books

_HEALTH_PATIENCE = 6.0
"""Seconds."""

_NEEDED_NEXT = ("azure.core.exceptions", "azure.identity.aio", "shared.outlook.client")
"""What a call needs as soon as it is known who asks; a third of all that the first one imports."""


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the calls of one worker share."""

    sender: "Sender"
    authenticator: "Authenticator"
    on_behalf_of: "OnBehalfOf"
    app_tokens: "AppTokens"
    open_crm: "OpenCrm"
    tables: "Account | None"
    loading: asyncio.Task[None]


_by_loop: "WeakKeyDictionary[asyncio.AbstractEventLoop, _Shared]" = WeakKeyDictionary()
_policies_by_loop: "WeakKeyDictionary[asyncio.AbstractEventLoop, FixedPolicy | PolicySource]" = (
    WeakKeyDictionary()
)

_embeddings_by_loop: "WeakKeyDictionary[asyncio.AbstractEventLoop, AzureOpenAIEmbeddings]" = (
    WeakKeyDictionary()
)

Check = Callable[[], Awaitable[str | None]]
"""Passes with nothing to say, or with a remark for the admin; fails by a `ThreadlineError`."""


async def caller(authorization: str | None) -> "Caller":
    """Who a request with this Authorization header comes from.

    Raises `Unauthenticated`, `Forbidden`, and `Unavailable` where this deployment is not set up.
    """
    return await _shared().authenticator.authenticate(authorization)


def crm_for(caller: "Caller", policy: Policy) -> "Crm":
    """The configured CRM as the caller sees it, for one request. Raises `Unavailable`."""
    from shared.crm import Connection, CrmUser

    shared, errand = _shared(), _errand()
    return shared.open_crm(
        Connection(
            sender=shared.sender,
            errand=errand,
            token=shared.on_behalf_of.source(caller, errand),
            categories={"email": policy.email_categories, "meeting": policy.meeting_categories},
            user=CrmUser(caller.oid, caller.username),
        )
    )


def mailbox_for(caller: "Caller") -> "Mailbox":
    """Outlook as the caller sees it, for one request. Raises `Unavailable`."""
    errand = _errand()
    return _mailbox(errand, _shared().on_behalf_of.source(caller, errand))


def ledger() -> "Ledger | None":
    """Where receipts are kept, if anywhere. Raises `Unavailable`."""
    from shared.ledger.receipts import TableReceipts

    tables = _shared().tables
    return TableReceipts(tables) if tables else None


def followings() -> "Followings | None":
    """Where it is kept what is followed, if anywhere. Raises `Unavailable`."""
    from shared.ledger.followings import TableFollowings

    tables = _shared().tables
    return TableFollowings(tables) if tables else None


def subscriptions() -> "Subscriptions | None":
    """Where subscriptions to changes are kept, if anywhere. Raises `Unavailable`."""
    from shared.ledger.subscriptions import TableSubscriptions

    tables = _shared().tables
    return TableSubscriptions(tables) if tables else None


def origins() -> "Origins | None":
    """Where it is kept how records came to be, if anywhere. Raises `Unavailable`."""
    from shared.ledger.origins import TableOrigins

    tables = _shared().tables
    return TableOrigins(tables) if tables else None


def books() -> "Books | None":
    """All that is kept of what is followed, if it is anywhere. Raises `Unavailable`."""
    from shared.saving.standing import Books

    follow, subscribe, origin = followings(), subscriptions(), origins()
    return Books(follow, subscribe, origin) if follow and subscribe and origin else None


def may_defer(caller: "Caller") -> bool:
    """Whether this app may finish that person's saves without them. It has tokens of its own for
    the first of its tenants only."""
    chosen = _configured()
    return chosen.background and caller.tenant_id.casefold() == chosen.tenant_list[0].casefold()


def may_follow(caller: "Caller") -> bool:
    """Whether what that person saves can be followed: work goes on without them, and Microsoft
    Graph has a way to reach this app."""
    return may_defer(caller) and follows()


def follows() -> bool:
    """Whether this app follows anything for anybody."""
    chosen = _configured()
    return chosen.background and chosen.callback_url is not None


def crm_as(owner: str, policy: Policy) -> "Crm":
    """The configured CRM as the user with that Entra object id sees it, asked by the app itself,
    for one piece of work. Raises `Unavailable`."""
    from shared.crm import Connection, CrmUser

    shared, errand = _shared(), _errand()
    return shared.open_crm(
        Connection(
            sender=shared.sender,
            errand=errand,
            token=shared.app_tokens.source(errand),
            caller_object_id=owner,
            categories={"email": policy.email_categories, "meeting": policy.meeting_categories},
            user=CrmUser(owner, "", partial(_username, owner, errand)),
        )
    )


def mailbox_of(owner: str) -> "Mailbox":
    """Outlook by the app's own permissions, for one piece of work; "me" is the mailbox of the user
    with that Entra object id. Raises `Unavailable`."""
    errand = _errand()
    return _mailbox(errand, _shared().app_tokens.source(errand), owner)


def change_feed() -> "ChangeFeed | None":
    """What tells of changes in mailboxes, by the app's own permissions, for one piece of work; None
    where Microsoft Graph has no way to reach this app. Raises `Unavailable`."""
    from shared.outlook.subscriptions import GraphChangeFeed

    chosen = _configured()
    if chosen.callback_url is None:
        return None
    errand = _errand()
    token = partial(_shared().app_tokens.source(errand), _graph_scope())
    root, callback = str(chosen.mailbox_url), str(chosen.callback_url)
    return GraphChangeFeed(_shared().sender, errand, root, token, callback)


def embeddings() -> "Embeddings | None":
    """The model that compares by meaning, if the settings name one. Raises `Unavailable`."""
    if _configured().embeddings_url is None:
        return None
    loop = asyncio.get_running_loop()
    found = _embeddings_by_loop.get(loop)
    if found is None:
        found = _embeddings_by_loop[loop] = _open_embeddings(_configured())
    return found


async def policy() -> Policy:
    """The admin's choices in force; without a document, the defaults.

    Raises `Unavailable` where there is a document, but never was a good one.
    """
    return await _policies().policy()


def health_checks() -> Mapping[str, Check]:
    """What `GET /api/health` looks at, by name."""
    checks = {"settings": _check_settings, "policy": _check_policy, "crm": _check_crm}
    with suppress(Unavailable):  # which the check of the settings tells
        if _configured().ledger:
            checks["ledger"] = _check_ledger
    return checks


async def close() -> None:
    """Ends what this event loop's calls shared; the next call builds it anew."""
    loop = asyncio.get_running_loop()
    _policies_by_loop.pop(loop, None)
    model = _embeddings_by_loop.pop(loop, None)
    if model:
        await model.aclose()
    shared = _by_loop.pop(loop, None)
    if shared:
        await shared.sender.aclose()
        if shared.tables:
            await shared.tables.aclose()


def _shared() -> _Shared:
    loop = asyncio.get_running_loop()
    found = _by_loop.get(loop)
    if found is None:
        # nothing here awaits, so no other call can be building at the same time
        found = _by_loop[loop] = _build(_configured())
    return found


def _errand() -> "Errand":
    return _shared().sender.errand(_configured().patience, telemetry.correlation_id())


def _mailbox(errand: "Errand", source: "TokenSource", me: str = "me") -> "Mailbox":
    from shared.outlook.client import GraphMailbox

    root = str(_configured().mailbox_url)
    return GraphMailbox(_shared().sender, errand, root, partial(source, _graph_scope()), me)


async def _username(owner: str, errand: "Errand") -> str:
    from shared.outlook.directory import user_principal_name

    shared = _shared()
    token = await shared.app_tokens.source(errand)(_graph_scope())
    root = str(_configured().mailbox_url)
    return await user_principal_name(shared.sender, errand, root, token, owner)


def _graph_scope() -> str:
    root = _configured().mailbox_url
    port = "" if root.port in (443, None) else f":{root.port}"
    return f"{root.scheme}://{root.host}{port}/.default"


def _policies() -> "FixedPolicy | PolicySource":
    loop = asyncio.get_running_loop()
    found = _policies_by_loop.get(loop)
    if found is None:
        found = _policies_by_loop[loop] = _policy_source(_configured())
    return found


def _policy_source(chosen: Settings) -> "FixedPolicy | PolicySource":
    from shared.policy_source import BlobStore, FileStore, FixedPolicy, PolicySource

    if chosen.policy_url is not None:
        from shared.identity_tokens import IdentityTokens

        sender = _shared().sender
        tokens = IdentityTokens(sender, chosen.identity_client_id)
        return PolicySource(BlobStore(str(chosen.policy_url), sender, tokens.token))
    if chosen.policy_file is not None:
        return PolicySource(FileStore(chosen.policy_file))
    return FixedPolicy()


def _open_embeddings(chosen: Settings) -> "AzureOpenAIEmbeddings":
    from shared.embeddings.azure_openai import AzureOpenAIEmbeddings
    from shared.identity_tokens import IdentityTokens

    sender = _shared().sender
    tokens = IdentityTokens(sender, chosen.identity_client_id)

    async def token(scope: str) -> str:
        errand = sender.errand(chosen.patience, telemetry.correlation_id())
        return await tokens.token(scope, errand)

    return AzureOpenAIEmbeddings(str(chosen.embeddings_url), chosen.embeddings_deployment, token)


def _build(chosen: Settings) -> _Shared:
    from shared.app_tokens import AppTokens
    from shared.caller import Authenticator
    from shared.crm import open_crm
    from shared.ledger.table import Account
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
        tables=Account(chosen.ledger, chosen.identity_client_id) if chosen.ledger else None,
        loading=asyncio.create_task(_load()),
    )


async def _load() -> None:
    """Imports while the sign-in service's keys are on their way, not only after that.

    In portions, so that what arrives is seen to between them. Not in a thread: packages whose
    modules import each other may be seen half made from another one.
    """
    for module in _NEEDED_NEXT:
        await asyncio.sleep(0)
        importlib.import_module(module)


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


async def _check_settings() -> str:
    """An optional library that is missing is no failure, but the admin should know."""
    if _configured().embeddings_url is None:
        return ""
    from shared.embeddings.azure_openai import LIBRARY, library_is_there

    if library_is_there():
        return ""
    return f"{PREFIX}EMBEDDINGS_URL has no effect: this package was built without {LIBRARY}."


async def _check_policy() -> str:
    """A bad document is no failure while the last good one holds, but the admin should know."""
    await policy()
    problem = _policies().problem
    return f"The last good policy document holds. {problem}" if problem else ""


async def _check_ledger() -> str | None:
    """Reads a row that nobody can have."""
    found = ledger()
    if found is not None:
        await found.find("health", "0" * 32)
    return None


async def _check_crm() -> str | None:
    """Asks as the app. A CRM that doesn't know the app still answers, and callers come as
    themselves, so that is no failure."""
    from shared.crm import Connection

    shared = _shared()
    errand = shared.sender.errand(_HEALTH_PATIENCE, telemetry.correlation_id())
    with suppress(Forbidden):
        return await shared.open_crm(
            Connection(shared.sender, errand, token=shared.app_tokens.source(errand))
        ).check()
    return None
