"""Builds the real parts, anew for each call, from what the calls of a worker share.

Everything heavy is imported here or in `shared.worker`, on first use, so that a worker starts fast.
"""

from functools import partial
from typing import TYPE_CHECKING

from shared import telemetry, worker
from shared.policy import Policy

if TYPE_CHECKING:
    import asyncio

    from shared.caller import Caller
    from shared.on_behalf_of import TokenSource
    from shared.outbound import Errand
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


async def caller(authorization: str | None) -> "Caller":
    """Who a request with this Authorization header comes from.

    Raises `Unauthenticated`, `Forbidden`, and `Unavailable` where this deployment is not set up.
    """
    return await worker.parts().authenticator.authenticate(authorization)


def crm_for(caller: "Caller", policy: Policy) -> "Crm":
    """The configured CRM as the caller sees it, for one request. Raises `Unavailable`."""
    from shared.crm import Connection, CrmUser

    shared, errand = worker.parts(), _errand()
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
    return _mailbox(errand, worker.parts().on_behalf_of.source(caller, errand))


def ledger() -> "Ledger | None":
    """Where receipts are kept, if anywhere. Raises `Unavailable`."""
    from shared.ledger.receipts import TableReceipts

    tables = worker.parts().tables
    return TableReceipts(tables) if tables else None


def followings() -> "Followings | None":
    """Where it is kept what is followed, if anywhere. Raises `Unavailable`."""
    from shared.ledger.followings import TableFollowings

    tables = worker.parts().tables
    return TableFollowings(tables) if tables else None


def subscriptions() -> "Subscriptions | None":
    """Where subscriptions to changes are kept, if anywhere. Raises `Unavailable`."""
    from shared.ledger.subscriptions import TableSubscriptions

    tables = worker.parts().tables
    return TableSubscriptions(tables) if tables else None


def origins() -> "Origins | None":
    """Where it is kept how records came to be, if anywhere. Raises `Unavailable`."""
    from shared.ledger.origins import TableOrigins

    tables = worker.parts().tables
    return TableOrigins(tables) if tables else None


def books() -> "Books | None":
    """All that is kept of what is followed, if it is anywhere. Raises `Unavailable`."""
    from shared.saving.standing import Books

    follow, subscribe, origin = followings(), subscriptions(), origins()
    return Books(follow, subscribe, origin) if follow and subscribe and origin else None


def may_defer(caller: "Caller") -> bool:
    """Whether this app may finish that person's saves without them. It has tokens of its own for
    the first of its tenants only."""
    chosen = worker.configured()
    return chosen.background and caller.tenant_id.casefold() == chosen.tenant_list[0].casefold()


def may_follow(caller: "Caller") -> bool:
    """Whether what that person saves can be followed: work goes on without them, and Microsoft
    Graph has a way to reach this app."""
    return may_defer(caller) and follows()


def follows() -> bool:
    """Whether this app follows anything for anybody."""
    chosen = worker.configured()
    return chosen.background and chosen.callback_url is not None


def crm_as(owner: str, policy: Policy) -> "Crm":
    """The configured CRM as the user with that Entra object id sees it, asked by the app itself,
    for one piece of work. Raises `Unavailable`."""
    from shared.crm import Connection, CrmUser

    shared, errand = worker.parts(), _errand()
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
    shared, errand = worker.parts(), _errand()
    source = shared.app_tokens.source(errand)
    return _mailbox(errand, source, owner, shared.places.of(owner))


def change_feed() -> "ChangeFeed | None":
    """What tells of changes in mailboxes, by the app's own permissions, for one piece of work; None
    where Microsoft Graph has no way to reach this app. Raises `Unavailable`."""
    from shared.outlook.subscriptions import GraphChangeFeed

    chosen = worker.configured()
    if chosen.callback_url is None:
        return None
    errand = _errand()
    token = partial(worker.parts().app_tokens.source(errand), _graph_scope())
    root, callback = str(chosen.mailbox_url), str(chosen.callback_url)
    return GraphChangeFeed(worker.parts().sender, errand, root, token, callback)


def embeddings() -> "Embeddings | None":
    """The model that compares by meaning, if the settings name one. Raises `Unavailable`."""
    if worker.configured().embeddings_url is None:
        return None
    return worker.embeddings()


async def policy() -> Policy:
    """The admin's choices in force; without a document, the defaults.

    Raises `Unavailable` where there is a document, but never was a good one.
    """
    return await worker.policies().policy()


def _errand() -> "Errand":
    return worker.parts().sender.errand(worker.configured().patience, telemetry.correlation_id())


def _mailbox(
    errand: "Errand",
    source: "TokenSource",
    me: str = "me",
    places: "asyncio.Semaphore | None" = None,
) -> "Mailbox":
    from shared.outlook.client import GraphMailbox

    root, token = str(worker.configured().mailbox_url), partial(source, _graph_scope())
    return GraphMailbox(worker.parts().sender, errand, root, token, me, places)


async def _username(owner: str, errand: "Errand") -> str:
    from shared.outlook.directory import user_principal_name

    shared = worker.parts()
    token = await shared.app_tokens.source(errand)(_graph_scope())
    root = str(worker.configured().mailbox_url)
    return await user_principal_name(shared.sender, errand, root, token, owner)


def _graph_scope() -> str:
    root = worker.configured().mailbox_url
    port = "" if root.port in (443, None) else f":{root.port}"
    return f"{root.scheme}://{root.host}{port}/.default"
