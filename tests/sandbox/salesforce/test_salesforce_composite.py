"""Several requests in one: composites, collections, graphs and batches."""

from typing import Any

import pytest

from tests.sandbox.salesforce.client import ROOT, Api, part

LEAD = {"LastName": "Lead", "Company": "Example"}
ROLLED_BACK = [
    {
        "message": "The transaction was rolled back since another operation in the same "
        "transaction failed.",
        "errorCode": "PROCESSING_HALTED",
    }
]


def record(**values: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Lead"}, **LEAD, **values}


def leads(api: Api) -> int:
    return len(api.query("SELECT Id FROM Lead WHERE LastName = 'Lead'"))


def test_all_or_none_undoes_everything(api: Api) -> None:
    answers = api.composite(
        part("one", "POST", "sobjects/Lead", LEAD),
        part("two", "POST", "sobjects/Lead", {"LastName": "x"}),
        part("three", "POST", "sobjects/Lead", LEAD),
    )
    assert [answer["httpStatusCode"] for answer in answers] == [400, 400, 400]
    assert [answer["body"][0]["errorCode"] for answer in answers] == [
        "PROCESSING_HALTED",
        "REQUIRED_FIELD_MISSING",
        "PROCESSING_HALTED",
    ]
    assert answers[0] == {
        "body": ROLLED_BACK,
        "httpHeaders": {},
        "httpStatusCode": 400,
        "referenceId": "one",
    }
    assert leads(api) == 0


def test_without_it_each_part_stands_alone(api: Api) -> None:
    answers = api.composite(
        part("one", "POST", "sobjects/Lead", LEAD),
        part("two", "POST", "sobjects/Lead", {"LastName": "x"}),
        part("three", "PATCH", "sobjects/Lead/@{one.id}", {"Title": "Chief"}),
        part("four", "PATCH", "sobjects/Lead/@{two.id}", {"Title": "Chief"}),
        whole=False,
    )
    assert [answer["httpStatusCode"] for answer in answers] == [201, 400, 204, 400]
    assert answers[3]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert "No value for two.id found in two" in answers[3]["body"][0]["message"]
    assert leads(api) == 1


def test_references_reach_into_queries_and_collections(api: Api) -> None:
    answers = api.composite(
        part("made", "POST", "composite/sobjects", {"records": [record(), record(Title="b")]}),
        part("found", "GET", "query?q=SELECT Id FROM Lead WHERE Id = '@{made[1].id}'"),
        part("changed", "PATCH", "sobjects/Lead/@{found.records[0].Id}", {"Title": "c"}),
        part("shown", "GET", "sobjects/Lead/@{made[1].id}?fields=Title"),
    )
    assert [answer["httpStatusCode"] for answer in answers] == [200, 200, 204, 200]
    assert answers[3]["body"]["Title"] == "c"


def test_a_reference_that_leads_nowhere_fails_its_part(api: Api) -> None:
    answers = api.composite(
        part("none", "GET", "query?q=SELECT Id FROM Lead WHERE LastName = 'nobody'"),
        part("use", "POST", "sobjects/Lead", {**LEAD, "Title": "@{none.records[0].Id}"}),
    )
    assert answers[1]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert "none.records[0].Id" in answers[1]["body"][0]["message"]


def test_what_a_reference_brings_cannot_change_the_query(api: Api) -> None:
    answers = api.composite(
        part("one", "POST", "sobjects/Lead", {**LEAD, "Title": "x&q=SELECT Id FROM User"}),
        part("read", "GET", "sobjects/Lead/@{one.id}?fields=Title"),
        part("found", "GET", "query?q=SELECT Id FROM Lead WHERE Title = '@{read.Title}'"),
    )
    assert answers[2]["body"]["totalSize"] == 1


def test_the_composites_all_or_none_overrules_the_collections(api: Api) -> None:
    bad = {"attributes": {"type": "Lead"}, "LastName": "x"}
    several = {"allOrNone": False, "records": [record(), bad]}
    answers = api.composite(
        part("several", "POST", "composite/sobjects", several),
        part("one", "POST", "sobjects/Lead", LEAD),
    )
    assert [answer["httpStatusCode"] for answer in answers] == [200, 400]
    codes = [result["errors"][0]["statusCode"] for result in answers[0]["body"]]
    assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert answers[1]["body"] == ROLLED_BACK
    assert leads(api) == 0


@pytest.mark.parametrize("whole", [True, False])
def test_collections_create_change_and_delete(api: Api, whole: bool) -> None:
    bad = {"attributes": {"type": "Lead"}, "LastName": "x"}
    body = {"allOrNone": whole, "records": [record(), bad]}
    status, results = api.call("POST", "composite/sobjects", body)
    assert status == 200
    assert [result["success"] for result in results] == [not whole, False]
    assert leads(api) == (0 if whole else 1)
    ids = [api.create("Lead", **LEAD) for _ in range(2)]
    changes = [{"attributes": {"type": "Lead"}, "id": id_, "Title": "t"} for id_ in ids]
    body = {"allOrNone": whole, "records": changes}
    assert [r["id"] for r in api.call("PATCH", "composite/sobjects", body)[1]] == ids
    body = {"ids": [*ids, "00Q000000000000"], "fields": ["Title"]}
    rows = api.call("POST", "composite/sobjects/Lead", body)[1]
    assert [row and row["Title"] for row in rows] == ["t", "t", None]
    path = f"composite/sobjects?ids={ids[0]},{ids[0]}&allOrNone={str(whole).lower()}"
    results = api.call("DELETE", path)[1]
    assert results[1]["errors"][0]["statusCode"] == "ENTITY_IS_DELETED"
    assert api.call("GET", f"sobjects/Lead/{ids[0]}")[0] == (200 if whole else 404)


def test_collections_upsert_by_external_id(api: Api) -> None:
    event = {"StartDateTime": "2026-01-05T09:00:00Z", "DurationInMinutes": 5}
    rows = [{"attributes": {"type": "Event"}, "Threadline_Key__c": key, **event} for key in "aab"]
    _, results = api.call("PATCH", "composite/sobjects/Event/Threadline_Key__c", {"records": rows})
    assert [result["created"] for result in results] == [True, False, True]
    assert results[0]["id"] == results[1]["id"]


def test_limits_of_parts_and_records(api: Api) -> None:
    query = "query?q=SELECT Id FROM Lead LIMIT 1"

    def refused(count: int, path: str) -> tuple[int, str]:
        parts = [part(f"p{n}", "GET", path) for n in range(count)]
        return api.refused("POST", "composite", {"compositeRequest": parts})

    assert refused(26, "limits") == (400, "INVALID_INPUT")
    assert refused(6, query) == (400, "INVALID_INPUT")
    assert len(api.composite(*(part(f"p{n}", "GET", query) for n in range(5)))) == 5
    twice = [part("same", "GET", "limits")] * 2
    assert api.refused("POST", "composite", {"compositeRequest": twice})[1] == "INVALID_INPUT"
    body = {"records": [record()] * 201}
    assert api.refused("POST", "composite/sobjects", body) == (400, "EXCEEDED_ID_LIMIT")


def test_graphs_succeed_or_fail_each_for_itself(api: Api) -> None:
    good = {"graphId": "1", "compositeRequest": [part("one", "POST", "sobjects/Lead", LEAD)]}
    parts = [*good["compositeRequest"], part("two", "POST", "sobjects/Lead", {})]
    bad = {"graphId": "2", "compositeRequest": parts}
    _, answer = api.call("POST", "composite/graph", {"graphs": [good, bad]})
    assert [graph["isSuccessful"] for graph in answer["graphs"]] == [True, False]
    assert leads(api) == 1


def test_batches_answer_each_request(api: Api) -> None:
    requests = [
        {"method": "POST", "url": "v64.0/sobjects/Lead", "richInput": LEAD},
        {"method": "GET", "url": f"{ROOT}/sobjects/Lead/nope"},
        {"method": "GET", "url": "v64.0/limits"},
    ]
    body = {"batchRequests": requests, "haltOnError": True}
    _, answer = api.call("POST", "composite/batch", body)
    assert answer["hasErrors"] is True
    assert [result["statusCode"] for result in answer["results"]] == [201, 404, 412]
