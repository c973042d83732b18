"""A whole conversation is saved bit by bit, each message once, whatever happens on the way."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from save_activity import backfill, deferring
from save_activity.backfill import MOST, RUN, go_on
from shared.domain import Sensitivity, identity
from shared.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    NoMailbox,
    ThreadlineError,
    Throttled,
    Unavailable,
    Upstream,
)
from shared.following import people_of
from shared.policy import Exclusions
from shared.receipts import Progress, Receipt
from shared.saving.beginning import Follower
from tests.contract import items
from tests.save_activity.following_office import CUSTOMER, NOW, SALES, Office


@pytest.fixture
def office() -> Office:
    return Office()


class Ticking:
    """A clock that goes on by so many seconds whenever it is looked at."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._now = 0.0

    def __call__(self) -> float:
        self._now += self._seconds
        return self._now


async def run(office: Office, receipt: Receipt, seconds: float = 0.0) -> backfill.Run:
    kept = office.kept(receipt)
    follower = Follower(*deferring.asker(kept), office.now)
    return await go_on(kept, follower, office.tools, office.ledger, Ticking(seconds))


def subjects(office: Office) -> set[str]:
    return {record.identity for record in office.crm_world.records.values()}


async def test_all_messages_are_saved_with_the_same_choices(office: Office) -> None:
    mails = [office.email(n) for n in range(1, 21)]
    later = await office.later("E7", scope="conversation", links=office.link())
    assert later.receipt.status == "queued"
    assert office.crm_world.records == {}
    finished = await office.finish(later.receipt)
    assert finished.receipt.status == "saved"
    assert finished.receipt.progress == Progress(20, 20)
    assert subjects(office) == {identity(mail) for mail in mails}
    links = {r.link.id for r in office.crm_world.records.values() if r.link}
    assert links == {office.account}
    (notice,) = [n for n in finished.receipt.notices if n.code == "conversation_saved"]
    assert "20 of the conversation's 20" in notice.text
    reasons = [origin.reason for origin in office.origins.kept.values()]
    assert reasons == ["conversation"] * 19  # the one clicked on was asked for


async def test_the_one_clicked_on_comes_first_and_then_the_oldest(office: Office) -> None:
    for n in (3, 1, 2):
        office.email(n)
    later = await office.later("E2", scope="conversation")
    await office.finish(later.receipt)
    assert deferring.asked(office.kept(later.receipt)).messages == ("E2", "E1", "E3")


async def test_of_anothers_mailbox_what_the_person_sees_at_the_click_is_saved(
    office: Office,
) -> None:
    """The app's own permission may show more of it than they were given."""
    seen = [office.email(n, SALES) for n in (1, 2)]
    later = await office.later("E1", mailbox=SALES, scope="conversation")
    hidden = office.email(3, SALES)
    finished = await office.finish(later.receipt)
    assert finished.receipt.progress == Progress(2, 2)
    assert subjects(office) == {identity(mail) for mail in seen}
    assert identity(hidden) not in subjects(office)


async def test_of_very_many_the_newest_are_saved(office: Office) -> None:
    for n in range(1, MOST + 11):
        office.email(n)
    later = await office.later("E1", scope="conversation")
    finished = await office.finish(later.receipt)
    assert finished.receipt.progress == Progress(MOST, MOST)
    assert len(office.crm_world.records) == MOST
    assert identity(office.email(MOST + 10)) in subjects(office)


async def test_what_is_never_saved_by_itself_is_counted_and_left_out(office: Office) -> None:
    office.email(1)
    office.email(2, sensitivity=Sensitivity.PRIVATE)
    colleagues = (items.sender(office.bernd.address), *items.to(office.anna.address))
    office.email(3, participants=colleagues)
    office.email(4, participants=colleagues)
    office.email(5, participants=(items.sender("x@secret.example"), *items.to(CUSTOMER)))
    office.policy = office.policy.model_copy(
        update={"exclusions": Exclusions(domains=("secret.example",))}
    )
    later = await office.later("E1", scope="conversation")
    finished = await office.finish(later.receipt)
    assert len(office.crm_world.records) == 1
    assert finished.receipt.progress == Progress(5, 5)
    texts = {notice.code: notice.text for notice in finished.receipt.notices}
    assert "1 of the conversation's 5" in texts["conversation_saved"]
    assert "2 among colleagues only" in texts["left_out"]
    assert "1 private or confidential" in texts["left_out"]
    assert "1 with someone on the exclusion list" in texts["left_out"]
    assert len(office.origins.kept) == 0


