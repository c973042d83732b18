"""A great deal of mail at once: what is to be saved of it, and what not, is known beforehand."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sandbox.graph.messages import find_message
from sandbox.running import Running
from tests.contract.mailbox_items import Mail
from tests.following.running_app import ANNA, BERND, CLAIRE, SALES, App, arriving, email

_MAILBOXES = (ANNA, BERND, CLAIRE, SALES)
_ASKED_BY = {SALES: ANNA}
_REFERENCES = 8
"""Of a thread's messages, how many the next one refers to."""


@dataclass
class Thread:
    """A customer's conversation with one of us, followed in that mailbox, and maybe in a second
    one where it is read too. `ids` are the messages so far that we know of."""

    number: int
    mailboxes: tuple[str, ...]
    ids: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)

    @property
    def customer(self) -> tuple[str, str]:
        return (f"Customer {self.number}", f"buyer{self.number}@customer{self.number}.example")

    @property
    def subject(self) -> str:
        return f"Order {self.number}"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How often each thing happens. Every unrelated message is moved to and fro as often as it
    takes to come to that many notifications."""

    threads: int
    answers: int
    own_answers: int
    unwanted: int
    unrelated: int
    notifications: int

    @property
    def moves(self) -> int:
        """Each is told twice, an answer of our own three times: written, and moved when sent."""
        told = self.answers + 3 * self.own_answers + self.unwanted + self.unrelated
        return max(0, self.notifications - told) // 2

    @property
    def deeds(self) -> int:
        return self.answers + self.own_answers + self.unwanted + self.unrelated + self.moves


@dataclass
class Storm:
    """`wanted` are the Message-IDs that belong into the CRM afterwards because they were followed,
    `unwanted` those that don't."""

    sandbox: Running
    sizes: Sizes
    chance: Random
    wanted: set[str] = field(default_factory=set)
    unwanted: set[str] = field(default_factory=set)
    threads: list[Thread] = field(default_factory=list)
    _lying: list[tuple[str, str]] = field(default_factory=list)

    def begin(self, app: App) -> None:
        """Each thread's first message is saved, and followed, in all of its mailboxes."""
        for number in range(self.sizes.threads):
            first = _MAILBOXES[number % len(_MAILBOXES)]
            second = (BERND,) if number % 3 == 0 and first != BERND else ()
            thread = Thread(number, (first, *second))
            mail = Mail(
                sender=thread.customer,
                to=tuple((address, address) for address in thread.mailboxes),
                subject=thread.subject,
                message_id=f"<first-{number}@customer{number}.example>",
            )
            for address in thread.mailboxes:
                id_ = self.sandbox.deliver_mail(arriving(mail), address)
                who = _ASKED_BY.get(address, address)
                app.follow(email(id_, "me" if who == address else address), who)
                thread.items.append(id_)
            thread.ids.append(str(mail.message_id))
            self.threads.append(thread)

    def blow(self) -> Iterator[None]:
        """Does one thing after the other, `deeds` in all."""
        deeds: list[Callable[[], None]] = [
            *[self._answer] * self.sizes.answers,
            *[self._own_answer] * self.sizes.own_answers,
            *[self._internal, self._private, self._stranger, self._same_subject]
            * (self.sizes.unwanted // 4),
        ]
        deeds += [self._unrelated] * self.sizes.unrelated + [self._move] * self.sizes.moves
        self.chance.shuffle(deeds)
        for deed in deeds:
            deed()
            yield

    def _answer(self) -> None:
        """The customer answers; some of it lies in two followed mailboxes."""
        thread = self.chance.choice(self.threads)
        mail = self._mail(thread, thread.customer, thread.mailboxes)
        self._deliver(mail, *thread.mailboxes)
        self._happened(thread, mail)

    def _own_answer(self) -> None:
        """One of us answers, from Outlook."""
        thread = self.chance.choice(self.threads)
        sent = self.sandbox.reply(thread.items[0], f"As agreed, {self.chance.random()}.")
        id_ = self._message_id(sent)
        self.wanted.add(id_)
        thread.ids.append(id_)

    def _internal(self) -> None:
        thread = self.chance.choice(self.threads)
        colleague = ("Henry", "henry.whitfield@contoso.example")
        mail = self._mail(thread, colleague, thread.mailboxes[:1])
        self._deliver(mail, thread.mailboxes[0])
        self.unwanted.add(str(mail.message_id))

    def _private(self) -> None:
        thread = self.chance.choice(self.threads)
        mail = self._mail(thread, thread.customer, thread.mailboxes[:1], sensitivity="Private")
        self._deliver(mail, thread.mailboxes[0])
        self.unwanted.add(str(mail.message_id))

    def _stranger(self) -> None:
        """Somebody from outside who never took part refers to the thread."""
        thread = self.chance.choice(self.threads)
        stranger = ("Nobody", "nobody@elsewhere.example")
        mail = self._mail(thread, stranger, thread.mailboxes[:1])
        self._deliver(mail, thread.mailboxes[0])
        self.unwanted.add(str(mail.message_id))

    def _same_subject(self) -> None:
        thread = self.chance.choice(self.threads)
        mail = Mail(
            sender=thread.customer,
            to=((thread.mailboxes[0], thread.mailboxes[0]),),
            subject=f"RE: {thread.subject}",
            message_id=self._new_id(thread.customer[1]),
        )
        self._deliver(mail, thread.mailboxes[0])
        self.unwanted.add(str(mail.message_id))

    def _unrelated(self) -> None:
        box = self.chance.choice(_MAILBOXES)
        mail = Mail(
            sender=("News", "news@press.example"),
            to=((box, box),),
            subject="What is new",
            html="<p>Much.</p>",
            message_id=self._new_id("news@press.example"),
        )
        self.unwanted.add(str(mail.message_id))
        self._lying += [(id_, "inbox") for id_ in self._deliver(mail, box)]

    def _move(self) -> None:
        if not self._lying:
            self._unrelated()
        place = self.chance.randrange(len(self._lying))
        id_, folder = self._lying[place]
        other = "sentitems" if folder == "inbox" else "inbox"
        self._lying[place] = (self.sandbox.move_message(id_, other), other)

    def _mail(
        self, thread: Thread, sender: tuple[str, str], to: tuple[str, ...], **more: Any
    ) -> Mail:
        return Mail(
            sender=sender,
            to=tuple((address, address) for address in to),
            subject=f"RE: {thread.subject}",
            message_id=self._new_id(sender[1]),
            in_reply_to=thread.ids[-1],
            references=(thread.ids[0], *thread.ids[1:][-_REFERENCES:]),
            **more,
        )

    def _deliver(self, mail: Mail, *mailboxes: str) -> list[str]:
        source = arriving(mail)
        return [self.sandbox.deliver_mail(source, address) for address in mailboxes]

    def _happened(self, thread: Thread, mail: Mail) -> None:
        self.wanted.add(str(mail.message_id))
        thread.ids.append(str(mail.message_id))

    def _new_id(self, sender: str) -> str:
        return f"<{self.chance.getrandbits(64):016x}@{sender.rpartition('@')[2]}>"

    def _message_id(self, item: str) -> str:
        """Of what lies under that Graph id in a mailbox."""
        found = find_message(self.sandbox.world.store, None, item)
        assert found is not None
        return str(found[0]["fields"]["internetMessageId"])
