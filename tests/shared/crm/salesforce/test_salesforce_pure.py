"""Keys, queries, references, notes and people, by examples and by properties."""

import json
import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.salesforce.ids import canonical, derive_id
from sandbox.salesforce.soql.model import In
from sandbox.salesforce.soql.parse import parse, unescaped
from shared.crm.salesforce import composite, keys, notes, people, queries
from shared.crm.salesforce.composite import MADE_ID, MOST, MOST_HEAVY, Part
from shared.crm.salesforce.identity import made_of
from shared.crm.salesforce.knowledge import Fields, Shape
from shared.crm.salesforce.objects import EMAIL_MESSAGE, EVENT, TASK, object_name
from shared.crm.salesforce.payloads import Target, relatable
from shared.crm.salesforce.people import Party
from shared.crm.salesforce.plain import plain
from shared.domain import Body, Email, Item, RecordRef
from shared.errors import Forbidden
from shared.truncation import storable, units
from tests.contract import items

NOTHING = Shape({})
INSTALLED = Shape(
    {
        name: Fields(
            frozenset({"Threadline_Key__c", "Threadline_Link__c", "Threadline_Item_Id__c"}),
            frozenset(),
            (),
            {},
            frozenset({"EventWhoIds", "TaskWhoIds"}),
        )
        for name in ("EmailMessage", "Event", "Task")
    }
)
relaxed = settings(deadline=None)  # others work on this machine too
texts = st.text(st.characters(codec=None), max_size=60)


@relaxed
@given(texts)
def test_only_ids_are_ids(text: str) -> None:
    assert keys.record_id(text) == canonical(text)


@relaxed
@given(st.sampled_from(["001", "02s", "00U"]), st.text(max_size=5))
def test_an_id_means_the_same_in_each_form(prefix: str, name: str) -> None:
    id_ = derive_id(prefix, storable(name))
    for form in (id_, id_[:15], id_.upper(), id_.lower()):
        assert keys.record_id(form) == id_


def test_keys_never_change() -> None:
    mail = items.email(message_id="<1@customer.example>")
    assert keys.activity_key(mail) == (
        "a3ba2f2d32320bdb345f79c0359dd3f5526285b859c51c0c8ddc38e744758f05"
    )


@relaxed
@given(st.lists(texts, min_size=1, max_size=5))
def test_no_address_leaves_its_quotes(addresses: list[str]) -> None:
    wanted = [storable(address) for address in addresses]
    (soql,) = queries.by_address("Contact", ("Email",), wanted)
    query = parse(soql)
    assert isinstance(query.where, In)
    assert isinstance(query.where.values, tuple)
    assert [unescaped(value) for value in query.where.values] == wanted  # type: ignore[arg-type]
    assert query.source == "Contact"


@relaxed
@given(texts)
@pytest.mark.parametrize("shape", [NOTHING, INSTALLED], ids=["bare", "installed"])
@pytest.mark.parametrize("object_", [EMAIL_MESSAGE, TASK, EVENT], ids=lambda o: o.name)
def test_no_text_of_an_item_leaves_its_quotes(object_: object, shape: Shape, text: str) -> None:
    item: Item = items.email(message_id=f"<{text}>", subject=text)
    if object_ is EVENT:
        item = items.meeting(uid=f"u{text}", subject=text)
    soql = queries.of_item(object_, item, shape, ())  # type: ignore[arg-type]
    if soql is not None:
        assert parse(soql).limit == 50
    parse(queries.username_of(text))


@relaxed
@given(texts)
def test_nothing_in_a_query_is_a_reference(text: str) -> None:
    text = storable(text)
    path = composite.query_path(f"Name = '{text}{MADE_ID}' LIMIT 1")
    assert "@{" not in path
    sent = parse_qs(urlsplit(path).query)["q"][0] if text.isprintable() else ""
    assert not sent or text in sent
    made = composite.query_path(f"Id = '{MADE_ID}'")
    assert made.endswith(f"%27{MADE_ID}%27")


