"""What the measurements of following have in common: followed threads, and what is answered."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from itertools import count

import httpx
from azure.storage.queue.aio import QueueClient

from bench.mail import SELLER
from bench.stack import App
from sandbox.client import Handles
from sandbox.company import Employee
from sandbox.sample import company
from shared.following import ChangeKind
from shared.ledger.subscriptions import TableSubscriptions
from shared.ledger.table import Account

_FILE = bytes(range(256)) * 80
"""20 KiB."""

CUSTOMER = company().contacts[10].email
_numbers = count()


@dataclass
class Thread:
    """A conversation of a seller with a customer. `ids` are its messages' so far."""

    seller: Employee = SELLER
    ids: list[str] = field(default_factory=list)

    def message(self, files: int = 0) -> bytes:
        """The customer's next one, as it arrives now, with so many small files."""
        mail = EmailMessage()
        now = format_datetime(datetime.now(UTC))
        mail["Received"] = f"from mx.example; {now}"
        mail["Message-ID"] = make_msgid(domain="bench.example")
        mail["From"] = CUSTOMER
        mail["To"] = self.seller.address
        mail["Subject"] = f"Measured thread {next(_numbers)}"
        mail["Date"] = now
        if self.ids:
            mail["In-Reply-To"] = self.ids[-1]
            mail["References"] = " ".join(self.ids[-10:])
        mail.set_content("Thank you,\nthat is as we agreed.\n")
        for number in range(files):
            mail.add_attachment(
                _FILE, maintype="application", subtype="pdf", filename=f"offer-{number}.pdf"
            )
        self.ids.append(str(mail["Message-ID"]))
        return mail.as_bytes()


def deliver(handles: Handles, thread: Thread, files: int = 0) -> str:
    """The id of the thread's next message, now that it arrived."""
    return handles.deliver_mail(thread.message(files), thread.seller.address)


def follow(handles: Handles, running: App, seller: Employee = SELLER) -> Thread:
    """A new thread whose first message is saved, so that what comes later is saved by itself."""
    thread = Thread(seller)
    item = {"kind": "email", "mailbox": "me", "id": deliver(handles, thread)}
    answer = httpx.post(
        f"{running.api}/activities",
        json={"item": item, "follow": True},
        headers={"Authorization": f"Bearer {handles.token(seller.address)}"},
        timeout=60,
    ).raise_for_status()
    if "following" not in {notice["code"] for notice in answer.json()["notices"]}:
        raise RuntimeError(f"not followed as it should be: {answer.text}")
    return thread


async def secret(storage: str, seller: Employee = SELLER, kind: ChangeKind = "email") -> str:
    """What our subscription to the seller's mailbox sends along, once there is one."""
    account = Account(storage)
    try:
        subscriptions = TableSubscriptions(account)
        for _ in range(300):
            found = await subscriptions.find(seller.oid, kind)
            if found is not None and found.id:
                return found.secret
            await asyncio.sleep(0.1)
    finally:
        await account.aclose()
    raise RuntimeError("nobody subscribed")


async def length(queue: QueueClient) -> int:
    """How many messages are in it, hidden ones and all."""
    return (await queue.get_queue_properties()).approximate_message_count or 0
