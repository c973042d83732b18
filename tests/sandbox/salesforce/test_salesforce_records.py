"""Records of the Salesforce stand-in one by one, and everything it refuses about them."""

from typing import Any

import pytest

from sandbox.running import Running
from sandbox.salesforce import campaign_id, project_id, record_id
from tests.sandbox.salesforce.client import ANNA, DIEGO, JAKUB, ROOT, Api

EVENT = {"StartDateTime": "2026-01-05T09:00:00Z", "DurationInMinutes": 30}


def error(answer: tuple[int, Any]) -> tuple[int, str, list[str] | None]:
    status, (entry,) = answer
    return status, entry["errorCode"], entry.get("fields")


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("Contact", {}, (400, "REQUIRED_FIELD_MISSING", ["LastName"])),
        ("Contact", {"LastName": " "}, (400, "REQUIRED_FIELD_MISSING", ["LastName"])),
        ("Contact", {"LastName": "x" * 81}, (400, "STRING_TOO_LONG", ["LastName"])),
        ("Contact", {"LastName": 5}, (400, "JSON_PARSER_ERROR", None)),
        ("Contact", {"LastName": "a\x00b"}, (400, "JSON_PARSER_ERROR", None)),
        ("Contact", {"LastName": "x", "Email": "a b"}, (400, "INVALID_EMAIL_ADDRESS", ["Email"])),
        ("Contact", {"LastName": "x", "Nope__c": 1}, (400, "INVALID_FIELD", None)),
        ("Contact", {"Name": "x"}, (400, "INVALID_FIELD_FOR_INSERT_UPDATE", ["Name"])),
        (
            "Contact",
            {"LastName": "x", "AccountId": "001000000000000"},
            (400, "INVALID_CROSS_REFERENCE_KEY", []),
        ),
        ("Contact", {"LastName": "x", "AccountId": "nope"}, (400, "MALFORMED_ID", ["AccountId"])),
        (
            "Event",
            {**EVENT, "New_Topic__c": "Nonsense"},
            (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["New_Topic__c"]),
        ),
        (
            "Event",
            {**EVENT, "Rating__c": 12345},
            (400, "NUMBER_OUTSIDE_VALID_RANGE", ["Rating__c"]),
        ),
        ("Event", {**EVENT, "Follow_Up__c": "yes"}, (400, "JSON_PARSER_ERROR", None)),
        ("Event", {**EVENT, "StartDateTime": "tomorrow"}, (400, "JSON_PARSER_ERROR", None)),
        ("User", {"LastName": "x"}, (403, "INSUFFICIENT_ACCESS_OR_READONLY", [])),
        ("Nonsense__c", {}, (404, "NOT_FOUND", None)),
    ],
)
def test_refuses_what_a_field_does_not_take(
    api: Api, name: str, values: dict[str, Any], expected: tuple[int, str, list[str] | None]
) -> None:
    assert error(api.call("POST", f"sobjects/{name}", values)) == expected


def test_keeps_every_kind_of_value(api: Api) -> None:
    campaign = campaign_id("Newsletter")
    id_ = api.create(
        "Event",
        **EVENT,
        Subject="  Übergabe  ",
        New_Topic__c="Delivery",
        Campaign_Ref__c=campaign[:15],
        Note__c="",
        Long_Note__c="Two\nlines",
        Follow_Up__c=True,
        Rating__c=7,
    )
    row = api.get("Event", id_)
    assert row["Subject"] == "Übergabe"
    assert row["StartDateTime"] == "2026-01-05T09:00:00.000+0000"
    assert row["EndDateTime"] == "2026-01-05T09:30:00.000+0000"
    assert row["Campaign_Ref__c"] == campaign
    assert row["Note__c"] is None
    assert row["Long_Note__c"] == "Two\nlines"
    assert (row["New_Topic__c"], row["Follow_Up__c"], row["Rating__c"]) == ("Delivery", True, 7)


def test_ids_are_known_by_fifteen_characters_and_in_any_case(api: Api) -> None:
    id_ = api.create("Contact", LastName="Short")
    assert len(id_) == 18
    assert id_.startswith("003")
    assert api.get("Contact", id_[:15])["Id"] == id_
    assert api.get("Contact", id_.lower())["Id"] == id_
    other = "x" if id_[14] != "x" else "y"
    assert api.refused("GET", f"sobjects/Contact/{id_[:14]}{other}") == (404, "NOT_FOUND")


