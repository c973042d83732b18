"""Salesforce keeps the contracts of suggesting and searching, in few round trips."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sandbox import salesforce
from sandbox.running import Running
from shared.domain import Limits, RecordRef
from shared.errors import InvalidRequest
from shared.policy import Condition, Order
from shared.records import Option, Search, Wanted
from shared.suggestions import Clues
from tests.contract import items
from tests.contract.harness import Harness
from tests.contract.people import Cast
from tests.contract.salesforce_harness import SalesforceHarness, salesforce_crm
from tests.contract.saving import save
from tests.contract.searching import Fields, SearchingContract, names
from tests.contract.suggesting import NOW, TYPES, SuggestingContract, clues, thread

PROJECT = salesforce.project_id("Harbour extension")


@pytest.fixture
async def harness(fresh_sandbox: Running) -> AsyncIterator[SalesforceHarness]:
    async with salesforce_crm(fresh_sandbox) as harness:
        await harness.set_limits(Limits(100 * 1024 * 1024, frozenset({"exe"})))
        yield harness


def paths(harness: SalesforceHarness, since: int = 0) -> list[str]:
    calls = [call["path"] for call in harness.sandbox.requests("salesforce")[since:]]
    return sorted(path.rpartition("/")[2] for path in calls)


class TestSalesforceSuggesting(SuggestingContract):
    async def test_two_round_trips_do(self, harness: SalesforceHarness, people: Cast) -> None:
        """The first is two composites, of up to five queries each, and a search side by side."""
        await save(
            harness.crm(people.caller.address),
            thread(items.sender(people.contact.email)),
            harness.ref("opportunity", harness.company.opportunities[0].id),
        )
        crm = harness.crm(people.caller.address)
        domain = people.contact.email.partition("@")[2]
        asked = clues(
            people.contact.email, domains=(domain,), message_ids=("<1@customer.example>",)
        )
        cold = await crm.candidates(asked, TYPES, NOW)
        before = len(harness.sandbox.requests("salesforce"))
        assert await crm.candidates(asked, TYPES, NOW) == cold
        assert cold.filed
        assert cold.accounts
        assert paths(harness, before) == ["batch", "composite", "composite", "composite"]

    async def test_a_record_of_an_own_object_is_found_again(
        self, harness: SalesforceHarness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        await save(crm, thread(), RecordRef("Project__c", PROJECT))
        asked = Clues(message_ids=("<1@customer.example>",))
        found = await crm.candidates(asked, (*TYPES, "Project__c"), NOW)
        assert [(one.ref.type, one.ref.id, one.ref.name) for one in found.records] == [
            ("Project__c", PROJECT, "Harbour extension")
        ]
        assert (await crm.candidates(asked, TYPES, NOW)).records == ()

    async def test_a_lead_that_mail_was_filed_with_is_found_again(
        self, harness: SalesforceHarness, people: Cast
    ) -> None:
        lead = harness.company.leads[0]
        crm = harness.crm(people.caller.address)
        await save(crm, thread(), harness.ref("lead", lead.id))
        found = await crm.candidates(Clues(message_ids=("<1@customer.example>",)), TYPES, NOW)
        assert [one.ref.id for one in found.records] == [harness.ref("lead", lead.id).id]
        assert found.filed[0].record.type == "lead"

    @pytest.mark.parametrize("kind", ["email", "meeting"])
    async def test_earlier_choices_for_contacts_and_leads_are_found_through_their_records(
        self, harness: SalesforceHarness, people: Cast, kind: str
    ) -> None:
        """Without the index, which is minutes behind: the addresses of known people stand in the
        records that relate them."""
        contact, lead, me = people.second, harness.company.leads[0], people.caller.address
        deal = harness.ref("opportunity", harness.company.opportunities[0].id)
        crm = harness.crm(me)
        for number, address in enumerate((contact.email, lead.email)):
            if kind == "email":
                sender, to = items.sender(me), items.to(address)
                await save(crm, items.email(sender, *to, message_id=f"<{number}@x>"), deal)
            else:
                organizer, guests = items.organizer(me), items.attendees(address)
                await save(crm, items.meeting(organizer, *guests, uid=f"u{number}"), deal)
        harness.sandbox.fault(service="salesforce", path="/composite/batch", status=500, times=99)
        now = datetime.now(UTC)
        for asked in (
            clues(contact.email),
            clues(
                f"someone@{contact.email.partition('@')[2]}",
                domains=(contact.email.partition("@")[2],),
            ),
        ):
            found = await crm.candidates(asked, TYPES, now)
            assert [one.record.id for one in found.filed] == [deal.id]
            assert contact.email in found.filed[0].addresses
        if kind == "email":
            found = await crm.candidates(clues(lead.email), TYPES, now)
            assert [one.record.id for one in found.filed] == [deal.id]
        harness.sandbox.clear_faults()

    async def test_an_address_in_a_text_is_no_party(
        self, harness: SalesforceHarness, people: Cast
    ) -> None:
        deal = harness.ref("opportunity", harness.company.opportunities[0].id)
        crm = harness.crm(people.caller.address)
        body = "<p>Ask ann@newcomer.example about it.</p>"
        await save(crm, items.email(items.sender("bob@other.example"), body=body), deal)
        now = datetime.now(UTC)
        assert (await crm.candidates(clues("ann@newcomer.example"), TYPES, now)).filed == ()
        assert (await crm.candidates(clues("bob@other.example"), TYPES, now)).filed

    async def test_an_account_without_a_website_is_known_by_its_people(
        self, harness: SalesforceHarness, people: Cast
    ) -> None:
        made = await harness.write("POST", "sobjects/Account", {"Name": "Quiet Ltd"})
        account = made.json()["id"]
        row = {"LastName": "Low", "Email": "low@eu.quiet.example", "AccountId": account}
        await harness.write("POST", "sobjects/Contact", row)
        crm = harness.crm(people.caller.address)
        found = await crm.candidates(
            clues("new@quiet.example", domains=("quiet.example",)), TYPES, NOW
        )
        assert [(one.ref.id, one.domains) for one in found.accounts] == [
            (account, ("eu.quiet.example",))
        ]
        assert found.contacts == ()
        await harness.write("PATCH", f"sobjects/Account/{account}", {"Website": "loud.example"})
        found = await crm.candidates(
            clues("new@quiet.example", domains=("quiet.example",)), TYPES, NOW
        )
        assert found.accounts == ()

    async def test_deals_of_contacts_without_an_account_are_there(
        self, harness: SalesforceHarness, people: Cast
    ) -> None:
        row = {"LastName": "Alone", "Email": "alone@nowhere.example"}
        contact = (await harness.write("POST", "sobjects/Contact", row)).json()["id"]
        deal = {"Name": "Small deal", "StageName": "Prospecting", "CloseDate": "2026-12-31"}
        deal_id = (await harness.write("POST", "sobjects/Opportunity", deal)).json()["id"]
        role = {"OpportunityId": deal_id, "ContactId": contact, "IsPrimary": True}
        await harness.write("POST", "sobjects/OpportunityContactRole", role)
        case = {"Subject": "Small worry", "ContactId": contact}
        await harness.write("POST", "sobjects/Case", case)
        crm = harness.crm(people.caller.address)
        found = await crm.candidates(clues("alone@nowhere.example"), TYPES, NOW)
        assert {(one.ref.name, one.contact_id) for one in found.records} == {
            ("Small deal", contact),
            ("Small worry", contact),
        }
        assert all(one.account_id is None for one in found.records)
        assert next(one.number for one in found.records if one.ref.type == "case")

    async def test_a_parent_that_the_caller_may_not_see_is_absent(
        self, harness: SalesforceHarness, people: Cast
    ) -> None:
        limited = people.limited
        child = next(a for a in harness.company.accounts if a.parent and a.owner == limited.address)
        parent = harness.ref("account", child.parent or "").id
        owner = {"OwnerId": harness.ref("user", people.caller.oid).id}
        await harness.write("PATCH", f"sobjects/Account/{parent}", owner)
        domain = child.email.partition("@")[2]
        asked = clues(f"new@{domain}", domains=(domain,))
        mine = await harness.crm(limited.address).candidates(asked, TYPES, NOW)
        assert [one.ref.id for one in mine.accounts] == [harness.ref("account", child.id).id]
        theirs = await harness.crm(people.caller.address).candidates(asked, TYPES, NOW)
        assert parent in {one.ref.id for one in theirs.accounts}

    @pytest.mark.parametrize("switches", [{"enhanced_email": False}, {"key_installed": False}])
    async def test_organisations_that_lack_something_are_asked_for_what_they_have(
        self, harness: SalesforceHarness, people: Cast, switches: dict[str, bool]
    ) -> None:
        harness.sandbox.configure_salesforce(**switches)
        deal = harness.ref("opportunity", harness.company.opportunities[0].id)
        crm = harness.crm(people.caller.address)
        await save(crm, items.email(items.sender(people.contact.email)), deal)
        asked = replace(clues(people.contact.email), message_ids=("<1@customer.example>",))
        found = await crm.candidates(asked, TYPES, datetime.now(UTC))
        assert [one.record.id for one in found.filed] == [deal.id]
        meeting = await crm.candidates(Clues(conversation_id="some-uid"), TYPES, NOW)
        assert meeting.filed == ()


class TestSalesforceSearching(SearchingContract):
    @pytest.fixture
    def fields(self) -> Fields:
        return Fields(
            customer="AccountId",
            customer_label="Account",
            is_open=Condition(field="IsClosed", value=False),
            unfit=Condition(field="Amount", value="much"),
            order="Name",
            localized=("New_Topic__c", "de", "Preise"),
        )

    async def test_options_come_in_the_language_asked_for(
        self, harness: Harness, people: Cast, fields: Fields
    ) -> None:
        """Salesforce answers each user in the language that this user chose there, and there is no
        asking for another."""
        assert isinstance(harness, SalesforceHarness)
        name, language, label = fields.localized
        harness.sandbox.configure_salesforce(languages={people.colleague.address: language})

        async def labels(address: str, tag: str) -> list[str]:
            described = await harness.crm(address).describe("email", (), tag)
            (field,) = (one for one in described.fields if one.name == name)
            return [option.label for option in field.options]

        for tag in ("", "en", language, "tlh"):
            assert label in await labels(people.colleague.address, tag)
            assert label not in await labels(people.caller.address, tag)

    @pytest.mark.parametrize(
        ("language", "yes", "no"),
        [("de-AT", "Ja", "Nein"), ("", "Yes", "No"), ("tlh", "Yes", "No")],
    )
    async def test_checkboxes_are_worded_in_the_language_asked_for(
        self, harness: SalesforceHarness, people: Cast, language: str, yes: str, no: str
    ) -> None:
        described = await harness.crm(people.caller.address).describe("meeting", (), language)
        (field,) = (one for one in described.fields if one.name == "Follow_Up__c")
        assert field.options == (Option(1, yes), Option(0, no))

    async def test_fields_are_described_with_their_limits(
        self, harness: SalesforceHarness, people: Cast
    ) -> None:
        described = await harness.crm(people.caller.address).describe("email", (), "en")
        fields = {one.name: one for one in described.fields}
        assert (fields["Rating__c"].minimum, fields["Rating__c"].maximum) == (-9999, 9999)
        assert fields["Note__c"].max_length == 255
        assert fields["New_Topic__c"].max_length is None
        assert fields["Campaign_Ref__c"].lookup_types == ("Campaign",)
        assert not any(one.required for one in described.fields)

    async def test_without_enhanced_email_the_fields_of_tasks_are_described(
        self, harness: SalesforceHarness, people: Cast
    ) -> None:
        harness.sandbox.configure_salesforce(enhanced_email=False)
        crm = harness.crm(people.caller.address)
        described = await crm.describe("email", (Wanted("account"), Wanted("Price_Rule__c")), "en")
        assert {one.name: one.max_length for one in described.fields}["Long_Note__c"] == 255
        assert [(one.type, one.connectable) for one in described.types] == [
            ("account", True),
            ("Price_Rule__c", False),
        ]

    async def test_a_warm_search_and_form_take_one_round_trip_and_none(
        self, harness: SalesforceHarness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        search = Search("harbourline", (Wanted("account"),), 5)
        form = (Wanted("account", ("Industry",)),)
        cold = await crm.search(search), await crm.describe("email", form, "en")
        before = len(harness.sandbox.requests("salesforce"))
        assert (await crm.search(search), await crm.describe("email", form, "en")) == cold
        assert paths(harness, before) == ["batch", "composite"]

    async def test_the_index_finds_what_only_a_description_says(
        self, harness: SalesforceHarness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        found = await crm.search(Search("hauliers booking", (Wanted("opportunity"),), 5))
        assert names(found) == ["Dock scheduling software"]
        assert await crm.search(Search("haulage hauliers", (Wanted("opportunity"),), 5)) == ()

    @pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
    async def test_without_the_index_names_are_found(
        self, harness: SalesforceHarness, people: Cast, status: int
    ) -> None:
        harness.sandbox.fault(
            service="salesforce", path="/composite/batch", status=status, times=9, headers={}
        )
        crm = harness.crm(people.caller.address)
        found = await crm.search(Search("harbourline", (Wanted("account"),), 5))
        assert len(found) == 2
        harness.sandbox.clear_faults()

    async def test_key_fields_are_worded_as_people_read_them(
        self, harness: SalesforceHarness, people: Cast
    ) -> None:
        values = {"Amount": 44_000, "CloseDate": "2026-03-09", "Type": "New Business"}
        row = {"Name": "Worded deal", "StageName": "Prospecting", **values}
        await harness.write("POST", "sobjects/Opportunity", row)
        crm = harness.crm(people.caller.address)
        shown = {}
        for text in ("Worded deal", "wörded"):
            for field in ("Amount", "CloseDate", "Type", "OwnerId", "IsClosed", "AccountId"):
                wanted = (Wanted("opportunity", (field,)),)
                (found,) = await crm.search(Search(text, wanted, 5, "pl"))
                shown[field] = (found.key_fields[0].label, found.key_fields[0].value)
            assert shown == {
                "Amount": ("Amount", "$44,000.00"),
                "CloseDate": ("Close Date", "3/9/2026"),
                "Type": ("Type", "New Business"),
                "OwnerId": ("Owner", people.caller.name),
                "IsClosed": ("Is Closed", "Nie"),
                "AccountId": ("Account", ""),
            }

    async def test_every_kind_of_condition_fits_its_field(
        self, harness: SalesforceHarness, people: Cast
    ) -> None:
        account = harness.ref("account", harness.company.accounts[0].id).id
        conditions = (
            Condition(field="AccountId", value=account),
            Condition(field="Name", operator="contains", value="scann"),
            Condition(field="LastModifiedDate", operator="atLeast", value="2020-01-01"),
            Condition(field="CloseDate", operator="atMost", value="2999-01-01"),
            Condition(field="StageName", operator="notEquals", value="Closed Lost"),
            Condition(field="IsWon", value=False),
            Condition(field="Amount", operator="empty"),
            Condition(field="OwnerId", operator="notEmpty"),
        )
        crm = harness.crm(people.caller.address)
        found = await crm.search(Search("", (Wanted("opportunity", (), conditions),), 5))
        assert names(found) == ["Handheld scanners for the Felixstowe hub"]
        wanted = Wanted("opportunity", (), conditions, Order(field="AccountId", descending=True))
        assert names(await crm.search(Search("scanners", (wanted,), 5))) == names(found)

    @pytest.mark.parametrize(
        "condition",
        [
            Condition(field="no_such_field", value="x"),
            Condition(field="Description", operator="contains", value="x"),
            Condition(field="Amount", operator="contains", value="x"),
            Condition(field="IsClosed", value="yes"),
            Condition(field="IsClosed", operator="atLeast", value=True),
            Condition(field="AccountId", value="x') OR Name != null"),
            Condition(field="CloseDate", value="soon"),
            Condition(field="LastModifiedDate", value="soon"),
            Condition(field="Amount", value=True),
        ],
        ids=lambda one: f"{one.field} {one.operator} {one.value}",
    )
    async def test_a_condition_of_another_kind_is_refused(
        self, harness: SalesforceHarness, people: Cast, condition: Condition
    ) -> None:
        crm = harness.crm(people.caller.address)
        for text in ("", "harbour"):
            with pytest.raises(InvalidRequest) as refused:
                await crm.search(Search(text, (Wanted("opportunity", (), (condition,)),), 5))
            assert condition.field in refused.value.detail

    async def test_users_and_cases_are_found_by_what_people_call_them(
        self, harness: SalesforceHarness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        found = await crm.search(Search(people.colleague.name, (Wanted("user"),), 5))
        assert names(found) == [people.colleague.name]
        case = harness.company.cases[0]
        for text in (case.title, case.number):
            found = await crm.search(Search(text, (Wanted("case"),), 5))
            assert names(found)[0] == case.title
