"""The queries of the pane stay queries, and mean what was asked, whatever text they look for."""

import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.salesforce.soql.model import Comparison, In, Junction, Like, Query, Text
from sandbox.salesforce.soql.parse import like_pattern, parse, parse_search, unescaped
from sandbox.salesforce.sosl.words import word_test
from shared.crm.salesforce import candidate_queries, candidate_rows, conditions, search_queries
from shared.crm.salesforce.described import Described, Field
from shared.crm.salesforce.knowledge import Fields, Shape
from shared.crm.salesforce.objects import EMAIL_MESSAGE, EVENT, TASK
from shared.crm.salesforce.queries import LONGEST
from shared.global_ids import occurrence_ends
from shared.nearness import bare, distance
from shared.policy import Condition, Order
from shared.records import Wanted
from shared.suggestions import Clues
from shared.truncation import one_line, storable

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
relaxed = settings(deadline=None)  # others work on this machine too
texts = st.text(st.characters(codec=None), max_size=40)
lists = st.lists(texts, max_size=12)


def _fields(*names: str, addresses: tuple[str, ...] = (), lists: tuple[str, ...] = ()) -> Fields:
    return Fields(frozenset((*names, *addresses)), frozenset(), addresses, {}, frozenset(lists))


SHAPE = Shape(
    {
        "Contact": _fields("AccountId", addresses=("Email", "Second_Email__c")),
        "Lead": _fields("Id", "Name", "IsConverted", addresses=("Email",)),
        "Account": _fields("Website", "ParentId", addresses=("Email__c",)),
        "EmailMessage": _fields("ParentId", "Threadline_Link__c", "MessageDate"),
        "Event": _fields("Threadline_Item_Id__c", "Description", lists=("EventWhoIds",)),
        "Task": _fields("Threadline_Item_Id__c"),
    }
)


def literals(condition: Any) -> list[tuple[str, str]]:
    """The literals of a condition: how they are compared, and what they mean or match."""
    match condition:
        case Junction(terms, _):
            return [found for term in terms for found in literals(term)]
        case In(_, tuple() as values, False):
            return [("in", unescaped(value)) for value in values if isinstance(value, Text)]
        case In(_, Query() as inner, False):
            return literals(inner.where)
        case Like(_, pattern):
            return [("like", like_pattern(pattern).pattern)]
        case Comparison(_, _, Text() as value):
            return [("is", unescaped(value))]
    return []


@relaxed
@given(lists, lists)
def test_no_clue_leaves_its_quotes(addresses: list[str], domains: list[str]) -> None:
    asked = Clues(
        addresses=tuple(addresses),
        outsiders=tuple(addresses),
        names=tuple(addresses),
        domains=tuple(domain for domain in domains if domain),
        message_ids=tuple(addresses),
    )
    wanted = {storable(address) for address in addresses} - {""}
    queries = [
        *candidate_queries.contacts(SHAPE, asked.addresses, asked.names),
        *candidate_queries.leads(SHAPE, asked.addresses, asked.names),
        *candidate_queries.accounts(SHAPE, asked),
        *candidate_queries.staff(SHAPE, asked.domains),
        *candidate_queries.conversation(EMAIL_MESSAGE, SHAPE, asked),
        *candidate_queries.conversation(TASK, SHAPE, asked),
        *candidate_queries.conversation(EVENT, SHAPE, replace(asked, message_ids=())),
    ]
    queries += [
        query
        for object_ in (EMAIL_MESSAGE, EVENT, TASK)
        for person in ("Contact", "Lead")
        for query in candidate_queries.habits(object_, person, SHAPE, asked, NOW)
    ]
    for query in queries:
        parsed = parse(query)
        assert len(quote(query, safe="")) < 2 * LONGEST
        found = {text for how, text in literals(parsed.where) if how == "in"}
        # an id of a task may stand for itself or, where it is long or holds spaces, for its digest
        if parsed.source != "Task":
            assert found <= wanted


