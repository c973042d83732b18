"""What happens after a save: replies, an outage, a meeting that moves, a draft; each checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any
from uuid import uuid4

import httpx
from icalendar import Calendar, Event
from rich.console import Console

from sandbox.client import Handles
from sandbox.demo.cards import card
from sandbox.demo.journey import CRMS, crm_of
from sandbox.demo.records import Timelines
from sandbox.demo.steps import Steps, check, eventually

_COLLEAGUE = ("Bernd Schäfer", "bernd.schaefer@contoso.example")
_AWAY = 503
_CUSTOMER = ("Margaret Ellison", "margaret.ellison@harbourline.example")


@dataclass
class _Story:
    """`me` is the person whose mailbox it is; `crm` is asked past the app."""

    steps: Steps
    handles: Handles
    crm: Timelines
    service: str
    me: str

    def replies(self) -> None:
        first = self._mail(_CUSTOMER, "Offer for the new gate")
        with self.steps.step("Saving the customer's mail, and following it"):
            item = self._deliver(first)
            saved = self._save(item, 201, follow=True)
            self._expect(saved, "following")
        self.steps.console.print(card(saved))
        with self.steps.step("Answering it from Outlook: the answer is saved by itself"):
            sent = _email(self.handles.reply(item["id"], "Here it is, as discussed."))
            self.steps.console.print(card(self._saved_by_itself(sent)))
        with self.steps.step("The customer answers: that is saved by itself, too"):
            answer = self._mail(_CUSTOMER, "RE: Offer for the new gate", of=first)
            kept = self._deliver(answer)
            self.steps.console.print(card(self._saved_by_itself(kept)))
        with self.steps.step("A colleague answers among ourselves: that stays in the mailbox"):
            aside = self._deliver(self._mail(_COLLEAGUE, "RE: Offer for the new gate", of=answer))
            self._settled()
            check(self._find(aside) is None, "an internal side thread was saved")
        with self.steps.step("The CRM is away while the customer writes again: nothing is lost"):
            self.handles.fault(service=self.service, status=_AWAY)
            late = self._deliver(self._mail(_CUSTOMER, "RE: Offer for the new gate", of=answer))
            eventually(self._crm_refuses, "nobody asked the CRM")
            self.handles.clear_faults()
            self._saved_by_itself(late)
        with self.steps.step("No longer following it: the next answer is left alone"):
            self.steps.call("DELETE", "following", 200, params=_query(item))
            ignored = self._deliver(self._mail(_CUSTOMER, "RE: Offer for the new gate", of=answer))
            self._settled()
            check(self._find(ignored) is None, "a reply was saved that nobody follows")

    def meeting(self) -> None:
        begins = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
        begins += timedelta(days=7)
        item = _meeting(self.handles.deliver_meeting(self._calendar(begins), self.me))
        with self.steps.step("Saving a meeting, and following it"):
            saved = self._save(item, 201, follow=True)
            self._expect(saved, "following")
        self.steps.console.print(card(saved))
        later = begins + timedelta(days=1, hours=2)
        with self.steps.step(f"Moving it to {later:%A %H:%M} UTC: the CRM's record moves along"):
            self.handles.change_event(
                item["id"], start=_moment(later), end=_moment(later + timedelta(hours=1))
            )
            eventually(
                lambda: self.crm.meeting(saved["id"]) == (later, False), "the record did not move"
            )
        with self.steps.step("Cancelling it: the CRM's record says so"):
            self.handles.cancel_event(item["id"])
            eventually(
                lambda: self.crm.meeting(saved["id"]) == (later, True),
                "it isn't marked as cancelled",
            )

    def draft(self) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"] = self.me, _CUSTOMER[1]
        mail["Subject"] = "Dates for the installation"
        mail.set_content("Would the second week of the month suit you?\n")
        item = _email(self.handles.deliver_mail(mail.as_bytes(), self.me, "drafts"))
        with self.steps.step("Saving a draft: it waits to be sent"):
            told = self._save(item, 202)
            check(told["status"] == "pending_send", f"the receipt is {told['status']}")
        with self.steps.step("Sending it: the record appears, and the receipt says so"):
            self.handles.send_draft(item["id"])
            receipt = f"receipts/{told['receipt']}"
            done: dict[str, Any] = {}

            def over() -> bool:
                done.update(self.steps.call("GET", receipt, 200))
                return done["status"] not in ("pending_send", "queued")

            eventually(over, "the sent draft was not saved")
            check(done["status"] == "saved", f"the receipt is {done['status']}")
        self.steps.console.print(card(done["activity"]))

    def _becomes(self, record: str, begins: datetime, *, cancelled: bool) -> None:
        eventually(
            lambda: self.crm.meeting(record) == (begins, cancelled), "the record stayed as it was"
        )

    def _crm_refuses(self) -> bool:
        return any(call["status"] == _AWAY for call in self.handles.requests(self.service)[-5:])

    def _saved_by_itself(self, item: Mapping[str, str]) -> dict[str, Any]:
        eventually(lambda: self._find(item) is not None, "it was not saved")
        found = self._find(item) or {}
        self._expect(found, "followed_thread")
        return found

    def _find(self, item: Mapping[str, str]) -> dict[str, Any] | None:
        found = self.steps.call("GET", "activities", 200, 404, params=_query(item))
        return found if "id" in found else None

    def _save(self, item: Mapping[str, str], status: int, **chosen: Any) -> dict[str, Any]:
        return self.steps.call("POST", "activities", status, json={"item": item, **chosen})

    def _expect(self, activity: Mapping[str, Any], code: str) -> None:
        there = {notice["code"] for notice in activity["notices"]}
        check(code in there, f"the notice {code} is missing")

    def _settled(self) -> None:
        """What is told is looked at within a moment; there is no sign of that from outside."""
        self.handles.notifications(wait=10)
        marker = self._mail(_CUSTOMER, "Another matter")
        item = self._deliver(marker)
        self._save(item, 201, follow=True)
        self._saved_by_itself(self._deliver(self._mail(_CUSTOMER, "RE: Another matter", of=marker)))

    def _mail(
        self, sender: tuple[str, str], subject: str, of: EmailMessage | None = None
    ) -> EmailMessage:
        """One that arrives now; `of` is what it answers."""
        mail = EmailMessage()
        mail["From"], mail["To"] = f"{sender[0]} <{sender[1]}>", self.me
        mail["Subject"] = subject
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = make_msgid(domain=sender[1].rpartition("@")[2])
        if of is not None:
            mail["In-Reply-To"] = of["Message-ID"]
            mail["References"] = f"{of['References'] or ''} {of['Message-ID']}".strip()
        mail.set_content("Good morning,\nthank you, we look forward to it.\n")
        return mail

    def _deliver(self, mail: EmailMessage) -> dict[str, str]:
        return _email(self.handles.deliver_mail(mail.as_bytes(), self.me))

    def _calendar(self, begins: datetime) -> bytes:
        event = Event()
        event.add("uid", f"{uuid4()}@contoso.example")
        event.add("summary", "Look at the site")
        event.add("dtstart", begins)
        event.add("dtend", begins + timedelta(hours=1))
        event.add("organizer", f"mailto:{self.me}")
        event.add("attendee", f"mailto:{_CUSTOMER[1]}")
        calendar = Calendar()
        calendar.add("prodid", "-//Demo//EN")
        calendar.add("version", "2.0")
        calendar.add("method", "REQUEST")
        calendar.add_component(event)
        raw: bytes = calendar.to_ical()
        return raw


def take(console: Console, api: str, handles: Handles) -> None:
    """Goes through all of it as somebody who may save to the CRM.

    Raises Mismatch, and httpx.HTTPError where the sandbox itself fails.
    """
    me = next(user["address"] for user in handles.users()["users"] if user["crm"]["write"])
    bearer = {"Authorization": f"Bearer {handles.token(me)}"}
    with httpx.Client(headers=bearer, timeout=60) as http:
        service = crm_of(http, api)
        story = _Story(Steps(console, http, api), handles, CRMS[service](handles, me), service, me)
        console.rule(f"A conversation, in the mailbox of {me}")
        story.replies()
        console.rule("A meeting")
        story.meeting()
        console.rule("A draft")
        story.draft()


def _email(id_: str) -> dict[str, str]:
    return {"kind": "email", "mailbox": "me", "id": id_}


def _meeting(id_: str) -> dict[str, str]:
    return {"kind": "meeting", "mailbox": "me", "id": id_}


def _query(item: Mapping[str, str]) -> dict[str, str]:
    return {"kind": item["kind"], "mailbox": item["mailbox"], "item": item["id"]}


def _moment(when: datetime) -> dict[str, str]:
    return {"dateTime": f"{when:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
