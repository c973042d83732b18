"""How records came to be.

Each identity is a partition of its own, named by its digest, with one row.
"""

from contextlib import suppress

from shared.errors import Conflict
from shared.following import Origin, digest
from shared.ledger.rows import Row, as_was, written
from shared.ledger.table import Account, Table

TABLE = "origins"

_KEY = "origin"


def row_of(origin: Origin) -> Row:
    return {
        "PartitionKey": digest(origin.identity),
        "RowKey": _KEY,
        "Reason": origin.reason,
        "Actor": written(origin.actor),
        "Mailbox": written(origin.mailbox),
    }


def origin_of(row: Row, identity: str) -> Origin:
    return Origin(
        identity=identity,
        reason=row["Reason"],
        actor=as_was(row["Actor"]),
        mailbox=as_was(row["Mailbox"]),
    )


class TableOrigins:
    """Implements `shared.ports.Origins`."""

    def __init__(self, account: Account, *, table: str = TABLE) -> None:
        self._table = Table(account, table)

    async def add(self, origin: Origin) -> None:
        """See `Origins`."""
        with suppress(Conflict):
            await self._table.insert(row_of(origin))

    async def find(self, identity: str) -> Origin | None:
        """See `Origins`."""
        found = await self._table.read(digest(identity), _KEY)
        return origin_of(found.row, identity) if found else None
