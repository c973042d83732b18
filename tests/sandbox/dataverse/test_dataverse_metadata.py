"""What forms and clients ask about tables, columns, option sets and relationships."""

import json

import pytest

from sandbox.dataverse.functions import VERSION
from sandbox.dataverse.sample import ORGANIZATION
from tests.sandbox.dataverse.calls import refusal

EMAIL = "EntityDefinitions(LogicalName='email')"
PICKLIST = "Microsoft.Dynamics.CRM.PicklistAttributeMetadata"


async def test_a_table_is_found_by_its_name(crm):
    path = "EntityDefinitions?$select=LogicalName,EntitySetName,PrimaryIdAttribute"
    found = await crm.found(f"{path}&$filter=LogicalName eq 'email'")
    [row] = found["value"]
    assert (row["EntitySetName"], row["PrimaryIdAttribute"]) == ("emails", "activityid")
    assert row["MetadataId"]
    assert "SchemaName" not in row
    by_id = await crm.found(f"EntityDefinitions({row['MetadataId']})?$select=LogicalName")
    assert by_id["LogicalName"] == "email"


@pytest.mark.parametrize(
    ("table", "activity", "regarded"),
    [("email", True, False), ("account", False, True), ("new_project", False, True),
     ("new_region", False, False), ("systemuser", False, False)],
)  # fmt: skip
async def test_which_tables_are_activities_and_which_take_them(crm, table, activity, regarded):
    path = f"EntityDefinitions(LogicalName='{table}')?$select=IsActivity,HasActivities"
    row = await crm.found(path)
    assert (row["IsActivity"], row["HasActivities"]) == (activity, regarded)


@pytest.mark.parametrize(
    ("table", "plural"), [("account", "Accounts"), ("opportunity", "Opportunities")]
)
async def test_a_table_has_a_word_for_many(crm, table, plural):
    path = f"EntityDefinitions(LogicalName='{table}')?$select=DisplayCollectionName"
    told = (await crm.found(path))["DisplayCollectionName"]["UserLocalizedLabel"]
    assert told["Label"] == plural


async def test_tables_are_filtered_by_what_they_are(crm):
    path = "EntityDefinitions?$select=LogicalName&$filter=HasActivities eq true and "
    found = await crm.found(f"{path}IsCustomEntity eq true")
    assert [row["LogicalName"] for row in found["value"]] == ["new_project"]


async def test_columns_tell_type_length_and_requirement(crm):
    found = await crm.found(f"{EMAIL}/Attributes?$select=LogicalName,MaxLength,RequiredLevel")
    columns = {row["LogicalName"]: row for row in found["value"]}
    assert columns["subject"]["MaxLength"] == 800
    assert columns["subject"]["@odata.type"].endswith("StringAttributeMetadata")
    assert columns["activityid"]["RequiredLevel"]["Value"] == "SystemRequired"

    start = await crm.found(
        "EntityDefinitions(LogicalName='appointment')/Attributes(LogicalName='scheduledstart')"
    )
    assert start["RequiredLevel"]["Value"] == "ApplicationRequired"
    region = await crm.found(f"{EMAIL}/Attributes(LogicalName='new_region')")
    assert (region["AttributeType"], region["Targets"]) == ("Lookup", ["new_region"])
    minutes = await crm.found(f"{EMAIL}/Attributes(LogicalName='new_minutes')")
    assert (minutes["MinValue"], minutes["MaxValue"]) == (0, 1440)


async def test_choices_have_labels_in_every_language(crm):
    found = await crm.found(
        f"{EMAIL}/Attributes/{PICKLIST}?$select=LogicalName&$expand=OptionSet($select=Options)"
    )
    topic = next(row for row in found["value"] if row["LogicalName"] == "new_topic")
    complaint = topic["OptionSet"]["Options"][2]
    labels = {entry["LanguageCode"]: entry["Label"]
              for entry in complaint["Label"]["LocalizedLabels"]}  # fmt: skip
    assert complaint["Value"] == 100_000_002
    assert labels[1033] == complaint["Label"]["UserLocalizedLabel"]["Label"] == "Complaint"
    assert (labels[1045], labels[1041]) == ("Reklamacja", "苦情")

    one = await crm.found(
        f"{EMAIL}/Attributes(LogicalName='new_topic')/{PICKLIST}?$expand=GlobalOptionSet"
    )
    assert one["GlobalOptionSet"]["Name"] == "new_topic"
    shared = await crm.found("GlobalOptionSetDefinitions(Name='new_topic')")
    assert len(shared["Options"]) == 4


