"""What is followed, by mailbox; how the rows look is told in `followed`.

A row and its place in its record's list lie in different partitions, so that no transaction holds
them together. The list is written before the row, and what it names counts only as far as the row
says the same: a list that names too much does no harm.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from shared.errors import Conflict
from shared.following import (
    MOST_KNOWN_AT_ONCE,
    Followed,
    FollowedDraft,
    FollowedMeeting,
    FollowedThread,
)
from shared.ledger.followed import (
    DRAFT,
    EVENT,
    MESSAGE,
    THREAD,
    Mark,
    draft_key,
    draft_of,
    events_prefix,
    followed_of,
    is_own,
    kept,
    list_partition,
    listed,
    listing_row,
    mark_of,
    meeting_of,
    message_key,
    message_row,
    own_key,
    record_of,
    rows_of,
    thread_key,
    thread_of,
)
from shared.ledger.rows import Row, as_was, key_of
from shared.ledger.table import Account, Found, Step, Table

TABLE = "followings"

_F = TypeVar("_F", FollowedThread, FollowedDraft, FollowedMeeting)


class TableFollowings:
    """Implements `shared.ports.Followings`."""

    def __init__(self, account: Account, *, table: str = TABLE) -> None:
        self._table = Table(account, table)

    async def threads_of(self, mailbox: str, message_ids: Sequence[str]) -> Mapping[str, str]:
        """See `Followings`. Point reads side by side: a filter takes at most 15 conditions, and
        several row keys in one filter make the service read the whole partition."""
        asked = list(dict.fromkeys(message_ids))
        keys = [(key_of(mailbox), message_key(one)) for one in asked]
        found = await self._table.read_all(keys, ["PartitionKey", "RowKey", "Thread"])
        return {
            one: as_was(known.row["Thread"])
            for one, known in zip(asked, found, strict=True)
            if known
        }

    async def know_messages(self, mailbox: str, thread: str, message_ids: Sequence[str]) -> None:
        """See `Followings`. All or none. The thread is to be there before its messages are known:
        `forget` takes those of no thread."""
        if len(message_ids) > MOST_KNOWN_AT_ONCE:
            raise ValueError(f"at most {MOST_KNOWN_AT_ONCE} at once")
        asked = dict.fromkeys(message_ids)
        if asked:
            await self._table.commit(
                [Step("put", message_row(mailbox, thread, one)) for one in asked]
            )

    async def thread(self, mailbox: str, id: str) -> FollowedThread | None:
        """See `Followings`."""
        found = await self._table.read(key_of(mailbox), thread_key(id))
        return thread_of(found) if found else None

    async def put_thread(self, thread: FollowedThread) -> FollowedThread:
        """See `Followings`."""
        return await self._put(thread)

    async def draft(self, mailbox: str, item: str) -> FollowedDraft | None:
        """See `Followings`."""
        found = await self._table.read(key_of(mailbox), draft_key(item))
        return draft_of(found) if found else None

    async def put_draft(self, draft: FollowedDraft) -> FollowedDraft:
        """See `Followings`."""
        return await self._put(draft)

    async def meetings(self, mailbox: str, event: str) -> Sequence[FollowedMeeting]:
        """See `Followings`. One query of a range of keys."""
        found = await self._table.span(key_of(mailbox), events_prefix(event))
        return [meeting_of(one) for one in found]

    async def put_meeting(self, meeting: FollowedMeeting) -> FollowedMeeting:
        """See `Followings`."""
        return await self._put(meeting)

    async def remove(self, followed: Followed) -> None:
        """See `Followings`."""
        if not followed.version:
            return
        mark = mark_of(followed.version)
        try:
            await self._table.commit(_deletions(key_of(followed.mailbox), mark, mark.keys))
        except Conflict:
            return
        if mark.record:
            await self._table.remove(listing_row(mark.record, followed.mailbox, mark.keys[0]))

    async def of_record(self, record: str) -> Sequence[FollowedThread | FollowedMeeting]:
        """See `Followings`. One query, then point reads side by side."""
        if not record:
            return []
        partition = list_partition(record)
        rows = self._table.rows("PartitionKey eq @partition", partition=partition)
        keys = [listed(one.row) async for one in rows]
        all_listed = [followed_of(one) for one in await self._table.read_all(keys) if one]
        return [
            one for one in all_listed if not isinstance(one, FollowedDraft) and one.record == record
        ]

    async def of_mailbox(self, mailbox: str) -> Sequence[Followed]:
        """See `Followings`."""
        kinds = (self._all(mailbox, kind) for kind in (DRAFT, EVENT, THREAD))
        return [one for found in await asyncio.gather(*kinds) for one in found]

    async def forget(self, mailbox: str, before: datetime) -> int:
        """See `Followings`. Messages are read before threads, so that one whose thread came
        meanwhile stays."""
        partition = key_of(mailbox)
        forgotten = 0
        for kind in (DRAFT, EVENT, THREAD):
            old = await self._table.span(partition, kind, "Until lt @before", before=before)
            forgotten += await self._forget(await self._table.remove_all(old))
        messages = await self._table.span(
            partition, MESSAGE, select=["PartitionKey", "RowKey", "Thread"]
        )
        threads = await self._table.span(partition, THREAD, select=["PartitionKey", "RowKey"])
        there = {one.row["RowKey"] for one in threads}
        lost = [one for one in messages if thread_key(as_was(one.row["Thread"])) not in there]
        return forgotten + len(await self._table.remove_all(lost))

    async def _all(self, mailbox: str, kind: str) -> list[Followed]:
        found = await self._table.span(key_of(mailbox), kind)
        return [followed_of(one) for one in found if is_own(one.row)]

    async def _put(self, followed: _F) -> _F:
        before = mark_of(followed.version) if followed.version else None
        wanted = kept(followed)
        rows, record = rows_of(wanted), record_of(wanted)
        if record and (before is None or before.record != record):
            await self._table.put(listing_row(record, wanted.mailbox, rows[0]["RowKey"]))
        etag, *_ = await self._table.commit(_steps(rows, before))
        if before and before.record not in ("", record):
            await self._table.remove(listing_row(before.record, wanted.mailbox, before.keys[0]))
        keys = tuple(row["RowKey"] for row in rows)
        return replace(wanted, version=Mark(etag, keys[0], keys, record).version)

    async def _forget(self, removed: Sequence[Found]) -> int:
        forgotten = [followed_of(one) for one in removed if is_own(one.row)]
        listings = [
            listing_row(record, one.mailbox, own_key(one))
            for one in forgotten
            if (record := record_of(one))
        ]
        await self._table.remove_each(listings)
        return len(forgotten)


def _steps(rows: Sequence[Row], before: Mark | None) -> list[Step]:
    if before is None:
        return [Step("insert", rows[0]), *(Step("put", row) for row in rows[1:])]
    keys = [row["RowKey"] for row in rows]
    gone = [key for key in before.keys if key not in keys]
    return [
        *(
            Step("replace", row, before.etag) if key == before.key else Step("put", row)
            for key, row in zip(keys, rows, strict=True)
        ),
        *_deletions(rows[0]["PartitionKey"], before, gone),
    ]


def _deletions(partition: str, before: Mark, keys: Iterable[str]) -> list[Step]:
    """Of rows that were written together: the state of one stands for all."""
    return [
        Step(
            "delete",
            {"PartitionKey": partition, "RowKey": key},
            before.etag if key == before.key else "",
        )
        for key in keys
    ]
