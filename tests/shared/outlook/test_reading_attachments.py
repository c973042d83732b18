"""How reading attachments is planned, and what files their contents become. No calls."""

import base64
import email
import json
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import Attachment, AttachmentKind, ItemRef
from shared.errors import Upstream
from shared.outlook.batches import (
    AT_ONCE,
    MAX_BYTES,
    MAX_STEPS,
    Step,
    batch_body,
    content_of,
    groups,
    waves,
)
from shared.outlook.contents import as_message, shortcut
from shared.outlook.paths import attachment_path, item_path, source_path


def attachment(kind: AttachmentKind = AttachmentKind.FILE, size: int = 10) -> Attachment:
    return Attachment("id", "name", "application/octet-stream", size, kind)


STEPS = st.lists(
    st.builds(
        attachment,
        st.sampled_from(AttachmentKind),
        st.sampled_from([0, 10, MAX_BYTES // 3, MAX_BYTES, MAX_BYTES * 5]),
    ),
    max_size=60,
).map(lambda found: [Step(place, one) for place, one in enumerate(found)])


@given(STEPS)
def test_every_attachment_is_read_once_within_graphs_limits(steps: list[Step]) -> None:
    planned = list(waves(groups(steps)))
    read = [step for wave in planned for group in wave for step in group]
    assert sorted(step.place for step in read) == [step.place for step in steps]
    for wave in planned:
        assert len(wave) == 1 or sum(len(group) for group in wave) <= AT_ONCE
        for group in wave:
            sizes = [step.attachment.size for step in group]
            assert len(group) <= MAX_STEPS
            assert len(group) == 1 or sum(sizes) <= MAX_BYTES
            assert len({step.attachment.kind is AttachmentKind.REFERENCE for step in group}) == 1


def test_a_few_small_ones_are_one_batch() -> None:
    steps = [Step(place, attachment()) for place in range(3)]
    assert list(waves(groups(steps))) == [(tuple(steps),)]


def test_a_batch_is_what_graph_expects() -> None:
    body = json.loads(batch_body({3: "/me/messages/a/attachments/b"}, {"Prefer": "x"}))
    assert body == {
        "requests": [
            {
                "id": "3",
                "method": "GET",
                "url": "/me/messages/a/attachments/b",
                "headers": {"Prefer": "x"},
            }
        ]
    }


def test_contents_by_kind() -> None:
    text = base64.b64encode(b"\x00\xff").decode()
    assert content_of(attachment(), {"contentBytes": text, "name": "x"}) == b"\x00\xff"
    assert content_of(attachment(AttachmentKind.ITEM), text) == b"\x00\xff"
    reference = attachment(AttachmentKind.REFERENCE)
    assert content_of(reference, {"sourceUrl": "https://x.example/"}) is not None
    assert content_of(reference, {"name": "x"}) is None


@pytest.mark.parametrize("body", [None, "äöü", {}, {"contentBytes": None}, [], 5])
def test_an_answer_that_makes_no_sense_is_said(body: object) -> None:
    for kind in (AttachmentKind.FILE, AttachmentKind.ITEM):
        with pytest.raises(Upstream):
            content_of(attachment(kind), body)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x.example/a b.docx", b"https://x.example/a%20b.docx"),
        ("https://x.example/%20?q=1#f", b"https://x.example/%20?q=1#f"),
        ("HTTPS://x.example/ż", b"HTTPS://x.example/%C5%BC"),
        (
            "https://x.example/\r\nIconFile=\\\\evil\\x",
            b"https://x.example/%0D%0AIconFile=%5C%5Cevil%5Cx",
        ),
    ],
)
def test_links_become_shortcuts(url: str, expected: bytes) -> None:
    assert shortcut(url) == b"[InternetShortcut]\r\nURL=" + expected + b"\r\n"


@pytest.mark.parametrize(
    "url",
    [
        "",
        None,
        "file:///etc/passwd",
        "javascript:alert(1)",
        "\\\\evil\\share",
        "https://",
        "http://[",
    ],
)
def test_only_web_addresses_become_shortcuts(url: str | None) -> None:
    assert shortcut(url) is None


@given(st.text(st.characters(exclude_categories=()), max_size=100))
def test_a_shortcut_has_two_lines_whatever_the_link(path: str) -> None:
    content = shortcut(f"https://x.example/{path}")
    assert content is None or content.count(b"\n") == content.count(b"\r\n") == 2


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"BEGIN:VCARD\r\nFN:Ann\r\n", "text/vcard"), (b"\r\nbegin:vcalendar\r\n", "text/calendar")],
)
def test_an_attached_contact_or_event_is_put_into_a_message(content: bytes, kind: str) -> None:
    message = email.message_from_bytes(as_message(content), policy=SMTP)
    inner = next(message.iter_attachments())
    assert inner.get_content_type() == kind
    assert inner.get_payload(decode=True) == content


def test_an_attached_message_stays_as_it_is() -> None:
    raw = b"From: a@x.example\r\nSubject: BEGIN:VCARD\r\n\r\nHello"
    assert as_message(raw) is raw


def test_ids_are_whole_in_the_path_whatever_is_in_them() -> None:
    ref = ItemRef("email", "me", "AA/b+c== d%2F?#&")
    assert source_path(ref) == "/me/messages/AA%2Fb%2Bc%3D%3D%20d%252F%3F%23%26/$value"
    assert attachment_path(ref, "x/y=").endswith("/attachments/x%2Fy%3D")


def test_mailboxes_are_me_or_an_address() -> None:
    mine = item_path(ItemRef("meeting", "me", "A="), "key")
    assert mine.startswith("/me/events/A%3D?$select=id,iCalUId,")
    shared = item_path(ItemRef("email", "o'neil+x/y@x.example", "A="), "key")
    assert shared.startswith("/users/o%27neil%2Bx%2Fy@x.example/messages/A%3D?$select=")


def test_what_stands_for_values_in_templates_may_be_a_value() -> None:
    path = item_path(ItemRef("email", "0item0@x.example", "0user0"), "key")
    assert path.startswith("/users/0item0@x.example/messages/0user0?")


def test_an_item_is_asked_for_with_all_that_a_save_needs() -> None:
    path = item_path(ItemRef("email", "me", "A"), "whole")
    assert "$expand=attachments%28%24select%3Did%2Cname" in path
    assert "Integer%200x36" in path
    assert "internetMessageHeaders" in path
