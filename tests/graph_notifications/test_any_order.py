"""Whatever the order in which notifications come, and however often, the end is the same."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain import Email, Meeting, Participant, Role, identity
from shared.following import ChangeKind
from shared.notifications import LookAfter
from tests.contract import items
from tests.graph_notifications.office import Office

NEWCOMER, STRANGER = "new@partner.example", "nobody@stranger.example"


@dataclass(frozen=True, slots=True)
class Plan:
    """Who writes to whom, answering which of the messages before. `rounds` are the places at which
    the timer comes in between; `dropped` are notifications that never come."""

    messages: tuple[tuple[str, tuple[str, ...], int], ...]
    moves: int
    order: tuple[int, ...]
    rounds: frozenset[int]
    dropped: frozenset[int]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    people = st.sampled_from(["me", "customer", "colleague", NEWCOMER, STRANGER])
    count = draw(st.integers(1, 7))
    messages = tuple(
        (
            draw(people),
            tuple(draw(st.lists(people, min_size=1, max_size=3))),
            draw(st.integers(0, n)),
        )
        for n in range(count)
    )
    told = draw(st.lists(st.integers(0, count), max_size=20))
    order = draw(st.permutations([*range(count + 1), *told]))
    return Plan(
        messages=messages,
        moves=draw(st.integers(0, 3)),
        order=tuple(order),
        rounds=frozenset(draw(st.sets(st.integers(0, len(order)), max_size=3))),
        dropped=frozenset(draw(st.sets(st.integers(0, count), max_size=2))),
    )


class Played:
    """One way in which a plan goes; all of it has happened before the first notification comes."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.office = Office()
        self.mails: list[Email] = []
        self.meeting: Meeting | None = None

    async def begin(self) -> None:
        office = self.office
        question = office.mail(office.customer, office.me.address)
        self.mails = [question]
        await office.follow(question)
        meeting = office.meet(office.customer)
        await office.follow(meeting)
        for number, (sender, to, answered) in enumerate(self.plan.messages, 1):
            mail = office.mail(
                self._address(sender),
                *(self._address(one) for one in to),
                answers=self.mails[answered],
            )
            self.mails.append(office.arrive(mail, minutes=number))
            office.feed.happened(office.me.oid, "email", mail.ref.id)
        for hours in range(self.plan.moves):
            meeting = replace(meeting, start=meeting.start + timedelta(hours=hours + 1))
            guests = (*meeting.participants, *items.attendees(f"{hours}@guest.example"))
            meeting = office.deliver(replace(meeting, participants=guests))
            office.feed.happened(office.me.oid, "meeting", meeting.ref.id)
        self.meeting = meeting

    def _address(self, who: str) -> str:
        office = self.office
        known = {
            "me": office.me.address,
            "customer": office.customer,
            "colleague": office.colleague.address,
        }
        return known.get(who, who)

    async def in_order(self) -> "Played":
        await self.begin()
        for mail in self.mails[1:]:
            await self.office.happens(mail)
        assert self.meeting is not None
        await self.office.happens(self.meeting)
        return self

    async def as_planned(self) -> "Played":
        await self.begin()
        assert self.meeting is not None
        told = [*self.mails[1:], self.meeting]
        for place, number in enumerate(self.plan.order):
            if place in self.plan.rounds:
                await self._round()
            if number not in self.plan.dropped:
                self.office.queue.append(self.office.told(told[number]))
            if number % 2:
                await self._side_by_side()
        await self._side_by_side()
        await self._round()
        return self

    async def _side_by_side(self) -> None:
        """Several workers take what waits on the queue."""
        while self.office.queue:
            some = [self.office.queue.popleft() for _ in range(min(4, len(self.office.queue)))]
            await asyncio.gather(*(self.office.work(one) for one in some))

    async def _round(self) -> None:
        self.office.now += timedelta(hours=1)
        kinds: tuple[ChangeKind, ...] = ("email", "meeting")
        for kind in kinds:
            self.office.queue.append(
                LookAfter(mailbox=self.office.me.oid, kind=kind, at=self.office.now)
            )
        await self._side_by_side()

    @property
    def end(self) -> object:
        office = self.office
        saved = [office.record(mail) is not None for mail in self.mails]
        reasons = [office.reason(mail) for mail, is_ in zip(self.mails, saved, strict=True) if is_]
        assert self.meeting is not None
        record = office.record(self.meeting)
        assert record is not None
        identities = sorted(one.identity for one in office.crm.records.values())
        assert identities == sorted(set(identities))
        assert identity(self.meeting) in identities
        guests = {party.address for party in record.parties}
        return saved, reasons, record.appointment, guests, len(office.feed.subscriptions)


@settings(max_examples=150, deadline=None)
@given(plans())
async def test_the_end_is_that_of_the_right_order(plan: Plan) -> None:
    assert (await Played(plan).as_planned()).end == (await Played(plan).in_order()).end


async def test_the_plans_do_save_and_leave_out() -> None:
    plan = Plan(
        messages=(
            ("me", ("customer",), 0),
            ("me", ("colleague",), 1),
            ("customer", ("me", NEWCOMER), 1),
            (NEWCOMER, ("me",), 3),
            ("me", (STRANGER,), 0),
        ),
        moves=2,
        order=(),
        rounds=frozenset(),
        dropped=frozenset(),
    )
    played = await Played(plan).in_order()
    assert played.end[0] == [True, True, False, True, True, False]  # type: ignore[index]
    assert Role.SENDER in {one.role for one in played.mails[0].participants}
    assert Participant(STRANGER, "", Role.TO) in played.mails[5].participants
