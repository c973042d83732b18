"""What is Salesforce's own about adding people."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from sandbox import salesforce
from sandbox.running import Running
from shared.contacts import Stranger
from shared.crm.salesforce.adapter import SalesforceCrm
from shared.errors import InvalidRequest
from tests.contract.contacting import ADDRESS, JANE
from tests.contract.salesforce_harness import SalesforceHarness, salesforce_crm


@pytest.fixture
async def harness(fresh_sandbox: Running) -> AsyncIterator[SalesforceHarness]:
    async with salesforce_crm(fresh_sandbox) as harness:
        yield harness


@pytest.fixture
def crm(harness: SalesforceHarness) -> SalesforceCrm:
    return harness.crm(harness.company.employees[0].address)


def answered(**error: Any) -> str:
    """A composite that was refused at its first part."""
    halted = {"errorCode": "PROCESSING_HALTED", "message": "The transaction was rolled back."}
    parts = [("made", {"message": "Use one of these records?", **error}), ("now", halted)]
    return json.dumps(
        {
            "compositeResponse": [
                {"referenceId": name, "httpStatusCode": 400, "httpHeaders": {}, "body": [body]}
                for name, body in parts
            ]
        }
    )


async def test_one_who_has_another_address_by_now_is_in_nobody_s_way(
    harness: SalesforceHarness, crm: SalesforceCrm
) -> None:
    first = (await crm.add_contact(JANE)).contact.ref.id
    await harness.write("PATCH", f"sobjects/Contact/{first}", {"Email": "jane@married.example"})
    second = await crm.add_contact(JANE)
    assert second.created
    assert second.contact.ref.id != first
    again = await crm.add_contact(JANE)
    assert (again.created, again.contact.ref.id) == (False, second.contact.ref.id)


async def test_without_our_field_a_duplicate_rule_finds_the_first(
    harness: SalesforceHarness, crm: SalesforceCrm
) -> None:
    salesforce.configure(harness.sandbox.world, key_installed=False)
    first = await crm.add_contact(JANE)
    again = await crm.add_contact(replace(JANE, address=ADDRESS.upper()))
    assert (again.created, again.contact.ref.id) == (False, first.contact.ref.id)


@pytest.mark.parametrize("word", ["duplicateResut", "duplicateResult"])
async def test_a_rule_that_takes_the_person_for_another_is_named(
    harness: SalesforceHarness, crm: SalesforceCrm, word: str
) -> None:
    """Standard rules match names too; the person may be there with another address."""
    await crm.check()
    detail = {word: {"allowSave": True, "duplicateRule": "Standard_Contact_Duplicate_Rule"}}
    harness.sandbox.fault(
        service="salesforce",
        path="/composite$",
        status=200,
        body=answered(errorCode="DUPLICATES_DETECTED", **detail),
        times=1,
    )
    with pytest.raises(InvalidRequest, match="Standard_Contact_Duplicate_Rule"):
        await crm.add_contact(JANE)
    assert (await crm.add_contact(JANE)).created


async def test_an_address_that_salesforce_does_not_take_is_told(crm: SalesforceCrm) -> None:
    with pytest.raises(InvalidRequest, match="Email"):
        await crm.add_contact(replace(JANE, address="田中@例え.example"))


async def test_an_account_without_a_website_is_known_by_its_people(
    harness: SalesforceHarness, crm: SalesforceCrm
) -> None:
    account = next(a for a in harness.company.accounts if "Fenwick" in a.name)
    id_ = harness.ref("account", account.id).id
    nothing = {"Website": None, "Email__c": None}
    await harness.write("PATCH", f"sobjects/Account/{id_}", nothing)
    found = await crm.acquaintance(Stranger(ADDRESS, domains=("fenwick-cold.example",)))
    assert [(one.ref.id, one.ref.name) for one in found.accounts] == [(id_, account.name)]
    assert found.accounts[0].domains == ("fenwick-cold.example",)


async def test_each_takes_one_round_trip(harness: SalesforceHarness, crm: SalesforceCrm) -> None:
    await crm.check()
    before = len(harness.sandbox.requests("salesforce"))
    await crm.acquaintance(Stranger(ADDRESS, (ADDRESS.lower(),), ("elsewhere.example",)))
    await crm.add_contact(JANE)
    assert len(harness.sandbox.requests("salesforce")) - before == 2
