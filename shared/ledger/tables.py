"""The ledger on Azure Tables.

azure-data-tables is imported when the ledger is first used: it takes some 130 ms, and most workers
never need it.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.errors import Conflict, ThreadlineError, Unavailable, Upstream
from shared.ledger.rows import receipt_of, row_of
from shared.receipts import Receipt, first_id, is_id

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError
    from azure.data.tables.aio import TableClient

TABLE = "receipts"

_AT_ONCE = 32
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_PATIENCE: dict[str, Any] = {"retry_total": 2, "retry_backoff_factor": 0.2, "connection_timeout": 5}
"""The SDK's own would let a caller wait for minutes."""


class TableLedger:
    """Implements `shared.ports.Ledger`; one for each worker.

    `where` is the address of the account's tables, opened with the managed identity, or a
    connection string.
    """

    def __init__(self, where: str, identity_client_id: str = "", *, table: str = TABLE) -> None:
        self._where = where
        self._identity_client_id = identity_client_id
        self._table = table
        self._opened: TableClient | None = None
        self._credential: Any = None

    async def add(self, receipt: Receipt) -> Receipt:
        """See `Ledger`. Makes the table where it isn't there yet."""
        row = row_of(receipt)
        with _told():
            from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

            try:
                told = await self._client.create_entity(row)
            except ResourceNotFoundError:
                with suppress(ResourceExistsError):
                    await self._client.create_table()
                told = await self._client.create_entity(row)
        return receipt_of(row, _etag(told))

    async def find(self, owner: str, id: str) -> Receipt | None:
        """See `Ledger`."""
        if not is_id(id):  # the service takes some characters of a key amiss
            return None
        with _told():
            from azure.core.exceptions import ResourceNotFoundError

            try:
                row = await self._client.get_entity(owner, id)
            except ResourceNotFoundError:
                return None
        return receipt_of(row, _etag(row.metadata))

    async def replace(self, receipt: Receipt) -> Receipt:
        """See `Ledger`."""
        row = row_of(receipt)
        with _told():
            from azure.core import MatchConditions
            from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
            from azure.data.tables import UpdateMode

            try:
                told = await self._client.update_entity(
                    row,
                    UpdateMode.REPLACE,
                    etag=receipt.version,
                    match_condition=MatchConditions.IfNotModified,
                )
            except (ResourceModifiedError, ResourceNotFoundError):
                raise Conflict("The receipt changed meanwhile.") from None
        return receipt_of(row, _etag(told))

    async def waiting(self, before: datetime) -> Sequence[Receipt]:
        """See `Ledger`. Reads the whole table's keys: for a timer, not for a request."""
        wanted = f"Status eq 'queued' and RowKey lt '{first_id(before)}'"
        return [receipt_of(row, _etag(row.metadata)) for row in await self._rows(wanted)]

    async def forget(self, before: datetime) -> int:
        """See `Ledger`. Reads the whole table's keys: for a timer, not for a request."""
        rows = await self._rows(f"RowKey lt '{first_id(before)}'", ["PartitionKey", "RowKey"])
        with _told():
            for start in range(0, len(rows), _AT_ONCE):
                await asyncio.gather(
                    *(
                        self._client.delete_entity(row["PartitionKey"], row["RowKey"])
                        for row in rows[start : start + _AT_ONCE]
                    )
                )
        return len(rows)

    async def aclose(self) -> None:
        """Closes the pooled connections."""
        if self._opened is not None:
            await self._opened.close()
        if self._credential is not None:
            await self._credential.close()

    async def _rows(self, wanted: str, select: list[str] | None = None) -> list[Any]:
        with _told():
            from azure.core.exceptions import ResourceNotFoundError

            try:
                return [row async for row in self._client.query_entities(wanted, select=select)]
            except ResourceNotFoundError:  # no table yet, so no receipts
                return []

    @property
    def _client(self) -> "TableClient":
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def _open(self) -> "TableClient":
        from azure.data.tables.aio import TableClient

        if not self._where.startswith("https://"):
            return TableClient.from_connection_string(self._where, self._table, **_PATIENCE)
        from azure.identity.aio import ManagedIdentityCredential

        self._credential = ManagedIdentityCredential(client_id=self._identity_client_id or None)
        return TableClient(
            self._where.rstrip("/"), self._table, credential=self._credential, **_PATIENCE
        )


def _etag(metadata: Any) -> str:
    return str(metadata["etag"])


@contextmanager
def _told() -> Iterator[None]:
    """The SDK's errors as ours; their own words quote keys."""
    from azure.core.exceptions import AzureError

    try:
        yield
    except AzureError as error:
        raise _failure(error) from None


def _failure(error: "AzureError") -> ThreadlineError:
    status = getattr(error, "status_code", None)
    if status is None or status in _PASSING:
        return Unavailable("The store of receipts does not answer.")
    return Upstream(f"The store of receipts refused ({status}).")
