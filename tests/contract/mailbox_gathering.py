"""What every Mailbox must tell beyond single items: a part of `MailboxContract`."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from shared.domain import ItemRef, Meeting, identity
from shared.errors import Forbidden, NotFound, Unsupported
from tests.contract.mailbox_harness import ANNA, BERND, SALES, MailboxHarness
from tests.contract.mailbox_items import SENT, Appointment, Enclosure, Mail

SPRING = (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC))
"""The clocks go forward on 29 March."""

FIRST = "<offer-1@customer.example>"
_numbers = count(1)


def answer(hours: int, subject: str = "Re: Offer") -> Mail:
    """One of the conversation that `Mail()` began, so many hours later."""
    return Mail(
        subject=subject,
        message_id=f"<answer-{next(_numbers)}@customer.example>",
        in_reply_to=FIRST,
        references=(FIRST,),
        sent=SENT + timedelta(hours=hours),
    )


class MailboxGathering:
    async def test_a_conversation_comes_whole_and_oldest_first(
        self, harness: MailboxHarness
    ) -> None:
        asked = [
            harness.deliver(ANNA, Mail()),
            harness.deliver(ANNA, answer(3)),
            harness.deliver(ANNA, answer(1), "sentitems"),
            harness.deliver(ANNA, answer(2), "archive"),
        ]
        harness.deliver(ANNA, Mail(message_id="<other@x.example>"))
        harness.deliver(BERND, answer(4))
        mailbox = harness.mailbox(ANNA)
        first, last, second, third = [(await mailbox.identify(ref)).ref for ref in asked]
        for ref in asked:
            assert list(await mailbox.conversation(ref, 10)) == [first, second, third, last]

    async def test_drafts_junk_and_what_was_thrown_away_are_left_out(
        self, harness: MailboxHarness
    ) -> None:
        first = harness.deliver(ANNA, Mail())
        harness.deliver(ANNA, answer(1), "drafts")
        harness.move(ANNA, harness.deliver(ANNA, answer(2)), "deleteditems")
        harness.move(ANNA, harness.deliver(ANNA, answer(3)), "junkemail")
        harness.remove(ANNA, harness.deliver(ANNA, answer(4)))
        mailbox = harness.mailbox(ANNA)
        assert len(await mailbox.conversation(first, 10)) == 1

    async def test_the_newest_of_a_long_conversation(self, harness: MailboxHarness) -> None:
        first = harness.deliver(ANNA, Mail())
        answers = [harness.deliver(ANNA, answer(hours)) for hours in range(1, 6)]
        mailbox = harness.mailbox(ANNA)
        last = [(await mailbox.identify(ref)).ref for ref in answers[-2:]]
        assert list(await mailbox.conversation(first, 2)) == last
        assert list(await mailbox.conversation(first, 0)) == []

    async def test_a_conversation_of_one(self, harness: MailboxHarness) -> None:
        ref = harness.deliver(ANNA, Mail(message_id="<alone@x.example>"))
        mailbox = harness.mailbox(ANNA)
        assert list(await mailbox.conversation(ref, 10)) == [(await mailbox.identify(ref)).ref]

    async def test_conversations_of_what_is_not_there_or_anothers(
        self, harness: MailboxHarness
    ) -> None:
        gone = harness.deliver(ANNA, Mail())
        harness.remove(ANNA, gone)
        mailbox = harness.mailbox(ANNA)
        for ref in (gone, harness.deliver(BERND, Mail()), ItemRef("email", "me", "AAMkAD=")):
            with pytest.raises(NotFound) as missing:
                await mailbox.conversation(ref, 10)
            assert missing.value.code == "item_not_found"
        with pytest.raises(Unsupported):
            await mailbox.conversation(harness.schedule(ANNA, Appointment()), 10)

    async def test_a_shared_mailboxs_conversation(self, harness: MailboxHarness) -> None:
        ref = replace(harness.deliver(SALES, Mail()), mailbox=SALES)
        harness.deliver(SALES, answer(1))
        found = await harness.mailbox(ANNA).conversation(ref, 10)
        assert [one.mailbox for one in found] == [SALES, SALES]
        with pytest.raises(Forbidden):
            await harness.mailbox(BERND).conversation(ref, 10)

    async def test_a_discarded_draft_is_told_from_a_kept_one(self, harness: MailboxHarness) -> None:
        mailbox = harness.mailbox(ANNA)
        draft, sent = harness.deliver(ANNA, Mail(), "drafts"), harness.deliver(ANNA, answer(1))
        assert not await mailbox.is_discarded(draft)
        assert not await mailbox.is_discarded(sent)
        assert await mailbox.is_discarded(harness.move(ANNA, draft, "deleteditems"))
        assert not await mailbox.is_discarded(harness.move(ANNA, sent, "deleteditems"))
        gone = harness.deliver(ANNA, answer(2), "drafts")
        harness.remove(ANNA, gone)
        with pytest.raises(NotFound):
            await mailbox.is_discarded(gone)

    async def test_junk_is_told_from_what_was_taken_out_of_it(
        self, harness: MailboxHarness
    ) -> None:
        mailbox = harness.mailbox(ANNA)
        junk, kept = harness.deliver(ANNA, Mail(), "junkemail"), harness.deliver(ANNA, answer(1))
        assert await mailbox.is_junk(junk)
        assert not await mailbox.is_junk(kept)
        assert not await mailbox.is_junk(harness.move(ANNA, junk, "inbox"))
        gone = harness.deliver(ANNA, answer(2), "junkemail")
        harness.remove(ANNA, gone)
        with pytest.raises(NotFound):
            await mailbox.is_junk(gone)

    async def test_who_organises_a_meeting(self, harness: MailboxHarness) -> None:
        for address, expected in ((ANNA, True), (BERND, False)):
            ref = harness.schedule(address, Appointment())
            for read in (harness.mailbox(address).fetch, harness.mailbox(address).identify):
                item = await read(ref)
                assert isinstance(item, Meeting)
                assert item.is_organizer is expected

    @pytest.mark.parametrize("all_day", [False, True])
    async def test_occurrences_come_as_fetch_gives_them_through_the_change_of_clocks(
        self, all_day: bool, harness: MailboxHarness
    ) -> None:
        appointment = _weekly(all_day=all_day, enclosures=(PLAN,))
        series = harness.schedule(ANNA, appointment)
        mailbox = harness.mailbox(ANNA)
        found = await mailbox.occurrences(series, *SPRING, 10)
        single = [await mailbox.fetch(ref) for ref in harness.occurrences(ANNA, series)]
        assert list(found) == single
        assert [one.start for one in found] == [at.astimezone(UTC) for at in appointment.starts]
        assert found[1].start - found[0].start == timedelta(days=7, hours=-1)
        assert [[a.name for a in one.attachments] for one in found] == [["plan.txt"]] * 3

    async def test_an_occurrence_names_its_series_too(self, harness: MailboxHarness) -> None:
        series = harness.schedule(ANNA, _weekly())
        mailbox = harness.mailbox(ANNA)
        for ref in harness.occurrences(ANNA, series):
            found = await mailbox.occurrences(ref, *SPRING, 10)
            assert list(found) == list(await mailbox.occurrences(series, *SPRING, 10))

    @pytest.mark.parametrize("all_day", [False, True])
    async def test_only_what_begins_in_the_span(
        self, all_day: bool, harness: MailboxHarness
    ) -> None:
        appointment = _weekly(all_day=all_day)
        series = harness.schedule(ANNA, appointment)
        mailbox = harness.mailbox(ANNA)
        first, second, third = appointment.starts
        second_and_third = await mailbox.occurrences(series, second, third + timedelta(hours=1), 9)
        assert [one.start for one in second_and_third] == [second, third]
        instant = timedelta(seconds=1)
        only_second = await mailbox.occurrences(series, first + instant, third, 9)
        assert [one.start for one in only_second] == [second]
        assert list(await mailbox.occurrences(series, third + instant, SPRING[1], 9)) == []
        assert [o.start for o in await mailbox.occurrences(series, *SPRING, 2)] == [first, second]

    async def test_an_occurrence_moved_across_midnight_comes_when_it_is_now(
        self, harness: MailboxHarness
    ) -> None:
        """It keeps its identity."""
        series = harness.schedule(ANNA, _weekly())
        mailbox = harness.mailbox(ANNA)
        before = await mailbox.occurrences(series, *SPRING, 10)
        harness.postpone(ANNA, harness.occurrences(ANNA, series)[0], timedelta(days=9, hours=15))
        after = await mailbox.occurrences(series, *SPRING, 10)
        assert [identity(one) for one in after] == [identity(before[n]) for n in (1, 0, 2)]
        assert after[1].start == datetime(2026, 4, 2, 0, 0, tzinfo=UTC)
        assert after[1].occurrence == before[0].start
        day = datetime(2026, 4, 2, tzinfo=UTC)
        assert len(await mailbox.occurrences(series, day, day + timedelta(hours=1), 10)) == 1
        early = datetime(2026, 3, 24, tzinfo=UTC)
        assert not await mailbox.occurrences(series, early - timedelta(days=2), early, 10)

    async def test_an_occurrence_taken_out_is_missing(self, harness: MailboxHarness) -> None:
        series = harness.schedule(ANNA, _weekly())
        mailbox = harness.mailbox(ANNA)
        harness.remove(ANNA, harness.occurrences(ANNA, series)[1])
        assert len(await mailbox.occurrences(series, *SPRING, 10)) == 2

    async def test_what_is_no_series_has_no_occurrences(self, harness: MailboxHarness) -> None:
        mailbox = harness.mailbox(ANNA)
        gone = harness.schedule(ANNA, _weekly())
        harness.remove(ANNA, gone)
        others = harness.schedule(BERND, replace(_weekly(), uid="berns@x.example"))
        single = harness.schedule(ANNA, Appointment(uid="single@x.example"))
        for ref in (gone, others, single, ItemRef("meeting", "me", "AAMkAD=")):
            with pytest.raises(NotFound) as missing:
                await mailbox.occurrences(ref, *SPRING, 10)
            assert missing.value.code == "item_not_found"

    async def test_a_shared_calendars_series(self, harness: MailboxHarness) -> None:
        ref = replace(harness.schedule(SALES, _weekly()), mailbox=SALES)
        found = await harness.mailbox(ANNA).occurrences(ref, *SPRING, 10)
        assert [one.ref.mailbox for one in found] == [SALES] * 3
        with pytest.raises(Forbidden):
            await harness.mailbox(BERND).occurrences(ref, *SPRING, 10)


PLAN = Enclosure("plan.txt", b"1. Hello", "text/plain")


def _weekly(*, all_day: bool = False, enclosures: tuple[Enclosure, ...] = ()) -> Appointment:
    """Three weeks from Monday, 23 March 2026, on both sides of the change of clocks."""
    start = datetime(2026, 3, 23, 0 if all_day else 10)  # noqa: DTZ001  # wall-clock time
    length = timedelta(days=1) if all_day else timedelta(hours=1)
    return Appointment(
        uid="weekly@customer.example",
        start=start,
        length=length,
        all_day=all_day,
        weeks=3,
        enclosures=enclosures,
    )
