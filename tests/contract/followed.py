"""Things that are followed."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from shared.domain import CategoryValue, RecordRef
from shared.following import (
    Filed,
    FollowedDraft,
    FollowedMeeting,
    FollowedThread,
    people_of,
    thread_id,
)

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
DAY = timedelta(days=1)


def some_id() -> str:
    return str(uuid4())


def filed() -> Filed:
    categories: dict[str, CategoryValue] = {
        "new_topic": 7,
        "new_text": "é\ud83d\u0000'",
        "new_flag": True,
        "new_none": None,
    }
    return Filed(RecordRef("account", some_id()), categories, default_files=False)


def thread(mailbox: str, id: str = "", record: str = "") -> FollowedThread:
    return FollowedThread(
        mailbox=mailbox,
        id=id or thread_id(some_id(), None),
        owner=some_id(),
        filed=filed(),
        people=people_of(["anna@contoso.example", "kim@fabrikam.example"]),
        record=record or some_id(),
        since=NOW,
        until=NOW + DAY,
        newcomers=dict.fromkeys(people_of(["lee@fabrikam.example"]), NOW),
        waiting=("AAMkAGI2=", "AAMkAGI3="),
    )


def draft(mailbox: str, item: str = "") -> FollowedDraft:
    return FollowedDraft(
        mailbox=mailbox,
        item=item or some_id(),
        owner=some_id(),
        receipt=some_id(),
        until=NOW + DAY,
    )


def meeting(mailbox: str, item: str = "", watched: str = "", record: str = "") -> FollowedMeeting:
    item = item or some_id()
    return FollowedMeeting(
        mailbox=mailbox,
        item=item,
        watched=watched or item,
        scope="occurrence",
        identity=f"meeting:{some_id()}",
        owner=some_id(),
        record=record or some_id(),
        organizer=True,
        filed=filed(),
        until=NOW + DAY,
    )
