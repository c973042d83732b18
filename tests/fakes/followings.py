"""What is followed, in memory, with every promise of `shared.ports.Followings`; see
test_fake_followings.py."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count

from shared.domain import RecordRef
from shared.errors import Conflict, ThreadlineError
from shared.following import (
    MOST_KNOWN_AT_ONCE,
    Filed,
    Followed,
    FollowedDraft,
    FollowedMeeting,
    FollowedThread,
    bounded,
)

_Key = tuple[type[Followed], str, str]


class FakeFollowings:
    """Tests may look into `followed` and `messages`, which are the thread ids by mailbox and
    Message-ID. `failures` are raised by the next call of the method they are filed under."""

    def __init__(self) -> None:
        self.followed: dict[_Key, Followed] = {}
        self.messages: dict[tuple[str, str], str] = {}
        self.failures: dict[str, ThreadlineError] = {}
        self._versions = count(1)

    async def threads_of(self, mailbox: str, message_ids: Sequence[str]) -> Mapping[str, str]:
        await self._called("threads_of")
        return {
            one: self.messages[(mailbox, one)]
            for one in message_ids
            if (mailbox, one) in self.messages
        }

    async def know_messages(self, mailbox: str, thread: str, message_ids: Sequence[str]) -> None:
        await self._called("know_messages")
        if len(message_ids) > MOST_KNOWN_AT_ONCE:
            raise ValueError(f"at most {MOST_KNOWN_AT_ONCE} at once")
        self.messages.update({(mailbox, one): thread for one in message_ids})

    async def thread(self, mailbox: str, id: str) -> FollowedThread | None:
        await self._called("thread")
        found = self.followed.get((FollowedThread, mailbox, id))
        return found if isinstance(found, FollowedThread) else None

    async def put_thread(self, thread: FollowedThread) -> FollowedThread:
        await self._called("put_thread")
        kept = replace(
            thread,
            filed=_filed(thread.filed),
            people=bounded(thread.people),
            version=self._next(thread),
        )
        self.followed[_key(kept)] = kept
        return kept

    async def draft(self, mailbox: str, item: str) -> FollowedDraft | None:
        await self._called("draft")
        found = self.followed.get((FollowedDraft, mailbox, item))
        return found if isinstance(found, FollowedDraft) else None

    async def put_draft(self, draft: FollowedDraft) -> FollowedDraft:
        await self._called("put_draft")
        kept = replace(draft, version=self._next(draft))
        self.followed[_key(kept)] = kept
        return kept

    async def meetings(self, mailbox: str, event: str) -> Sequence[FollowedMeeting]:
        await self._called("meetings")
        return [
            one
            for one in self.followed.values()
            if isinstance(one, FollowedMeeting)
            and one.mailbox == mailbox
            and event in (one.item, one.watched)
        ]

    async def put_meeting(self, meeting: FollowedMeeting) -> FollowedMeeting:
        await self._called("put_meeting")
        kept = replace(meeting, filed=_filed(meeting.filed), version=self._next(meeting))
        self.followed[_key(kept)] = kept
        return kept

    async def remove(self, followed: Followed) -> None:
        await self._called("remove")
        current = self.followed.get(_key(followed))
        if current is not None and current.version == followed.version:
            del self.followed[_key(followed)]

    async def of_record(self, record: str) -> Sequence[FollowedThread | FollowedMeeting]:
        await self._called("of_record")
        return [
            one
            for one in self.followed.values()
            if not isinstance(one, FollowedDraft) and record and one.record == record
        ]

    async def of_mailbox(self, mailbox: str) -> Sequence[Followed]:
        await self._called("of_mailbox")
        return [one for one in self.followed.values() if one.mailbox == mailbox]

    async def forget(self, mailbox: str, before: datetime) -> int:
        await self._called("forget")
        old = [
            key
            for key, one in self.followed.items()
            if one.mailbox == mailbox and one.until < before
        ]
        for key in old:
            del self.followed[key]
        lost = [
            key
            for key, thread in self.messages.items()
            if key[0] == mailbox and (FollowedThread, mailbox, thread) not in self.followed
        ]
        for known in lost:
            del self.messages[known]
        return len(old) + len(lost)

    async def _called(self, method: str) -> None:
        await asyncio.sleep(0)
        if method in self.failures:
            raise self.failures.pop(method)

    def _next(self, followed: Followed) -> str:
        current = self.followed.get(_key(followed))
        if (current.version if current else "") != followed.version:
            raise Conflict("What is followed changed meanwhile.")
        return str(next(self._versions))


def _key(followed: Followed) -> _Key:
    return (
        type(followed),
        followed.mailbox,
        followed.id if isinstance(followed, FollowedThread) else followed.item,
    )


def _filed(filed: Filed) -> Filed:
    link = filed.link
    return replace(filed, link=RecordRef(link.type, link.id) if link else None)
