"""Which notifications are ours, and what they put on the queue.

Graph sends again, for four hours, what isn't answered by a 2xx. So what is forged or can't be read
is counted and dropped, and only what is to come again raises.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from graph_notifications.known_secrets import KnownSecrets, Watched
from graph_notifications.payload import LARGEST_BODY, MOST, LifecycleEvent, Notification, parts
from shared.following import Subscription
from shared.notifications import ItemChanged, LookAfter

MOST_UNKNOWN = 200
"""Secrets that one request may have looked up; a body full of forged ones costs no more."""

_AT_ONCE = 20
_RENEW = {"reauthorizationRequired": True, "subscriptionRemoved": True, "missed": False}
"""By lifecycle event: whether the subscription is to be renewed, or else only caught up with."""

_Shape = TypeVar("_Shape", bound=BaseModel)

Find = Callable[[str], Awaitable[Subscription | None]]


@dataclass(frozen=True, slots=True)
class Received:
    """`messages` are to be queued, each once. `unknown` events are new ones of Graph's."""

    messages: tuple[ItemChanged | LookAfter, ...] = ()
    accepted: int = 0
    forged: int = 0
    malformed: int = 0
    unknown: int = 0


async def notifications(body: bytes, now: datetime, *, known: KnownSecrets, find: Find) -> Received:
    """What happened to items. Raises what `find` raises."""
    told, malformed = _read(body, Notification)
    owners = await _owners([one.client_state for one in told], known, find)
    messages: dict[ItemChanged, None] = {}
    for one in told:
        watched = owners.get(one.client_state)
        if watched is not None:
            messages[
                ItemChanged(
                    mailbox=watched.mailbox,
                    kind=watched.kind,
                    at=now,
                    item=one.resource_data.id,
                )
            ] = None
    accepted = sum(one.client_state in owners for one in told)
    return Received(tuple(messages), accepted, len(told) - accepted, malformed)


async def lifecycle(body: bytes, now: datetime, *, known: KnownSecrets, find: Find) -> Received:
    """What happened to subscriptions. Raises what `find` raises.

    The event of a subscription that another one has replaced meanwhile is as good a reason to look
    after the mailbox as any.
    """
    told, malformed = _read(body, LifecycleEvent)
    owners = await _owners([one.client_state for one in told], known, find)
    ours = [one for one in told if one.client_state in owners]
    messages: dict[LookAfter, None] = {}
    for one in ours:
        watched, renew = owners[one.client_state], _RENEW.get(one.lifecycle_event)
        if renew is not None:
            asked = LookAfter(mailbox=watched.mailbox, kind=watched.kind, at=now, renew=renew)
            messages[asked] = None
    unknown = sum(one.lifecycle_event not in _RENEW for one in ours)
    return Received(tuple(messages), len(ours) - unknown, len(told) - len(ours), malformed, unknown)


def _read(body: bytes, shape: type[_Shape]) -> tuple[list[_Shape], int]:
    """Those that can be read, and how many can't: a body that can't be read at all is one."""
    if len(body) > LARGEST_BODY:
        return [], 1
    try:
        single = parts(body)
    except ValidationError:
        return [], 1
    found = []
    for part in single[:MOST]:
        try:
            found.append(shape.model_validate(part))
        except ValidationError:
            continue
    return found, len(single) - len(found)


async def _owners(secrets: list[str], known: KnownSecrets, find: Find) -> dict[str, Watched]:
    """What each of them stands for; forged ones are absent."""
    remembered: dict[str, bool] = {secret: known.is_remembered(secret) for secret in secrets}
    others = [secret for secret, is_remembered in remembered.items() if not is_remembered]
    wanted = [*(set(remembered) - set(others)), *others[:MOST_UNKNOWN]]
    found: dict[str, Watched] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        whose = await asyncio.gather(*(known.whose(secret, find) for secret in some))
        found |= {s: w for s, w in zip(some, whose, strict=True) if w is not None}
    return found
