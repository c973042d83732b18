"""Storing files that are too big to go along with their record.

Source: Microsoft Learn "Use file column data / attachments and notes" (powerapps-docs
attachment-annotation-files.md): above 4 MB in blocks of at most 4 MB, create only.
"""

import asyncio
from base64 import b64encode
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from shared.crm.dataverse import payloads
from shared.crm.dataverse.batch import Reply
from shared.crm.dataverse.faults import DUPLICATE_KEY, code, fault
from shared.crm.dataverse.tables import ActivityTable
from shared.crm.dataverse.wire import Wire
from shared.domain import File

BLOCK: Final = 4 * 1024 * 1024
_AT_ONCE: Final = 4


async def store(wire: Wire, file: File, activity: str, table: ActivityTable) -> None:
    """Stores one file on an open activity. One that is there already is left as it is."""
    content = await file.read()
    if len(content) <= BLOCK:
        row = payloads.file_row(file, content, activity, table)
        _check_stored(await wire.post("activitymimeattachments", row))
        return
    head = payloads.file_head(file, activity, table)
    target = {**head, "@odata.type": "Microsoft.Dynamics.CRM.activitymimeattachment"}
    await _store_in_blocks(wire, target, content)


async def _store_in_blocks(wire: Wire, target: dict[str, Any], content: bytes) -> None:
    begun = await wire.post("InitializeAttachmentBlocksUpload", {"Target": target})
    if not begun.ok:
        raise fault(begun)
    token = begun.json["FileContinuationToken"]
    ids = [_block_id(number) for number in range(-(-len(content) // BLOCK))]
    for first in range(0, len(ids), _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, len(ids)))
        await _all(
            [_upload(wire, token, ids[n], content[n * BLOCK : (n + 1) * BLOCK]) for n in numbers]
        )
    commit = {"Target": target, "BlockList": ids, "FileContinuationToken": token}
    committed = await wire.post("CommitAttachmentBlocksUpload", commit)
    if committed.ok or code(committed) == DUPLICATE_KEY:
        return
    # A commit whose answer got lost used up the token; what counts is whether the file is there.
    stored = await wire.get(
        f"activitymimeattachments({target['activitymimeattachmentid']})"
        "?$select=activitymimeattachmentid"
    )
    if not stored.ok:
        raise fault(committed)


async def _upload(wire: Wire, token: str, id_: str, block: bytes) -> None:
    body = {
        "BlockId": id_,
        "BlockData": b64encode(block).decode("ascii"),
        "FileContinuationToken": token,
    }
    reply = await wire.post("UploadBlock", body)
    if not reply.ok:
        raise fault(reply)


async def _all(uploads: Sequence[Coroutine[Any, Any, None]]) -> None:
    """All of them at once; the first failure ends the others."""
    tasks = [asyncio.ensure_future(upload) for upload in uploads]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _block_id(number: int) -> str:
    """Base64, and all of one length."""
    return b64encode(f"{number:08d}".encode()).decode("ascii")


def _check_stored(reply: Reply) -> None:
    if not reply.ok and code(reply) != DUPLICATE_KEY:
        raise fault(reply)
