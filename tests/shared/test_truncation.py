"""What is cut fits, and is still whole in itself."""

from hypothesis import given
from hypothesis import strategies as st

from shared.safe_html import safe_html, text_as_html
from shared.truncation import cut_html, cut_text, one_line, storable, units

HTML = st.lists(
    st.sampled_from(
        ["<p>", "</p>", "<b>", "</b>", "<table><tr><td>", "</td></tr></table>", "&amp;", "&nbsp;"]
    )
    | st.text(max_size=8),
    max_size=60,
).map(lambda parts: safe_html(storable("".join(parts))))


@given(st.text(), st.integers(min_value=0, max_value=50))
def test_text_is_cut_to_what_fits_and_no_shorter(text: str, limit: int) -> None:
    text = storable(text)
    kept = cut_text(text, limit)
    assert units(kept) <= limit
    assert text.startswith(kept)
    if kept != text:
        assert units(text[: len(kept) + 1]) > limit


@given(HTML, st.integers(min_value=0, max_value=200))
def test_html_is_cut_to_what_fits_and_stays_well_formed(html: str, limit: int) -> None:
    kept = cut_html(html, limit)
    assert units(kept) <= limit
    assert safe_html(kept) == kept
    if units(html) <= limit:
        assert kept == html


def test_html_is_cut_close_to_the_limit_with_its_tags_closed() -> None:
    html = "<div><p>" + "word &amp; " * 1000 + "</p></div>"
    kept = cut_html(html, 1000)
    assert 980 <= units(kept) <= 1000
    assert kept.endswith("</p></div>")
    assert "&am</p>" not in kept


def test_a_pair_of_surrogates_is_never_split() -> None:
    assert cut_text("a😀b", 2) == "a"
    assert cut_text("a😀b", 3) == "a😀"
    assert cut_html(text_as_html("😀" * 100), 121).count("�") == 0


def test_what_no_crm_stores_is_taken_out() -> None:
    assert storable("a\x00b\x1f\x7f\ufffe\tc\nd") == "ab\tc\nd"
    assert storable("a\ud800b") == "a\ufffdb"
    assert one_line(" a\r\nBcc: x\u2028y ") == "a Bcc: x y"


@given(st.text(st.characters(exclude_categories=[])))
def test_storable_text_can_be_written_and_stays_so(text: str) -> None:
    kept = storable(text)
    kept.encode("utf-8")
    assert storable(kept) == kept
