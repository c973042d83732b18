"""Receipts as rows of the table, and back. Pure.

PartitionKey is the owner's object id, RowKey the receipt's id, which begins with its time: one
person's receipts lie together, those of different people on as many partitions as there are
people, and what is too old is a range of row keys. A property holds 64 KiB and a row 1 MiB (https://learn.microsoft.com/en-us/rest/api/storageservices/understanding-the-table-service-data-model),
so that what was asked is cut into pieces.
"""

import json
from collections.abc import Mapping
from typing import Any

from shared.domain import Notice
from shared.errors import TooLarge
from shared.receipts import Failure, Receipt

MOST = 900_000
"""Bytes of `asked` in UTF-8 that fit a row, with the rest of it."""

_PIECE = 60_000


def row_of(receipt: Receipt) -> dict[str, Any]:
    """Raises `TooLarge`."""
    asked = receipt.asked.encode()
    if len(asked) > MOST:
        raise TooLarge("What was asked for is too much to be kept for later.")
    row: dict[str, Any] = {
        "PartitionKey": receipt.owner,
        "RowKey": receipt.id,
        "Status": receipt.status,
        "Notices": json.dumps([[one.code, one.text] for one in receipt.notices]),
    }
    for place in range(0, len(asked), _PIECE):
        row[f"Asked{place // _PIECE:02}"] = asked[place : place + _PIECE]
    if receipt.not_before is not None:
        row["NotBefore"] = receipt.not_before
    if receipt.failure is not None:
        row["FailureCode"] = receipt.failure.code
        row["FailureDetail"] = receipt.failure.detail
    return row


def receipt_of(row: Mapping[str, Any], version: str) -> Receipt:
    pieces = sorted(name for name in row if name.startswith("Asked"))
    code = row.get("FailureCode")
    return Receipt(
        id=row["RowKey"],
        owner=row["PartitionKey"],
        asked=b"".join(row[name] for name in pieces).decode(),
        status=row["Status"],
        not_before=row.get("NotBefore"),
        notices=tuple(Notice(code, text) for code, text in json.loads(row["Notices"])),
        failure=Failure(code, row["FailureDetail"]) if code else None,
        version=version,
    )
