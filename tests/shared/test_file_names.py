import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.file_names import MAX_UNITS, clean_name, with_extension

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [
        ("Offer 2026.pdf", "Offer 2026.pdf"),
        ("Zażółć gęślą jaźń.docx", "Zażółć gęślą jaźń.docx"),
        ("見積書.xlsx", "見積書.xlsx"),
        ("../../etc/passwd", "etc_passwd"),
        ("..\\..\\Windows\\win.ini", "Windows_win.ini"),
        ("C:\\Users\\ann\\offer.doc", "Users_ann_offer.doc"),
        ("Q1/Q2 report.pdf", "Q1_Q2 report.pdf"),
        ("a\r\nContent-Type: text/html.txt", "aContent-Type_ text_html.txt"),
        ("nul\x00byte.txt", "nulbyte.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("COM¹.log", "_COM¹.log"),
        ("console.log", "console.log"),
        ("report. . .", "report"),
        ("  spaced.txt  ", "spaced.txt"),
        ("what?<>|*.txt", "what_____.txt"),
        ("", "attachment"),
        ("...", "attachment"),
        ("/", "attachment"),
        ("\u202e\x00", "attachment"),
        (".gitignore", ".gitignore"),
        ("lone\ud800.txt", "lone\ufffd.txt"),
        ("e\u0301te\u0301.txt", "été.txt"),
    ],
)
def test_a_name_is_made_safe_and_stays_recognisable(given_name: str, expected: str) -> None:
    assert clean_name(given_name) == expected


def test_a_long_name_keeps_its_extension() -> None:
    name = clean_name("x" * 400 + ".pdf")
    assert name.endswith("x.pdf")
    assert len(name) == MAX_UNITS


def test_characters_outside_the_basic_plane_count_twice_and_are_never_split() -> None:
    name = clean_name("😀" * 200 + ".png")
    assert len(name.encode("utf-16-le")) // 2 <= MAX_UNITS
    assert name.endswith("😀.png")


@given(ANY_TEXT)
def test_whatever_comes_a_clean_name_is_safe(name: str) -> None:
    cleaned = clean_name(name)
    assert cleaned
    assert not set(cleaned) & set('/\\<>:"|?*')
    assert cleaned == cleaned.strip()
    assert not cleaned.endswith(".")
    assert cleaned.strip(".")
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in cleaned)
    assert not set(cleaned) & set(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"
    )
    assert len(cleaned.encode("utf-16-le")) // 2 <= MAX_UNITS


@given(ANY_TEXT)
def test_cleaning_twice_changes_nothing(name: str) -> None:
    assert clean_name(clean_name(name)) == clean_name(name)


@given(ANY_TEXT)
def test_an_extension_is_added_once(name: str) -> None:
    once = with_extension(name, ".eml")
    assert once.casefold().endswith(".eml")
    assert with_extension(once, ".eml") == once
    assert clean_name(once) == once
