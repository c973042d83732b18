"""The OpenAPI document tells the truth."""

import json
from typing import Any

import azure.functions as func
import jsonschema_rs
import pytest
from schemathesis.specs.openapi import definitions

from service_info.openapi import OPERATIONS, document
from service_info.trigger import openapi
from shared.replies import PROBLEMS, problem_type
from shared.wire import Operation
from tests.deployment import FUNCTIONS

_HTTP = [one for one in FUNCTIONS if one.get_trigger().get_binding_name() == "httpTrigger"]
CALLS = [one for one in _HTTP if not one.get_trigger().route.startswith("graph/")]
"""All but what Microsoft Graph calls, whose protocol is its own."""


def routes() -> set[tuple[str, str]]:
    return {
        (getattr(method, "value", method), f"/{trigger.route}")
        for trigger in (function.get_trigger() for function in CALLS)
        for method in trigger.methods
    }


def schema_of(reference: dict[str, Any], whole: dict[str, Any]) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for({**reference, "components": whole["components"]})


def test_it_is_valid_openapi() -> None:
    errors = definitions.OPENAPI_31_VALIDATOR.iter_errors(document())
    assert [str(error) for error in errors] == []


def test_it_has_every_route_of_the_app_and_no_other() -> None:
    described = {
        (method.upper(), path)
        for path, methods in document()["paths"].items()
        for method in methods
    }
    assert described == routes()


def test_function_names_are_unique_and_those_of_the_operations() -> None:
    names = [function.get_function_name() for function in CALLS]
    assert sorted(names) == sorted(operation.name for operation in OPERATIONS)
    assert len({function.get_function_name() for function in FUNCTIONS}) == len(FUNCTIONS)


def test_no_function_asks_for_a_function_key() -> None:
    levels = {function.get_trigger().auth_level.value for function in _HTTP}
    assert {level.upper() for level in levels} == {"ANONYMOUS"}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_examples_fit_the_models_and_the_schemas(operation: Operation) -> None:
    whole = document()
    described = whole["paths"][f"/{operation.route}"][operation.method.lower()]
    if operation.body:
        content = described["requestBody"]["content"]["application/json"]
        operation.body.model_validate_json(json.dumps(content["example"]))
        assert schema_of(content["schema"], whole).is_valid(content["example"])
    for status, shape in operation.answers.items():
        content = described["responses"][str(status)]["content"]["application/json"]
        assert schema_of(content["schema"], whole).is_valid(content["example"])
        if shape:
            read = shape.model_validate_json(json.dumps(content["example"]))
            assert json.loads(read.model_dump_json()) == content["example"]


def test_every_parameter_of_a_route_is_described() -> None:
    for operation in OPERATIONS:
        names = set(operation.path.model_fields) if operation.path else set()
        assert {f"{{{name}}}" in operation.route for name in names} <= {True}
        assert operation.route.count("{") == len(names)


def test_only_what_the_service_says_of_itself_is_open() -> None:
    whole = document()
    open_to_all = {
        path
        for path, methods in whole["paths"].items()
        for described in methods.values()
        if described.get("security", whole["security"]) == []
    }
    assert open_to_all == {"/health", "/openapi.json"}


def test_the_type_of_a_problem_points_to_its_explanation() -> None:
    whole = document()
    for code, kind in PROBLEMS.items():
        path, _, pointer = problem_type(code).partition("#/")
        assert path == "/api/openapi.json"
        found: Any = whole
        for step in pointer.split("/"):
            found = found[step]
        assert found["status"] == kind.status


def test_a_schema_tells_what_a_client_may_not_send() -> None:
    whole = document()
    asked = schema_of({"$ref": "#/components/schemas/SaveRequest"}, whole)
    fine = {"item": {"kind": "email", "id": "AAA="}}
    assert asked.is_valid(fine)
    assert not asked.is_valid(fine | {"surprise": 1})
    assert not asked.is_valid({"item": {"kind": "email", "id": "a/b"}})
    assert not asked.is_valid({"item": {"kind": "email", "id": "A", "mailbox": "../x@y"}})


async def test_it_is_served_to_anyone() -> None:
    request = func.HttpRequest("GET", "/api/openapi.json", body=b"")
    response = await openapi(request)
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert json.loads(response.get_body()) == json.loads(json.dumps(document()))
