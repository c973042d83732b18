"""Reading mail as it really comes."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.graph.bodies import html_to_text, preview, unique_part
from sandbox.graph.mime import parse


def test_headers_are_decoded_and_people_kept_in_order() -> None:
    parsed = parse(
        b"From: =?iso-8859-1?Q?J=FCrgen_Brandt?= <j@brandt.example>\r\n"
        b"To: \"O'Brien, Siobhan\" <siobhan.o'brien@x.example>, b@x.example\r\n"
        b"Cc: Team: c@x.example, d@x.example;\r\n"
        b"Bcc: undisclosed-recipients:;\r\n"
        b"Subject: =?utf-8?B?xbzDs8WCxIc=?=\r\n =?utf-8?B?IQ==?=\r\n\r\nx"
    )

    assert parsed.from_ == ("Jürgen Brandt", "j@brandt.example")
    assert parsed.to == (
        ("O'Brien, Siobhan", "siobhan.o'brien@x.example"),
        ("b@x.example", "b@x.example"),
    )
    assert [address for _, address in parsed.cc] == ["c@x.example", "d@x.example"]
    assert parsed.bcc == ()
    assert parsed.subject == "żółć!"


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("iso-2022-jp", "iso-2022-jp", "東京物流センター"),
        ("Shift_JIS", "cp932", "①温度"),
        ("windows-1250", "cp1250", "zażółć gęślą"),
        ("koi8-r", "koi8-r", "Здравствуйте"),
        ("ks_c_5601-1987", "cp949", "안녕하세요"),
        ("iso-8859-1", "cp1252", "400 € – “fin”"),
        ("x-unknown-charset", "utf-8", "49 €"),
        ("utf-8", "cp1252", "déjà vu"),
        ('"UTF-8"', "utf-8", "ok ✓"),
    ],
)
def test_a_body_is_read_in_whatever_charset_it_is(charset: str, codec: str, text: str) -> None:
    head = f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    assert parse(head.encode() + text.encode(codec)).body == text


def test_dates_come_from_received_and_date_and_may_be_missing_or_broken() -> None:
    both = parse(
        b"Received: by mx; Mon, 5 Jan 2026 10:00:09 +0100\r\n"
        b"Date: Mon, 5 Jan 2026 10:00:00 +0100\r\n\r\nx"
    )
    assert both.sent == datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    assert both.received == datetime(2026, 1, 5, 9, 0, 9, tzinfo=UTC)
    none = parse(b"Date: Sat, 31 Jan 2026 25:99:00\r\n\r\nx")
    assert (none.sent, none.received, none.message_id, none.from_) == (None, None, None, None)


def test_the_html_alternative_is_the_body_and_related_images_are_inline() -> None:
    parsed = parse(
        b'Content-Type: multipart/related; boundary="r"\r\n\r\n'
        b'--r\r\nContent-Type: multipart/alternative; boundary="a"\r\n\r\n'
        b"--a\r\nContent-Type: text/plain\r\n\r\nplain\r\n"
        b"--a\r\nContent-Type: text/html\r\n\r\n<p>rich <img src='cid:i1'></p>\r\n--a--\r\n"
        b"--r\r\nContent-Type: image/png\r\nContent-ID: <i1>\r\n\r\nPNG\r\n"
        b"--r\r\nContent-Type: image/png\r\nContent-ID: <i2>\r\n"
        b"Content-Disposition: attachment; filename=second.png\r\n\r\nPNG\r\n--r--\r\n"
    )
    assert (parsed.body_type, parsed.body.strip()) == ("html", "<p>rich <img src='cid:i1'></p>")
    first, second = parsed.attachments
    assert (first.inline, first.content_id, first.name) == (True, "i1", "ATT00001.png")
    assert (second.inline, second.name, second.content) == (False, "second.png", b"PNG")


def test_a_mailing_lists_footer_becomes_an_attachment_as_in_exchange() -> None:
    parsed = parse(
        b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n'
        b"--m\r\nContent-Type: text/plain\r\n\r\nbody\r\n"
        b"--m\r\nContent-Type: text/plain\r\n\r\nfooter\r\n--m--\r\n"
    )
    assert parsed.body == "body"
    assert [part.name for part in parsed.attachments] == ["ATT00001.txt"]


@pytest.mark.parametrize(
    "disposition",
    [
        b"attachment; filename*=utf-8''%C5%BC%C3%B3%C5%82%C4%87.pdf",
        b"attachment; filename*0*=utf-8''%C5%BC%C3%B3; filename*1*=%C5%82%C4%87.pdf",
        b'attachment; filename="=?utf-8?B?xbzDs8WCxIcucGRm?="',
    ],
)
def test_file_names_come_in_three_encodings(disposition: bytes) -> None:
    raw = b"Content-Type: application/pdf\r\nContent-Disposition: " + disposition + b"\r\n\r\nPDF"
    assert parse(raw).attachments[0].name == "żółć.pdf"


def test_an_attached_message_is_an_item_even_when_wrongly_encoded() -> None:
    inner = b"Subject: inner\r\n\r\ntext"
    plain = parse(b"Content-Type: message/rfc822\r\n\r\n" + inner)
    assert plain.attachments[0].item is not None
    assert (plain.attachments[0].kind, plain.attachments[0].name) == ("item", "inner")
    encoded = parse(
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        b"U3ViamVjdDogaW5uZXINCg0KdGV4dA==\r\n"
    )
    assert encoded.attachments[0].name == "inner"


@given(st.binary(max_size=400))
def test_any_bytes_make_some_message(raw: bytes) -> None:
    parsed = parse(raw)
    for text in (parsed.subject, parsed.body, *(part.name for part in parsed.attachments)):
        text.encode("utf-8")


@given(st.sampled_from(["From", "To", "Subject", "Date", "Message-ID", "Content-Type"]), st.text())
def test_any_header_makes_some_message(name: str, value: str) -> None:
    raw = f"{name}: {value}\r\n\r\nx".encode("utf-8", "replace")
    parse(raw).subject.encode("utf-8")


def test_previews_stop_reading_early() -> None:
    html = "<style>p{color:red}</style><script>alert(1)</script>" + "<p>word</p>" * 100_000
    assert preview(html, True).startswith("word\r\n\r\nword")
    assert len(preview(html, True)) == 255
    assert html_to_text("<p>a &amp; b</p><br>c") == "a & b\r\n\r\nc"


@pytest.mark.parametrize(
    ("content", "is_html"),
    [
        ('new<div id="divRplyFwdMsg">old</div>', True),
        ('new<div class="gmail_quote">old</div>', True),
        ('new\n<blockquote type="cite">old', True),
        ("new\n\n-----Original Message-----\nFrom: x", False),
        ("new\n> old", False),
    ],
)
def test_the_unique_part_ends_where_the_quote_begins(content: str, is_html: bool) -> None:
    assert unique_part(content, is_html) == "new"
