"""A small made-up CRM, and messages to rank against it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shared.domain import Body, Email, ItemRef, Participant, RecordRef, Role
from shared.suggestions import Account, Candidates, Contact, Filed, Record, Suggestion, User
from suggest_links.clues import find_clues
from suggest_links.logic import rank
from suggest_links.reading import read

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OURS = ("fabrikam.example",)

ALPINE = Account(RecordRef("account", "alpine", "Alpine Ski House"), ("alpine.example",))
HOLDING = Account(RecordRef("account", "holding", "Summit Holding"), ("summit.example",))
MARTA = Contact(RecordRef("contact", "marta", "Marta Keller"), ("marta@alpine.example",), "alpine")
OTTO = Contact(RecordRef("contact", "otto", "Otto Lang"), ("otto@alpine.example",), "alpine")
SELLER = User(RecordRef("user", "sam", "Sam Seller"), ("sam@fabrikam.example",))


def deal(id: str, name: str, **fields: object) -> Record:
    known = Record(
        ref=RecordRef("opportunity", id, name),
        account_id="alpine",
        modified_at=NOW - timedelta(days=20),
    )
    return replace(known, **fields)  # type: ignore[arg-type]


def ticket(id: str, name: str, number: str, **fields: object) -> Record:
    return replace(deal(id, name, **fields), ref=RecordRef("case", id, name), number=number)


LIFT = deal(
    "lift",
    "Chairlift control upgrade",
    description="Replace the controller of the chairlift drive before the winter season.",
)
SNOW = deal(
    "snow",
    "Snow cannon pumps",
    description="Twelve pumps for the snow cannons on the northern slope, delivery in autumn.",
)
BILL = ticket(
    "bill",
    "Invoice shows wrong tax rate",
    "CAS-01877",
    description="The invoice of January shows the wrong tax rate.",
)


def mail(
    subject: str = "",
    body: str = "",
    sender: str = "Marta Keller <marta@alpine.example>",
    to: Sequence[str] = ("Sam Seller <sam@fabrikam.example>",),
    html: bool = False,
) -> Email:
    people = [(sender, Role.SENDER), *((one, Role.TO) for one in to)]
    participants = []
    for person, role in people:
        name, _, address = person.rpartition(" <")
        participants.append(Participant(address.rstrip(">"), name, role))
    return Email(
        ref=ItemRef("email", "me", "item"),
        message_id="<m1@alpine.example>",
        conversation_id="conversation",
        subject=subject,
        body=Body(body, html),
        participants=tuple(participants),
        sent_at=NOW,
        received_at=NOW,
        is_draft=False,
    )


def known(*records: Record, filed: Sequence[Filed] = (), **parts: object) -> Candidates:
    usual = Candidates(
        users=(SELLER,), contacts=(MARTA,), accounts=(ALPINE,), records=records, filed=tuple(filed)
    )
    return replace(usual, **parts)  # type: ignore[arg-type]


def suggest(item: Email, candidates: Candidates) -> tuple[Suggestion, ...]:
    reading = read(item)
    return rank(item, reading, find_clues(item, reading, OURS), candidates, NOW)


def first(item: Email, candidates: Candidates) -> str:
    """The id of the first suggestion; empty where there is none."""
    found = suggest(item, candidates)
    return found[0].record.id if found else ""


def codes(found: Sequence[Suggestion], id: str) -> list[str]:
    return [reason.code for one in found if one.record.id == id for reason in one.reasons]
