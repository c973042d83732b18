"""The queries of the pane stay queries, and mean what was asked, whatever text they look for."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.dataverse.filters import compiled
from shared.crm.dataverse import candidate_queries, keys, metadata, search_queries
from shared.crm.dataverse.batch import Reply
from shared.crm.dataverse.candidate_rows import hosts
from shared.crm.dataverse.metadata import Column, Label, TableMetadata
from shared.crm.dataverse.queries import literal
from shared.crm.dataverse.tables import STANDARD
from shared.domains import topmost
from shared.errors import InvalidRequest
from shared.policy import Condition
from shared.records import Wanted
from tests.shared.crm.strategies import ANY_TEXT

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
TEXTS = st.lists(ANY_TEXT.filter(bool), max_size=30)
WILD = st.text("%_[]^-'ab", max_size=6)
NOWHERE = Label({})


def table(logical: str, *columns: Column) -> TableMetadata:
    return TableMetadata(STANDARD[logical], NOWHERE, NOWHERE, {one.name: one for one in columns})


ACCOUNT = table("account", Column("name", "String", NOWHERE))


def _checked(logical: str, paths: Iterable[str]) -> None:
    """Each path fits into its line and is understood."""
    for path in paths:
        assert re.fullmatch(r"[!-~]+", path)
        assert len(path) < 12_000
        query = parse_qs(urlsplit(path).query, strict_parsing=True)
        compiled(logical, query["$filter"][0])


@given(TEXTS, TEXTS)
def test_candidates_are_asked_for_in_sound_queries(texts: list[str], others: list[str]) -> None:
    _checked("contact", candidate_queries.contacts(texts, others))
    _checked("lead", candidate_queries.leads(texts, others))
    _checked("account", candidate_queries.accounts(texts, others))
    _checked("email", candidate_queries.conversation(texts, None))
    _checked("activitypointer", candidate_queries.habits(texts, others, NOW))


@given(ANY_TEXT.filter(bool))
def test_a_meeting_is_asked_for_in_a_sound_query(uid: str) -> None:
    _checked("appointment", candidate_queries.conversation((), uid))


@given(TEXTS.filter(bool), st.sampled_from(["account", "contact", "lead"]))
def test_a_search_is_a_sound_query(words: list[str], logical: str) -> None:
    known = table(logical)
    _checked(logical, search_queries.quick(Wanted(logical), known, " ".join(words), words[:8], 5))


@given(WILD, WILD)
def test_what_is_looked_for_within_a_text_stands_for_itself(needle: str, text: str) -> None:
    found = compiled("account", f"contains(name,{candidate_queries.like(needle)})")
    assert found.matches(None, {"name": text}) == (needle in text)  # type: ignore[arg-type]
    begins = compiled("account", f"startswith(name,{candidate_queries.like(needle)})")
    assert begins.matches(None, {"name": text}) == text.startswith(needle)  # type: ignore[arg-type]


@given(TEXTS)
def test_the_index_is_asked_for_words_only(texts: list[str]) -> None:
    words = [word for text in texts for word in re.findall(r"[^\W_]+", text)]
    term = search_queries.term(words, 100)
    assert len(term) <= 100
    assert re.fullmatch(r"([^\W_]+\*( [^\W_]+\*)*)?", term)


@pytest.mark.parametrize(
    ("domains", "expected"),
    [
        (("a.b.example", "b.example"), ("b.example",)),
        (("b.example", "ab.example"), ("b.example", "ab.example")),
        ((), ()),
    ],
)
def test_what_lies_below_a_domain_is_asked_for_with_it(
    domains: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert topmost(domains) == expected


@pytest.mark.parametrize(
    ("website", "expected"),
    [
        ("https://www.x.example/a?b", ("x.example",)),
        ("http://X.example:8080", ("x.example",)),
        ("x.example", ("x.example",)),
        ("www.x.example/shop", ("x.example",)),
        ("shop.x.example.", ("shop.x.example",)),
        ("//[::1", ()),
        ("not a site", ()),
        ("", ()),
        (None, ()),
    ],
)
def test_hosts_are_read_from_whatever_people_type(
    website: str | None, expected: tuple[str, ...]
) -> None:
    assert hosts({"websiteurl": website}) == expected


CONDITIONS = [
    ("String", "equals", "o'x", f"c eq {literal(chr(111) + chr(39) + 'x')}"),
    ("String", "contains", "50%", "contains(c,'50[%]')"),
    ("Picklist", "notEquals", 3, "c ne 3"),
    ("Money", "atLeast", 10, "c ge 10"),
    ("Boolean", "equals", True, "c eq true"),
    ("DateTime", "atMost", "2026-01-05", "c le 2026-01-05T00:00:00Z"),
    ("Lookup", "equals", "5D0C1A52-0000-4000-8000-000000000000", None),
    ("Lookup", "empty", None, "_c_value eq null"),
    ("String", "notEmpty", None, "c ne null"),
]


@pytest.mark.parametrize(("type_", "operator", "value", "expected"), CONDITIONS)
def test_a_condition_is_written_as_its_column_takes_it(
    type_: str, operator: str, value: str | int | None, expected: str | None
) -> None:
    condition = Condition(field="c", operator=operator, value=value)  # type: ignore[arg-type]
    wanted = Wanted("opportunity", (), (condition,))
    (path,) = search_queries.quick(
        wanted, table("opportunity", Column("c", type_, NOWHERE)), "", [], 5
    )
    found = parse_qs(urlsplit(path).query)["$filter"][0]
    assert found == (expected or f"_c_value eq {str(value).lower()}")


@pytest.mark.parametrize(
    ("type_", "operator", "value"),
    [
        ("Picklist", "equals", "3 or 1 eq 1"),
        ("Picklist", "equals", True),
        ("Lookup", "equals", "x) or (1 eq 1"),
        ("DateTime", "atLeast", "yesterday"),
        ("Boolean", "equals", "true"),
        ("Lookup", "contains", "s3cret"),
        ("Virtual", "equals", "s3cret"),
    ],
)
def test_a_condition_that_does_not_fit_is_refused(
    type_: str, operator: str, value: str | bool
) -> None:
    condition = Condition(field="c", operator=operator, value=value)  # type: ignore[arg-type]
    wanted = Wanted("opportunity", (), (condition,))
    with pytest.raises(InvalidRequest) as refused:
        list(
            search_queries.quick(
                wanted, table("opportunity", Column("c", type_, NOWHERE)), "", [], 5
            )
        )
    assert str(value) not in refused.value.detail


def test_a_table_that_is_not_there_is_told_from_one_that_fails() -> None:
    missing = Reply(404, {}, b'{"error": {"code": "0x80060888", "message": "no"}}')
    assert metadata.read([missing]) is None
    assert metadata.read([missing, missing]) is None


@given(ANY_TEXT)
def test_the_id_of_a_thread_is_its_first_message_s(message_id: str) -> None:
    assert keys.guid(keys.conversation_id(message_id)) == keys.conversation_id(message_id)
