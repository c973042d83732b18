"""A company with a CRM, mailboxes and what is followed in them, in memory; its queues run here."""

from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from graph_notifications import emails, meetings
from graph_notifications.caretaking import Caretaker
from graph_notifications.work import Done, Parts
from shared.domain import (
    Activity,
    Email,
    Item,
    ItemRef,
    Meeting,
    Participant,
    RecordRef,
    Role,
    identity,
)
from shared.following import ChangeKind, FollowedDraft, mailbox_path
from shared.notifications import CaughtUp, ItemChanged, LookAfter, Message
from shared.policy import Policy
from shared.ports import Crm, Mailbox
from shared.receipts import Receipt, new_id
from shared.saving import beginning
from shared.saving.beginning import Begun, Follower
from shared.saving.save import Order, save
from shared.saving.standing import Books, followed_item
from tests.contract import items
from tests.contract.people import cast
from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.crm import CrmWorld, FakeCrm
from tests.fakes.crm_activities import Record
from tests.fakes.followings import FakeFollowings
from tests.fakes.ledger import FakeLedger
from tests.fakes.mailbox import FakeMailbox, MailboxWorld
from tests.fakes.origins import FakeOrigins
from tests.fakes.subscriptions import FakeSubscriptions

START = datetime.fromisoformat("2026-03-02T12:00:00+00:00")