def test_tells_deleted_records_from_unknown_ones(api: Api) -> None:
    id_ = api.create("Contact", LastName="Gone")
    assert api.call("DELETE", f"sobjects/Contact/{id_}") == (204, None)
    assert api.refused("GET", f"sobjects/Contact/{id_}") == (404, "NOT_FOUND")
    assert api.refused("PATCH", f"sobjects/Contact/{id_}", {}) == (404, "ENTITY_IS_DELETED")
    assert api.refused("DELETE", f"sobjects/Contact/{id_}") == (404, "ENTITY_IS_DELETED")
    lead = api.create("Lead", LastName="x", Company="y")
    other = f"003{lead[3:15]}"
    assert api.refused("DELETE", f"sobjects/Contact/{other}") == (
        404,
        "INVALID_CROSS_REFERENCE_KEY",
    )
    assert api.refused("PATCH", "sobjects/Contact/abc", {}) == (400, "MALFORMED_ID")


def test_a_unique_key_names_the_record_that_has_it(api: Api) -> None:
    first = api.create("Event", **EVENT, Threadline_Key__c="Key")
    status, (refused,) = api.call("POST", "sobjects/Event", {**EVENT, "Threadline_Key__c": "Key"})
    assert (status, refused["errorCode"], refused["fields"]) == (400, "DUPLICATE_VALUE", [])
    assert refused["message"] == (
        "duplicate value found: Threadline_Key__c duplicates value on record with id: " + first[:15]
    )
    api.create("Event", **EVENT, Threadline_Key__c="key")
    api.call("DELETE", f"sobjects/Event/{first}")
    api.create("Event", **EVENT, Threadline_Key__c="Key")


def test_an_external_id_may_match_none_one_or_several(api: Api) -> None:
    path = "sobjects/Event/Threadline_Item_Id__c/a%2Fb"
    assert api.refused("GET", path) == (404, "NOT_FOUND")
    status, made = api.call("PATCH", path, EVENT)
    assert (status, made["created"]) == (201, True)
    status, same = api.call("PATCH", path, {"Subject": "Again"})
    assert (status, same) == (
        200,
        {"id": made["id"], "success": True, "errors": [], "created": False},
    )
    assert api.call("GET", path)[1]["Subject"] == "Again"
    second = api.create("Event", **EVENT, Threadline_Item_Id__c="a/b")
    urls = [f"{ROOT}/sobjects/Event/{id_}" for id_ in (made["id"], second)]
    assert api.call("GET", path) == (300, urls)
    assert api.call("PATCH", path, {"Subject": "?"}) == (300, urls)


def test_contacts_with_the_same_address_are_duplicates_unless_allowed(api: Api) -> None:
    id_ = api.create("Contact", LastName="One", Email="one@twice.example")
    again = {"LastName": "Two", "Email": "ONE@twice.example"}
    status, (refused,) = api.call("POST", "sobjects/Contact", again)
    assert (status, refused["errorCode"]) == (400, "DUPLICATES_DETECTED")
    (result,) = refused["duplicateResut"]["matchResults"]
    assert [match["record"]["Id"] for match in result["matchRecords"]] == [id_]
    header = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    assert api.call("POST", "sobjects/Contact", again, headers=header)[0] == 201
    api.change("Contact", id_, Title="Still the same address")


def test_stages_and_states_follow_from_what_is_set(api: Api) -> None:
    opportunity = api.create(
        "Opportunity", Name="x", StageName="Closed Won", CloseDate="2026-02-01"
    )
    row = api.get("Opportunity", opportunity)
    assert (row["IsClosed"], row["IsWon"]) == (True, True)
    case = api.get("Case", api.create("Case", Subject="x"))
    assert (case["Status"], case["IsClosed"]) == ("New", False)
    assert len(case["CaseNumber"]) == 8


def test_shows_chosen_fields_only(api: Api) -> None:
    id_ = api.create("Contact", LastName="Few", FirstName="A")
    status, row = api.call("GET", f"sobjects/Contact/{id_}?fields=name,LastName")
    assert (status, row["Name"]) == (200, "A Few")
    assert set(row) == {"attributes", "Name", "LastName", "Id"}
    assert api.refused("GET", f"sobjects/Contact/{id_}?fields=Nope") == (400, "INVALID_FIELD")


