"""What can be different about the Salesforce organisation, and its metadata."""

from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from sandbox import salesforce
from sandbox.running import Running
from tests.sandbox.salesforce.client import BERND, ROOT, Api

EVENT = {"StartDateTime": "2026-01-05T09:00:00Z", "DurationInMinutes": 30}


def test_without_the_package_its_fields_are_unknown(fresh_sandbox: Running, api: Api) -> None:
    fresh_sandbox.configure_salesforce(keyInstalled=False)
    names = {f["name"] for f in api.call("GET", "sobjects/Event/describe")[1]["fields"]}
    assert "New_Topic__c" in names
    assert not any(name.startswith("Threadline") for name in names)
    keyed = {**EVENT, "Threadline_Key__c": "k"}
    assert api.refused("POST", "sobjects/Event", keyed) == (400, "INVALID_FIELD")
    soql = {"q": "SELECT Id FROM Event WHERE Threadline_Key__c = 'k'"}
    assert api.refused("GET", "query", params=soql) == (400, "INVALID_FIELD")
    assert api.refused("PATCH", "sobjects/Event/Threadline_Key__c/k", EVENT)[0] == 404


def test_a_validation_rule(fresh_sandbox: Running, api: Api) -> None:
    fresh_sandbox.configure_salesforce(validationRule=True)
    status, (refused,) = api.call("POST", "sobjects/Event", EVENT)
    assert (status, refused["errorCode"], refused["fields"]) == (
        400,
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        ["New_Topic__c"],
    )
    api.create("Event", **EVENT, New_Topic__c="Prices")


def test_a_full_storage_takes_nothing_new(fresh_sandbox: Running, api: Api) -> None:
    id_ = api.create("Event", **EVENT)
    fresh_sandbox.configure_salesforce(storageFull=True)
    assert api.refused("POST", "sobjects/Event", EVENT) == (400, "STORAGE_LIMIT_EXCEEDED")
    api.change("Event", id_, Subject="Still")
    assert api.call("GET", "limits")[1]["DataStorageMB"]["Remaining"] == 0


def test_files_that_the_organisation_refuses(fresh_sandbox: Running, api: Api) -> None:
    fresh_sandbox.configure_salesforce(blockedExtensions=["exe"], maxFileBytes=3)
    file = {"PathOnClient": "a.EXE", "VersionData": "YQ=="}
    expected = (400, "FIELD_INTEGRITY_EXCEPTION")
    assert api.refused("POST", "sobjects/ContentVersion", file) == expected
    file = {"PathOnClient": "a.txt", "VersionData": "YWJjZA=="}
    assert api.refused("POST", "sobjects/ContentVersion", file) == expected
    api.create("ContentVersion", PathOnClient="a.txt", VersionData="YWJj")


def test_switches_add_up_until_a_reset(fresh_sandbox: Running) -> None:
    fresh_sandbox.configure_salesforce(storageFull=True)
    org = fresh_sandbox.configure_salesforce(keyInstalled=False)
    assert (org["storageFull"], org["keyInstalled"]) == (True, False)
    fresh_sandbox.reset()
    org = fresh_sandbox.configure_salesforce()
    assert (org["storageFull"], org["keyInstalled"]) == (False, True)


def test_unknown_switches_are_refused(fresh_sandbox: Running) -> None:
    with pytest.raises(httpx.HTTPStatusError):
        fresh_sandbox.configure_salesforce(nonsense=True)
    with pytest.raises(ValidationError):
        salesforce.configure(fresh_sandbox.world, nonsense=True)


def test_faults_stand_in_for_locks_and_limits(fresh_sandbox: Running, api: Api) -> None:
    locked = [{"message": "unable to obtain exclusive access", "errorCode": "UNABLE_TO_LOCK_ROW"}]
    fresh_sandbox.fault(
        service="salesforce", method="POST", path="sobjects/Event", status=500, body=locked, times=1
    )
    assert api.refused("POST", "sobjects/Event", EVENT) == (500, "UNABLE_TO_LOCK_ROW")
    api.create("Event", **EVENT)


def test_versions_and_resources(fresh_sandbox: Running, api: Api) -> None:
    versions = httpx.get(f"{fresh_sandbox.url}/services/data").json()
    assert {"label": "v64.0", "url": ROOT, "version": "64.0"} in versions
    resources = api.call("GET", "")[1]
    assert resources["query"] == f"{ROOT}/query"
    old = httpx.get(
        f"{fresh_sandbox.url}/services/data/v1.0/limits", headers=dict(api.http.headers)
    )
    assert old.status_code == 404


def described(api: Api, name: str) -> dict[str, Any]:
    return dict(api.call("GET", f"sobjects/{name}/describe")[1])


def test_what_activities_may_be_about_is_described(api: Api) -> None:
    fields = {f["name"]: f for f in described(api, "Event")["fields"]}
    what = fields["WhatId"]
    assert (what["relationshipName"], what["polymorphicForeignKey"]) == ("What", True)
    assert "Project__c" in what["referenceTo"]
    assert "Price_Rule__c" not in what["referenceTo"]
    topic = [value["value"] for value in fields["New_Topic__c"]["picklistValues"]]
    assert topic == ["Prices", "Delivery", "Support", "Contract"]
    children = {c["relationshipName"]: c for c in described(api, "Event")["childRelationships"]}
    assert children["EventWhoRelations"]["junctionIdListNames"] == ["EventWhoIds"]


def test_describes_agree_with_the_recorded_ones(api: Api) -> None:
    """Facts of `cci_GET_sobjects_Event_describe.yaml`, recorded from a real organisation."""
    about = described(api, "Event")
    assert (about["keyPrefix"], about["labelPlural"]) == ("00U", "Events")
    fields = {f["name"]: f for f in about["fields"]}
    subject = fields["Subject"]
    assert (subject["type"], subject["length"], subject["nameField"]) == ("combobox", 255, True)
    assert (fields["WhoId"]["label"], fields["WhoId"]["referenceTo"]) == (
        "Name ID",
        ["Contact", "Lead"],
    )
    assert fields["Description"]["filterable"] is False
    assert fields["CreatedById"]["createable"] is False
    assert fields["EventSubtype"]["updateable"] is False


def test_labels_come_in_the_language_that_the_user_chose(fresh_sandbox: Running, api: Api) -> None:
    fresh_sandbox.configure_salesforce(languages={BERND: "de"})
    german = Api(fresh_sandbox, BERND)
    with german.http:
        assert described(german, "Case")["labelPlural"] == "Kundenvorgänge"
        assert described(german, "Contact")["label"] == "Contact"
        fields = {one["name"]: one for one in described(german, "EmailMessage")["fields"]}
    assert fields["New_Topic__c"]["label"] == "Neues Thema"
    assert fields["New_Topic__c"]["picklistValues"][0]["label"] == "Preise"
    assert described(api, "Case")["labelPlural"] == "Cases"
