import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.outlook.cleaning import mail_address, one_line, whole_text

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=200)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Re: Oferta — żółć 見積", "Re: Oferta — żółć 見積"),
        ("Offer\r\nBcc: evil@x.example", "Offer Bcc: evil@x.example"),
        ("a\tb\x00c\x1bd", "a bcd"),
        ("a\u2028b\x85c", "a b c"),
        ("lone\ud83d", "lone\ufffd"),
        ("pair 😀 stays", "pair 😀 stays"),
        ("  trimmed  ", "trimmed"),
        ("not a character\uffff", "not a character"),
    ],
)
def test_one_line(text: str, expected: str) -> None:
    assert one_line(text) == expected


def test_bodies_keep_their_lines() -> None:
    assert whole_text("<p>a</p>\r\n\t<p>b\x00\x0b</p>\ud800") == "<p>a</p>\r\n\t<p>b</p>\ufffd"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("Ann.Lee@Contoso.example", "Ann.Lee@Contoso.example"),
        (" ann@contoso.example\r\nBcc: evil@x.example", "ann@contoso.example"),
        ("ann@contoso.example\x00", "ann@contoso.example"),
        ("o'neil+x@contoso.example", "o'neil+x@contoso.example"),
        ("/O=EXCHANGE/OU=Group (X)/CN=Ann", "/O=EXCHANGE/OU=Group (X)/CN=Ann"),
        ("\r\n", ""),
    ],
)
def test_addresses(address: str, expected: str) -> None:
    assert mail_address(address) == expected


@given(ANY_TEXT)
def test_a_line_never_breaks_and_cleaning_twice_changes_nothing(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in line)
    assert one_line(line) == line


@given(ANY_TEXT)
def test_a_body_can_go_anywhere(text: str) -> None:
    body = whole_text(text)
    body.encode("utf-8")
    assert not any(unicodedata.category(c) == "Cc" and c not in "\t\r\n" for c in body)
    assert whole_text(body) == body


@given(ANY_TEXT)
def test_an_address_is_one_line(text: str) -> None:
    address = mail_address(text)
    assert len(address.splitlines()) <= 1
    assert mail_address(address) == address
