"""Dataverse keeps the contracts of suggesting and searching, in few round trips."""

from collections.abc import AsyncIterator

import pytest

from sandbox.running import Running
from shared.domain import RecordRef
from shared.policy import Condition
from shared.records import Search, Wanted
from shared.suggestions import Clues
from tests.contract import items
from tests.contract.dataverse_harness import DataverseHarness, dataverse
from tests.contract.people import Cast
from tests.contract.saving import save
from tests.contract.searching import Fields, SearchingContract
from tests.contract.suggesting import NOW, TYPES, SuggestingContract, clues, thread


@pytest.fixture
async def harness(fresh_sandbox: Running) -> AsyncIterator[DataverseHarness]:
    async with dataverse(fresh_sandbox) as harness:
        yield harness


class TestDataverseSuggesting(SuggestingContract):
    async def test_two_round_trips_do(self, harness: DataverseHarness, people: Cast) -> None:
        await save(
            harness.crm(people.caller.address),
            thread(items.sender(people.contact.email)),
            harness.ref("opportunity", harness.company.opportunities[0].id),
        )
        crm = harness.crm(people.caller.address)
        before = len(harness.sandbox.requests("dataverse"))
        domain = people.contact.email.partition("@")[2]
        asked = clues(
            people.contact.email, domains=(domain,), message_ids=("<1@customer.example>",)
        )
        found = await crm.candidates(asked, TYPES, NOW)
        assert found.filed
        assert found.accounts
        assert len(harness.sandbox.requests("dataverse")) - before == 2

    async def test_a_record_of_an_own_table_is_found_again(
        self, harness: DataverseHarness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        (project, *_) = await crm.search(Search("harbour", (Wanted("new_project"),), 1))
        await save(crm, thread(), RecordRef("new_project", project.record.id))
        asked = Clues(message_ids=("<1@customer.example>",))
        found = await crm.candidates(asked, (*TYPES, "new_project"), NOW)
        assert [one.ref for one in found.records] == [project.record]
        assert (await crm.candidates(asked, TYPES, NOW)).records == ()


class TestDataverseSearching(SearchingContract):
    @pytest.fixture
    def fields(self) -> Fields:
        return Fields(
            customer="parentaccountid",
            customer_label="Account",
            is_open=Condition(field="statecode", value=0),
            unfit=Condition(field="estimatedvalue", value="much"),
            order="name",
            localized=("new_topic", "pl", "Sprzedaż"),
        )

    async def test_a_warm_search_asks_index_and_tables_side_by_side(
        self, harness: DataverseHarness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        search = Search("harbourline", (Wanted("account"),), 5)
        await crm.search(Search("", search.wanted, 5))
        before = len(harness.sandbox.requests("dataverse"))
        assert await crm.search(search)
        made = [call["path"] for call in harness.sandbox.requests("dataverse")[before:]]
        assert sorted(path.rpartition("/")[2] for path in made) == ["$batch", "query"]

    async def test_the_index_finds_what_only_a_description_says(
        self, harness: DataverseHarness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        found = await crm.search(Search("haulage hauliers", (Wanted("opportunity"),), 5))
        assert found == ()
        harness.sandbox.reset()
        found = await crm.search(Search("hauliers booking", (Wanted("opportunity"),), 5))
        assert [one.record.name for one in found] == ["Dock scheduling software"]

    @pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 501, 503])
    async def test_without_the_index_quick_find_does(
        self, harness: DataverseHarness, people: Cast, status: int
    ) -> None:
        harness.sandbox.fault(
            service="dataverse", path="/api/search/", status=status, times=9, headers={}
        )
        crm = harness.crm(people.caller.address)
        for _ in range(2):
            found = await crm.search(Search("harbourline", (Wanted("account"),), 5))
            assert len(found) == 2
        asked = [c for c in harness.sandbox.requests("dataverse") if "/search/" in c["path"]]
        assert len(asked) >= 1
        harness.sandbox.clear_faults()

    async def test_every_kind_of_condition_fits_its_column(
        self, harness: DataverseHarness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        account = harness.company.accounts[0].id
        conditions = (
            Condition(field="parentaccountid", value=account),
            Condition(field="name", operator="contains", value="scann"),
            Condition(field="modifiedon", operator="atLeast", value="2020-01-01"),
            Condition(field="statuscode", operator="notEquals", value=5),
            Condition(field="estimatedvalue", operator="empty"),
            Condition(field="ownerid", operator="notEmpty"),
        )
        found = await crm.search(Search("", (Wanted("opportunity", (), conditions),), 5))
        assert [one.record.name for one in found] == ["Handheld scanners for the Felixstowe hub"]