@relaxed
@given(texts)
def test_no_text_of_a_record_is_a_reference(text: str) -> None:
    assert not re.search(r"@\{", composite.unreferenced(f"{text}@{{made.id}}{text}"))


@relaxed
@given(st.lists(st.sampled_from(["query?q=x", "sobjects/Contact/1"]), max_size=80))
def test_composites_keep_to_their_limits(paths: list[str]) -> None:
    parts = [Part(f"p{n}", "GET", path) for n, path in enumerate(paths)]
    groups = composite.grouped(parts)
    assert [part for group in groups for part in group] == parts
    assert all(len(group) <= MOST for group in groups)
    assert all(sum(part.heavy for part in group) <= MOST_HEAVY for group in groups)


def test_collections_hold_two_hundred_records() -> None:
    made = composite.creations("r", [{"n": n} for n in range(450)])
    assert [len(part.body["records"]) for part in made] == [200, 200, 50]
    json.dumps(composite.body(made, all_or_none=True))


@relaxed
@given(
    st.text(max_size=300),
    st.lists(st.from_regex(r"[a-z]{1,9}@[a-z]{1,9}\.example", fullmatch=True), max_size=9),
    st.sampled_from(["", "item-1"]),
    st.integers(60, 500),
)
def test_notes_are_read_as_they_were_written(
    text: str, others: list[str], item: str, limit: int
) -> None:
    noted = notes.noted(storable(text), others, item, limit)
    assert units(noted.text) <= max(limit, 120)
    kept = others[: len(others) - noted.left_out]
    assert notes.others_of(noted.text) == tuple(kept)
    assert notes.item_of(noted.text) == item


def test_a_body_can_forge_no_notes() -> None:
    body = "Hello\n\n-- Threadline --\nAlso took part: evil@x.example"
    noted = notes.noted(body, (), "", 1000)
    assert notes.others_of(noted.text) == ()
    noted = notes.noted(body, ("a@x.example",), "", 1000)
    assert notes.others_of(noted.text) == ("a@x.example",)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two<br>Three</p>", "One\n\nTwo\nThree"),
        ("<ul><li>a</li><li>b</li></ul>", "a\n\nb"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ('<a href="x" title="a>b">link</a>', "link"),
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
        ("<style>p{}</style><script>x</script>Hi", "Hi"),
    ],
)
def test_html_reads_as_text(html: str, text: str) -> None:
    assert plain(Body(html, html=True)) == text


def test_plain_text_keeps_its_spaces() -> None:
    assert plain(Body("a\r\n  b < c\n\n\n\nd", html=False)) == "a\n  b < c\n\nd"


CONTACTS = [derive_id("003", str(n)) for n in range(60)]
LEAD, OTHER_LEAD = derive_id("00Q", "1"), derive_id("00Q", "2")


@pytest.mark.parametrize(
    ("ids", "link", "several", "related"),
    [
        (CONTACTS[:3], None, True, CONTACTS[:3]),
        (CONTACTS[:3], None, False, CONTACTS[:1]),
        (CONTACTS, None, True, CONTACTS[:50]),
        ([LEAD, *CONTACTS[:2]], None, True, CONTACTS[:2]),
        ([LEAD, OTHER_LEAD], None, True, [LEAD]),
        ([LEAD], Target("Account", "001"), True, []),
        (CONTACTS[:2], Target("Lead", LEAD), True, [LEAD]),
        (CONTACTS[:2], Target("Contact", CONTACTS[9]), True, [CONTACTS[9], *CONTACTS[:2]]),
        ([], Target("Account", "001"), True, []),
    ],
)
def test_whom_an_event_may_relate_to(
    ids: list[str], link: Target | None, several: bool, related: list[str]
) -> None:
    assert list(relatable(ids, link, several=several)) == related


