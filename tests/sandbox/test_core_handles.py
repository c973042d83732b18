"""The handles for people and tests, as far as no service of its own is behind them."""

from typing import Any

import httpx
import pytest

from sandbox.entra import tokens
from sandbox.running import Running

ANNA = "anna.kowalska@contoso.example"
MAIL = b"""From: priya.raman@harbourline.example
To: anna.kowalska@contoso.example
Subject: Pallets
Date: Mon, 02 Mar 2026 09:00:00 +0000
Message-ID: <pallets@harbourline.example>

How many fit?
"""
MEETING = b"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Sample//EN
METHOD:REQUEST
BEGIN:VEVENT
UID:site-visit@harbourline.example
DTSTAMP:20260302T090000Z
DTSTART:20260310T100000Z
DTEND:20260310T110000Z
SUMMARY:Site visit
ORGANIZER:mailto:priya.raman@harbourline.example
ATTENDEE:mailto:anna.kowalska@contoso.example
END:VEVENT
END:VCALENDAR
"""


def post(sandbox: Running, handle: str, **parts: object) -> httpx.Response:
    return httpx.post(f"{sandbox.url}/sandbox/{handle}", **parts)  # type: ignore[arg-type]


def test_a_token_is_for_our_api_unless_said_otherwise(sandbox: Running) -> None:
    assert tokens.read(sandbox.world, sandbox.token(ANNA), "api").address == ANNA
    assert tokens.read(sandbox.world, sandbox.token(ANNA, "graph"), "graph").address == ANNA


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"not json", 400),
        (b"{}", 422),
        (b'{"user": "nobody@contoso.example"}', 404),
        (b'{"user": "anna.kowalska@contoso.example", "audience": "mars"}', 422),
        (b'{"user": "anna.kowalska@contoso.example", "who": "else"}', 422),
    ],
)
def test_a_token_request_that_makes_no_sense(sandbox: Running, body: bytes, status: int) -> None:
    answer = post(sandbox, "tokens", content=body)
    assert answer.status_code == status
    assert answer.json()["error"]


@pytest.mark.parametrize(
    ("handle", "query", "body", "status"),
    [
        ("mail", {}, b"Subject: x", 422),
        ("mail", {"mailbox": "nobody@contoso.example"}, b"Subject: x", 404),
        ("mail", {"mailbox": ANNA, "folder": "spam"}, b"Subject: x", 422),
        ("mail", {"mailbox": ANNA}, b"", 400),
        ("calendar", {}, b"BEGIN:VCALENDAR", 422),
        ("calendar", {"mailbox": ANNA}, b"  ", 400),
        ("calendar", {"mailbox": ANNA}, b"no calendar at all", 422),
        ("drafts/nothing/send", {}, b"", 404),
    ],
)
def test_a_delivery_that_makes_no_sense(
    sandbox: Running, handle: str, query: dict[str, str], body: bytes, status: int
) -> None:
    answer = post(sandbox, handle, params=query, content=body)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_mail_and_meetings_are_delivered_to_the_mailbox(fresh_sandbox: Running) -> None:
    mail = fresh_sandbox.deliver_mail(MAIL, ANNA.upper())
    meeting = fresh_sandbox.deliver_meeting(MEETING, ANNA)
    assert read(fresh_sandbox, f"messages/{mail}")["subject"] == "Pallets"
    assert read(fresh_sandbox, f"events/{meeting}")["subject"] == "Site visit"
    fresh_sandbox.reset()
    assert read(fresh_sandbox, f"messages/{mail}")["error"]["code"] == "ErrorItemNotFound"


def test_a_draft_is_delivered_and_then_sent(fresh_sandbox: Running) -> None:
    draft = fresh_sandbox.deliver_mail(MAIL, ANNA, "drafts")
    assert read(fresh_sandbox, f"messages/{draft}")["isDraft"]
    sent = fresh_sandbox.send_draft(draft)
    assert not read(fresh_sandbox, f"messages/{sent}")["isDraft"]


def read(sandbox: Running, path: str) -> Any:
    headers = {"authorization": f"Bearer {sandbox.token(ANNA, 'graph')}"}
    return httpx.get(f"{sandbox.url}/graph/v1.0/me/{path}", headers=headers).json()


def test_the_people_with_their_mailboxes_and_rights(sandbox: Running) -> None:
    people = sandbox.users()
    by_address = {user["address"]: user for user in people["users"]}
    assert by_address[ANNA]["crm"] == {"user": True, "read": "all", "write": True}
    assert by_address["diego.fernandez@contoso.example"]["crm"]["read"] == "own"
    assert by_address["grace.okafor@contoso.example"]["crm"] == {
        "user": False,
        "read": "none",
        "write": False,
    }
    assert not by_address["jakub.nowak@contoso.example"]["crm"]["write"]
    assert (
        "henry.whitfield@contoso.example"
        in (by_address["ines.carvalho@contoso.example"]["mailboxes"])
    )
    shared = {box["address"]: box for box in people["sharedMailboxes"]}
    assert ANNA in shared["sales@contoso.example"]["members"]


def test_tokens_stay_good_over_a_reset(sandbox: Running) -> None:
    token = sandbox.token(ANNA)
    sandbox.reset()
    assert tokens.read(sandbox.world, token, "api").address == ANNA
