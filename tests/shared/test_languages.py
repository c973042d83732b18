"""The language of an answer."""

import pytest

from shared.languages import chosen


@pytest.mark.parametrize(
    ("asked", "header", "offered", "expected"),
    [
        ("de", "fr", (), "de"),
        ("", "fr-CH, fr;q=0.9, en;q=0.8", (), "fr-CH"),
        ("", "en;q=0.5", (), "en"),
        ("", None, (), ""),
        ("", "*", (), ""),
        ("", "x" * 1000, (), ""),
        ("", "de\r\nx: y", (), ""),
        ("de-AT", "fr", ("de", "pl"), "de-AT"),
        ("", "es", ("de", "pl"), "de"),
        ("", None, ("de",), "de"),
    ],
)
def test_it_is_the_one_asked_for_or_the_best_offered(
    asked: str, header: str | None, offered: tuple[str, ...], expected: str
) -> None:
    assert chosen(asked, header, offered) == expected