@relaxed
@given(texts.filter(lambda text: bool(storable(text))))
def test_wildcards_are_plain_characters(text: str) -> None:
    (contains,) = conditions.any_of(conditions.containing(("Website",), (text,)))
    query = parse(f"SELECT Id FROM Account WHERE {contains}")  # noqa: S608
    assert isinstance(query.where, Like)
    pattern = like_pattern(query.where.pattern)
    assert pattern.fullmatch(f"a{storable(text)}b")
    assert not pattern.fullmatch("a")


@relaxed
@given(lists, st.lists(texts, min_size=1, max_size=5))
def test_every_test_stands_in_one_short_condition(many: list[str], fields: list[str]) -> None:
    tests = conditions.equal([f"F{n}" for n in range(len(fields))], many * 40)
    found = list(conditions.any_of(tests))
    assert all(len(quote(one, safe="")) < 2 * LONGEST for one in found)
    asked = [
        pair
        for one in found
        for pair in literals(parse(f"SELECT Id FROM X WHERE {one}").where)  # noqa: S608
    ]
    assert len(asked) == len(tests)


@relaxed
@given(lists, lists)
def test_a_search_for_strangers_is_never_malformed(addresses: list[str], more: list[str]) -> None:
    asked = Clues(outsiders=tuple(addresses), domains=tuple(more))
    statement = candidate_queries.strangers((EMAIL_MESSAGE, EVENT), SHAPE, asked, NOW)
    if not statement:
        return
    search = parse_search(statement)
    assert len(search.words) < 4_000
    assert [one.source for one in search.returning] == ["EmailMessage", "Event"]
    test = word_test(search.words)
    long_enough = [
        text for text in map(one_line, (*addresses, *more)) if sum(map(str.isalnum, text)) > 1
    ]
    if len(statement) < 1_500:
        assert all(test([text.lower()]) for text in long_enough)


def test_a_crowd_is_searched_for_as_far_as_it_fits() -> None:
    crowd = tuple(f"guest.number.{n}@a-long-domain-of-crowd-{n}.example" for n in range(3_000))
    asked = Clues(outsiders=crowd)
    words = parse_search(candidate_queries.strangers((EMAIL_MESSAGE,), SHAPE, asked, NOW)).words
    assert 3_000 < len(words) < 4_000
    assert words.endswith('"')


@pytest.mark.parametrize(
    ("word", "stored", "fits"),
    [
        ("kuhlhaus", "Kühlhaus Nord", True),
        ("kühlhaus", "Kuhlhaus Nord", True),
        ("krakow", "Kraków", True),
        ("lodz", "Łódź", True),
        ("kuhlhaus", "Kaltlager", False),
        ("ae", "oi", False),
        ("大阪", "大坂", False),
        ("50%", "50x", False),
    ],
)
def test_letters_may_bear_other_marks(word: str, stored: str, fits: bool) -> None:
    pattern = like_pattern(Text(f"%{search_queries.likeness(word)}%"))
    assert bool(pattern.fullmatch(stored)) is fits


@relaxed
@given(texts)
def test_a_likeness_finds_the_text_itself(text: str) -> None:
    plain = storable(text)
    pattern = like_pattern(Text(f"%{search_queries.likeness(plain)}%"))
    # a short word stands for itself, as it was typed
    assert any(map(pattern.fullmatch, (plain, unicodedata.normalize("NFC", plain))))


def _described(name: str = "Opportunity") -> Described:
    fields = [
        Field("Name", "Name", "string", filterable=True, sortable=True),
        Field("Amount", "Amount", "currency", filterable=True, sortable=True),
        Field("IsClosed", "Closed", "boolean", filterable=True),
        Field(
            "AccountId",
            "Account ID",
            "reference",
            filterable=True,
            sortable=True,
            targets=("Account",),
            relationship="Account",
        ),
    ]
    return Described(name, name, name, "Name", True, {field.name: field for field in fields})


