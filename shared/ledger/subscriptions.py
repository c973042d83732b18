"""Subscriptions to changes in mailboxes.

PartitionKey is the mailbox, RowKey the kind: each is found by one point read, by its secret too,
which says in the clear whose it is. The part that nobody can guess comes after that.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from hmac import compare_digest
from typing import Any

from shared.errors import Conflict
from shared.following import ChangeKind, Subscription
from shared.ledger.rows import Row, as_was, cut_json, joined_json, key_of, written
from shared.ledger.table import Account, Found, Table

TABLE = "subscriptions"

_ATTEMPTS = 5
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_SECRET = re.compile(
    r"(?P<kind>email|meeting):(?P<mailbox>~?[A-Za-z0-9][A-Za-z0-9@._-]{0,63}):[A-Za-z0-9_-]{43}"
)
_NOBODY = ("~", "email")
"""Where there is never a row, so that a text which is no secret takes as long as a wrong one."""


def new_secret(mailbox: str, kind: ChangeKind) -> str:
    """At most 117 characters; 32 of its bytes are random."""
    return f"{kind}:{key_of(mailbox)}:{secrets.token_urlsafe(32)}"


def place_of(secret: str) -> tuple[str, str]:
    """PartitionKey and RowKey of what has that secret, if anything has; of any text."""
    parts = _SECRET.fullmatch(secret)
    return (parts["mailbox"], parts["kind"]) if parts else _NOBODY


def row_of(subscription: Subscription) -> Row:
    """Raises `TooLarge`."""
    return {
        "PartitionKey": key_of(subscription.mailbox),
        "RowKey": subscription.kind,
        "Mailbox": written(subscription.mailbox),
        "Secret": subscription.secret,
        "Id": written(subscription.id),
        "Expires": subscription.expires,
        "Since": subscription.since,
        "Address": written(subscription.address),
        **cut_json("Position", dict(subscription.position)),
        **cut_json("Ahead", dict(subscription.ahead)),
    }


def subscription_of(row: Mapping[str, Any], version: str) -> Subscription:
    return Subscription(
        mailbox=as_was(row["Mailbox"]),
        kind=row["RowKey"],
        secret=row["Secret"],
        id=as_was(row["Id"]),
        expires=row["Expires"],
        since=row["Since"],
        position=joined_json("Position", row),
        ahead=joined_json("Ahead", row),
        address=as_was(row.get("Address", "")),
        version=version,
    )


class TableSubscriptions:
    """Implements `shared.ports.Subscriptions`."""

    def __init__(self, account: Account, *, table: str = TABLE) -> None:
        self._table = Table(account, table)

    async def begin(self, mailbox: str, kind: ChangeKind, since: datetime) -> Subscription:
        """See `Subscriptions`. Raises `Conflict` where others go on making and removing it."""
        for _ in range(_ATTEMPTS):
            if found := await self.find(mailbox, kind):
                return found
            new = Subscription(mailbox, kind, new_secret(mailbox, kind), "", _NEVER, since)
            try:
                return replace(new, version=await self._table.insert(row_of(new)))
            except Conflict:  # somebody else was first
                continue
        raise Conflict("The subscription is being changed at this moment.")

    async def find(self, mailbox: str, kind: ChangeKind) -> Subscription | None:
        """See `Subscriptions`."""
        found = await self._table.read(key_of(mailbox), kind)
        return _subscription(found) if found else None

    async def of_secret(self, secret: str) -> Subscription | None:
        """See `Subscriptions`. One read and one comparison, whatever the text."""
        found = await self._table.read(*place_of(secret))
        subscription = _subscription(found) if found else None
        if _same(subscription.secret if subscription else "", secret):
            return subscription
        return None

    async def replace(self, subscription: Subscription) -> Subscription:
        """See `Subscriptions`."""
        etag = await self._table.replace(row_of(subscription), subscription.version)
        return replace(subscription, version=etag)

    async def remove(self, subscription: Subscription) -> None:
        """See `Subscriptions`."""
        await self._table.remove(row_of(subscription), subscription.version)

    async def all(self) -> Sequence[Subscription]:
        """See `Subscriptions`."""
        return [_subscription(one) async for one in self._table.rows("")]


def _subscription(found: Found) -> Subscription:
    return subscription_of(found.row, found.etag)


def _same(one: str, other: str) -> bool:
    """Digests are compared, since texts of different lengths are told apart faster."""
    return compare_digest(
        *(sha256(text.encode("utf-8", "surrogatepass")).digest() for text in (one, other))
    )
