"""Job title and phone number from a signature, or rather nothing than something wrong."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from create_contact.names import Name
from create_contact.signature import Signed, signed
from shared.domain import Body

VIKTOR = Name("Viktor", "Lindgren")
ADDRESS = "viktor.lindgren@nordhamn-bryggeri.example"
WHOLE = ("Brewing Manager", "+46 31 555 01 77")


def read(*lines: str, name: Name = VIKTOR, address: str = ADDRESS) -> tuple[str, str]:
    return signed(Body("\n".join(lines), html=False), name, address)


SIGNATURES = {
    "dashes": ("-- ", "Viktor Lindgren", "Brewing Manager", "Nordhamn AB", "Tel. +46 31 555 01 77"),
    "no dashes": (
        "Regards",
        "Viktor Lindgren",
        "Brewing Manager",
        "Nordhamn Bryggeri",
        "T +46 31 555 01 77",
    ),
    "one line": ("Viktor Lindgren | Brewing Manager | Nordhamn Bryggeri AB | +46 31 555 01 77",),
    "comma": ("Viktor Lindgren, Brewing Manager, Nordhamn Bryggeri AB", "+46 31 555 01 77"),
    "title and company": (
        "Lindgren Viktor",
        "Brewing Manager, NordhamnBryggeri",
        "M: +46 31 555 01 77",
    ),
    "fax before": (
        "Viktor Lindgren",
        "Brewing Manager",
        "Nordhamn",
        "Fax: +46 31 555 01 99",
        "Tel: +46 31 555 01 77",
    ),
    "swedish fax": (
        "*Viktor Lindgren*",
        "Brewing Manager",
        "Nordhamn",
        "Faks +46 31 555 01 99 Tlf. +46 31 555 01 77",
    ),
    "own address": (
        "Viktor Lindgren",
        "Brewing Manager",
        "Nordhamn",
        ADDRESS.title(),
        "+46 31 555 01 77",
    ),
}


@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=SIGNATURES)
def test_a_signature_is_read(signature: tuple[str, ...]) -> None:
    assert read("Hello Anna,", "would it pay off for us?", "", *signature) == WHOLE


def test_html_is_read_as_people_see_it() -> None:
    page = (
        "<html><head><style>.x{color:red}</style></head><body><p>Hello</p><div>--<br>"
        "<b>Viktor&nbsp;Lindgren</b><br>Brewing&#32;Manager<br>Nordhamn Bryggeri AB<br>"
        "Tel. <a href='tel:+46315550177'>+46 31 555 01 77</a></div></body></html>"
    )
    assert signed(Body(page, html=True), VIKTOR, ADDRESS) == WHOLE


def test_a_language_does_not_matter() -> None:
    name, address = Name("", "加藤 和子"), "kazuko.kato@minato-seiyaku.example"
    lines = (
        "よろしくお願いいたします。",
        "加藤 和子",
        "購買部長",
        "minato seiyaku",
        "電話 06-5550-0133",
    )
    assert read(*lines, name=name, address=address) == ("購買部長", "06-5550-0133")


NOTHING = {
    "nothing": (),
    "no name": ("Regards", "Brewing Manager", "Nordhamn", "Tel. +46 31 555 01 77"),
    "first name alone": ("Viktor", "Brewing Manager", "Nordhamn", "Tel. +46 31 555 01 77"),
    "name in a sentence": (
        "I am Viktor Lindgren",
        "Brewing Manager",
        "Nordhamn",
        "+46 31 555 01 77",
    ),
    "quoted": (
        "Fine.",
        "> Viktor Lindgren",
        "> Brewing Manager",
        "> Nordhamn",
        "> +46 31 555 01 77",
    ),
    "forwarded": (
        "From: Somebody <a@b.example>",
        "Sent: Monday",
        "To: Viktor Lindgren",
        "Subject: x",
        "",
        "Viktor Lindgren",
        "Brewing Manager",
        "Nordhamn",
        "+46 31 555 01 77",
    ),
}


@pytest.mark.parametrize("lines", NOTHING.values(), ids=NOTHING)
def test_without_a_signature_there_is_nothing(lines: tuple[str, ...]) -> None:
    assert read(*lines) == ("", "")


@pytest.mark.parametrize(
    "header",
    [
        (
            "From: Anna Kowalska",
            "Sent: Monday, 12 January 2026 10:00",
            "To: Viktor Lindgren",
            "Subject: x",
        ),
        (
            "Von: Anna Kowalska <anna@contoso.example>",
            "Gesendet: Montag",
            "An: Viktor",
            "Betreff: x",
        ),
        ("On Mon, 12 Jan 2026 at 10:00, Anna Kowalska <anna@contoso.example> wrote:",),
    ],
)
def test_who_is_answered_is_not_who_writes(header: tuple[str, ...]) -> None:
    """Our own signature below, and even their own former one there, is not looked at."""
    answered = ("Viktor Lindgren", "Head of Sales", "Nordhamn", "Tel. +48 22 555 01 00")
    assert read("Thanks, fine.", "", *header, "", "Hello", *answered) == ("", "")


@pytest.mark.parametrize(
    "line",
    [
        "See you soon.",
        "Why not?",
        "Harbour street 12",
        "www.nordhamn-bryggeri.example",
        "Web: nordhamn",
        ADDRESS,
        "Nordhamn Bryggeri AB",
        "x" * 70,
        '=HYPERLINK("x")',
        "<b>Boss</b>",
    ],
)
def test_what_is_no_job_title_is_none(line: str) -> None:
    assert read("Viktor Lindgren", line, "Nordhamn Bryggeri AB")[0] == ""


def test_without_the_company_there_is_no_job_title() -> None:
    assert read("Viktor Lindgren", "Sent from my phone", "+46 31 555 01 77") == ("", WHOLE[1])


@pytest.mark.parametrize(
    ("line", "phone"),
    [
        ("+46 31 555 01 77", "+46 31 555 01 77"),
        ("Office: +46 (0)31 555 01 77", "+46 (0)31 555 01 77"),
        ("T. +46 31 5550177 / M. +46 70 5550199", "+46 31 5550177"),
        ("Tel.: 031 / 555 01 77", "031 / 555 01 77"),
        ("(555) 123-4567", "(555) 123-4567"),
        ("Cell: 555-123-4567", "555-123-4567"),
        ("+46 31 555 01 77 ext. 12", "+46 31 555 01 77"),
        ("Fax +46 31 555 01 77", ""),
        ("F: 555-123-4567", ""),
        ("HRB 0123456789", ""),
        ("VAT 555-123-4567", ""),
        ("IBAN SE45 5000 0000 0583 9825 7466", ""),
        ("2026-01-12 10:00", ""),
        ("12.01.2026 10:00", ""),
        ("411 04 Göteborg", ""),
        ("+46", ""),
        ("+" + "1" * 40, ""),
        ("Assistant: Bo bo@nordhamn.example +46 31 555 01 99", ""),
    ],
)
def test_a_phone_number_is_told_from_others(line: str, phone: str) -> None:
    assert read("Viktor Lindgren", line)[1] == phone


HOSTILE = st.text("Viktor Lindgren\n>+04()-@.:|\x00\ud800<b>", max_size=400)


@settings(deadline=None)
@given(HOSTILE, st.booleans())
def test_whatever_comes_is_bounded(text: str, html: bool) -> None:
    found = signed(Body(text, html), VIKTOR, ADDRESS)
    assert len(found.job_title) <= 60
    assert len(found.phone) <= 30
    assert not set(found.phone) - set("0123456789+ ()./–-")


@pytest.mark.parametrize("unit", ["Viktor Lindgren\n", "+46 31 ", "a:b\n", "> ", "<div>", "(("])
def test_no_text_takes_long(unit: str) -> None:
    start = time.perf_counter()
    assert isinstance(signed(Body(unit * 60_000, html=True), VIKTOR, ADDRESS), Signed)
    assert time.perf_counter() - start < 5
