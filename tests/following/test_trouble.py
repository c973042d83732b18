"""Graph and the CRM fail in every way in the middle of all that happens after a save: afterwards
every record is there, whole and once, with its reason, and nothing was told to any log or row."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.notifications import QUEUE
from shared.saving.queueing import QUEUE as SAVES
from tests.contract.mailbox_items import Appointment, Enclosure, Mail
from tests.following.running_app import ANNA, App, arriving, codes, email, meeting

pytestmark = pytest.mark.long

CUSTOMER = ("s3cret-name", "s3cret-sender@customer.example")
QUEUES = (QUEUE, SAVES)
FAULTS: tuple[dict[str, Any], ...] = (
    {"status": 429, "headers": {"Retry-After": "2"}},
    {"status": 500},
    {"status": 503},
    {"drop": "before"},
    {"drop": "after"},
)
_TIMES = 5
"""More often than a call is repeated by itself, so that the queue has to bring it back."""


@dataclass
class Round:
    """What happens once, all of it at the same time; `number` tells the rounds apart."""

    app: App
    number: int

    def begin(self) -> None:
        """All is followed, or waits."""
        app = self.app
        self.item = self._deliver(self._mail("first"))
        app.follow(self.item)
        self.start = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
        self.start += timedelta(days=10 + self.number)
        planned = Appointment(
            uid=f"round-{self.number}",
            subject="s3cret-subject",
            start=self.start.replace(tzinfo=None),
            zone="UTC",
        )
        self.meeting = app.sandbox.deliver_meeting(planned.calendar(), ANNA)
        app.follow(meeting(self.meeting))
        written = Mail(
            sender=("Anna", ANNA), to=(CUSTOMER,), subject="s3cret-subject", message_id=None
        )
        self.draft = app.sandbox.deliver_mail(written.source(), ANNA, "drafts")
        self.draft_receipt = app.save(email(self.draft))["receipt"]
        self.others = [self._deliver(self._mail(f"other-{n}", n)) for n in range(3)]

    def happen(self, fault: dict[str, Any]) -> None:
        app = self.app
        self.receipt = app.save(self.others[0], scope="conversation")["receipt"]
        for service in ("graph", app.crm):
            app.sandbox.fault(service=service, times=_TIMES, **fault)
        self.reply = self._deliver(self._mail("reply", answers="first"))
        later = self.start + timedelta(hours=3)
        app.sandbox.change_event(
            self.meeting, start=_moment(later), end=_moment(later + timedelta(hours=1))
        )
        app.sandbox.send_draft(self.draft)

    def check(self) -> None:
        app = self.app
        found = app.find(self.reply)
        assert found is not None
        assert {"followed_thread", "following"} <= codes(found)
        assert [one["name"] for one in found["attachments"]["saved"]] == ["s3cret-file.txt"]
        sent = app.outcome(self.draft_receipt)
        assert sent["status"] == "saved", sent
        assert "draft_sent" in codes(sent["activity"])
        whole = app.outcome(self.receipt)
        assert whole["status"] == "saved", whole
        assert whole["progress"] == {"done": 3, "total": 3}
        assert all(app.find(one) for one in self.others)
        name = "scheduledstart" if app.crm == "dataverse" else "StartDateTime"
        hours = [str(row[name])[:13] for row in app.meetings()]
        assert hours.count(f"{self.start + timedelta(hours=3):%Y-%m-%dT%H}") == 1

    def _mail(self, name: str, place: int = 0, answers: str = "") -> Mail:
        of = answers or (f"other-{place - 1}" if place else "")
        return Mail(
            sender=CUSTOMER,
            subject="s3cret-subject",
            html="<p>s3cret-body</p>",
            message_id=self._id(name),
            in_reply_to=self._id(of) if of else None,
            references=(self._id(of),) if of else (),
            enclosures=(Enclosure("s3cret-file.txt", b"abc", "text/plain"),),
        )

    def _id(self, name: str) -> str:
        return f"<{self.number}-{name}@customer.example>"

    def _deliver(self, mail: Mail) -> dict[str, str]:
        return email(self.app.sandbox.deliver_mail(arriving(mail), ANNA))


def _moment(when: datetime) -> dict[str, str]:
    return {"dateTime": f"{when:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}


def test_whatever_fails_all_is_saved_once_with_its_reason_and_nothing_is_told(app: App) -> None:
    queued = []
    with app.running():
        for number, fault in enumerate(FAULTS):
            one = Round(app, number)
            one.begin()
            app.settle()
            emails, meetings = len(app.emails()), len(app.meetings())
            one.happen(fault)
            queued += [text for name in QUEUES for text in app.peek(name)]
            app.settle(90)
            app.sandbox.clear_faults()
            one.check()
            assert len(app.emails()) == emails + 5  # the reply, what was sent, three of the others
            assert len(app.meetings()) == meetings
        kept = app.every_row()
    for text in (app.log, kept, *queued):
        assert "s3cret" not in text
        assert "@customer.example" not in text
        assert ANNA not in text
        assert "eyJ" not in text
