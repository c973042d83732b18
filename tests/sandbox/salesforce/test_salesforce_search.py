"""Words found by SOSL and by parameterized search."""

from typing import Any

import pytest

from sandbox.running import Running
from tests.sandbox.salesforce.client import DIEGO, Api


@pytest.fixture
def accounts(api: Api) -> Api:
    api.create("Account", Name="Zebra-Crossing O'Hara & Sons", Website="zebra.example")
    api.create("Account", Name="Zebras United", Phone="+49 30 555123")
    api.create("Account", Name="東京都物流", Description="zebra in the description")
    api.create("Contact", LastName="Zebra", Email="z@stripes.example")
    return api


def names(api: Api, **wanted: Any) -> list[str]:
    body = {"sobjects": [{"name": "Account", "fields": ["Id", "Name"]}], **wanted}
    status, answer = api.call("POST", "parameterizedSearch", body)
    assert status == 200, answer
    return [row["Name"] for row in answer["searchRecords"]]


@pytest.mark.parametrize(
    ("words", "scope", "expected"),
    [
        ("zebra", "NAME", ["Zebra-Crossing O'Hara & Sons"]),
        ("zebra*", "NAME", ["Zebra-Crossing O'Hara & Sons", "Zebras United"]),
        ("ZEBRA", "ALL", ["Zebra-Crossing O'Hara & Sons", "東京都物流"]),
        ("zebra united", "ALL", []),
        ("zebra? united", "ALL", ["Zebras United"]),
        ("united OR crossing", "ALL", ["Zebra-Crossing O'Hara & Sons", "Zebras United"]),
        ("zebra* AND NOT united", "NAME", ["Zebra-Crossing O'Hara & Sons"]),
        ('"o\'hara & sons"', "ALL", ["Zebra-Crossing O'Hara & Sons"]),
        ("o\\'hara", "ALL", ["Zebra-Crossing O'Hara & Sons"]),
        ("zebra\\-crossing", "ALL", ["Zebra-Crossing O'Hara & Sons"]),
        ("zebra\\*", "NAME", ["Zebra-Crossing O'Hara & Sons"]),
        ("zebra.example", "ALL", ["Zebra-Crossing O'Hara & Sons"]),
        ("555123", "PHONE", ["Zebras United"]),
        ("京都", "ALL", ["東京都物流"]),
        ("(united OR crossing) AND zebras", "ALL", ["Zebras United"]),
    ],
)
def test_words(accounts: Api, words: str, scope: str, expected: list[str]) -> None:
    assert names(accounts, q=words, **{"in": scope}) == expected


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("", "INVALID_SEARCH"),
        ("z", "INVALID_SEARCH"),
        ("**", "INVALID_SEARCH"),
        ('"open', "MALFORMED_SEARCH"),
        ("(open", "MALFORMED_SEARCH"),
    ],
)
def test_words_that_cannot_be_searched(api: Api, words: str, code: str) -> None:
    assert api.refused("POST", "parameterizedSearch", {"q": words}) == (400, code)


def test_conditions_limits_and_objects(accounts: Api) -> None:
    about = {"name": "Account", "fields": ["Name"], "where": "Phone != null"}
    assert names(accounts, q="zebra*", sobjects=[about]) == ["Zebras United"]
    assert len(names(accounts, q="zebra*", overallLimit=1)) == 1
    _, answer = accounts.call("POST", "parameterizedSearch", {"q": "zebra*"})
    kinds = {row["attributes"]["type"] for row in answer["searchRecords"]}
    assert kinds == {"Account", "Contact"}
    wrong = {"q": "zebra", "sobjects": [{"name": "Nonsense"}]}
    assert accounts.refused("POST", "parameterizedSearch", wrong) == (400, "INVALID_TYPE")


def test_parameters_in_the_url(accounts: Api) -> None:
    params = {
        "q": "zebra*",
        "in": "NAME",
        "sobject": ["Account", "Contact"],
        "Account.fields": "Name,Phone",
        "Account.limit": "1",
        "Contact.fields": "Email",
    }
    _, answer = accounts.call("GET", "parameterizedSearch", params=params)
    assert [set(row) for row in answer["searchRecords"]] == [
        {"attributes", "Name", "Phone"},
        {"attributes", "Email"},
    ]


def test_sosl(accounts: Api) -> None:
    sosl = (
        "FIND {zebra* AND NOT united} IN NAME FIELDS RETURNING Account(Name, Owner.Name "
        "WHERE Name != 'x' ORDER BY Name LIMIT 5), Contact LIMIT 10"
    )
    status, answer = accounts.call("GET", "search", params={"q": sosl})
    assert status == 200, answer
    first, second = answer["searchRecords"]
    assert (first["Name"], first["Owner"]["Name"]) == (
        "Zebra-Crossing O'Hara & Sons",
        "Anna Kowalska",
    )
    assert (second["attributes"]["type"], set(second)) == ("Contact", {"attributes", "Id"})


@pytest.mark.parametrize(
    "sosl", ["", "FIND zebra", "FIND {zebra} RETURNING", "FIND {a}} RETURNING Account", "SELECT Id"]
)
def test_malformed_sosl(api: Api, sosl: str) -> None:
    assert api.refused("GET", "search", params={"q": sosl}) == (400, "MALFORMED_SEARCH")


def test_nobody_finds_what_they_may_not_see(fresh_sandbox: Running, accounts: Api) -> None:
    assert names(Api(fresh_sandbox, DIEGO), q="zebra*") == []
    (gone,) = accounts.query("SELECT Id FROM Account WHERE Name = 'Zebras United'")
    accounts.call("DELETE", f"sobjects/Account/{gone['Id']}")
    assert names(accounts, q="zebras") == []


def test_found_values_are_formatted_for_people(accounts: Api) -> None:
    sosl = "FIND {united} RETURNING Account(Id, FORMAT(CreatedDate) made)"
    _, answer = accounts.call("GET", "search", params={"q": sosl})
    assert answer["searchRecords"][0]["made"].endswith((" AM", " PM"))