def test_people_see_and_change_what_they_may(fresh_sandbox: Running, api: Api) -> None:
    mine = api.create("Contact", LastName="Anna's")
    diego, jakub = Api(fresh_sandbox, DIEGO), Api(fresh_sandbox, JAKUB)
    assert diego.refused("GET", f"sobjects/Contact/{mine}") == (404, "NOT_FOUND")
    assert diego.query("SELECT Id FROM Contact WHERE Id = {}", mine) == []
    readonly = (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    assert diego.refused("PATCH", f"sobjects/Contact/{mine}", {"Title": "x"}) == readonly
    event = {**EVENT, "WhoId": mine}
    assert diego.refused("POST", "sobjects/Event", event) == (
        400,
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
    )
    own = diego.create("Contact", LastName="Diego's")
    assert diego.get("Contact", own)["LastName"] == "Diego's"
    assert jakub.get("Contact", mine)["LastName"] == "Anna's"
    assert jakub.refused("POST", "sobjects/Contact", {"LastName": "x"}) == readonly
    assert jakub.refused("DELETE", f"sobjects/Contact/{mine}") == readonly


def test_a_hidden_record_still_holds_its_unique_key(fresh_sandbox: Running, api: Api) -> None:
    first = api.create("Event", **EVENT, Threadline_Key__c="k")
    diego = Api(fresh_sandbox, DIEGO)
    status, (refused,) = diego.call("POST", "sobjects/Event", {**EVENT, "Threadline_Key__c": "k"})
    assert (status, refused["errorCode"]) == (400, "DUPLICATE_VALUE")
    assert first[:15] in refused["message"]


def test_the_sample_company_is_there(fresh_sandbox: Running, api: Api) -> None:
    company = fresh_sandbox.world.company
    contact = next(c for c in company.contacts if c.email2)
    row = api.get("Contact", record_id("contact", contact.id))
    assert (row["Email"], row["Second_Email__c"]) == (contact.email, contact.email2)
    assert row["AccountId"] == record_id("account", contact.account)
    (me,) = api.query("SELECT Username, FederationIdentifier FROM User WHERE Email = {}", ANNA)
    assert me["FederationIdentifier"] == company.employees[0].oid
    queues = api.query("SELECT Email FROM Group WHERE Type = 'Queue'")
    assert {row["Email"] for row in queues} == {queue.address for queue in company.queues}


def test_activities_may_be_about_some_custom_objects_only(api: Api) -> None:
    project = project_id("Plant retrofit")
    assert api.get("Event", api.create("Event", **EVENT, WhatId=project))["WhatId"] == project
    (rule,) = api.query("SELECT Id FROM Price_Rule__c LIMIT 1")
    event = {**EVENT, "WhatId": rule["Id"]}
    assert api.refused("POST", "sobjects/Event", event) == (400, "MALFORMED_ID")


def test_requests_that_cannot_be_read(api: Api) -> None:
    json = {"content-type": "application/json"}
    assert api.refused("POST", "sobjects/Contact", content=b"{", headers=json) == (
        400,
        "JSON_PARSER_ERROR",
    )
    xml = {"content-type": "application/xml"}
    assert api.refused("POST", "sobjects/Contact", content=b"<a/>", headers=xml)[0] == 415
    assert api.refused("POST", "sobjects/Contact")[1] == "JSON_PARSER_ERROR"
    assert api.refused("GET", "nonsense") == (404, "NOT_FOUND")
    assert api.refused("DELETE", "sobjects/Contact")[0] == 405
    assert api.refused("GET", "query", params={"q": "x" * 17_000}) == (414, "URI_TOO_LONG")


def test_counts_the_calls(api: Api) -> None:
    used = [api.http.get("limits").headers["Sforce-Limit-Info"] for _ in range(2)]
    first, second = (int(text.removeprefix("api-usage=").split("/")[0]) for text in used)
    assert second == first + 1
    assert api.call("GET", "limits")[1]["DailyApiRequests"]["Max"] == 15_000


@pytest.mark.parametrize(
    ("json", "code"),
    [
        (b'{"LastName": "\\ud800"}', "JSON_PARSER_ERROR"),
        (b'{"\\ud800": 1}', "INVALID_FIELD"),
        (b'{"Rating__c": NaN}', "JSON_PARSER_ERROR"),
        (b'{"Rating__c": 1e400}', "NUMBER_OUTSIDE_VALID_RANGE"),
        (b'{"DurationInMinutes": 1e400}', "NUMBER_OUTSIDE_VALID_RANGE"),
        (b"[" * 100_000, "JSON_PARSER_ERROR"),
        (b"\xff", "JSON_PARSER_ERROR"),
    ],
)
def test_json_that_holds_no_values(api: Api, json: bytes, code: str) -> None:
    name = "Contact" if b"LastName" in json else "Event"
    headers = {"content-type": "application/json"}
    answer = api.refused("POST", f"sobjects/{name}", content=json, headers=headers)
    assert answer == (400, code)
