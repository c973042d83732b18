"""Whatever people, Outlook, the CRM and the clock do to what is followed, in whatever order: when
everything has come to rest, the CRM holds exactly what it should.

The real rooms on the fakes that keep every port's promises; notifications are told late, twice,
never, or to workers that fail at any call.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from delete_activity import logic as deleting
from edit_activity import logic as editing
from sandbox.company import Employee
from shared.domain import (
    Activity,
    Change,
    Email,
    Item,
    ItemRef,
    Meeting,
    RecordRef,
    Sensitivity,
)
from shared.errors import ThreadlineError, Unavailable
from shared.following import ChangeKind
from shared.notifications import LookAfter
from shared.saving.save import Order, save
from stop_following import logic as stopping
from tests.graph_notifications.office import Office

_T = TypeVar("_T")

_LONGEST = timedelta(days=60)
"""So far the clock goes in all; no meeting of these begins before."""

_KINDS: tuple[ChangeKind, ...] = ("email", "meeting")
_CRM_CALLS = ("look_up", "save", "refresh", "cancel")
_CALLS = (
    *("threads_of", "know_messages", "thread", "put_thread", "put_meeting", "meetings", "remove"),
    *("add", "find", "replace", "begin", "changes", "renew", "subscribe", "of_mailbox", "forget"),
)
"""Of the ledger and of the feed of changes."""

_STRANGER = "nobody@stranger.example"


@dataclass
class Letter:
    """`wanted` says whether it belongs into the CRM by now, `clicked` that a person saved it."""

    email: Email
    wanted: bool
    clicked: bool = False
    link: RecordRef | None = None


@dataclass
class Thread:
    """Who follows it, and where what follows goes. The first letter is the one clicked on."""

    letters: list[Letter]
    followers: set[str]
    mailboxes: tuple[Employee, ...]
    link: RecordRef | None = None


@dataclass
class Plan:
    """A meeting as it is, or was when its record was last to follow."""

    meeting: Meeting
    recorded: Meeting
    watched: str
    followed: bool = True
    there: bool = True
    kept: bool = True
    gone: bool = field(default=False)


class Following(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.office = self.opened()
        self.threads: list[Thread] = []
        self.plans: list[Plan] = []
        self.outage = False
        self.moved = timedelta()
        self.slow = timedelta()
        self.office.feed.now = lambda: self.office.now + self.slow

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self._rest()
            self.loop.close()

    def opened(self) -> Office:
        return Office()

    # what people do with mail

    @precondition(lambda self: len(self.threads) < 3)
    @rule(both=st.booleans(), linked=st.booleans())
    def follow_a_mail(self, both: bool, linked: bool) -> None:
        office = self.office
        mailboxes = (office.me, office.colleague) if both else (office.me,)
        mail = office.mail(office.customer, *(one.address for one in mailboxes))
        link = self.account(len(self.threads)) if linked else None
        thread = Thread([Letter(mail, True, True, link)], set(), mailboxes, link)
        self._calm()
        for one in mailboxes:
            office.deliver(mail, one.address)
            self._run(office.follow(mail, who=one.oid, link=link))
            thread.followers.add(one.oid)
        self.threads.append(thread)

    @precondition(lambda self: self.threads)
    @rule(
        data=st.data(),
        who=st.sampled_from(["customer", "me", "aside", "stranger", "private"]),
        told=st.booleans(),
    )
    def answer(self, data: st.DataObject, who: str, told: bool) -> None:
        office, thread = self.office, self._thread(data)
        answered = data.draw(st.sampled_from(thread.letters)).email
        sender, to = {
            "me": (office.me.address, office.customer),
            "aside": (office.colleague.address, office.me.address),
            "stranger": (_STRANGER, office.me.address),
        }.get(who, (office.customer, office.me.address))
        more = {"sensitivity": Sensitivity.PRIVATE} if who == "private" else {}
        mail = office.mail(sender, to, answers=answered, sent_at=office.now, **more)
        mail = replace(mail, received_at=office.now)
        self._arrives(mail, thread, told=told)
        wanted = bool(thread.followers) and who in ("customer", "me")
        thread.letters.append(Letter(mail, wanted, link=thread.link))

    @precondition(lambda self: self.threads)
    @rule(data=st.data())
    def same_subject(self, data: st.DataObject) -> None:
        """In Outlook's eyes it may be the same conversation; it says of itself that it isn't."""
        office, thread = self.office, self._thread(data)
        first = thread.letters[0].email
        mail = office.mail(
            office.customer,
            office.me.address,
            subject=first.subject,
            conversation_id=first.conversation_id,
        )
        self._arrives(mail, thread, told=True)
        thread.letters.append(Letter(mail, False))

    @precondition(lambda self: self.threads)
    @rule(data=st.data())
    def click(self, data: st.DataObject) -> None:
        """A person saves a message, whether it was saved by itself or waits to be."""
        letter = self._letter(data)
        self._calm()
        office = self.office
        known = self._found(letter.email)
        self._run(
            save(
                Order(letter.email.ref, attachments=()),
                crm=office.crm_of(office.me.oid),
                mailbox=office.mailbox(office.me.oid),
                policy=office.policy,
            )
        )
        if known is None:
            letter.link = None
        letter.wanted = letter.clicked = True

    @precondition(lambda self: self.threads)
    @rule(data=st.data())
    def move_a_mail(self, data: st.DataObject) -> None:
        """It is told again, twice."""
        thread = self._thread(data)
        letter = data.draw(st.sampled_from(thread.letters))
        for one in thread.mailboxes:
            self.office.feed.happened(one.oid, "email", letter.email.ref.id)
            self.office.queue.extend([self.office.told(letter.email, one.oid)] * 2)

    @precondition(lambda self: self.threads)
    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        self._rest()
        thread = self._thread(data)
        owner = data.draw(st.sampled_from(thread.mailboxes))
        self._run(
            stopping.stop(
                thread.letters[0].email.ref,
                owner.oid,
                mailbox=self.office.mailbox(owner.oid),
                followings=self.office.followings,
                ledger=self.office.ledger,
            )
        )
        thread.followers.discard(owner.oid)

    @precondition(lambda self: self.threads)
    @rule(data=st.data())
    def link_it_elsewhere(self, data: st.DataObject) -> None:
        """The record that it began with; what is saved already stays where it is."""
        self._rest()
        office, thread = self.office, self._thread(data)
        record = self._found(thread.letters[0].email)
        if record is None:
            return
        link = self.account(data.draw(st.integers(3, 5)))
        self._run(
            editing.edit(
                "email",
                record.id,
                Change(links=(link,)),
                crm=office.crm_of(office.me.oid),
                policy=office.policy,
                followings=office.followings,
            )
        )
        thread.link = thread.letters[0].link = link

    @precondition(lambda self: self.threads)
    @rule(data=st.data())
    def delete_a_record(self, data: st.DataObject) -> None:
        """Nothing makes it again but a person; the first one's removal ends the thread."""
        self._rest()
        thread = self._thread(data)
        letter = data.draw(st.sampled_from(thread.letters))
        record = self._found(letter.email)
        if record is None:
            return
        self._delete(record.kind, record.id)
        letter.wanted = False
        if letter is thread.letters[0]:
            thread.followers.clear()

    # what people do with meetings

    @precondition(lambda self: len(self.plans) < 3)
    @rule(occurrence=st.booleans())
    def follow_a_meeting(self, occurrence: bool) -> None:
        office = self.office
        start = office.now + _LONGEST + timedelta(days=len(self.plans))
        series = f"series-{len(self.plans)}" if occurrence else None
        more = {"series_master_id": series, "occurrence": start} if series else {}
        meeting = office.meet(office.customer, start=start, end=start + timedelta(hours=1), **more)
        self._calm()
        self._run(office.follow(meeting))
        self.plans.append(Plan(meeting, meeting, series or meeting.ref.id))

    @precondition(lambda self: self._lively)
    @rule(data=st.data(), hours=st.integers(1, 48), told=st.booleans())
    def move_a_meeting(self, data: st.DataObject, hours: int, told: bool) -> None:
        plan = data.draw(st.sampled_from(self._lively))
        later = timedelta(hours=hours)
        old = plan.meeting
        self._meeting_becomes(
            plan, replace(old, start=old.start + later, end=old.end + later), told=told
        )

    @precondition(lambda self: self._lively)
    @rule(data=st.data(), told=st.booleans())
    def cancel_a_meeting(self, data: st.DataObject, told: bool) -> None:
        plan = data.draw(st.sampled_from(self._lively))
        self._meeting_becomes(plan, replace(plan.meeting, cancelled=True), told=told)

    @precondition(lambda self: self._lively)
    @rule(data=st.data())
    def remove_a_meeting(self, data: st.DataObject) -> None:
        """Its organizer does, so that it takes place no more; where it is told late, the record is
        as it was told last, and cancelled."""
        self._rest()
        plan = data.draw(st.sampled_from(self._lively))
        self.office.mailboxes.remove(self.office.me.address, plan.meeting.ref.id)
        plan.there = False
        self._meeting_told(plan, told=True)
        if plan.followed:
            plan.recorded = replace(plan.recorded, cancelled=True)
            plan.gone = True

    @precondition(lambda self: self.plans)
    @rule(data=st.data())
    def delete_a_meetings_record(self, data: st.DataObject) -> None:
        self._rest()
        plan = data.draw(st.sampled_from(self.plans))
        record = self._found(plan.meeting)
        if record is not None:
            self._delete(record.kind, record.id)
        plan.followed = plan.kept = False

    @precondition(lambda self: self._lively)
    @rule(data=st.data())
    def stop_a_meeting(self, data: st.DataObject) -> None:
        self._rest()
        plan = data.draw(st.sampled_from(self._lively))
        self._run(
            stopping.stop(
                plan.meeting.ref,
                self.office.me.oid,
                mailbox=self.office.mailbox(self.office.me.oid),
                followings=self.office.followings,
                ledger=self.office.ledger,
            )
        )
        plan.followed = False

    # what goes wrong

    @rule()
    def the_crm_goes_or_comes_back(self) -> None:
        self.outage = not self.outage

    @rule(
        store=st.sampled_from(["followings", "origins", "subscriptions", "feed"]),
        call=st.sampled_from(_CALLS),
    )
    def a_call_will_fail(self, store: str, call: str) -> None:
        failure: ThreadlineError = Unavailable("It does not answer.")
        getattr(self.office, store).failures[call] = failure

    @rule(data=st.data(), most=st.integers(1, 6))
    def work(self, data: st.DataObject, most: int) -> None:
        """Workers take some of the messages, in any order."""
        for _ in range(min(most, len(self.office.queue))):
            place = data.draw(st.integers(0, len(self.office.queue) - 1))
            self.office.queue.rotate(-place)
            self._work_one()

    @precondition(lambda self: self.office.queue)
    @rule(data=st.data())
    def a_message_comes_twice(self, data: st.DataObject) -> None:
        self.office.queue.append(data.draw(st.sampled_from(list(self.office.queue))))

    @precondition(lambda self: self.office.queue)
    @rule()
    def a_worker_is_killed(self) -> None:
        """It has done all of its work, and what it wanted to queue is lost; the message returns."""
        message = self.office.queue.popleft()
        waiting = list(self.office.queue)
        self._arm()
        with suppress(ThreadlineError):
            self._run(self.office.work(message))
        self.office.crm.failures.clear()
        self.office.queue.clear()
        self.office.queue.extend([*waiting, message])

    @rule(span=st.sampled_from([timedelta(hours=1), timedelta(days=3), timedelta(days=8)]))
    def time_passes(self, span: timedelta) -> None:
        if self.moved + span < _LONGEST:
            self.moved += span
            self.office.now += span

    @precondition(lambda self: self.slow < timedelta(days=3))
    @rule()
    def our_clock_is_set_back(self) -> None:
        """Graph's isn't."""
        self.slow += timedelta(days=1)
        self.office.now -= timedelta(days=1)

    @rule()
    def our_clock_is_set_right(self) -> None:
        self.office.now += self.slow
        self.slow = timedelta()

    @rule()
    def graph_removes_our_subscriptions(self) -> None:
        """And says so."""
        self.office.feed.subscriptions.clear()
        for mailbox, kind in self.office.subscriptions.kept:
            self.office.queue.append(
                LookAfter(mailbox=mailbox, kind=kind, at=self.office.now, renew=True)
            )

    @rule()
    def graph_forgets_our_positions(self) -> None:
        self.office.feed.forget_positions()

    @rule()
    def the_timer_comes_round(self) -> None:
        self._round()

    # what must hold

    @invariant()
    def no_item_has_two_records(self) -> None:
        if hasattr(self, "office"):
            found = [one.identity for one in self.office.crm.records.values()]
            assert len(found) == len(set(found))

    @rule()
    def come_to_rest(self) -> None:
        self._rest()

    def _rest(self) -> None:
        """Everything works again, and the timer comes round: then nothing is amiss."""
        self._calm()
        self._round()
        self._drain()
        self._round()
        self._drain()
        for thread in self.threads:
            for letter in thread.letters:
                self._check(letter)
        for plan in self.plans:
            self._check_meeting(plan)
        self._check_subscriptions()

    def _check(self, letter: Letter) -> None:
        found = self._found(letter.email)
        assert (found is not None) == letter.wanted, letter.email.ref.id
        if found is None:
            return
        reason = self.office.reason(letter.email)
        assert reason == "followed_thread" or (letter.clicked and reason is None)
        if not letter.clicked or reason is None:
            assert [link.id for link in found.links] == ([letter.link.id] if letter.link else [])

    def _check_meeting(self, plan: Plan) -> None:
        found = self._found(plan.meeting)
        assert (found is not None) == plan.kept, plan.meeting.ref.id
        if found is not None:
            wanted = (plan.recorded.start, plan.recorded.cancelled)
            assert self.shown(found.id) == wanted

    def _check_subscriptions(self) -> None:
        """Each mailbox has one where something is followed in it, and nobody has two."""
        feed = self.office.feed
        live = [
            (one.mailbox, one.kind)
            for one in feed.subscriptions.values()
            if one.expires > self.office.feed.now()
        ]
        assert len(live) == len(set(live))
        followed = {(path, "email") for thread in self.threads for path in thread.followers}
        if any(plan.followed and plan.there for plan in self.plans):
            followed.add((self.office.me.oid, "meeting"))
        assert followed <= set(live)

    # how it is done

    def shown(self, record: str) -> tuple[datetime, bool]:
        """When the meeting of that record begins, and whether it is cancelled."""
        there = self.office.crm.records[record].appointment
        assert there is not None
        return there.start, there.cancelled

    def account(self, number: int) -> RecordRef:
        return RecordRef("account", self.office.crm.company.accounts[number].id)

    def _found(self, item: Item) -> Activity | None:
        return self._run(self.office.crm_of(self.office.me.oid).find(item))

    @property
    def _lively(self) -> list[Plan]:
        return [plan for plan in self.plans if plan.there]

    def _thread(self, data: st.DataObject) -> Thread:
        thread: Thread = data.draw(st.sampled_from(self.threads))
        return thread

    def _letter(self, data: st.DataObject) -> Letter:
        letter: Letter = data.draw(st.sampled_from(self._thread(data).letters))
        return letter

    def _arrives(self, mail: Email, thread: Thread, *, told: bool) -> None:
        for one in thread.mailboxes:
            self.office.deliver(mail, one.address)
            self.office.feed.happened(one.oid, "email", mail.ref.id)
            if told:
                self.office.queue.append(self.office.told(mail, one.oid))

    def _meeting_becomes(self, plan: Plan, meeting: Meeting, *, told: bool) -> None:
        plan.meeting = self.office.deliver(meeting)
        self._meeting_told(plan, told=told)
        if plan.followed:
            plan.recorded = meeting

    def _meeting_told(self, plan: Plan, *, told: bool) -> None:
        """What happens to an occurrence is told of its series."""
        office = self.office
        office.feed.happened(office.me.oid, "meeting", plan.watched, gone=not plan.there)
        if told:
            watched = replace(plan.meeting, ref=ItemRef("meeting", "me", plan.watched))
            office.queue.append(office.told(watched))

    def _delete(self, kind: Any, id_: str) -> None:
        office = self.office
        self._run(
            deleting.delete(
                kind, id_, crm=office.crm_of(office.me.oid), followings=office.followings
            )
        )

    def _round(self) -> None:
        """What the hourly timer queues."""
        for mailbox, kind in self.office.subscriptions.kept:
            self.office.queue.append(LookAfter(mailbox=mailbox, kind=kind, at=self.office.now))

    def _calm(self) -> None:
        self.outage = False
        office = self.office
        for store in (office.followings, office.origins, office.subscriptions, office.feed):
            store.failures.clear()
        office.crm.failures.clear()

    def _arm(self) -> None:
        if self.outage:
            self.office.crm.failures |= {call: Unavailable("It is down.") for call in _CRM_CALLS}

    def _work_one(self) -> None:
        message = self.office.queue.popleft()
        self._arm()
        try:
            self._run(self.office.work(message))
        except ThreadlineError:
            self.office.queue.append(message)
        self.office.crm.failures.clear()

    def _drain(self) -> None:
        for _ in range(5_000):
            if not self.office.queue:
                return
            self._work_one()
        raise AssertionError("The queue is never empty.")

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return self.loop.run_until_complete(work)
