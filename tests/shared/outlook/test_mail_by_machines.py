"""Which messages no person wrote, and which ones a filter suspects, by what Graph tells of them."""

from typing import Any

import pytest

from shared.domain import Email, ItemRef
from shared.outlook import mapping, wire


def email(headers: dict[str, str], **fields: Any) -> Email:
    told = [{"name": name, "value": value} for name, value in headers.items()]
    shape = {"id": "A=", "internetMessageHeaders": told, **fields}
    return mapping.email(ItemRef("email", "me", "A="), wire.Message.model_validate(shape))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Auto-Submitted": "auto-replied"}, True),
        ({"auto-submitted": " Auto-Replied (vacation)"}, True),
        ({"Auto-Submitted": "auto-generated"}, False),
        (
            {
                "Auto-Submitted": "auto-generated",
                "X-MS-Exchange-Parent-Message-Id": "<1@x.example>",
            },
            True,
        ),
        ({"X-MS-Exchange-Parent-Message-Id": "<1@x.example>"}, False),
        ({"Auto-Submitted": "no", "X-Auto-Response-Suppress": "All"}, False),
        ({"Content-Type": 'Multipart/Report; report-type="delivery-status"'}, True),
        ({"Content-Type": "multipart/report; report-type=disposition-notification"}, True),
        ({"Content-Type": "multipart/mixed"}, False),
        ({}, False),
    ],
)
def test_automatic_replies_and_reports(headers: dict[str, str], expected: bool) -> None:
    assert email(headers).automatic is expected


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("#microsoft.graph.eventMessage", True),
        ("#microsoft.graph.eventMessageRequest", True),
        ("#microsoft.graph.eventMessageResponse", True),
        ("#microsoft.graph.calendarSharingMessage", False),
        ("#microsoft.graph.message", False),
        (None, False),
    ],
)
def test_messages_about_meetings(type_: str | None, expected: bool) -> None:
    assert email({}, **{"@odata.type": type_}).automatic is expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Forefront-Antispam-Report": "CIP:1.2.3.4;CTRY:DE;SCL:5;SFV:SPM;H:x"}, True),
        ({"X-Forefront-Antispam-Report": "CIP:1.2.3.4;SCL:-1;SFV:BLK;"}, True),
        ({"X-Forefront-Antispam-Report": "CIP:1.2.3.4;SCL:1;SFV:NSPM;"}, False),
        ({"X-Microsoft-Antispam-Mailbox-Delivery": "ucf:0;jmr:0;dest:J;OFR:x"}, True),
        ({"X-Microsoft-Antispam-Mailbox-Delivery": "ucf:0;jmr:0;dest:I;ENG:(1)"}, False),
        ({}, False),
    ],
)
def test_what_was_taken_for_spam(headers: dict[str, str], expected: bool) -> None:
    assert email(headers).suspected is expected
