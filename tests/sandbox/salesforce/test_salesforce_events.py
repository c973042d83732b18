"""Events and tasks in the Salesforce stand-in: their times and their people."""

from typing import Any

import pytest

from tests.sandbox.salesforce.client import Api

START = "2026-01-05T09:00:00.000+0000"
TIMES = {"StartDateTime": START, "DurationInMinutes": 30}


@pytest.fixture
def contacts(api: Api) -> list[str]:
    return [row["Id"] for row in api.query("SELECT Id FROM Contact LIMIT 55")]


@pytest.fixture
def lead(api: Api) -> str:
    return str(api.query("SELECT Id FROM Lead LIMIT 1")[0]["Id"])


def people(api: Api, event: str) -> list[str]:
    soql = "SELECT (SELECT RelationId FROM EventWhoRelations) FROM Event WHERE Id = {}"
    children = api.query(soql, event)[0]["EventWhoRelations"]
    return [row["RelationId"] for row in children["records"]] if children else []


@pytest.mark.parametrize(
    ("values", "end", "minutes"),
    [
        ({"DurationInMinutes": 90}, "2026-01-05T10:30:00.000+0000", 90),
        ({"EndDateTime": "2026-01-05T11:00:00+01:00"}, "2026-01-05T10:00:00.000+0000", 60),
        ({"DurationInMinutes": 0}, START, 0),
    ],
)
def test_times_of_an_event(api: Api, values: dict[str, Any], end: str, minutes: int) -> None:
    row = api.get("Event", api.create("Event", StartDateTime=START, **values))
    assert (row["EndDateTime"], row["DurationInMinutes"]) == (end, minutes)
    assert (row["ActivityDate"], row["IsAllDayEvent"]) == ("2026-01-05", False)


@pytest.mark.parametrize(
    ("values", "end", "minutes"),
    [
        ({"ActivityDate": "2026-01-05"}, "2026-01-05", 1440),
        ({"ActivityDate": "2026-01-05", "DurationInMinutes": 2880}, "2026-01-06", 2880),
        (
            {
                "StartDateTime": "2026-01-05T00:00:00Z",
                "EndDateTime": "2026-01-07T00:00:00Z",
            },
            "2026-01-07",
            4320,
        ),
    ],
)
def test_all_day_events(api: Api, values: dict[str, Any], end: str, minutes: int) -> None:
    row = api.get("Event", api.create("Event", IsAllDayEvent=True, **values))
    assert row["StartDateTime"] == "2026-01-05T00:00:00.000+0000"
    assert row["EndDateTime"] == f"{end}T00:00:00.000+0000"
    assert (row["EndDate"], row["DurationInMinutes"]) == (end, minutes)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({}, "REQUIRED_FIELD_MISSING"),
        ({"StartDateTime": START}, "REQUIRED_FIELD_MISSING"),
        ({"IsAllDayEvent": True, "DurationInMinutes": 1440}, "REQUIRED_FIELD_MISSING"),
        ({"IsAllDayEvent": True, **TIMES}, "FIELD_INTEGRITY_EXCEPTION"),
        ({"StartDateTime": START, "DurationInMinutes": -5}, "FIELD_INTEGRITY_EXCEPTION"),
        ({"StartDateTime": START, "DurationInMinutes": 20_161}, "FIELD_INTEGRITY_EXCEPTION"),
        ({**TIMES, "EndDateTime": "2026-01-05T11:00:00Z"}, "FIELD_INTEGRITY_EXCEPTION"),
        ({**TIMES, "ActivityDate": "2026-01-06"}, "FIELD_INTEGRITY_EXCEPTION"),
        ({**TIMES, "Subject": "x" * 256}, "STRING_TOO_LONG"),
        ({**TIMES, "Location": "x" * 256}, "STRING_TOO_LONG"),
        ({**TIMES, "Description": "x" * 32_001}, "STRING_TOO_LONG"),
    ],
)
def test_events_that_cannot_be(api: Api, values: dict[str, Any], code: str) -> None:
    assert api.refused("POST", "sobjects/Event", values) == (400, code)


def test_moving_an_event_keeps_its_length(api: Api) -> None:
    id_ = api.create("Event", **TIMES)
    api.change("Event", id_, StartDateTime="2026-02-01T12:00:00Z")
    assert api.get("Event", id_)["EndDateTime"] == "2026-02-01T12:30:00.000+0000"
    api.change("Event", id_, EndDateTime="2026-02-01T13:00:00Z")
    assert api.get("Event", id_)["DurationInMinutes"] == 60


def test_hours_become_days_and_hours_again(api: Api) -> None:
    id_ = api.create("Event", **TIMES)
    days = {"StartDateTime": "2026-01-06T00:00:00Z", "EndDateTime": "2026-01-07T00:00:00Z"}
    assert api.refused("PATCH", f"sobjects/Event/{id_}", {"IsAllDayEvent": True}) == (
        400,
        "FIELD_INTEGRITY_EXCEPTION",
    )
    api.change("Event", id_, IsAllDayEvent=True, **days)
    row = api.get("Event", id_)
    assert (row["ActivityDate"], row["EndDate"]) == ("2026-01-06", "2026-01-07")
    assert row["DurationInMinutes"] == 2880
    api.change("Event", id_, IsAllDayEvent=False, **TIMES)
    row = api.get("Event", id_)
    assert (row["StartDateTime"], row["DurationInMinutes"]) == (START, 30)
    assert (row["ActivityDate"], row["EndDate"]) == ("2026-01-05", "2026-01-05")


