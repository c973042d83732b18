"""What every HTTP trigger does around its own few lines: reading the request, answering always."""

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

import azure.functions as func
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json

from shared import replies, telemetry
from shared.errors import FieldError, InvalidRequest, ThreadlineError, TooLarge

LARGEST_BODY = 1024 * 1024
"""Bytes. The add-in names items and never sends them, so that requests are small."""

_MOST_ERRORS = 20

_WORDS = {
    "extra_forbidden": "Unknown.",
    "missing": "Required.",
    "string_pattern_mismatch": "Has characters that can't be here, or is not of this form.",
}
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}", re.ASCII)

Handler = Callable[..., Awaitable[func.HttpResponse]]
"""Takes the request, and the outputs of its further bindings by name."""

Shape = TypeVar("Shape", bound=BaseModel)


def answering(operation: str) -> Callable[[Handler], Handler]:
    """Wraps a trigger so that it always answers: a `ThreadlineError` as its problem, any other
    exception as `internal`; and so that the call is logged, in one line, under `operation`.
    """
    telemetry.guard()

    def wrap(handler: Handler) -> Handler:
        @wraps(handler)
        async def answer(req: func.HttpRequest, **outputs: Any) -> func.HttpResponse:
            with telemetry.call(operation, req.headers.get(replies.CORRELATION_HEADER)):
                try:
                    response = await handler(req, **outputs)
                except ThreadlineError as error:
                    response = replies.problem(error)
                except Exception as error:  # the outermost frame: logged whole, never hidden
                    response = replies.unforeseen(error)
                telemetry.note(status=response.status_code)
                return response

        return answer

    return wrap


def body(req: func.HttpRequest, shape: type[Shape]) -> Shape:
    """The request's JSON body. Raises `TooLarge`, `InvalidRequest` (malformed, invalid)."""
    content = req.get_body()
    if len(content) > LARGEST_BODY:
        raise TooLarge(f"The request's body is over {LARGEST_BODY} bytes.")
    try:
        return shape.model_validate_json(content)
    except ValidationError as error:
        if any(one["type"] == "json_invalid" for one in error.errors()):
            raise InvalidRequest("The body is not JSON in UTF-8.", code="malformed") from None
        raise _invalid(error, from_json(content)) from None


def query(req: func.HttpRequest, shape: type[Shape]) -> Shape:
    """The query string. Raises `InvalidRequest`."""
    return _strings(req.params, shape)


def path(req: func.HttpRequest, shape: type[Shape]) -> Shape:
    """The parameters of the route. Raises `InvalidRequest`."""
    return _strings(req.route_params, shape)


def _strings(values: Mapping[str, str], shape: type[Shape]) -> Shape:
    try:
        return shape.model_validate_strings(dict(values))
    except ValidationError as error:
        raise _invalid(error, dict(values)) from None


def _invalid(error: ValidationError, value: Any) -> InvalidRequest:
    """One field error for each place; the alternatives of a union are told together."""
    messages: dict[str, list[str]] = {}
    for one in error.errors(include_url=False, include_input=False):
        field = _field(one, value)
        message = _WORDS.get(one["type"]) or one["msg"]
        if message not in messages.setdefault(field, []):
            messages[field].append(message)
    return InvalidRequest(
        "The request does not fit its description.",
        errors=tuple(
            FieldError(field, "; or: ".join(alternatives))
            for field, alternatives in list(messages.items())[:_MOST_ERRORS]
        ),
    )


def _field(error: ErrorDetails, value: Any) -> str:
    """The JSON path of an error, as the client knows it: pydantic puts the names of union members
    and marks of its own between, which the client's own JSON tells apart."""
    steps = []
    for place, step in enumerate(error["loc"]):
        last = place == len(error["loc"]) - 1
        if _has(value, step):
            value = value[step]
        elif not (last and error["type"] == "missing"):
            continue
        steps.append(str(step) if _NAME.fullmatch(str(step)) else "?")
    return ".".join(steps) or "$"


def _has(value: Any, step: str | int) -> bool:
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and step < len(value)
