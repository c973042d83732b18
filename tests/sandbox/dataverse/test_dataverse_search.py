"""Dataverse search: words over several tables."""

import json
from typing import Any

import httpx
import pytest

from sandbox.entra import tokens
from tests.sandbox.dataverse.calls import ANNA, Crm, refusal

DIEGO = "diego.fernandez@contoso.example"


async def search(crm: Crm, user: str = ANNA, **body: Any) -> httpx.Response:
    crm.clock.move(1)
    token = tokens.issue(crm.world, user, "dataverse")
    return await crm.http.post(
        "https://localhost:7443/dataverse/api/search/v2.0/query",
        json=body,
        headers={"Authorization": f"Bearer {token}"},
    )


async def hits(crm: Crm, user: str = ANNA, **body: Any) -> list[dict[str, Any]]:
    answer = await search(crm, user, **body)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = json.loads(answer.json()["response"])["Value"]
    return found


async def test_words_are_found_in_several_tables_and_marked(crm):
    found = await hits(crm, search="harbourline")
    assert {hit["EntityName"] for hit in found} >= {"account", "contact"}
    account = next(hit for hit in found if hit["EntityName"] == "account")
    assert account["Attributes"]["name"].startswith("Harbourline")
    assert account["Highlights"]["name"][0].startswith("{crmhit}Harbourline{/crmhit}")
    assert [h["Score"] for h in found] == sorted((h["Score"] for h in found), reverse=True)


async def test_every_word_must_occur_and_a_star_stands_for_the_rest(crm):
    assert await hits(crm, search="harbourline logistics")
    assert await hits(crm, search="harbourline nonsense") == []
    assert await hits(crm, search="harbou") == []
    assert await hits(crm, search="HARBOU*")


async def test_tables_columns_and_filters(crm):
    entities = json.dumps(
        [{"name": "contact", "selectColumns": ["fullname", "jobtitle"],
          "searchColumns": ["fullname"], "filter": "statecode eq 0"}]
    )  # fmt: skip
    [hit] = await hits(crm, search="Ellison", entities=entities)
    assert set(hit["Attributes"]) == {"fullname", "jobtitle"}
    closed = entities.replace("statecode eq 0", "statecode eq 1")
    assert await hits(crm, search="Ellison", entities=closed) == []


async def test_pages_and_counts(crm):
    answer = await search(crm, search="harbourline", top=1, count=True)
    body = json.loads(answer.json()["response"])
    assert len(body["Value"]) == 1
    assert body["Count"] > 1
    [second] = await hits(crm, search="harbourline", top=1, skip=1)
    assert second["Id"] != body["Value"][0]["Id"]


async def test_only_what_the_user_may_see(crm):
    own = {a.id for a in crm.world.company.accounts if a.owner == DIEGO}
    entities = json.dumps([{"name": "account"}])
    for account in crm.world.company.accounts[:8]:
        word = account.name.split()[0]
        found = await hits(crm, DIEGO, search=word, entities=entities)
        assert {hit["Id"] for hit in found} <= own


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"search": " "}, 400), ({"search": "x" * 101}, 400), ({"search": "..."}, 400),
     ({"search": "a|b"}, 501), ({"search": 'a "b c"'}, 501), ({"search": "a", "facets": "[]"}, 501),
     ({"search": "a", "entities": "nonsense"}, 400),
     ({"search": "a", "entities": '[{"name": "email"}]'}, 400),
     ({"search": "a", "entities": '[{"name": "account", "selectColumns": ["nope"]}]'}, 400)],
)  # fmt: skip
async def test_what_a_search_does_not_take(crm, body, status):
    assert (await search(crm, **body)).status_code == status


async def test_escaped_operators_are_plain_characters(crm):
    assert await hits(crm, search=r"harbourline \(logistics\)")


async def test_one_search_a_second(crm):
    await hits(crm, search="harbourline")
    crm.clock.move(-0.5)
    answer = await search(crm, search="harbourline")
    refusal(answer, 429, "0x80072322")
    assert answer.headers["Retry-After"] == "1"
