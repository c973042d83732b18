"""What searching for records and describing a form promise, whatever the CRM.

A CRM's test subclasses `SearchingContract` with a `harness` fixture, as for `CrmContract`, and
another one, `fields`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from shared.errors import Forbidden, InvalidRequest
from shared.policy import Condition, Order
from shared.records import FoundRecord, Search, Wanted
from tests.contract.harness import Harness
from tests.contract.people import Cast, cast
from tests.contract.suggesting import HOSTILE

HOSTILE_TEXTS = (
    *(one for one in HOSTILE if "brien" not in one),
    "%",
    "_",
    "[",
    "'",
    '"',
    "*",
    "?",
    "\\",
    "~ AND OR NOT && ||",
    "+harbourline -fenwick",
    "name:harbourline^2",
    "FIND {x} IN ALL FIELDS",
)


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields by the CRM's own names: of an opportunity, one that shows its customer's name, and
    that field's English label; a condition that open opportunities alone fulfil; one that doesn't
    fit its field; and a field to order by. `localized` is a choice among the category fields of
    e-mail, a language that the CRM has, and how that language words one of the options."""

    customer: str
    customer_label: str
    is_open: Condition
    unfit: Condition
    order: str
    localized: tuple[str, str, str]


def names(found: Sequence[FoundRecord]) -> list[str]:
    return [one.record.name for one in found]