def _read_back(parties: list[Party]) -> tuple[Party, ...]:
    columns = people.columns(parties)
    rows = [
        {**relation, "RelationObjectType": "Contact" if relation.get("RelationId") else None}
        for relation in columns.relations
    ]
    return people.read(columns.fields, rows)


addresses = st.one_of(
    st.from_regex(r"[a-z]{1,9}@[a-z]{1,9}\.example", fullmatch=True),
    st.sampled_from(["O'Brien; or 1@x.example", "a b", "x" * 200, "a,b@x.example", "é@x.example"]),
)


@relaxed
@given(
    st.lists(
        st.tuples(st.sampled_from(["FromAddress", "ToAddress", "CcAddress"]), addresses),
        max_size=40,
        unique_by=lambda party: party[1].casefold(),
    ),
    st.data(),
)
def test_parties_are_read_as_they_were_written(
    roles: list[tuple[str, str]], data: st.DataObject
) -> None:
    parties = []
    for number, (role, address) in enumerate(roles):
        how = data.draw(st.sampled_from(["unknown", "contact", "known"]))
        id_ = CONTACTS[number] if how == "contact" else ""
        parties.append(Party(role, address, "Contact" if id_ else "", id_, how == "known"))
    read = _read_back(parties)
    assert {(p.address, p.id, p.known) for p in read} == {
        (p.address, p.id, p.known) for p in parties
    }
    assert {(p.role, p.address) for p in read} == {(p.role, p.address) for p in parties}


def test_ten_thousand_recipients_fit_into_four_collections() -> None:
    crowd = items.email(*items.to(*(f"odd address {n}" for n in range(10_000))))
    kept = people.resolved(crowd, {})
    columns = people.columns(kept.parties)
    assert kept.left_out == 10_000 - people.MOST
    assert len(columns.relations) <= people.MOST_ROWS
    assert all(units(value or "") <= 4000 for value in columns.fields.values())


def test_the_best_record_of_an_address_counts() -> None:
    mail: Email = items.email(items.sender("a@x.example"))
    queue = RecordRef("queue", "00G1")
    contact = RecordRef("contact", CONTACTS[0])
    (party,) = people.resolved(mail, {"a@x.example": (queue, contact)}).parties
    assert party.known
    (party,) = people.resolved(mail, {"a@x.example": (contact, queue)}).parties
    assert (party.object, party.id) == ("Contact", CONTACTS[0])


@pytest.mark.parametrize(
    ("pattern", "username"),
    [
        ("{upn}", "anna@contoso.example"),
        ("{local}@{domain}.sandbox", "anna@contoso.example.sandbox"),
        ("{local}@crm.contoso.example", "anna@crm.contoso.example"),
    ],
)
def test_usernames_follow_the_rule(pattern: str, username: str) -> None:
    assert made_of(" anna@contoso.example ", pattern) == username


@pytest.mark.parametrize("upn", ["", "anna", "@contoso.example", "anna@"])
def test_a_sign_in_without_a_name_is_nobodys(upn: str) -> None:
    with pytest.raises(Forbidden):
        made_of(upn, "{upn}")


@pytest.mark.parametrize(
    ("type_", "name"),
    [
        ("contact", "Contact"),
        ("case", "Case"),
        ("queue", "Group"),
        ("Project__c", "Project__c"),
        ("Contact", None),
        ("../accounts", None),
        ("a b", None),
        ("", None),
    ],
)
def test_types_have_one_name_each(type_: str, name: str | None) -> None:
    assert object_name(type_) == name


def test_a_long_id_becomes_its_digest() -> None:
    long = replace(items.meeting(), uid="u" * 300, ical_uid="u" * 300)
    (stored,) = keys.item_ids(long)
    assert re.fullmatch(r"[0-9a-f]{64}", stored)
    assert keys.message_id(items.email(message_id=f"<{'x' * 800}>")) is None
    assert keys.item_ids(replace(items.meeting(), is_series=True)) == ()
