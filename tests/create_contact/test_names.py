"""First and last names from whatever stands beside an address."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from create_contact.names import LONGEST_FIRST, LONGEST_LAST, name_of
from shared.truncation import units

WRITTEN = [
    ("Jane Doe", ("Jane", "Doe")),
    ("Doe, Jane", ("Jane", "Doe")),
    ("Doe , Jane", ("Jane", "Doe")),
    ("Doe, Jane, MBA", ("Jane", "Doe")),
    ("Jane Doe, Ph.D.", ("Jane", "Doe")),
    ("Dr. Jane Doe", ("Jane", "Doe")),
    ("'Jane Doe'", ("Jane", "Doe")),
    ("„Jane Doe“", ("Jane", "Doe")),
    ("Jane Doe (Contoso)", ("Jane", "Doe")),
    ("Jane Doe [Contoso] (Berlin (DE))", ("Jane", "Doe")),
    ("Jane Doe | Contoso GmbH", ("Jane", "Doe")),
    ("Contoso GmbH - Jane Doe", ("Jane", "Doe")),
    ("Jane Doe <jane.doe@x.example>", ("Jane", "Doe")),
    ("Jane Robert Doe", ("Jane Robert", "Doe")),
    ("Jan van der Berg", ("Jan", "van der Berg")),
    ("van der Berg, Jan", ("Jan", "van der Berg")),
    ("Martin King Jr.", ("Martin", "King Jr.")),
    ("J. R. R. Tolkien", ("J. R. R.", "Tolkien")),
    ("M. Night Shyamalan", ("M. Night", "Shyamalan")),
    ("jane doe", ("jane", "doe")),
    ("Jane DOE", ("Jane", "DOE")),
    ("DOE Jane", ("Jane", "DOE")),
    ("ACME Support", ("ACME", "Support")),
    ("Siobhán O'Brien", ("Siobhán", "O'Brien")),
    ("María García-López", ("María", "García-López")),
    ("Ирина Соколова", ("Ирина", "Соколова")),
    ("Madonna", ("", "Madonna")),
    ("加藤 和子", ("", "加藤 和子")),
    ("加藤和子", ("", "加藤和子")),
    ("김민수", ("", "김민수")),
    ("Smith & Sons", ("", "Smith & Sons")),
]

NO_NAMES = [
    "",
    "  ",
    "()",
    "''",
    "+1 234",
    "\U0001f600",
    "jane.doe@x.example",
    "JANE.DOE@X.EXAMPLE",
    "someone.else@y.example",
    "'jane.doe@x.example' via Sales List",
    "Jane Doe via DocuSign",
    "<b>Jane</b> <script>alert(1)</script>",
    '=HYPERLINK("http://x.example","Jane")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "Jane\r\nBcc: everyone@x.example",
    "Mon\ufffdka Nowak",
    "\ud800 Jane",
    "Jane Doe " * 1200,
]


@pytest.mark.parametrize(("display", "expected"), WRITTEN)
def test_names_are_understood_as_they_are_written(display: str, expected: tuple[str, str]) -> None:
    assert name_of(display, "jane.doe@x.example") == expected


@pytest.mark.parametrize("display", NO_NAMES)
def test_what_is_no_name_gives_way_to_the_address(display: str) -> None:
    assert name_of(display, "jane.doe@x.example") == ("", "jane.doe")


@pytest.mark.parametrize(
    ("address", "last"),
    [("_@x.example", "x.example"), ("=1+1@x.example", "1+1"), ("-cmd@x.example", "cmd")],
)
def test_an_address_is_no_formula_either(address: str, last: str) -> None:
    assert name_of("", address) == ("", last)


def test_what_turns_text_around_is_left_out() -> None:
    assert name_of("\u202eeoD \u2066Jane", "x@x.example") == ("eoD", "Jane")
    assert name_of("علی\u200cرضا محمدی", "x@x.example") == ("علی\u200cرضا", "محمدی")


ANYTHING = st.text(st.characters(codec=None), max_size=200)
NAMELIKE = st.text("aZé山 ,.'\"()[]<>|-–&\u202e\u0301\x00\n\ud800=+@😀", max_size=60)


@settings(deadline=None)
@given(st.one_of(ANYTHING, NAMELIKE), st.one_of(ANYTHING, NAMELIKE))
def test_whatever_comes_the_names_can_be_stored(display: str, address: str) -> None:
    name = name_of(display, address)
    assert name.last
    assert units(name.first) <= LONGEST_FIRST
    assert units(name.last) <= LONGEST_LAST
    for text in name:
        assert text == text.strip()
        assert not text.startswith(("=", "+", "-", "@"))
        assert not set(text) & set("<>\t\r\n")
        text.encode()
        for character in text:
            shown = unicodedata.category(character)[0] != "C"
            assert shown or character in "\u200c\u200d"
