"""SOQL as the Salesforce stand-in reads it."""

from typing import Any

import pytest
from simple_salesforce import format_soql

from sandbox.running import Running
from tests.sandbox.salesforce.client import ANNA, ROOT, Api, part


@pytest.fixture
def people(api: Api) -> Api:
    """Five contacts of one made-up account."""
    account = api.create("Account", Name="Query Ltd")
    rows: list[dict[str, Any]] = [
        {"LastName": "Ähre", "FirstName": "Zoë", "Title": "100%"},
        {"LastName": "O'Brien", "Title": "100x", "Email": "ob@query.example"},
        {"LastName": "back\\slash", "Department": "a_b"},
        {"LastName": "brien", "Department": "axb"},
        {"LastName": "two\nlines", "Email": "two@query.example"},
    ]
    for row in rows:
        api.create("Contact", **row, AccountId=account)
    return api


def names(api: Api, where: str, order: str = "ORDER BY LastName") -> list[str]:
    soql = "SELECT LastName FROM Contact WHERE Account.Name = 'Query Ltd' AND"
    return [row["LastName"] for row in api.query(f"{soql} {where} {order}")]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("LastName = 'O\\'BRIEN'", ["O'Brien"]),
        ("LastName = 'back\\\\slash'", ["back\\slash"]),
        ("LastName = 'two\\nlines'", ["two\nlines"]),
        ("LastName = '\\u00c4hre'", ["Ähre"]),
        ("LastName LIKE '%brien'", ["brien", "O'Brien"]),
        ("LastName LIKE 'BRI_N'", ["brien"]),
        ("LastName LIKE 'back\\\\\\\\%'", []),
        ("LastName LIKE 'back\\\\slash'", ["back\\slash"]),
        ("Title LIKE '100\\%'", ["Ähre"]),
        ("Title LIKE '100%'", ["O'Brien", "Ähre"]),
        ("Department LIKE 'a\\_b'", ["back\\slash"]),
        ("Title = null", ["back\\slash", "brien", "two\nlines"]),
        ("Title != null", ["O'Brien", "Ähre"]),
        ("Title != '100x'", ["back\\slash", "brien", "two\nlines", "Ähre"]),
        ("LastName IN ('BRIEN', 'two\\nlines')", ["brien", "two\nlines"]),
        ("LastName NOT IN ('brien', 'Ähre')", ["back\\slash", "O'Brien", "two\nlines"]),
        ("(Title = '100x' OR Department = 'axb')", ["brien", "O'Brien"]),
        ("NOT Title = '100x'", ["back\\slash", "brien", "two\nlines", "Ähre"]),
        ("Title > '100' AND Title < '100a'", ["Ähre"]),
        ("Email = 'OB@query.example'", ["O'Brien"]),
        ("IsDeleted = false AND LastName = 'brien'", ["brien"]),
        ("CreatedDate >= 2026-01-01T00:00:00Z AND LastName = 'brien'", ["brien"]),
        ("CreatedDate < 2001-01-01T00:00:00+02:00", []),
        ("LastActivityDate = null AND LastName = 'brien'", ["brien"]),
        ("Contact.LastName = 'brien'", ["brien"]),
        ("owner.email = 'anna.kowalska@contoso.example' AND LastName = 'brien'", ["brien"]),
        ("AccountId IN (SELECT Id FROM Account WHERE Name = 'Query Ltd') "
         "AND LastName = 'brien'", ["brien"]),
    ],
)  # fmt: skip
def test_conditions(people: Api, where: str, expected: list[str]) -> None:
    assert names(people, where) == expected


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT FROM Contact",
        "SELECT Id Contact",
        "SELECT Id FROM Contact WHERE",
        "SELECT Id FROM Contact WHERE Name = 'a' OR Name = 'b' AND Name = 'c'",
        "SELECT Id FROM Contact WHERE Name = 'a' LIMIT",
        "SELECT Id FROM Contact WHERE Name = 'unterminated",
        "SELECT Id FROM Contact WHERE Name = 'bad \\x escape'",
        "SELECT Id FROM Contact; DELETE",
        "SELECT Id FROM Contact LIMIT -1",
        'SELECT Id FROM Contact WHERE Name = "double"',
        "SELECT Id FROM Contact -- comment",
        "SELECT Id, COUNT(Id) FROM Contact GROUP BY Id",
        "SELECT Id FROM ContentDocumentLink",
        "UPDATE Contact SET Name = 'x'",
        " ",
    ],
)
def test_malformed_queries(api: Api, soql: str) -> None:
    assert api.refused("GET", "query", params={"q": soql}) == (400, "MALFORMED_QUERY")


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Nope FROM Contact", "INVALID_FIELD"),
        ("SELECT Account.Nope FROM Contact", "INVALID_FIELD"),
        ("SELECT Nope.Name FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Name = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE CreatedDate = '2026-01-01'", "INVALID_FIELD"),
        ("SELECT Id FROM Event WHERE IsPrivate = 'true'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE AccountId = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Contact WHERE AccountId LIKE '001%'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Nonsense", "INVALID_TYPE"),
        ("SELECT Id, (SELECT Id FROM Nonsense) FROM Contact", "INVALID_TYPE"),
        ("SELECT Id FROM Contact OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
    ],
)
def test_queries_about_what_is_not_there(api: Api, soql: str, code: str) -> None:
    assert api.refused("GET", "query", params={"q": soql}) == (400, code)