async def test_the_one_clicked_on_is_saved_whatever_it_is(office: Office) -> None:
    colleagues = (items.sender(office.bernd.address), *items.to(office.anna.address))
    office.email(1, participants=colleagues, sensitivity=Sensitivity.PRIVATE)
    later = await office.later("E1", scope="conversation")
    await office.finish(later.receipt)
    assert len(office.crm_world.records) == 1


async def test_what_vanishes_on_the_way_is_counted(office: Office) -> None:
    for n in range(1, 4):
        office.email(n)
    later = await office.later("E1", scope="conversation")
    first = await run(office, later.receipt, RUN / 2)
    assert first.again
    office.mailboxes.remove(office.anna.address, "E2")
    finished = await office.finish(later.receipt)
    texts = {notice.code: notice.text for notice in finished.receipt.notices}
    assert "1 not in the mailbox any more" in texts["left_out"]


async def test_a_run_ends_in_time_and_the_next_goes_on(office: Office) -> None:
    for n in range(1, 31):
        office.email(n)
    later = await office.later("E30", scope="conversation")
    receipt, runs, seen = later.receipt, 0, []
    again = True
    while again:
        one = await run(office, receipt, RUN / 3)
        again, runs = one.again, runs + 1
        assert one.receipt.progress is not None
        seen.append(one.receipt.progress.done)
    assert runs > 2
    assert seen == sorted(seen)
    assert office.kept(receipt).status == "saved"
    assert len(office.crm_world.records) == 30
    assert office.crm_world.calls.count("save") == 30


async def test_a_worker_that_dies_leaves_the_rest_to_the_next(office: Office) -> None:
    for n in range(1, 31):
        office.email(n)
    later = await office.later("E1", scope="conversation")
    died = 0
    while office.kept(later.receipt).status == "queued":
        office.ledger.failures["replace"] = Unavailable("x")  # as if it died before that
        try:
            await run(office, later.receipt)
        except Unavailable:
            died += 1
            await run(office, later.receipt, RUN / 2)
    assert died > 1
    assert len(office.crm_world.records) == 30


async def test_a_crm_that_goes_away_keeps_how_far_it_came(office: Office) -> None:
    for n in range(1, 31):
        office.email(n)
    later = await office.later("E1", scope="conversation")
    await run(office, later.receipt, RUN / 4)
    before = office.kept(later.receipt).progress
    office.crm_world.failures["look_up"] = Throttled("Wait.", retry_after=90)
    with pytest.raises(Throttled):
        await office.finish(later.receipt)
    kept = office.kept(later.receipt)
    assert kept.status == "queued"
    assert kept.progress == before
    assert kept.not_before == NOW + timedelta(seconds=90)
    office.now = NOW + timedelta(seconds=91)
    assert (await office.finish(later.receipt)).receipt.status == "saved"
    assert len(office.crm_world.records) == 30


async def test_two_runs_at_once_save_each_message_once(office: Office) -> None:
    for n in range(1, 11):
        office.email(n)
    later = await office.later("E1", scope="conversation")
    stale = office.kept(later.receipt)
    await run(office, later.receipt, RUN / 4)
    follower = Follower(*deferring.asker(stale), office.now)
    with pytest.raises(Conflict):  # the queue brings it back
        await go_on(stale, follower, office.tools, office.ledger)
    assert (await office.finish(later.receipt)).receipt.status == "saved"
    assert len(office.crm_world.records) == 10


async def test_what_speaks_against_the_one_clicked_on_ends_it(office: Office) -> None:
    for n in range(1, 4):
        office.email(n)
    later = await office.later("E1", scope="conversation")
    office.crm_world.failures["look_up"] = Forbidden("You may not.")
    finished = await office.finish(later.receipt)
    assert finished.receipt.failure is not None
    assert finished.receipt.failure.code == "forbidden"
    assert office.crm_world.records == {}
    assert office.threads() == []


