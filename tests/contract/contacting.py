"""What knowing and adding people promises, whatever the CRM.

A CRM's test subclasses `ContactingContract` with a `harness` fixture, as for `CrmContract`.
"""

import asyncio
from dataclasses import replace

import pytest

from shared.contacts import KnownContact, NewContact, Stranger
from shared.domain import RecordRef, address_key
from shared.errors import Forbidden, InvalidRequest, NotFound
from shared.truncation import units
from tests.contract import items
from tests.contract.guarding import HOSTILE
from tests.contract.harness import Harness
from tests.contract.people import Cast, cast

ADDRESS = "Jane.Doe@elsewhere.example"
JANE = NewContact(ADDRESS, "Doe", "Jane", "Head of Pumps", "+44 1394 555 0142")
NOWHERE = "5d0c1a52-0000-4000-8000-000000000000"


class ContactingContract:
    @pytest.fixture
    def people(self, harness: Harness) -> Cast:
        return cast(harness.company)

    async def test_a_contact_is_made_whole_and_known_afterwards(
        self, harness: Harness, people: Cast
    ) -> None:
        account = harness.company.accounts[0]
        crm = harness.crm(people.caller.address)
        added = await crm.add_contact(replace(JANE, account=harness.ref("account", account.id)))
        assert added.created
        assert added.notices == ()
        made = added.contact
        assert (made.ref.type, made.ref.name, made.ref.email) == ("contact", "Jane Doe", ADDRESS)
        assert made.ref.url.startswith("https://")
        assert (made.first_name, made.last_name) == ("Jane", "Doe")
        assert (made.job_title, made.phone) == (JANE.job_title, JANE.phone)
        assert made.account is not None
        assert made.account.id == harness.ref("account", account.id).id
        assert made.account.name == account.name
        known = await harness.crm(people.colleague.address).acquaintance(Stranger(ADDRESS.upper()))
        assert [replace(one, ref=replace(one.ref, email=ADDRESS)) for one in known.contacts] == [
            made
        ]

    async def test_a_save_relates_who_was_added(self, harness: Harness, people: Cast) -> None:
        crm = harness.crm(people.caller.address)
        added = await crm.add_contact(JANE)
        known = await crm.look_up(items.email(items.sender(ADDRESS.lower())), None)
        assert [one.id for one in known.parties[address_key(ADDRESS)]] == [added.contact.ref.id]

    async def test_an_address_and_a_last_name_are_enough(
        self, harness: Harness, people: Cast
    ) -> None:
        added = await harness.crm(people.caller.address).add_contact(
            NewContact(ADDRESS, "加藤 和子")
        )
        assert added.contact.ref.name == "加藤 和子"
        assert added.contact.first_name == added.contact.job_title == added.contact.phone == ""
        assert added.contact.account is None

    async def test_again_and_by_others_gives_the_first(
        self, harness: Harness, people: Cast
    ) -> None:
        first = await harness.crm(people.caller.address).add_contact(JANE)
        other = NewContact(ADDRESS.lower(), "Somebody", "Else")
        second = await harness.crm(people.colleague.address).add_contact(other)
        assert not second.created
        assert second.contact.ref.id == first.contact.ref.id
        assert second.contact.last_name == "Doe"

    async def test_ten_at_once_make_one(self, harness: Harness, people: Cast) -> None:
        callers = [people.caller.address, people.colleague.address] * 5
        results = await asyncio.gather(*(harness.crm(one).add_contact(JANE) for one in callers))
        assert sum(one.created for one in results) == 1
        assert len({one.contact.ref.id for one in results}) == 1

    async def test_one_who_is_hidden_is_not_doubled(self, harness: Harness, people: Cast) -> None:
        await harness.crm(people.caller.address).add_contact(JANE)
        limited = harness.crm(people.limited.address)
        assert (await limited.acquaintance(Stranger(ADDRESS))).contacts == ()
        with pytest.raises(Forbidden):
            await limited.add_contact(JANE)

    async def test_who_sees_only_own_records_adds_some(
        self, harness: Harness, people: Cast
    ) -> None:
        limited = harness.crm(people.limited.address)
        added = await limited.add_contact(JANE)
        assert (await limited.acquaintance(Stranger(ADDRESS))).contacts == (added.contact,)

    async def test_who_may_not_write_adds_nobody(self, harness: Harness, people: Cast) -> None:
        with pytest.raises(Forbidden):
            await harness.crm(people.reader.address).add_contact(JANE)
        assert await known(harness, people) == ()

    async def test_who_has_no_licence_is_told_nothing(self, harness: Harness, people: Cast) -> None:
        crm = harness.crm(people.unlicensed.address)
        with pytest.raises(Forbidden):
            await crm.acquaintance(Stranger(ADDRESS))
        with pytest.raises(Forbidden):
            await crm.add_contact(JANE)

    async def test_an_account_that_is_hidden_or_not_there_is_refused(
        self, harness: Harness, people: Cast
    ) -> None:
        own = (people.limited.oid, people.limited.address)
        hidden = next(a for a in harness.company.accounts if a.owner not in own)
        limited = harness.crm(people.limited.address)
        with pytest.raises((NotFound, Forbidden)):
            await limited.add_contact(replace(JANE, account=harness.ref("account", hidden.id)))
        crm = harness.crm(people.caller.address)
        for account in (harness.ref("account", NOWHERE), RecordRef("account", "no id' or 1")):
            with pytest.raises(NotFound):
                await crm.add_contact(replace(JANE, account=account))
        assert await known(harness, people) == ()

    async def test_what_is_too_long_is_cut_and_said_so(
        self, harness: Harness, people: Cast
    ) -> None:
        long = NewContact(ADDRESS, "\U0001f469" * 300, "f" * 300, "j" * 300, "0" * 300)
        added = await harness.crm(people.caller.address).add_contact(long)
        assert added.created
        (notice,) = added.notices
        assert notice.code == "contact_truncated"
        for word in ("first name", "last name", "job title", "phone"):
            assert word in notice.text
        assert 0 < units(added.contact.last_name) < 300
        assert set(added.contact.last_name) == {"\U0001f469"}
        assert added.contact.phone == ""

    async def test_an_address_that_is_too_long_is_refused(
        self, harness: Harness, people: Cast
    ) -> None:
        with pytest.raises(InvalidRequest) as refused:
            await harness.crm(people.caller.address).add_contact(
                replace(JANE, address=f"{'x' * 100}@elsewhere.example")
            )
        assert [error.field for error in refused.value.errors] == ["address"]

    @pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
    async def test_hostile_text_is_only_text(
        self, harness: Harness, people: Cast, text: str
    ) -> None:
        contact = NewContact(ADDRESS, f"Doe {text}", text, text, text)
        added = await harness.crm(people.caller.address).add_contact(contact)
        assert added.created
        stored = added.contact
        assert stored.last_name.startswith("Doe")
        for value in (stored.first_name, stored.last_name, stored.job_title, stored.phone):
            assert not any(character in value for character in "\x00\r\n\ud800")
        assert await known(harness, people) == (stored,)

    @pytest.mark.parametrize(
        "address",
        ["o'brien@elsewhere.example", "a+b&c=d@elsewhere.example", "x_%y@elsewhere.example"],
    )
    async def test_no_character_of_an_address_has_a_meaning(
        self, harness: Harness, people: Cast, address: str
    ) -> None:
        crm = harness.crm(people.caller.address)
        made = await crm.add_contact(replace(JANE, address=address))
        await crm.add_contact(replace(JANE, address="x__y@elsewhere.example"))
        found = await crm.acquaintance(Stranger(address))
        assert [one.ref.id for one in found.contacts] == [made.contact.ref.id]

    async def test_a_known_contact_is_found_by_any_address(
        self, harness: Harness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        for address in (people.second.email, people.second.email2):
            found = await crm.acquaintance(Stranger(address.upper()))
            assert [one.ref.id for one in found.contacts] == [
                harness.ref("contact", people.second.id).id
            ]

    async def test_colleagues_are_told_apart(self, harness: Harness, people: Cast) -> None:
        queue = harness.company.queues[0].address
        present = (people.colleague.address, queue, people.contact.email, people.unlicensed.address)
        crm = harness.crm(people.caller.address)
        found = await crm.acquaintance(Stranger(ADDRESS, present))
        assert set(found.colleagues) == {people.colleague.address, queue}

    async def test_the_company_is_found_by_its_domain(self, harness: Harness, people: Cast) -> None:
        crm = harness.crm(people.caller.address)
        found = await crm.acquaintance(
            Stranger(ADDRESS, domains=("mail.fenwick-cold.example", "fenwick-cold.example"))
        )
        (account,) = found.accounts
        assert account.ref.name == "Fenwick Cold Storage Ltd"
        assert account.ref.url.startswith("https://")
        assert "fenwick-cold.example" in account.domains
        assert (
            await crm.acquaintance(Stranger(ADDRESS, domains=("wick-cold.example",)))
        ).accounts == ()

    async def test_errors_hold_no_address(self, harness: Harness, people: Cast) -> None:
        await harness.crm(people.caller.address).add_contact(JANE)
        for address in (people.limited.address, people.reader.address):
            with pytest.raises(Forbidden) as refused:
                await harness.crm(address).add_contact(JANE)
            assert "@" not in str(refused.value)
            assert "Doe" not in str(refused.value)


async def known(harness: Harness, people: Cast) -> tuple[KnownContact, ...]:
    found = await harness.crm(people.caller.address).acquaintance(Stranger(ADDRESS))
    return found.contacts
