"""Whoever can read an item stops following it there, and only there."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain import Email, ItemRef, Meeting
from shared.errors import Conflict, Forbidden, NotFound, Unavailable
from shared.following import (
    FollowedDraft,
    FollowedMeeting,
    FollowedThread,
    Scope,
    mailbox_path,
    thread_id,
)
from shared.receipts import Receipt, new_id
from stop_following import logic
from tests.contract import followed, items
from tests.fakes.followings import FakeFollowings
from tests.fakes.ledger import FakeLedger
from tests.fakes.mailbox import FakeMailbox, MailboxWorld

ANNA, BERND, SALES = "anna@c.example", "bernd@c.example", "sales@c.example"
UNTIL = items.SENT + timedelta(days=9)


class Office:
    def __init__(self) -> None:
        both = dict.fromkeys((ANNA, BERND), frozenset({SALES}))
        self.mailboxes = MailboxWorld(delegates=both)
        self.followings = FakeFollowings()
        self.ledger = FakeLedger()

    def email(self, number: int = 1, mailbox: str = ANNA, draft: bool = False) -> Email:
        mail = items.email(message_id=f"<{number}@c.example>")
        mail = replace(mail, ref=replace(mail.ref, id=f"E{number}"), is_draft=draft)
        self.mailboxes.put(mailbox, mail)
        return mail

    def meeting(self, id_: str, master: str | None = None, is_series: bool = False) -> Meeting:
        one = items.meeting(is_series=is_series)
        one = replace(one, ref=replace(one.ref, id=id_), series_master_id=master)
        self.mailboxes.put(ANNA, one)
        return one

    async def follow_thread(self, mail: Email, path: str = ANNA) -> None:
        id_ = thread_id(mail.conversation_id, mail.message_id)
        await self.followings.put_thread(followed.thread(path, id_))

    async def follow_meeting(self, item: str, watched: str, scope: Scope = "occurrence") -> None:
        meeting = followed.meeting(ANNA, item, watched)
        await self.followings.put_meeting(replace(meeting, scope=scope))

    async def wait_for_draft(self, item: str) -> Receipt:
        kept = await self.ledger.add(Receipt(new_id(items.SENT), ANNA, "{}", status="pending_send"))
        await self.followings.put_draft(FollowedDraft(ANNA, item, ANNA, kept.id, UNTIL))
        return kept

    async def stop(self, id_: str, by: str = ANNA, mailbox: str = "me") -> None:
        kind = "email" if id_.startswith("E") else "meeting"
        await logic.stop(
            ItemRef(kind, mailbox, id_),  # type: ignore[arg-type]
            mailbox_path(mailbox, by),
            mailbox=FakeMailbox(self.mailboxes, by),
            followings=self.followings,
            ledger=self.ledger,
        )

    def stopped(self) -> dict[str, bool]:
        """By mailbox."""
        found = self.followings.followed.values()
        return {one.mailbox: one.stopped for one in found if isinstance(one, FollowedThread)}

    def meetings(self) -> set[str]:
        found = self.followings.followed.values()
        return {one.item for one in found if isinstance(one, FollowedMeeting)}


@pytest.fixture
def office() -> Office:
    return Office()


async def test_a_thread_is_stopped_and_stays_known_as_stopped(office: Office) -> None:
    await office.follow_thread(office.email(1))
    office.email(2)  # of the same conversation
    await office.stop("E2")
    assert office.stopped() == {ANNA: True}
    await office.stop("E2")
    assert office.stopped() == {ANNA: True}


async def test_another_mailbox_goes_on(office: Office) -> None:
    await office.follow_thread(office.email(1))
    await office.follow_thread(office.email(1, SALES), SALES)
    await office.stop("E1")
    assert office.stopped() == {ANNA: True, SALES: False}


async def test_a_colleague_may_stop_what_they_can_read(office: Office) -> None:
    await office.follow_thread(office.email(1, SALES), SALES)
    await office.stop("E1", by=BERND, mailbox=SALES)
    assert office.stopped() == {SALES: True}


async def test_who_cant_read_it_cant_stop_it(office: Office) -> None:
    await office.follow_thread(office.email(1))
    with pytest.raises(Forbidden):
        await office.stop("E1", by=BERND, mailbox=ANNA)
    with pytest.raises(NotFound):
        await office.stop("E1", by=BERND)
    assert office.stopped() == {ANNA: False}


async def test_what_is_not_followed_is_stopped_already(office: Office) -> None:
    office.email(1)
    office.meeting("M1")
    await office.stop("E1")
    await office.stop("M1")
    assert office.followings.followed == {}


async def test_a_meeting_is_not_followed_any_more(office: Office) -> None:
    office.meeting("M1")
    await office.follow_meeting("M1", "M1")
    await office.stop("M1")
    assert office.meetings() == set()


async def test_of_a_series_one_meeting_or_all_of_it(office: Office) -> None:
    office.meeting("S", is_series=True)
    office.meeting("S-1", "S")
    await office.follow_meeting("S", "S", "series")
    for one in ("S-1", "S-2"):
        await office.follow_meeting(one, "S")
    await office.stop("S-1")
    assert office.meetings() == {"S", "S-2"}
    await office.stop("S")
    assert office.meetings() == set()


async def test_a_draft_waits_no_more_and_its_receipt_says_so(office: Office) -> None:
    office.email(1, draft=True)
    receipt = await office.wait_for_draft("E1")
    await office.stop("E1")
    kept = office.ledger.receipts[(ANNA, receipt.id)]
    assert kept.failure is not None
    assert (kept.status, kept.failure.code) == ("failed", "not_saved")
    assert office.followings.followed == {}
    await office.stop("E1")


async def test_a_draft_that_is_being_saved_is_left_to_its_save(office: Office) -> None:
    office.email(1, draft=True)
    receipt = await office.wait_for_draft("E1")
    await office.ledger.replace(replace(receipt, status="queued"))
    await office.stop("E1")
    assert office.ledger.receipts[(ANNA, receipt.id)].status == "queued"


class Racing(FakeFollowings):
    """Somebody else writes between each look and the next write, so often."""

    races = 0

    async def meetings(self, mailbox: str, event: str) -> Sequence[FollowedMeeting]:
        found = await super().meetings(mailbox, event)
        if found and self.races:
            self.races -= 1
            for one in found:
                await self.put_meeting(one)
        return found

    async def thread(self, mailbox: str, id: str) -> FollowedThread | None:
        found = await super().thread(mailbox, id)
        if found and self.races:
            self.races -= 1
            await self.put_thread(found)
        return found


async def test_what_changes_meanwhile_is_stopped_all_the_same(office: Office) -> None:
    office.followings = Racing()
    await office.follow_thread(office.email(1))
    office.followings.races = 2
    await office.stop("E1")
    assert office.stopped() == {ANNA: True}
    await office.follow_thread(office.email(1, SALES), SALES)
    office.followings.races = 99
    with pytest.raises(Conflict):
        await office.stop("E1", mailbox=SALES)


async def test_meetings_that_change_meanwhile_are_not_forgotten_about(office: Office) -> None:
    office.followings = Racing()
    office.meeting("M1")
    await office.follow_meeting("M1", "M1")
    office.followings.races = 2
    await office.stop("M1")
    assert office.meetings() == set()
    await office.follow_meeting("M1", "M1")
    office.followings.races = 99
    with pytest.raises(Conflict):
        await office.stop("M1")


async def test_a_ledger_that_fails_is_told(office: Office) -> None:
    await office.follow_thread(office.email(1))
    office.followings.failures["thread"] = Unavailable("x")
    with pytest.raises(Unavailable):
        await office.stop("E1")
