"""What the calls of one worker share, built on first use.

It belongs to the event loop it was made on; the Functions worker has one.
"""

import asyncio
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

from pydantic import ValidationError

from shared import telemetry
from shared.errors import Unavailable
from shared.settings import PREFIX, Settings, settings

if TYPE_CHECKING:
    from shared.app_tokens import AppTokens
    from shared.caller import Authenticator
    from shared.crm import OpenCrm
    from shared.embeddings.azure_openai import AzureOpenAIEmbeddings
    from shared.ledger.table import Account
    from shared.on_behalf_of import OnBehalfOf
    from shared.outbound import Sender
    from shared.outlook.places import Places
    from shared.policy_source import FixedPolicy, PolicySource

_NEEDED_NEXT = ("azure.core.exceptions", "azure.identity.aio", "shared.outlook.client")
"""What a call needs as soon as it is known who asks; a third of all that the first one imports."""

_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True)
class Parts:
    """All that needs no document and no model. `loading` is kept from being collected."""

    sender: "Sender"
    authenticator: "Authenticator"
    on_behalf_of: "OnBehalfOf"
    app_tokens: "AppTokens"
    open_crm: "OpenCrm"
    tables: "Account | None"
    places: "Places"
    loading: asyncio.Task[None]


_by_loop: "WeakKeyDictionary[asyncio.AbstractEventLoop, Parts]" = WeakKeyDictionary()
_policies_by_loop: "WeakKeyDictionary[asyncio.AbstractEventLoop, FixedPolicy | PolicySource]" = (
    WeakKeyDictionary()
)
_embeddings_by_loop: "WeakKeyDictionary[asyncio.AbstractEventLoop, AzureOpenAIEmbeddings]" = (
    WeakKeyDictionary()
)


def configured() -> Settings:
    """The settings. Raises `Unavailable`, which names what is wrong with them."""
    try:
        return settings()
    except ValidationError as error:
        raise _not_set_up(error, PREFIX) from None


def parts() -> Parts:
    """Raises `Unavailable` as `configured` does."""
    return _kept(_by_loop, _build)


def embeddings() -> "AzureOpenAIEmbeddings":
    """The model that the settings name. Raises `Unavailable` as `configured` does."""
    return _kept(_embeddings_by_loop, _open_embeddings)


def policies() -> "FixedPolicy | PolicySource":
    """Where the admin's choices are read from. Raises `Unavailable` as `configured` does."""
    return _kept(_policies_by_loop, _policy_source)


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


def _kept(
    by_loop: "WeakKeyDictionary[asyncio.AbstractEventLoop, _Part]",
    build: Callable[[Settings], _Part],
) -> _Part:
    """This event loop's own. Nothing here awaits, so no two calls build it at the same time."""
    loop = asyncio.get_running_loop()
    found = by_loop.get(loop)
    if found is None:
        found = by_loop[loop] = build(configured())
    return found


def _policy_source(chosen: Settings) -> "FixedPolicy | PolicySource":
    from shared.policy_source import BlobStore, FileStore, FixedPolicy, PolicySource

    if chosen.policy_url is not None:
        from shared.identity_tokens import IdentityTokens

        sender = parts().sender
        tokens = IdentityTokens(sender, chosen.identity_client_id)
        return PolicySource(BlobStore(str(chosen.policy_url), sender, tokens.token))
    if chosen.policy_file is not None:
        return PolicySource(FileStore(chosen.policy_file))
    return FixedPolicy()


def _open_embeddings(chosen: Settings) -> "AzureOpenAIEmbeddings":
    from shared.embeddings.azure_openai import AzureOpenAIEmbeddings
    from shared.identity_tokens import IdentityTokens

    sender = parts().sender
    tokens = IdentityTokens(sender, chosen.identity_client_id)

    async def token(scope: str) -> str:
        errand = sender.errand(chosen.patience, telemetry.correlation_id())
        return await tokens.token(scope, errand)

    return AzureOpenAIEmbeddings(str(chosen.embeddings_url), chosen.embeddings_deployment, token)


def _build(chosen: Settings) -> Parts:
    from shared.app_tokens import AppTokens
    from shared.caller import Authenticator
    from shared.crm import open_crm
    from shared.ledger.table import Account
    from shared.on_behalf_of import App, OnBehalfOf
    from shared.outbound import Sender
    from shared.outlook.places import Places

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
    return Parts(
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
        places=Places(),
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


def _not_set_up(error: ValidationError, prefix: str) -> Unavailable:
    """Names the settings and what is wrong with each; never their values."""
    wrong = "; ".join(
        f"{prefix}{'_'.join(str(step) for step in one['loc'])}".upper() + f": {one['msg']}"
        for one in error.errors(include_input=False, include_url=False)
    )
    return Unavailable(f"This deployment is not set up: {wrong}.")