class Office:
    """`me` follows; `customer` is outside. `now` is what everybody's clock says. What the work
    puts on its queue waits in `queue`, what it hands to the saves in `saves`."""

    def __init__(self) -> None:
        self.crm = CrmWorld()
        self.cast = cast(self.crm.company)
        self.me = self.cast.caller
        self.colleague = self.cast.colleague
        self.customer = self.cast.contact.email
        self.now = START
        self.mailboxes = MailboxWorld()
        self.ledger = FakeLedger()
        self.followings = FakeFollowings()
        self.subscriptions = FakeSubscriptions()
        self.origins = FakeOrigins()
        self.feed = FakeChangeFeed(now=lambda: self.now)
        self.policy = Policy()
        self.queue: deque[Message] = deque()
        self.saves: list[str] = []
        self._numbers = count(1)

    @property
    def books(self) -> Books:
        return Books(self.followings, self.subscriptions, self.origins)

    def address(self, path: str) -> str:
        by_id = {one.oid: one.address for one in self.crm.company.employees}
        return by_id.get(path, path)

    def mailbox(self, path: str) -> Mailbox:
        return FakeMailbox(self.mailboxes, self.address(path))

    def crm_of(self, owner: str) -> Crm:
        return FakeCrm(self.crm, self.address(owner))

    @property
    def parts(self) -> Parts:
        return Parts(
            books=self.books,
            ledger=self.ledger,
            policy=self.policy,
            mailbox=self.mailbox,
            crm=self.crm_of,
            now=self.now,
        )

    # what people do

    def mail(
        self,
        sender: str,
        *to: str,
        answers: Email | None = None,
        mailbox: str = "",
        **fields: Any,
    ) -> Email:
        """A message in that mailbox, mine if none is named; an answer has the headers of one."""
        number = next(self._numbers)
        if answers is not None:
            known = tuple(filter(None, (*answers.references, answers.message_id)))
            fields = {
                "in_reply_to": answers.message_id,
                "references": known,
                "conversation_id": answers.conversation_id,
                "subject": f"Re: {answers.subject}",
            } | fields
        made = items.email(
            Participant(sender, "", Role.SENDER),
            *(Participant(address, "", Role.TO) for address in to),
            message_id=f"<{number}@example.com>",
        )
        made = replace(made, ref=ItemRef("email", "me", f"mail-{number}"))
        made = replace(made, **({"conversation_id": f"conversation-{number}"} | fields))
        return self.deliver(made, mailbox)

    def arrive(self, email: Email, *, minutes: int) -> Email:
        """It came that long after everything began."""
        at = items.SENT + timedelta(minutes=minutes)
        there: Email = self.deliver(replace(email, sent_at=at, received_at=at))
        return there

    def deliver(self, item: Any, mailbox: str = "") -> Any:
        self.mailboxes.put(mailbox or self.me.address, item)
        return item

    def meet(self, *attendees: str, mailbox: str = "", **fields: Any) -> Meeting:
        """A meeting that I organise, tomorrow."""
        number = next(self._numbers)
        made = items.meeting(
            items.organizer(self.me.address),
            *items.attendees(*attendees),
            uid=f"uid-{number}",
            start=self.now + timedelta(days=1),
        )
        made = replace(made, ref=ItemRef("meeting", "me", f"event-{number}"), is_organizer=True)
        found: Meeting = self.deliver(replace(made, **fields), mailbox)
        return found

    async def follow(
        self,
        item: Item,
        *,
        who: str = "",
        path: str = "",
        link: RecordRef | None = None,
        **order: Any,
    ) -> Record:
        """Somebody saves it, I if nobody is named, from their own mailbox or the one named, and
        follows it; what that queues is done."""
        owner = who or self.me.oid
        path = path or mailbox_path("me", owner)
        saved = await save(
            Order(item.ref, (link,) if link else (), **order),
            crm=self.crm_of(owner),
            mailbox=self.mailbox(path),
            policy=self.policy,
        )
        begun = await self._begin(item, saved.activity, owner, path)
        if begun.look_after:
            self.queue.append(begun.look_after)
        await self.drain()
        return self.crm.records[saved.activity.id]

    async def follow_while_told_of(self, item: Item) -> None:
        """I save it and find the mailbox's subscription alive, as it was a moment ago."""
        saved = await save(
            Order(item.ref),
            crm=self.crm_of(self.me.oid),
            mailbox=self.mailbox(self.me.oid),
            policy=self.policy,
        )
        await self._begin(item, saved.activity, self.me.oid, self.me.oid)

    async def _begin(self, item: Item, activity: Activity, owner: str, path: str) -> Begun:
        return await beginning.begin(
            item,
            activity.id,
            beginning.filed(activity, default_files=True),
            Follower(owner, path, self.now),
            explicit=True,
            known=await followed_item(item, path, self.followings),
            books=self.books,
        )

    async def write_draft(self, *to: str) -> tuple[Email, Receipt]:
        """A draft of mine, saved before it is sent."""
        draft = self.mail(self.me.address, *to, is_draft=True, sent_at=None, received_at=None)
        receipt = await self.ledger.add(
            Receipt(new_id(self.now), self.me.oid, "{}", status="pending_send")
        )
        await self.followings.put_draft(
            FollowedDraft(
                self.me.oid,
                draft.ref.id,
                self.me.oid,
                receipt.id,
                until=self.now + timedelta(days=30),
            )
        )
        return draft, receipt

    # what the queue does

    def told(self, item: Item, path: str = "") -> ItemChanged:
        """The message that a notification of that item becomes."""
        return ItemChanged(
            mailbox=path or self.me.oid, kind=item.kind, at=self.now, item=item.ref.id
        )

    async def work(self, message: Message) -> Done:
        done = await self._work(type(message).model_validate_json(message.model_dump_json()))
        self.queue.extend(done.messages)
        self.saves.extend(done.saves)
        return done

    async def _work(self, message: Message) -> Done:
        if isinstance(message, ItemChanged):
            look = emails.look if message.kind == "email" else meetings.look
            return await look(message, self.parts)
        caretaker = Caretaker(self.feed, self.followings, self.subscriptions, self.now)
        if isinstance(message, CaughtUp):
            return await caretaker.caught_up(message)
        return await caretaker.look_after(message)

    async def drain(self) -> list[str]:
        """Works until the queue is empty; the outcomes, in order."""
        outcomes = []
        while self.queue:
            outcomes.append((await self.work(self.queue.popleft())).outcome)
        return outcomes

    async def happens(self, item: Item, path: str = "") -> str:
        """A notification of it comes and all is done that follows from it; its own outcome."""
        self.queue.append(self.told(item, path))
        return (await self.drain())[0]

    async def look_after_without_queueing(self) -> None:
        """The timer comes round, and the worker is killed before what it found is on the queue."""
        await self._work(LookAfter(mailbox=self.me.oid, kind="email", at=self.now))

    async def look_after(self, kind: ChangeKind = "email", *, renew: bool = False) -> list[str]:
        """The timer comes round."""
        self.queue.append(LookAfter(mailbox=self.me.oid, kind=kind, at=self.now, renew=renew))
        return await self.drain()

    # what came of it

    def record(self, item: Item) -> Record | None:
        return self.crm.of_item(item)

    def reason(self, item: Item) -> str | None:
        origin = self.origins.kept.get(identity(item))
        return origin.reason if origin else None


async def followed(office: Office, **order: Any) -> Email:
    """A customer's question that I saved and follow."""
    question = office.mail(office.customer, office.me.address)
    await office.follow(question, **order)
    return question


def answer_unnoticed(office: Office, question: Email) -> Email:
    """An answer that no notification tells of."""
    answer = office.mail(office.customer, office.me.address, answers=question)
    office.feed.happened(office.me.oid, "email", answer.ref.id)
    return answer
