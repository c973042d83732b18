"""Mail HTML keeps its looks and loses its teeth, in bounded time."""

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.safe_html import safe_html, text_as_html

FRAGMENTS = st.sampled_from(
    [
        "<b>",
        "</b>",
        "<p style='color:red;position:fixed'>",
        "</p>",
        "<table><tr><td>",
        "</table>",
        "<script>alert(1)</script>",
        "<style>p{color:red}</style>",
        "<img src=x onerror=alert(1)>",
        "<a href='javascript:alert(1)'>",
        "</a>",
        "<svg><script>alert(1)</script></svg>",
        "<math><mtext></p><style><img src onerror=alert(1)></style>",
        "<!--[if mso]><o:p></o:p><![endif]-->",
        "<iframe src=//evil.example></iframe>",
        "<form action=//evil.example><input name=a></form>",
        "<",
        "&lt;script&gt;",
        "&#x3C;",
        "text",
        "😀",
    ]
)


@pytest.mark.parametrize(
    "html",
    [
        "<p><b>bold</b> and <i>italic</i></p>",
        '<table width="100%" cellpadding="4"><tbody><tr><td>cell</td></tr></tbody></table>',
        '<p style="color:red;font-size:11pt">styled</p>',
        '<img src="cid:image001.png@01D0" alt="logo" width="120">',
        '<img src="data:image/png;base64,iVBORw0KGgo=">',
        "<ul><li>one</li><li>two</li></ul>",
        "<blockquote>quoted</blockquote>",
        '<font color="#1f497d" face="Calibri">Outlook</font>',
    ],
)
def test_formatting_stays(html: str) -> None:
    assert safe_html(html) == html


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("a<script>alert(1)</script>b", "ab"),
        ("a<style>body{display:none}</style>b", "ab"),
        ('<p onclick="alert(1)">a</p>', "<p>a</p>"),
        ('<a href="javascript:alert(1)">a</a>', '<a rel="noopener noreferrer">a</a>'),
        ('<a href="data:text/html,x">a</a>', '<a rel="noopener noreferrer">a</a>'),
        ('<img src="data:image/svg+xml;base64,AAAA">', "<img>"),
        ("<iframe src='https://evil.example'></iframe>a", "a"),
        ("<form action='/x'><input name='a'><button>b</button></form>", "b"),
        ('<p style="position:fixed;top:0;color:red">a</p>', '<p style="color:red">a</p>'),
        ("<meta http-equiv=refresh content='0;url=x'>a", "a"),
        ("<base href='https://evil.example'>a", "a"),
        ("<svg><a href=x>a</a></svg>b", "b"),
        ("<p>a<!-- comment --></p>", "<p>a</p>"),
        ("<o:p>a</o:p>", "a"),
    ],
)
def test_what_acts_goes(html: str, left: str) -> None:
    assert safe_html(html) == left


@given(st.lists(FRAGMENTS | st.text(max_size=5), max_size=40).map("".join))
def test_nothing_ever_acts_and_cleaning_twice_changes_nothing(html: str) -> None:
    clean = safe_html(html)
    for danger in ("<script", "<style", "<iframe", "<form", "<svg", "<math"):
        assert danger not in clean
    assert safe_html(clean) == clean


@given(st.text())
def test_plain_text_is_shown_as_it_is(text: str) -> None:
    shown = text_as_html(text)
    inner = shown.removeprefix('<div style="white-space:pre-wrap">').removesuffix("</div>")
    assert "<" not in inner
    assert unescape(inner) == text


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 200_000 + "kept",
        "".join(f"<p><font size={n}>" for n in range(20_000)) + "kept",
        "".join(f"<font size={n}><table><td></font></table>" for n in range(10_000)) + "kept",
        "<b></div>" * 100_000 + "kept",
        "<p " + " ".join(f"a{n}=1" for n in range(100_000)) + ">kept",
        "< " * 200_000 + "kept",
        "&" * 1_000_000 + "kept",
        "&a" * 500_000 + "kept",
    ],
    ids=[
        "nested",
        "reopened fonts",
        "fonts and tables",
        "unclosed",
        "attributes",
        "brackets",
        "ampersands",
        "broken references",
    ],
)
def test_html_made_to_wear_out_parsers_keeps_its_text_and_a_like_size(html: str) -> None:
    """Each of these would keep the sanitiser busy for minutes if it got them as they are."""
    clean = safe_html(html)
    assert len(clean) < 10 * len(html)
    assert "kept" in clean


def test_a_megabyte_keeps_its_content() -> None:
    row = '<tr><td style="color:red" width=100>Zażółć &amp; 日本 <a href="https://a.example">x</a></td></tr>'
    html = f"<table>{row * (1_048_576 // len(row))}</table>"
    assert len(safe_html(html)) > 900_000