def test_a_statement_that_is_too_long(api: Api) -> None:
    ids = ",".join(f"'{n:015}'" for n in range(6000))
    soql = "SELECT Id FROM Contact WHERE Id IN"
    (answer,) = api.composite(part("long", "GET", f"query?q={soql} ({ids})"))
    assert answer["body"][0]["errorCode"] == "QUERY_TOO_COMPLICATED"


def test_order_with_nulls_limit_and_offset(people: Api) -> None:
    everyone = "LastName != null"
    assert names(people, everyone, "ORDER BY Title NULLS LAST, LastName DESC LIMIT 3") == [
        "Ähre",
        "O'Brien",
        "two\nlines",
    ]
    assert names(people, everyone, "ORDER BY Title DESC, LastName LIMIT 1") == ["back\\slash"]
    assert names(people, everyone, "ORDER BY LastName LIMIT 2 OFFSET 1") == ["brien", "O'Brien"]


def test_counts(people: Api) -> None:
    soql = "SELECT count() FROM Contact WHERE Account.Name = 'Query Ltd'"
    assert people.call("GET", "query", params={"q": soql})[1] == {
        "totalSize": 5,
        "done": True,
        "records": [],
    }


def test_parents_and_children(people: Api) -> None:
    (row,) = people.query(
        "SELECT Name, Parent.Name, Owner.Name, (SELECT LastName, Account.Owner.Email FROM Contacts "
        "WHERE LastName LIKE '%brien' ORDER BY LastName), (SELECT Id FROM Opportunities) "
        "FROM Account WHERE Name = 'Query Ltd'"
    )
    assert row["Parent"] is None
    assert row["Owner"]["Name"] == "Anna Kowalska"
    assert row["Opportunities"] is None
    children = row["Contacts"]
    assert (children["totalSize"], children["done"]) == (2, True)
    assert [child["LastName"] for child in children["records"]] == ["brien", "O'Brien"]
    assert children["records"][0]["Account"]["Owner"]["Email"] == ANNA


def test_polymorphic_parents_show_what_all_have(api: Api) -> None:
    (case,) = api.query("SELECT Id, CaseNumber FROM Case LIMIT 1")
    (lead,) = api.query("SELECT Id, Name, Email FROM Lead LIMIT 1")
    event = {"StartDateTime": "2026-01-05T09:00:00Z", "DurationInMinutes": 5}
    api.create("Event", **event, Subject="about", WhatId=case["Id"])
    api.create("Event", **event, Subject="with", WhoId=lead["Id"])
    (about,) = api.query("SELECT What.Name, What.Type, Who.Name FROM Event WHERE Subject='about'")
    assert (about["What"]["Name"], about["What"]["Type"]) == (case["CaseNumber"], "Case")
    assert about["Who"] is None
    (with_,) = api.query("SELECT Who.Email, Who.Type FROM Event WHERE Who.Type = 'Lead'")
    assert (with_["Who"]["Email"], with_["Who"]["Type"]) == (lead["Email"], "Lead")
    answer = api.refused("GET", "query", params={"q": "SELECT What.Industry FROM Event"})
    assert answer == (400, "INVALID_FIELD")


