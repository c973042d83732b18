"""The OpenAPI document, made of the shapes that the calls are read and answered with."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from create_contact.payload import ADD, PROPOSE
from delete_activity.payload import DELETE
from describe_form.payload import FORM
from edit_activity.payload import EDIT
from find_activity.payload import FIND
from save_activity.payload import RECEIPT, SAVE
from service_info.payload import HEALTH, OPENAPI
from shared.replies import CORRELATION_HEADER, PROBLEMS, ProblemKind
from shared.wire import Answered, Asked, Operation, Problem
from stop_following.payload import STOP
from suggest_links.payload import RECORDS, SUGGEST

OPERATIONS: tuple[Operation, ...] = (
    SAVE,
    RECEIPT,
    FIND,
    EDIT,
    DELETE,
    STOP,
    SUGGEST,
    RECORDS,
    FORM,
    ADD,
    PROPOSE,
    HEALTH,
    OPENAPI,
)
"""Every call of the HTTP API."""

_REFERENCE = "#/components/schemas/{model}"
_OF_SERVICES = ("unauthenticated", "throttled", "upstream", "unavailable")
_OF_PARAMETERS = ("invalid",)
_OF_BODIES = ("malformed", "too_large", "invalid")

Json = dict[str, Any]


def document() -> Json:
    """The OpenAPI 3.1 document of `OPERATIONS`."""
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        path = paths.setdefault(f"/{operation.route}", {})
        path[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Threadline",
            "version": "1",
            "description": "Saves Outlook e-mail and meetings to a CRM.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/api"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(OPERATIONS),
            "headers": {
                CORRELATION_HEADER: {
                    "description": "The caller's own id, if it sent a valid one, else a new one.",
                    "required": True,
                    "schema": {"type": "string"},
                }
            },
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
        "x-problems": {
            code: {"status": kind.status, "title": kind.title, "meaning": kind.meaning}
            for code, kind in PROBLEMS.items()
        },
    }


def _operation(operation: Operation) -> Json:
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": operation.description,
        "parameters": [
            *_parameters(operation.path, "path"),
            *_parameters(operation.query, "query"),
        ],
        "responses": _answers(operation) | _problems(operation),
    }
    if operation.body:
        described["requestBody"] = {
            "required": True,
            "content": _content("application/json", operation.body, operation.example.body),
        }
    if operation.public:
        described["security"] = []
    return described


def _parameters(shape: type[Asked] | None, place: Literal["path", "query"]) -> list[Json]:
    if shape is None:
        return []
    schema = shape.model_json_schema()
    return [
        {
            "name": name,
            "in": place,
            "required": name in schema.get("required", ()),
            "schema": field,
        }
        for name, field in schema["properties"].items()
    ]


def _answers(operation: Operation) -> Json:
    return {
        str(status): _response(
            "Done." if status < 400 else "Not so.",
            _content(
                "application/json",
                shape,
                operation.example.others.get(status, operation.example.answer),
            ),
        )
        for status, shape in operation.answers.items()
    }


def _problems(operation: Operation) -> Json:
    """One response for each status; its description tells the codes apart."""
    by_status: dict[int, list[tuple[str, ProblemKind]]] = {}
    for code in _codes(operation):
        by_status.setdefault(PROBLEMS[code].status, []).append((code, PROBLEMS[code]))
    return {
        str(int(status)): _response(
            " ".join(f"`{code}`: {kind.meaning}" for code, kind in kinds),
            _content("application/problem+json", Problem, None),
        )
        for status, kinds in sorted(by_status.items())
    }


def _codes(operation: Operation) -> Iterable[str]:
    return dict.fromkeys(
        (
            *(_OF_BODIES if operation.body else ()),
            *(_OF_PARAMETERS if operation.path or operation.query else ()),
            *(() if operation.public else _OF_SERVICES),
            *operation.problems,
            "internal",
        )
    )


def _response(description: str, content: Json) -> Json:
    headers = {CORRELATION_HEADER: {"$ref": f"#/components/headers/{CORRELATION_HEADER}"}}
    return {"description": description, "headers": headers, "content": content}


def _content(
    mimetype: str, shape: type[BaseModel] | None, example: Mapping[str, Any] | None
) -> Json:
    schema = {"$ref": _REFERENCE.format(model=shape.__name__)} if shape else {"type": "object"}
    return {mimetype: {"schema": schema} | ({"example": example} if example else {})}


def _schemas(operations: Sequence[Operation]) -> Json:
    asked = {operation.body for operation in operations if operation.body}
    answered: set[type[Answered]] = {
        shape for operation in operations for shape in operation.answers.values() if shape
    }
    shapes: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
        *((shape, "validation") for shape in asked),
        *((shape, "serialization") for shape in answered | {Problem}),
    ]
    shapes.sort(key=lambda one: one[0].__name__)
    _, definitions = models_json_schema(shapes, ref_template=_REFERENCE)
    found: Json = definitions["$defs"]
    return found
