"""The admin's document: what it may say, and that its schema is the one we hand out."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from pydantic import ValidationError

from shared.domain import Sensitivity
from shared.policy import Policy, schema

WHOLE: dict[str, Any] = {
    "recordTypes": [
        {
            "type": "opportunity",
            "keyFields": ["parentaccountid", "estimatedvalue"],
            "filters": [
                {
                    "name": "Open deals",
                    "conditions": [{"field": "statecode", "operator": "equals", "value": 0}],
                },
                {"name": "No owner", "conditions": [{"field": "ownerid", "operator": "empty"}]},
            ],
            "order": {"field": "modifiedon", "descending": True},
        },
        {"type": "account"},
    ],
    "saveEmails": True,
    "saveMeetings": False,
    "emailCategories": [{"name": "new_topic", "type": "choice", "required": True}],
    "meetingCategories": [{"name": "new_region", "type": "lookup", "lookupType": "new_region"}],
    "attachments": "none",
    "banner": {"enabled": False, "maxPerDay": 1},
    "exclusions": {
        "domains": ["lawyers.example", "@bank.example"],
        "addresses": ["doctor@clinic.example"],
        "neverAutoSaved": ["private", "confidential", "personal"],
    },
    "followReplies": False,
    "languages": ["de", "pt-BR"],
}


def test_the_committed_schema_is_the_document_s() -> None:
    committed = Path(__file__).parents[2] / "docs" / "policy.schema.json"
    assert json.loads(committed.read_text("utf-8")) == json.loads(json.dumps(schema())), (
        "run `python -m shared.policy`"
    )


def test_the_example_of_the_page_is_a_good_document() -> None:
    page = (Path(__file__).parents[2] / "docs" / "policy.md").read_text("utf-8")
    example = page.partition("```json")[2].partition("```")[0]
    Policy.model_validate_json(example)


def test_the_whole_admin_surface_is_one_document() -> None:
    policy = Policy.model_validate_json(json.dumps(WHOLE))
    assert json.loads(policy.model_dump_json(by_alias=True, exclude_unset=True)) == WHOLE
    assert jsonschema_rs.validator_for(schema()).is_valid(WHOLE)


def test_who_chose_nothing_gets_careful_defaults() -> None:
    policy = Policy.model_validate_json("{}")
    assert policy == Policy()
    assert policy.banner.max_per_day == 2
    labels = {Sensitivity.PRIVATE, Sensitivity.CONFIDENTIAL}
    assert set(policy.exclusions.never_auto_saved) == labels


@pytest.mark.parametrize(
    "wrong",
    [
        {"surprise": 1},
        {"recordTypes": [{"type": "account"}, {"type": "account"}]},
        {"recordTypes": [{"type": "account) or 1 eq 1"}]},
        {"recordTypes": [{"type": "account", "keyFields": ["a", "b", "c"]}]},
        {"recordTypes": [{"type": "account", "keyFields": ["name,(select 1)"]}]},
        {"recordTypes": [{"type": "account", "order": {"field": "name desc"}}]},
        {"recordTypes": [{"type": "account", "filters": [{"name": "A", "conditions": []}]}]},
        {"emailCategories": [{"name": "a", "type": "text"}, {"name": "a", "type": "choice"}]},
        {"emailCategories": [{"name": "a", "type": "money"}]},
        {"exclusions": {"domains": ["someone@bank.example"]}},
        {"exclusions": {"addresses": ["nobody"]}},
        {"banner": {"maxPerDay": -1}},
        {"languages": ["Deutsch"]},
        {"attachments": "some"},
    ],
)
def test_what_is_wrong_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Policy.model_validate_json(json.dumps(wrong))


@pytest.mark.parametrize(
    "condition",
    [
        {"field": "statecode", "operator": "equals"},
        {"field": "statecode", "operator": "empty", "value": 1},
        {"field": "statecode", "operator": "like", "value": "x"},
        {"field": "a eq 1 or b", "value": 1},
    ],
)
def test_a_condition_that_says_nothing_clear_is_refused(condition: dict[str, Any]) -> None:
    filters = [{"name": "F", "conditions": [condition]}]
    document = {"recordTypes": [{"type": "account", "filters": filters}]}
    with pytest.raises(ValidationError):
        Policy.model_validate_json(json.dumps(document))