def test_long_results_come_in_batches(api: Api) -> None:
    rows = [
        {"attributes": {"type": "Lead"}, "LastName": f"Batch {n}", "Company": "x"}
        for n in range(200)
    ]
    for _ in range(3):
        api.call("POST", "composite/sobjects", {"records": rows})
    soql = "SELECT LastName FROM Lead WHERE LastName LIKE 'Batch%'"
    header = {"Sforce-Query-Options": "batchSize=250"}
    _, page = api.call("GET", "query", params={"q": soql}, headers=header)
    assert (page["totalSize"], page["done"], len(page["records"])) == (600, False, 250)
    seen = page["records"]
    while not page["done"]:
        rest = page["nextRecordsUrl"].removeprefix(f"{ROOT}/")
        _, page = api.call("GET", rest, headers=header)
        seen += page["records"]
    assert len(seen) == 600
    assert api.refused("GET", "query/01g000000000000AAA-250") == (400, "INVALID_QUERY_LOCATOR")


def test_query_all_finds_the_deleted(api: Api) -> None:
    id_ = api.create("Lead", LastName="Gone", Company="x")
    api.call("DELETE", f"sobjects/Lead/{id_}")
    soql = format_soql("SELECT IsDeleted FROM Lead WHERE Id = {}", id_)
    assert api.query(soql) == []
    _, answer = api.call("GET", "queryAll", params={"q": soql})
    assert [row["IsDeleted"] for row in answer["records"]] == [True]


def test_keys_are_told_apart_by_case(api: Api) -> None:
    event = {"StartDateTime": "2026-01-05T09:00:00Z", "DurationInMinutes": 5}
    api.create("Event", **event, Threadline_Key__c="Key")
    assert len(api.query("SELECT Id FROM Event WHERE Threadline_Key__c = 'Key'")) == 1
    assert api.query("SELECT Id FROM Event WHERE Threadline_Key__c = 'KEY'") == []


def test_all_fields_need_a_limit(api: Api) -> None:
    assert "Email" in api.query("SELECT FIELDS(ALL) FROM Contact LIMIT 1")[0]
    soql = "SELECT FIELDS(ALL) FROM Contact"
    assert api.refused("GET", "query", params={"q": soql}) == (400, "MALFORMED_QUERY")


def test_an_index_finds_what_a_scan_finds(fresh_sandbox: Running, api: Api) -> None:
    for contact in fresh_sandbox.world.company.contacts[:5]:
        by_index = api.query("SELECT Id FROM Contact WHERE Email = {}", contact.email)
        by_scan = api.query("SELECT Id FROM Contact WHERE Email LIKE {}", contact.email)
        assert by_index == by_scan != []


def test_values_are_formatted_for_people(api: Api) -> None:
    id_ = api.create(
        "Opportunity",
        Name="Formats",
        StageName="Prospecting",
        CloseDate="2026-03-09",
        Amount=44_000,
        Probability=5,
    )
    (row,) = api.query(
        "SELECT FORMAT(Amount) a, FORMAT(CloseDate) c, FORMAT(Probability), FORMAT(CreatedDate) d "
        "FROM Opportunity WHERE Id = {}",
        id_,
    )
    assert (row["a"], row["c"], row["Probability"]) == ("$44,000.00", "3/9/2026", "5%")
    assert row["d"].endswith((" AM", " PM"))
    wrong = {"q": "SELECT FORMAT(Name) FROM Opportunity"}
    assert api.refused("GET", "query", params=wrong) == (400, "MALFORMED_QUERY")


EVENTS = "SELECT Id FROM Event WHERE"
OF_CONTACTS = "WhoId IN (SELECT Id FROM Contact WHERE LastName = 'brien' OR LastName = 'x')"


@pytest.mark.parametrize(
    "where",
    [
        f"{OF_CONTACTS} AND (Subject = 'a' OR Subject = null)",
        " AND ".join((OF_CONTACTS, "Id IN (SELECT EventId FROM EventRelation)")),
    ],
)
def test_semi_joins_stand_at_the_top(people: Api, where: str) -> None:
    assert people.query(f"{EVENTS} {where}") == []


@pytest.mark.parametrize(
    "where",
    [
        f"{OF_CONTACTS} OR Subject = 'a'",
        f"Subject = 'a' AND ({OF_CONTACTS} OR Subject = 'b')",
        f"{OF_CONTACTS} AND {OF_CONTACTS} AND {OF_CONTACTS}",
        "WhatId IN (SELECT WhatId FROM Task)",
        "WhatId IN (SELECT WhatId FROM Event)",
        "Id IN (SELECT EventId FROM EventRelation WHERE RelationId IN (SELECT Id FROM Lead))",
        "Account.ParentId IN (SELECT Id FROM Account)",
    ],
)
def test_semi_joins_that_salesforce_does_not_take(people: Api, where: str) -> None:
    wrong = {"q": f"{EVENTS} {where}"}
    assert people.refused("GET", "query", params=wrong) == (400, "MALFORMED_QUERY")
