"""What is followed, as rows, and back. Pure.

PartitionKey is the mailbox. RowKey is the kind and what it is looked for by, as digests where that
isn't plain already:

    draft:<item>                 a draft
    event:<item>:<item>          a meeting, by itself
    event:<watched>:<item>       the same again, where changes are told of by another id
    message:<Message-ID>         to which thread it belongs
    thread:<id>                  a thread

So the meetings of an event are one range of keys, whichever of the two ids it is. Both rows of a
meeting are written together, so that the ETag of either stands for both. In a partition of its
own, `~record:<record>`, each CRM record lists the rows that have it: `<mailbox>:<RowKey>`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from shared.domain import RecordRef
from shared.following import (
    Filed,
    Followed,
    FollowedDraft,
    FollowedMeeting,
    FollowedThread,
    bounded,
    digest,
)
from shared.ledger.rows import Row, as_was, cut_json, joined_json, key_of, written
from shared.ledger.table import Found

DRAFT, EVENT, MESSAGE, THREAD = "draft:", "event:", "message:", "thread:"

_F = TypeVar("_F", FollowedThread, FollowedDraft, FollowedMeeting)


@dataclass(frozen=True, slots=True)
class Mark:
    """What a version is: the state of the row it was read from, the keys of all rows that were
    written with that one, and the record that it is listed under."""

    etag: str
    key: str
    keys: tuple[str, ...]
    record: str

    @property
    def version(self) -> str:
        return json.dumps([self.etag, self.key, self.keys, self.record])


def mark_of(version: str) -> Mark:
    etag, key, keys, record = json.loads(version)
    return Mark(etag, key, tuple(keys), record)


def own_key(followed: Followed) -> str:
    """The RowKey of the row that there is once."""
    match followed:
        case FollowedThread():
            return thread_key(followed.id)
        case FollowedDraft():
            return draft_key(followed.item)
        case FollowedMeeting():
            return _event_key(followed.item, followed.item)


def keys_of(followed: Followed) -> tuple[str, ...]:
    """The RowKeys of all its rows, its own first."""
    if isinstance(followed, FollowedMeeting) and followed.watched != followed.item:
        return own_key(followed), _event_key(followed.watched, followed.item)
    return (own_key(followed),)


def is_own(row: Mapping[str, Any]) -> bool:
    """Whether it is the one row that there is of everything followed."""
    kind, *parts = str(row["RowKey"]).split(":")
    return kind != "event" or parts[0] == parts[1]


def thread_key(id: str) -> str:
    return THREAD + key_of(id)


def draft_key(item: str) -> str:
    return DRAFT + digest(item)


def events_prefix(event: str) -> str:
    return f"{EVENT}{digest(event)}:"


def message_key(message_id: str) -> str:
    return MESSAGE + digest(message_id)


def list_partition(record: str) -> str:
    return f"~record:{key_of(record)}"


def record_of(followed: Followed) -> str:
    """Empty where it has none, and is listed nowhere."""
    return "" if isinstance(followed, FollowedDraft) else followed.record


def message_row(mailbox: str, thread: str, message_id: str) -> Row:
    return {
        "PartitionKey": key_of(mailbox),
        "RowKey": message_key(message_id),
        "Thread": written(thread),
    }


def listing_row(record: str, mailbox: str, key: str) -> Row:
    return {"PartitionKey": list_partition(record), "RowKey": f"{key_of(mailbox)}:{key}"}


def listed(row: Mapping[str, Any]) -> tuple[str, str]:
    """PartitionKey and RowKey of the row that a listing names."""
    mailbox, _, key = row["RowKey"].partition(":")
    return mailbox, key


def kept(followed: _F) -> _F:
    """What of it is kept."""
    match followed:
        case FollowedThread():
            return replace(followed, filed=_plain(followed.filed), people=bounded(followed.people))
        case FollowedMeeting():
            return replace(followed, filed=_plain(followed.filed))
        case FollowedDraft():
            return followed


def rows_of(followed: Followed) -> list[Row]:
    """All its rows, its own first. Raises `TooLarge`."""
    properties = {
        "PartitionKey": key_of(followed.mailbox),
        "Mailbox": written(followed.mailbox),
        "Owner": written(followed.owner),
        "Until": followed.until,
        **_properties(followed),
    }
    return [{**properties, "RowKey": key} for key in keys_of(followed)]


def followed_of(found: Found) -> Followed:
    match found.row["RowKey"].partition(":")[0]:
        case "thread":
            return thread_of(found)
        case "draft":
            return draft_of(found)
        case _:
            return meeting_of(found)


def _properties(followed: Followed) -> Row:
    match followed:
        case FollowedThread():
            return {
                "Id": written(followed.id),
                "Record": written(followed.record),
                "Since": followed.since,
                "Stopped": followed.stopped,
                **_filed_row(followed.filed),
                **cut_json("People", sorted(followed.people)),
                **cut_json("Newcomers", _times(followed.newcomers)),
                **cut_json("Waiting", list(followed.waiting)),
            }
        case FollowedDraft():
            missing = followed.missing_since
            return {
                "Item": written(followed.item),
                "Receipt": written(followed.receipt),
                **({"MissingSince": missing} if missing else {}),
            }
        case FollowedMeeting():
            return {
                "Item": written(followed.item),
                "Watched": written(followed.watched),
                "Scope": followed.scope,
                "Identity": written(followed.identity),
                "Record": written(followed.record),
                "Organizer": followed.organizer,
                **_filed_row(followed.filed),
                **cut_json("Seen", sorted(followed.seen)),
            }


def thread_of(found: Found) -> FollowedThread:
    row = found.row
    followed = FollowedThread(
        mailbox=as_was(row["Mailbox"]),
        id=as_was(row["Id"]),
        owner=as_was(row["Owner"]),
        filed=_filed(row),
        people=frozenset(joined_json("People", row)),
        record=as_was(row["Record"]),
        since=row["Since"],
        until=row["Until"],
        stopped=row["Stopped"],
        newcomers={
            who: datetime.fromisoformat(t) for who, t in joined_json("Newcomers", row).items()
        },
        waiting=tuple(joined_json("Waiting", row)),
    )
    return _marked(followed, found)


def draft_of(found: Found) -> FollowedDraft:
    row = found.row
    followed = FollowedDraft(
        mailbox=as_was(row["Mailbox"]),
        item=as_was(row["Item"]),
        owner=as_was(row["Owner"]),
        receipt=as_was(row["Receipt"]),
        until=row["Until"],
        missing_since=row.get("MissingSince"),
    )
    return _marked(followed, found)


def meeting_of(found: Found) -> FollowedMeeting:
    row = found.row
    followed = FollowedMeeting(
        mailbox=as_was(row["Mailbox"]),
        item=as_was(row["Item"]),
        watched=as_was(row["Watched"]),
        scope=row["Scope"],
        identity=as_was(row["Identity"]),
        owner=as_was(row["Owner"]),
        record=as_was(row["Record"]),
        organizer=row["Organizer"],
        filed=_filed(row),
        until=row["Until"],
        seen=frozenset(joined_json("Seen", row)),
    )
    return _marked(followed, found)


def _marked(followed: _F, found: Found) -> _F:
    key = found.row["RowKey"]
    mark = Mark(found.etag, key, keys_of(followed), record_of(followed))
    return replace(followed, version=mark.version)


def _times(moments: Mapping[str, datetime]) -> dict[str, str]:
    return {who: moment.isoformat() for who, moment in moments.items()}


def _event_key(event: str, item: str) -> str:
    return events_prefix(event) + digest(item)


def _plain(filed: Filed) -> Filed:
    link = filed.link
    return replace(filed, link=RecordRef(link.type, link.id) if link else None)


def _filed_row(filed: Filed) -> Row:
    link = filed.link
    kept_link = [link.type, link.id] if link else None
    return cut_json("Filed", [kept_link, dict(filed.categories), filed.default_files])


def _filed(row: Row) -> Filed:
    link, categories, default_files = joined_json("Filed", row)
    return Filed(RecordRef(*link) if link else None, categories, default_files)