async def test_one_message_that_the_crm_refuses_is_counted(office: Office) -> None:
    for n in range(1, 4):
        office.email(n)
    later = await office.later("E1", scope="conversation")
    await run(office, later.receipt, RUN / 2)
    office.crm_world.failures["save"] = Forbidden("It is another's.")
    finished = await office.finish(later.receipt)
    assert finished.receipt.status == "saved"
    texts = {notice.code: notice.text for notice in finished.receipt.notices}
    assert "1 refused by the CRM" in texts["left_out"]


@pytest.mark.parametrize("error", [Upstream("Odd."), NoMailbox("Not at this moment.")])
async def test_what_may_pass_costs_no_message(office: Office, error: ThreadlineError) -> None:
    for n in range(1, 4):
        office.email(n)
    later = await office.later("E1", scope="conversation")
    await run(office, later.receipt, RUN / 2)
    office.crm_world.failures["look_up"] = error
    with pytest.raises(type(error)):
        await office.finish(later.receipt, odd_is_final=False)
    assert (await office.finish(later.receipt)).receipt.status == "saved"
    assert len(office.crm_world.records) == 3


async def test_an_answer_that_stays_odd_costs_one_message(office: Office) -> None:
    for n in range(1, 4):
        office.email(n)
    later = await office.later("E1", scope="conversation")
    await run(office, later.receipt, RUN / 2)
    office.crm_world.failures["look_up"] = Upstream("Odd.")
    assert (await office.finish(later.receipt)).receipt.status == "saved"
    assert len(office.crm_world.records) == 2


async def test_the_thread_is_followed_and_knows_everybody(office: Office) -> None:
    office.email(1)
    office.email(2, participants=(items.sender("second@customer.example"),))
    later = await office.later("E1", scope="conversation", links=office.link())
    assert later.look_after is not None
    await office.finish(later.receipt)
    (thread,) = office.threads()
    assert thread.people == people_of([CUSTOMER, office.anna.address, "second@customer.example"])
    assert thread.filed.link is not None
    assert thread.filed.link.id == office.account
    assert office.known() == {"<1@c.example>", "<2@c.example>"}


async def test_a_receipt_does_not_keep_whether_it_is_followed(office: Office) -> None:
    office.email(1)
    for scope in ("conversation", None):
        office.crm_world.failures["look_up"] = Unavailable("Down.")
        later = await office.later("E1", scope=scope)
        office.crm_world.failures.clear()
        finished = await office.finish(later.receipt)
        assert len(office.threads()) == 1
        assert "following" not in {notice.code for notice in finished.receipt.notices}


async def test_without_following_nothing_is_followed(office: Office) -> None:
    office.email(1)
    office.email(2)
    later = await office.later("E1", scope="conversation", follow=False)
    await office.finish(later.receipt)
    assert office.followings.followed == {}


@pytest.mark.parametrize(
    ("fields", "field"), [({}, "scope"), ({"attachments": ["A1"]}, "attachments")]
)
async def test_what_cant_be_is_refused_at_the_click(
    office: Office, fields: dict[str, Any], field: str
) -> None:
    mail = office.email()
    attached = replace(items_attachment(), id="A1")
    office.mailboxes.put(office.anna.address, replace(mail, attachments=(attached,)))
    request = office.request(scope="conversation", **fields)
    follower = Follower(office.anna.oid, office.anna.oid, NOW)
    with pytest.raises(InvalidRequest) as refused:
        await deferring.save_or_defer(
            request, follower, tools=office.tools(), ledger=office.ledger if fields else None
        )
    assert [error.field for error in refused.value.errors] == [field]


async def test_nothing_of_the_messages_is_kept(office: Office) -> None:
    office.email(1, subject="s3cret")
    office.email(2, subject="s3cret")
    later = await office.later("E1", scope="conversation")
    await office.finish(later.receipt)
    kept = repr(office.kept(later.receipt))
    assert "s3cret" not in kept
    assert "@" not in kept


def items_attachment() -> Any:
    from shared.domain import Attachment, AttachmentKind

    return Attachment("A1", "a.txt", "text/plain", 3, AttachmentKind.FILE)
