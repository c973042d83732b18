"""Receipts, by their owner.

PartitionKey is the owner's object id, RowKey the receipt's id, which begins with its time: one
person's receipts lie together, those of different people on as many partitions as there are people,
and what is too old is a range of row keys. What was asked is cut into pieces.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

from shared.domain import Notice
from shared.ledger.rows import Row, cut, joined
from shared.ledger.table import Account, Found, Table
from shared.receipts import Failure, Progress, Receipt, first_id, is_id

TABLE = "receipts"

_AT_ONCE = 32


def row_of(receipt: Receipt) -> Row:
    """Raises `TooLarge`."""
    row: Row = {
        "PartitionKey": receipt.owner,
        "RowKey": receipt.id,
        "Status": receipt.status,
        "Notices": json.dumps([[one.code, one.text] for one in receipt.notices]),
        **cut("Asked", receipt.asked),
    }
    if receipt.not_before is not None:
        row["NotBefore"] = receipt.not_before
    if receipt.queued_at is not None:
        row["QueuedAt"] = receipt.queued_at
    if receipt.progress is not None:
        row["Done"] = receipt.progress.done
        row["Total"] = receipt.progress.total
    if receipt.failure is not None:
        row["FailureCode"] = receipt.failure.code
        row["FailureDetail"] = receipt.failure.detail
    return row


def receipt_of(row: Mapping[str, Any], version: str) -> Receipt:
    code = row.get("FailureCode")
    return Receipt(
        id=row["RowKey"],
        owner=row["PartitionKey"],
        asked=joined("Asked", row),
        status=row["Status"],
        not_before=row.get("NotBefore"),
        queued_at=row.get("QueuedAt"),
        progress=Progress(row["Done"], row["Total"]) if "Total" in row else None,
        notices=tuple(Notice(code, text) for code, text in json.loads(row["Notices"])),
        failure=Failure(code, row["FailureDetail"]) if code else None,
        version=version,
    )


class TableReceipts:
    """Implements `shared.ports.Ledger`."""

    def __init__(self, account: Account, *, table: str = TABLE) -> None:
        self._table = Table(account, table)

    async def add(self, receipt: Receipt) -> Receipt:
        """See `Ledger`."""
        # nobody else can have made this id, so that one that is there is this one, told twice
        etag = await self._table.put(row_of(receipt))
        return replace(receipt, version=etag)

    async def find(self, owner: str, id: str) -> Receipt | None:
        """See `Ledger`."""
        if not is_id(id):  # the service takes some characters of a key amiss
            return None
        found = await self._table.read(owner, id)
        return _receipt(found) if found else None

    async def replace(self, receipt: Receipt) -> Receipt:
        """See `Ledger`."""
        etag = await self._table.replace(row_of(receipt), receipt.version)
        return replace(receipt, version=etag)

    async def waiting(self, before: datetime) -> Sequence[Receipt]:
        """See `Ledger`. Reads the whole table's keys: for a timer, not for a request."""
        wanted = "Status eq 'queued' and RowKey lt @end"
        return [_receipt(one) async for one in self._table.rows(wanted, end=first_id(before))]

    async def forget(self, before: datetime) -> int:
        """See `Ledger`. Reads the whole table's keys: for a timer, not for a request."""
        keys = ["PartitionKey", "RowKey"]
        old = [one async for one in self._table.rows("RowKey lt @end", keys, end=first_id(before))]
        owners = [list(rows) for _, rows in groupby(old, lambda one: one.row["PartitionKey"])]
        forgotten = 0
        for start in range(0, len(owners), _AT_ONCE):
            part = owners[start : start + _AT_ONCE]
            gone = await asyncio.gather(*(self._table.remove_all(rows) for rows in part))
            forgotten += sum(map(len, gone))
        return forgotten


def _receipt(found: Found) -> Receipt:
    return receipt_of(found.row, found.etag)