async def test_statuses_tell_their_state(crm):
    cast = "Microsoft.Dynamics.CRM.StatusAttributeMetadata"
    found = await crm.found(f"{EMAIL}/Attributes/{cast}?$expand=OptionSet")
    pairs = {(o["Value"], o["State"]) for o in found["value"][0]["OptionSet"]["Options"]}
    assert {(3, 1), (4, 1), (1, 0), (5, 2)} <= pairs


async def test_relationships_name_the_navigation_properties(crm):
    select = "$select=ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName"
    found = await crm.found(f"{EMAIL}/ManyToOneRelationships?{select}")
    links = {(row["ReferencingAttribute"], row["ReferencedEntity"]):
             row["ReferencingEntityNavigationPropertyName"] for row in found["value"]}  # fmt: skip
    assert links["regardingobjectid", "account"] == "regardingobjectid_account_email"
    assert links["new_region", "new_region"] == "new_Region_email"
    assert ("regardingobjectid", "new_region") not in links


async def test_definitions_with_their_columns_in_one_call(crm):
    row = await crm.found(
        f"{EMAIL}?$select=LogicalName&$expand=Attributes($select=LogicalName;"
        "$filter=IsCustomAttribute eq true)"
    )
    assert "new_topic" in [a["LogicalName"] for a in row["Attributes"]]
    assert "subject" not in [a["LogicalName"] for a in row["Attributes"]]


async def test_metadata_changes_of_one_table(crm):
    condition = {"PropertyName": "LogicalName", "ConditionOperator": "Equals",
                 "Value": {"Type": "System.String", "Value": "email"}}  # fmt: skip
    query = {
        "Criteria": {"Conditions": [condition]},
        "AttributeQuery": {"Properties": {"PropertyNames": ["LogicalName", "MaxLength"]}},
    }
    path = "RetrieveMetadataChanges(Query=@p1)"
    body = await crm.found(path, **{"@p1": json.dumps(query)})
    columns = {a["LogicalName"]: a for a in body["EntityMetadata"][0]["Attributes"]}
    assert columns["messageid"]["MaxLength"] == 320


@pytest.mark.parametrize(
    ("path", "status"),
    [("EntityDefinitions(LogicalName='nope')", 404),
     (f"{EMAIL}/Attributes(LogicalName='nope')", 404),
     ("GlobalOptionSetDefinitions(Name='nope')", 404),
     (f"{EMAIL}/Nope", 404),
     ("EntityDefinitions?$filter=Nope eq 1", 400),
     ("EntityDefinitions?$select=Nope", 400),
     ("EntityDefinitions?$orderby=LogicalName", 400)],
)  # fmt: skip
async def test_definitions_that_are_not_there(crm, path, status):
    assert (await crm.get(path)).status_code == status


async def test_definitions_are_not_changed_here(crm):
    refusal(await crm.post("EntityDefinitions", {}), 501, "0x80060888")


async def test_functions_about_the_organisation(crm):
    assert (await crm.found("WhoAmI"))["OrganizationId"] == ORGANIZATION
    assert (await crm.found("RetrieveVersion()"))["Version"] == VERSION
    detail = (await crm.found("RetrieveCurrentOrganization(AccessType='Default')"))["Detail"]
    assert detail["Endpoints"]["Values"] == ["https://localhost:7443/dataverse/"]
    refusal(await crm.get("Frobnicate()"), 404, "0x80060888")
    refusal(await crm.post("WhoAmI()", {}), 405, "0x80060888")
    refusal(await crm.get("CheckPromoteEmail(MessageId=@p1)"), 400, "0x80060888")
