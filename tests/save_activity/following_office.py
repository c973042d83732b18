"""One person at work where what happens next is followed, over everything in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from save_activity import deferring
from save_activity.payload import SaveRequest
from save_activity.tools import Done, Later, Tools
from shared.domain import Activity, Email, Item, Meeting
from shared.errors import ThreadlineError
from shared.following import FollowedDraft, FollowedMeeting, FollowedThread, mailbox_path
from shared.policy import CategoryField, Policy
from shared.receipts import Receipt
from shared.saving.beginning import Follower
from shared.saving.standing import Books
from tests.contract import items
from tests.fakes.crm import CrmWorld, FakeCrm
from tests.fakes.followings import FakeFollowings
from tests.fakes.ledger import FakeLedger
from tests.fakes.mailbox import FakeMailbox, MailboxWorld
from tests.fakes.origins import FakeOrigins
from tests.fakes.subscriptions import FakeSubscriptions

NOW = items.SENT + timedelta(hours=1)
SALES = "sales@contoso.example"
CUSTOMER = "jan.nowak@customer.example"
TOPIC = CategoryField(name="topic", type="choice")


class Office:
    def __init__(self) -> None:
        self.crm_world = CrmWorld(categories={"email": (TOPIC,), "meeting": ()})
        able = [e for e in self.crm_world.company.employees if e.crm_read == "all" and e.crm_write]
        self.anna, self.bernd = able[:2]
        self.mailboxes = MailboxWorld(delegates={self.anna.address: frozenset({SALES})})
        self.policy = Policy(email_categories=(TOPIC,))
        self.followings = FakeFollowings()
        self.subscriptions = FakeSubscriptions()
        self.origins = FakeOrigins()
        self.ledger = FakeLedger()
        self.may_follow = True
        self.now = NOW
        self.account = self.crm_world.company.accounts[0].id
        self.opportunity = self.crm_world.company.opportunities[0].id

    @property
    def books(self) -> Books:
        return Books(self.followings, self.subscriptions, self.origins)

    def email(self, number: int = 1, address: str = "", **traits: Any) -> Email:
        """A message from the customer in Anna's mailbox, by the id `E<number>`."""
        mail = items.email(
            items.sender(CUSTOMER), *items.to(self.anna.address), message_id=f"<{number}@c.example>"
        )
        sent = items.SENT + timedelta(minutes=number)
        mail = replace(mail, ref=replace(mail.ref, id=f"E{number}"), sent_at=sent, received_at=sent)
        mail = replace(mail, **traits)
        self.mailboxes.put(address or self.anna.address, mail)
        return mail

    def draft(self, number: int = 1) -> Email:
        return self.email(number, is_draft=True, sent_at=None, received_at=None)

    def meeting(self, **traits: Any) -> Meeting:
        one = items.meeting(items.organizer(self.anna.address), *items.attendees(CUSTOMER))
        one = replace(one, ref=replace(one.ref, id="M1"), is_organizer=True, **traits)
        self.mailboxes.put(self.anna.address, one)
        return one

    def series(
        self, count: int, every: timedelta = timedelta(weeks=1), **traits: Any
    ) -> list[Meeting]:
        """A series `S`, with its occurrences `S-0`, `S-1`, …, the first one an hour after `NOW`."""
        first = replace(
            items.meeting(items.organizer(self.anna.address), *items.attendees(CUSTOMER)),
            is_organizer=True,
            **traits,
        )
        master = replace(first, ref=replace(first.ref, id="S"), is_series=True)
        self.mailboxes.put(self.anna.address, master)
        made = []
        for n in range(count):
            start = NOW + timedelta(hours=1) + n * every
            one = replace(
                first,
                ref=replace(first.ref, id=f"S-{n}"),
                start=start,
                end=start + timedelta(hours=1),
                occurrence=start,
                series_master_id="S",
            )
            self.mailboxes.put(self.anna.address, one)
            made.append(one)
        return made

    def link(self, type_: str = "account") -> list[dict[str, str]]:
        return [{"type": type_, "id": self.account if type_ == "account" else self.opportunity}]

    def tools(self, address: str = "") -> Tools:
        who = address or self.anna.address
        return Tools(
            crm=FakeCrm(self.crm_world, who),
            mailbox=FakeMailbox(self.mailboxes, who),
            policy=self.policy,
            books=self.books,
            may_follow=self.may_follow,
        )

    def request(self, id_: str = "E1", **fields: Any) -> SaveRequest:
        kind = "email" if id_.startswith("E") else "meeting"
        item = {"kind": kind, "mailbox": fields.pop("mailbox", "me"), "id": id_}
        return SaveRequest.model_validate({"item": item} | fields, strict=False)

    async def outcome(self, id_: str = "E1", by: str = "anna", **fields: Any) -> Done | Later:
        who = self.anna if by == "anna" else self.bernd
        request = self.request(id_, **fields)
        return await deferring.save_or_defer(
            request,
            Follower(who.oid, mailbox_path(request.item.mailbox, who.oid), self.now),
            tools=self.tools(who.address),
            ledger=self.ledger,
        )

    async def save(self, id_: str = "E1", by: str = "anna", **fields: Any) -> Done:
        done = await self.outcome(id_, by, **fields)
        assert isinstance(done, Done)
        return done

    async def later(self, id_: str = "E1", by: str = "anna", **fields: Any) -> Later:
        later = await self.outcome(id_, by, **fields)
        assert isinstance(later, Later)
        return later

    async def finish(self, receipt: Receipt, *, odd_is_final: bool = True) -> deferring.Finished:
        """As the queue's worker does, with the receipt as it is kept now."""
        kept = self.kept(receipt)
        owner, mailbox = deferring.asker(kept)
        address = next(
            e.address for e in self.crm_world.company.employees if e.oid == receipt.owner
        )
        return await deferring.finish(
            kept,
            Follower(owner, mailbox, self.now),
            lambda: self.tools(address),
            self.ledger,
            odd_is_final=odd_is_final,
        )

    def kept(self, receipt: Receipt) -> Receipt:
        return self.ledger.receipts[(receipt.owner, receipt.id)]

    def threads(self) -> list[FollowedThread]:
        return [one for one in self.followings.followed.values() if isinstance(one, FollowedThread)]

    def meetings(self) -> list[FollowedMeeting]:
        found = self.followings.followed.values()
        return [one for one in found if isinstance(one, FollowedMeeting)]

    def drafts(self) -> list[FollowedDraft]:
        return [one for one in self.followings.followed.values() if isinstance(one, FollowedDraft)]

    def known(self) -> set[str]:
        return {id_ for _, id_ in self.followings.messages}

    def break_ledger(self, error: ThreadlineError) -> None:
        for fake in (self.followings, self.subscriptions, self.origins):
            fake.failures.update(
                dict.fromkeys(
                    (
                        *("thread", "put_thread", "meetings", "put_meeting", "know_messages"),
                        *("begin", "find", "add", "draft", "put_draft", "of_record", "remove"),
                    ),
                    error,
                )
            )

    async def subscribe(self, kind: Any, until: datetime) -> None:
        begun = await self.subscriptions.begin(self.anna.oid, kind, datetime.now(UTC))
        await self.subscriptions.replace(replace(begun, id="sub", expires=until))


def codes(activity: Activity) -> list[str]:
    return [notice.code for notice in activity.notices]


def ids(followed: Sequence[Item]) -> list[str]:
    return [one.ref.id for one in followed]