class SearchingContract:
    @pytest.fixture
    def people(self, harness: Harness) -> Cast:
        return cast(harness.company)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Harbourline Logistics", "Harbourline Logistics Ltd"),
            ("harbourLINE logist", "Harbourline Logistics Ltd"),
            ("logistics harbourline", "Harbourline Logistics Ltd"),
            ("bourline logis", "Harbourline Logistics Ltd"),
            ("kuhlhaus", "Kühlhaus Nord AG"),
            ("Möbius", "Möbius Verlag GmbH & Co. KG"),
            ("aubepine", "Groupe Aubépine Santé"),
            ("青空物流大阪", "青空物流大阪株式会社"),
            ("大阪", "青空物流大阪株式会社"),
            ("& Co.", "Möbius Verlag GmbH & Co. KG"),
        ],
    )
    async def test_a_record_is_found_by_its_name(
        self, harness: Harness, people: Cast, text: str, expected: str
    ) -> None:
        crm = harness.crm(people.caller.address)
        found = await crm.search(Search(text, (Wanted("account"),), 10))
        assert names(found) == [expected]
        assert found[0].record.type == "account"
        assert found[0].record.url.startswith("https://")
        account = next(a for a in harness.company.accounts if a.name == expected)
        assert found[0].record.id == harness.ref("account", account.id).id

    async def test_deals_are_found_by_their_customer_and_show_the_key_fields(
        self, harness: Harness, people: Cast, fields: Fields
    ) -> None:
        crm = harness.crm(people.caller.address)
        wanted = (Wanted("opportunity", (fields.customer, "no_such_field")),)
        found = await crm.search(Search("fenwick cold", wanted, 10, "en"))
        assert set(names(found)) == {
            "Cold room temperature monitoring, phase 2",
            "Cold room temperature monitoring, pilot",
        }
        for one in found:
            (field,) = one.key_fields
            assert (field.label, field.value) == (fields.customer_label, "Fenwick Cold Storage Ltd")

    async def test_the_best_match_comes_first(self, harness: Harness, people: Cast) -> None:
        crm = harness.crm(people.caller.address)
        found = await crm.search(Search("meridian freight", (Wanted("account"),), 10))
        assert names(found)[0].startswith("Meridian Freight")
        found = await crm.search(Search("Meridian Freight Ltd", (Wanted("account"),), 10))
        assert names(found)[0] == "Meridian Freight Ltd"

    async def test_each_type_gets_its_share(self, harness: Harness, people: Cast) -> None:
        crm = harness.crm(people.caller.address)
        wanted = (Wanted("account"), Wanted("contact"), Wanted("opportunity"))
        found = await crm.search(Search("a", wanted, 7))
        types = [one.record.type for one in found]
        assert types == ["account", "contact", "opportunity"] * 2 + ["account"]

    async def test_without_text_the_latest_changed_come(
        self, harness: Harness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        found = await crm.search(Search("  ", (Wanted("opportunity"),), 3))
        latest = sorted(harness.company.opportunities, key=lambda o: o.modified, reverse=True)
        assert names(found) == [o.name for o in latest[:3]]

    async def test_a_filter_and_an_order_of_the_admin_s_hold(
        self, harness: Harness, people: Cast, fields: Fields
    ) -> None:
        crm = harness.crm(people.caller.address)
        wanted = Wanted("opportunity", (), (fields.is_open,), Order(field=fields.order))
        found = await crm.search(Search("harbourline", (wanted,), 10))
        ours = {a.id for a in harness.company.accounts if "Harbourline" in a.name}
        expected = [
            o.name for o in harness.company.opportunities if o.account in ours and o.state == "open"
        ]
        assert set(names(found)) == set(expected)
        backwards = replace(wanted, order=Order(field=fields.order, descending=True))
        reverse = await crm.search(Search("harbourline", (backwards,), 10))
        assert names(reverse) == names(found)[::-1]

    async def test_a_condition_that_does_not_fit_is_refused(
        self, harness: Harness, people: Cast, fields: Fields
    ) -> None:
        crm = harness.crm(people.caller.address)
        with pytest.raises(InvalidRequest):
            await crm.search(Search("x", (Wanted("opportunity", (), (fields.unfit,)),), 10))

    @pytest.mark.parametrize("type_", ["no_such_type", "x') or true", "../accounts", "Account"])
    async def test_a_type_that_is_not_there_brings_nothing(
        self, harness: Harness, people: Cast, type_: str
    ) -> None:
        crm = harness.crm(people.caller.address)
        assert list(await crm.search(Search("harbour", (Wanted(type_),), 10))) == []
        both = (Wanted(type_), Wanted("account"))
        assert await crm.search(Search("harbour", both, 10))

    @pytest.mark.parametrize("text", HOSTILE_TEXTS)
    async def test_no_character_has_a_meaning(
        self, harness: Harness, people: Cast, text: str
    ) -> None:
        crm = harness.crm(people.caller.address)
        wanted = (Wanted("account"), Wanted("contact"), Wanted("lead"))
        found = await crm.search(Search(text, wanted, 50))
        assert len(found) <= 5, "a sign that some names really have, and no wildcard"

    async def test_who_sees_only_own_records_finds_no_others(
        self, harness: Harness, people: Cast
    ) -> None:
        own = (people.limited.oid, people.limited.address)
        mine = {a.name for a in harness.company.accounts if a.owner in own}
        crm = harness.crm(people.limited.address)
        found = await crm.search(Search("", (Wanted("account"),), 50))
        assert set(names(found)) == mine
        other = next(a for a in harness.company.accounts if a.owner not in own)
        assert list(await crm.search(Search(other.name, (Wanted("account"),), 50))) == []

    async def test_who_has_no_licence_is_told_so(self, harness: Harness, people: Cast) -> None:
        crm = harness.crm(people.unlicensed.address)
        with pytest.raises(Forbidden):
            await crm.search(Search("harbour", (Wanted("account"),), 10))

    @pytest.mark.parametrize("kind", ["email", "meeting"])
    async def test_the_category_fields_are_described(
        self, harness: Harness, people: Cast, kind: str
    ) -> None:
        activity = "email" if kind == "email" else "meeting"
        crm = harness.crm(people.caller.address)
        described = await crm.describe(activity, (), "en")  # type: ignore[arg-type]
        wanted = harness.traits.categories[activity]  # type: ignore[index]
        assert [(one.name, one.type) for one in described.fields] == [
            (one.name, one.type) for one in wanted
        ]
        for field in described.fields:
            assert field.label
            assert field.type == "boolean" or bool(field.options) == (field.type == "choice")
            assert (field.type == "lookup") == bool(field.lookup_types)

    async def test_options_come_in_the_language_asked_for(
        self, harness: Harness, people: Cast, fields: Fields
    ) -> None:
        name, language, label = fields.localized
        crm = harness.crm(people.caller.address)

        async def labels(tag: str) -> list[str]:
            described = await crm.describe("email", (), tag)
            (field,) = (one for one in described.fields if one.name == name)
            return [option.label for option in field.options]

        assert label in await labels(language)
        assert label in await labels(f"{language}-XX")
        assert label not in await labels("en")
        assert await labels("tlh") == await labels("en") == await labels("")

    async def test_types_are_described_as_far_as_there_are_such(
        self, harness: Harness, people: Cast, fields: Fields
    ) -> None:
        crm = harness.crm(people.caller.address)
        wanted = (
            Wanted("opportunity", (fields.customer, "no_such_field")),
            Wanted("no_such_type"),
            Wanted("case"),
        )
        described = await crm.describe("email", wanted, "en")
        assert described.product
        assert [(one.type, one.label, one.connectable) for one in described.types] == [
            ("opportunity", "Opportunity", True),
            ("case", "Case", True),
        ]
        assert [f.label for f in described.types[0].key_fields] == [fields.customer_label]

    async def test_the_limits_are_those_of_a_save(self, harness: Harness, people: Cast) -> None:
        crm = harness.crm(people.caller.address)
        described = await crm.describe("email", (), "")
        assert described.limits.max_bytes > 0
        assert "exe" in described.limits.blocked_extensions