def test_an_event_relates_to_up_to_fifty_contacts(api: Api, contacts: list[str]) -> None:
    id_ = api.create("Event", **TIMES, EventWhoIds=contacts[:50])
    assert people(api, id_) == contacts[:50]
    assert api.get("Event", id_)["WhoId"] == contacts[0]
    too_many = {**TIMES, "EventWhoIds": contacts[:51]}
    assert api.refused("POST", "sobjects/Event", too_many)[1] == "FIELD_INTEGRITY_EXCEPTION"
    api.change("Event", id_, EventWhoIds=contacts[2:4])
    assert people(api, id_) == contacts[2:4]
    assert api.get("Event", id_)["WhoId"] == contacts[2]
    api.change("Event", id_, WhoId=contacts[5])
    assert contacts[5] in people(api, id_)
    api.change("Event", id_, EventWhoIds=[])
    assert people(api, id_) == []
    assert api.get("Event", id_)["WhoId"] is None


def test_a_lead_comes_alone(api: Api, contacts: list[str], lead: str) -> None:
    account = api.query("SELECT Id FROM Account LIMIT 1")[0]["Id"]
    for values in ({"EventWhoIds": [lead, contacts[0]]}, {"WhoId": lead, "WhatId": account}):
        refused = api.refused("POST", "sobjects/Event", {**TIMES, **values})
        assert refused == (400, "FIELD_INTEGRITY_EXCEPTION")
    assert people(api, api.create("Event", **TIMES, WhoId=lead)) == [lead]


def test_the_account_follows_from_what_and_who(api: Api, contacts: list[str]) -> None:
    (contact,) = api.query("SELECT AccountId FROM Contact WHERE Id = {}", contacts[0])
    (deal,) = api.query(
        "SELECT Id, AccountId FROM Opportunity WHERE AccountId != {} LIMIT 1",
        contact["AccountId"],
    )
    id_ = api.create("Event", **TIMES, WhoId=contacts[0])
    assert api.get("Event", id_)["AccountId"] == contact["AccountId"]
    api.change("Event", id_, WhatId=deal["Id"])
    assert api.get("Event", id_)["AccountId"] == deal["AccountId"]


def test_invitees_are_relations_of_their_own(api: Api, contacts: list[str]) -> None:
    event = api.create("Event", **TIMES, WhoId=contacts[0])
    assert api.get("Event", event)["IsGroupEvent"] is False
    user = api.query("SELECT Id FROM User LIMIT 1")[0]["Id"]
    row = {"EventId": event, "RelationId": user, "Status": "Accepted"}
    invited = api.create("EventRelation", **row)
    shown = api.get("EventRelation", invited)
    assert (shown["IsInvitee"], shown["IsParent"], shown["IsWhat"]) == (True, False, False)
    assert api.get("Event", event)["IsGroupEvent"] is True
    assert people(api, event) == contacts[:1]
    assert api.refused("POST", "sobjects/EventRelation", row) == (400, "DUPLICATE_VALUE")
    api.change("EventRelation", invited, Status="Declined")
    assert api.call("DELETE", f"sobjects/EventRelation/{invited}")[0] == 204
    assert api.get("Event", event)["IsGroupEvent"] is False


def test_deleting_an_event_takes_its_relations_along(api: Api, contacts: list[str]) -> None:
    event = api.create("Event", **TIMES, EventWhoIds=contacts[:2])
    api.call("DELETE", f"sobjects/Event/{event}")
    assert api.query("SELECT Id FROM EventRelation WHERE EventId = {}", event) == []


def test_recurrence_is_refused_rather_than_ignored(api: Api) -> None:
    recurring = {**TIMES, "IsRecurrence": True}
    assert api.refused("POST", "sobjects/Event", recurring) == (501, "UNSUPPORTED")


def test_a_completed_task_stands_in_for_an_email(api: Api, contacts: list[str]) -> None:
    deal = api.query("SELECT Id FROM Opportunity LIMIT 1")[0]["Id"]
    task = api.create(
        "Task",
        Subject="Email: Hello",
        Status="Completed",
        TaskSubtype="Email",
        TaskWhoIds=contacts[:3],
        WhatId=deal,
        ActivityDate="2026-01-05",
        Threadline_Key__c="t",
    )
    row = api.get("Task", task)
    assert (row["IsClosed"], row["TaskSubtype"], row["WhoId"]) == (True, "Email", contacts[0])
    assert row["CompletedDateTime"] is not None
    soql = "SELECT (SELECT RelationId FROM TaskWhoRelations) FROM Task WHERE Id = {}"
    children = api.query(soql, task)[0]["TaskWhoRelations"]["records"]
    assert [child["RelationId"] for child in children] == contacts[:3]
    change = {"TaskSubtype": "Call"}
    assert api.refused("PATCH", f"sobjects/Task/{task}", change)[0] == 400
    api.change("Task", task, Status="In Progress", TaskWhoIds=None)
    row = api.get("Task", task)
    assert (row["IsClosed"], row["CompletedDateTime"], row["WhoId"]) == (False, None, None)
