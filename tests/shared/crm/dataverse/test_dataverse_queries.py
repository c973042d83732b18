"""Queries stay queries, whatever text they look for."""

import re
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.crm.dataverse import queries
from shared.crm.dataverse.tables import APPOINTMENT, EMAIL, STANDARD, logical_name, neutral_name
from shared.domain import Item
from shared.policy import CategoryField
from tests.contract import items
from tests.shared.crm.strategies import ANY_TEXT, ITEMS

LITERAL = re.compile(r"'((?:[^']|'')*)'")


@given(ANY_TEXT)
def test_text_stays_inside_its_quotes(text: str) -> None:
    literal = queries.literal(text)
    assert LITERAL.fullmatch(literal)


@given(st.lists(ANY_TEXT.filter(bool), max_size=120), st.sampled_from([*queries.PARTY_COLUMNS]))
def test_every_address_is_asked_for_once_in_short_queries(
    addresses: list[str], logical: str
) -> None:
    columns = queries.PARTY_COLUMNS[logical]
    asked = []
    for path in queries.by_address(logical, addresses):
        assert re.fullmatch(r"[!-~]+", path)
        assert len(path) < 8000
        query = parse_qs(urlsplit(path).query, strict_parsing=True)
        assert query.keys() == {"$select", "$filter", "$orderby"}
        literals = LITERAL.findall(query["$filter"][0])
        assert len(literals) <= queries.MOST_ADDRESSES * len(columns)
        asked += literals[:: len(columns)]
    assert asked == [queries.literal(address)[1:-1] for address in addresses]


def test_three_hundred_recipients_fit_into_one_batch() -> None:
    addresses = [f"firstname.lastname{n}@some-company.example" for n in range(300)]
    paths = [p for logical in queries.PARTY_COLUMNS for p in queries.by_address(logical, addresses)]
    assert len(paths) < 200


@given(ITEMS)
def test_copies_are_asked_for_by_what_other_tools_store(item: Item) -> None:
    table = EMAIL if item.kind == "email" else APPOINTMENT
    path = queries.copies(item, table, ())
    if path is not None:
        condition = parse_qs(urlsplit(path).query)["$filter"][0]
        assert condition.startswith(f"{table.item_column} eq '")
        assert len(path) < 8000


def test_an_item_without_a_usable_id_has_no_copies() -> None:
    assert queries.copies(items.email(message_id=None), EMAIL, ()) is None
    assert queries.copies(items.email(message_id="x" * 321), EMAIL, ()) is None
    assert queries.copies(items.meeting(is_series=True), APPOINTMENT, ()) is None


def test_category_columns_are_asked_for_by_their_names() -> None:
    fields = (
        CategoryField(name="new_topic", type="choice"),
        CategoryField(name="new_region", type="lookup"),
    )
    path = unquote(queries.activity(EMAIL, "1", fields))
    assert ",new_topic,_new_region_value&" in path


@pytest.mark.parametrize("type_", ["", "Account", "../x", "a b", "1a", "é", "a'b", "x" * 101])
def test_what_is_no_table_name_is_told(type_: str) -> None:
    assert logical_name(type_) is None


@given(st.sampled_from([*STANDARD, "new_project"]))
def test_names_go_there_and_back(logical: str) -> None:
    assert logical_name(neutral_name(logical)) == logical
