"""One storage account's tables, as the ledger's parts call them.

azure-data-tables and what it is built on are imported on the first call, in a thread of their own:
it takes some 200 ms in which other calls go on, and most workers never need it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

from shared.errors import Conflict, ThreadlineError, Unavailable, Upstream
from shared.ledger.rows import Row

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError, HttpResponseError
    from azure.data.tables.aio import TableClient, TableServiceClient

MOST_STEPS = 100
"""Of one transaction, all on one partition
(https://learn.microsoft.com/en-us/rest/api/storageservices/performing-entity-group-transactions)."""

_AT_ONCE = 64
_CONFLICTS = frozenset({404, 409, 412})
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_PATIENCE: dict[str, Any] = {
    "retry_total": 2,
    "retry_backoff_factor": 0.2,
    "connection_timeout": 5,
    "read_timeout": 6,
    "timeout": 8,
}
"""In seconds; no new attempt begins after `timeout`. The SDK's own would let a caller wait for
minutes. The service takes up to 5 for a page of a query
(https://learn.microsoft.com/en-us/rest/api/storageservices/query-timeout-and-pagination)."""


@dataclass(frozen=True, slots=True)
class Found:
    """A row as it is in the table, and its ETag."""

    row: Row
    etag: str


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a transaction. `etag` says which state is to be replaced or deleted; a deletion
    without one takes any."""

    how: Literal["insert", "put", "replace", "delete"]
    row: Row
    etag: str = ""


class Account:
    """One for each worker. `where` is the address of the account's tables, opened with the managed
    identity, or a connection string."""

    def __init__(self, where: str, identity_client_id: str = "") -> None:
        self._where = where
        self._identity_client_id = identity_client_id
        self._opened: TableServiceClient | None = None
        self._credential: Any = None
        self._clients: dict[str, TableClient] = {}

    async def client(self, table: str) -> "TableClient":
        """All of them share their connections."""
        if self._opened is None:
            await asyncio.to_thread(self._load)
        if self._opened is None:  # nobody else opened it meanwhile
            self._opened = self._open()
        if table not in self._clients:
            self._clients[table] = self._opened.get_table_client(table)
        return self._clients[table]

    async def aclose(self) -> None:
        """Closes the pooled connections; the next call opens new ones."""
        opened, credential = self._opened, self._credential
        self._opened = self._credential = None
        self._clients.clear()
        if opened is not None:
            await opened.close()
        if credential is not None:
            await credential.close()

    @property
    def _by_identity(self) -> bool:
        return self._where.startswith("https://")

    def _load(self) -> None:
        """What `_open` and the first request import."""
        import aiohttp  # noqa: F401
        import azure.data.tables.aio

        if self._by_identity:
            import azure.identity.aio  # noqa: F401

    def _open(self) -> "TableServiceClient":
        from azure.data.tables.aio import TableServiceClient

        if not self._by_identity:
            return TableServiceClient.from_connection_string(self._where, **_PATIENCE)
        from azure.identity.aio import ManagedIdentityCredential

        self._credential = ManagedIdentityCredential(client_id=self._identity_client_id or None)
        return TableServiceClient(self._where.rstrip("/"), credential=self._credential, **_PATIENCE)


class Table:
    """A table, made where something is written to it and it isn't there yet.

    Every method raises `Unavailable` or `Upstream` where the service fails. The client repeats what
    got no answer, so that whoever is told `Conflict` may have written it.
    """

    def __init__(self, account: Account, name: str) -> None:
        self._account = account
        self._name = name

    async def read(
        self, partition: str, key: str, select: Sequence[str] | None = None
    ) -> Found | None:
        client = await self._client()
        with _told():
            from azure.core.exceptions import ResourceNotFoundError

            try:
                return _found(await client.get_entity(partition, key, select=_list(select)))
            except ResourceNotFoundError:
                return None

    async def read_all(
        self, keys: Sequence[tuple[str, str]], select: Sequence[str] | None = None
    ) -> list[Found | None]:
        """Those rows, in that order, side by side."""
        found: list[Found | None] = []
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            found += await asyncio.gather(*(self.read(*key, select=select) for key in part))
        return found

    async def insert(self, row: Row) -> str:
        """The new row's ETag. Raises `Conflict` where there is one of that key."""
        return (await self.commit([Step("insert", row)]))[0]

    async def put(self, row: Row) -> str:
        """Its ETag; whatever was there has gone."""
        return (await self.commit([Step("put", row)]))[0]

    async def replace(self, row: Row, etag: str) -> str:
        """Its new ETag. Raises `Conflict` where it has changed or gone meanwhile."""
        return (await self.commit([Step("replace", row, etag)]))[0]

    async def remove(self, row: Row, etag: str = "") -> bool:
        """Whether it is gone now: it stays where it isn't in the state of that ETag any more."""
        try:
            await self.commit([Step("delete", row, etag)])
        except Conflict:
            return False
        return True

    async def commit(self, steps: Sequence[Step]) -> list[str]:
        """All or nothing, on rows of one partition, at most `MOST_STEPS`; the ETag after each step,
        none after a deletion.

        Raises `Conflict` where a row is there that shouldn't be, or isn't as it should be.
        """
        client = await self._client()
        with _told():
            from azure.core.exceptions import HttpResponseError

            try:
                return await _commit(client, steps)
            except HttpResponseError as error:
                if not _no_table(error, steps):
                    raise
            await _make(client)
            return await _commit(client, steps)

    async def remove_all(self, found: Sequence[Found]) -> list[Found]:
        """Removes those rows of one partition that have not changed since; gives them."""
        gone: list[Found] = []
        for start in range(0, len(found), MOST_STEPS):
            gone += await self._remove(found[start : start + MOST_STEPS])
        return gone

    async def remove_each(self, rows: Sequence[Row]) -> None:
        """Removes those rows, of whatever partitions, side by side."""
        for start in range(0, len(rows), _AT_ONCE):
            await asyncio.gather(*(self.remove(row) for row in rows[start : start + _AT_ONCE]))

    async def rows(
        self, query: str, select: Sequence[str] | None = None, **values: object
    ) -> AsyncIterator[Found]:
        """Those that the OData filter lets through, page by page; `@name` stands for a value."""
        client = await self._client()
        with _told():
            from azure.core.exceptions import ResourceNotFoundError

            with suppress(ResourceNotFoundError):  # no table yet, so no rows
                async for row in client.query_entities(
                    query, select=_list(select), parameters=values
                ):
                    yield _found(row)

    async def span(
        self,
        partition: str,
        prefix: str,
        where: str = "",
        select: Sequence[str] | None = None,
        **values: object,
    ) -> list[Found]:
        """That partition's rows whose key begins so."""
        return [
            found
            async for found in self.rows(
                "PartitionKey eq @partition and RowKey ge @first and RowKey lt @end"
                + (f" and {where}" if where else ""),
                select,
                partition=partition,
                first=prefix,
                end=prefix[:-1] + chr(ord(prefix[-1]) + 1),
                **values,
            )
        ]

    async def _remove(self, found: Sequence[Found]) -> list[Found]:
        try:
            await self.commit([Step("delete", one.row, one.etag) for one in found])
        except Conflict:  # one has changed, so none was removed
            removed = await asyncio.gather(*(self.remove(one.row, one.etag) for one in found))
            return [one for one, gone in zip(found, removed, strict=True) if gone]
        return list(found)

    async def _client(self) -> "TableClient":
        return await self._account.client(self._name)


async def _commit(client: "TableClient", steps: Sequence[Step]) -> list[str]:
    from azure.core.exceptions import HttpResponseError

    try:
        if len(steps) == 1:  # half the work of a transaction
            told = [await _send(client, *_operation(steps[0]))]
        else:
            told = await client.submit_transaction(map(_operation, steps))
    except HttpResponseError as error:
        if error.status_code in _CONFLICTS and not _no_table(error, steps):
            raise Conflict("What is kept of this changed meanwhile.") from None
        raise
    return [str(one.get("etag") or "") for one in told]


async def _send(
    client: "TableClient", how: str, row: Row, wanted: dict[str, Any]
) -> Mapping[str, Any]:
    call = getattr(client, f"{how}_entity")
    return await call(row, **wanted) or {}


async def _make(client: "TableClient") -> None:
    from azure.core.exceptions import ResourceExistsError

    with suppress(ResourceExistsError):
        await client.create_table()


def _operation(step: Step) -> tuple[str, Row, dict[str, Any]]:
    from azure.core import MatchConditions

    matching = {"etag": step.etag, "match_condition": MatchConditions.IfNotModified}
    match step.how:
        case "insert":
            return "create", step.row, {}
        case "put":
            return "upsert", step.row, {"mode": "replace"}
        case "replace":
            return "update", step.row, {"mode": "replace", **matching}
        case "delete":
            return "delete", _key(step.row), matching if step.etag else {}


def _key(row: Row) -> Row:
    return {name: row[name] for name in ("PartitionKey", "RowKey")}


def _found(entity: Any) -> Found:
    return Found(dict(entity), str(entity.metadata["etag"]))


def _no_table(error: "HttpResponseError", steps: Sequence[Step]) -> bool:
    """What only writes misses no row; the client's calls for single rows don't tell the code."""
    return getattr(error, "error_code", "") == "TableNotFound" or (
        error.status_code == HTTPStatus.NOT_FOUND
        and all(step.how in ("insert", "put") for step in steps)
    )


def _list(select: Sequence[str] | None) -> list[str] | None:
    return list(select) if select else None


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
        return Unavailable("The ledger does not answer.")
    return Upstream(f"The ledger refused ({status}).")