@relaxed
# a policy is read from JSON, which is UTF-8: its values hold no lone surrogates
@given(st.lists(texts.filter(lambda t: bool(t.strip())), max_size=8), st.text(max_size=40))
def test_no_word_of_a_search_leaves_its_quotes(words: list[str], value: str) -> None:
    wanted = Wanted(
        "opportunity",
        ("AccountId", "Amount"),
        (Condition(field="Name", value=value), Condition(field="IsClosed", value=False)),
        Order(field="AccountId", descending=True),
    )
    for query in search_queries.quick(wanted, _described(), " ".join(words), words, 10):
        parsed = parse(query)
        assert parsed.source == "Opportunity"
        assert ("is", storable(value)) in literals(parsed.where)
        assert [ordering.path for ordering in parsed.order] == [("Account", "Name")]
    letters = re.findall(r"[^\W_]+", " ".join(words))
    terms = search_queries.statement(letters, 400)
    scopes = [(replace(wanted, order=None), _described())]
    sosl = search_queries.indexed(terms, scopes, 10)
    if terms:
        assert parse_search(sosl).words == terms
        assert [one.source for one in parse_search(sosl).returning] == ["Opportunity"]


def test_operators_are_words_when_people_type_them() -> None:
    statement = search_queries.statement(["salt", "AND", "not", "pepper"], 400)
    test = word_test(statement)
    assert test(["salt and not peppermint"])
    assert not test(["salt peppermint"])


@pytest.mark.parametrize(
    ("uid", "id_", "same"),
    [
        (
            "040000008200E00074C5B7101A82E00800000000B0C5D5F4D2C1DC01000000000000000010000000C1F2",
            "040000008200E00074C5B7101A82E00807EA0310B0C5D5F4D2C1DC01000000000000000010000000C1F2",
            True,
        ),
        (
            "040000008200E00074C5B7101A82E00800000000B0C5D5F4D2C1DC01000000000000000010000000C1F2",
            "040000008200E00074C5B7101A82E00807EA0310B0C6D5F4D2C1DC01000000000000000010000000C1F2",
            False,
        ),
        (
            "weekly@contoso.example",
            "040000008200E00074C5B7101A82E00807EA031700000000000000000000000000000000230000007643616C"
            "2D556964010000007765656B6C7940636F6E746F736F2E6578616D706C6500",
            True,
        ),
    ],
)
def test_the_occurrences_of_a_meeting_are_known_by_their_ids(
    uid: str, id_: str, same: bool
) -> None:
    begin, end = occurrence_ends(uid)
    assert (id_.startswith(begin) and id_.endswith(end)) is same


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Kühlhaus Nord", "kuhlhaus nord", 0),
        ("Kühlhaus Nord", "KÜHL", 1),
        ("Nord Kühlhaus", "kuhl", 2),
        ("Zentralkühlhaus", "kuhl", 3),
        ("Łódź", "lodz", 0),
        ("Große Straße", "grosse strasse", 0),
    ],
)
def test_near_names(name: str, text: str, expected: int) -> None:
    assert distance(name, text) == expected
    assert bare(bare(name)) == bare(name)


def test_the_parties_of_an_activity_are_everybody_it_names() -> None:
    row = {
        "RelationAddress": "Ann@x.example",
        "EmailMessage": {
            "Id": "02s000000000001AAA",
            "CreatedDate": "2026-01-05T09:00:00.000+0000",
            "RelatedToId": None,
            "ParentId": "500000000000001AAA",
            "FromAddress": "me@contoso.example",
            "ToAddress": "bob@y.example; carl@z.example",
        },
    }
    read = candidate_rows.filed(row, EMAIL_MESSAGE, "https://x", same_conversation=False)
    assert read is not None
    id_, filed = read
    assert id_ == "02s000000000001AAA"
    assert (filed.record.type, filed.record.id) == ("case", "500000000000001AAA")
    assert filed.addresses == (
        "ann@x.example",
        "me@contoso.example",
        "bob@y.example",
        "carl@z.example",
    )
    clues = Clues(domains=("z.example",))
    assert candidate_rows.takes_part(filed, clues)
    assert not candidate_rows.takes_part(filed, Clues(domains=("other.example",)))
    row["EmailMessage"]["ParentId"] = None  # type: ignore[index]
    assert candidate_rows.filed(row, EMAIL_MESSAGE, "", same_conversation=True) is None
