"""Results and errors as HTTP answers; nowhere else is it decided which is which."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from typing import Any

import azure.functions as func

from shared import telemetry
from shared.domain import Activity
from shared.errors import InvalidRequest, ThreadlineError, Throttled, Unavailable
from shared.wire import ActivityShape, Answered, FieldErrorShape, Problem

CORRELATION_HEADER = "x-correlation-id"

A_WHILE = 30
"""Seconds after which a service that is down may be asked again, where it said nothing of that."""


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """What a code of `ThreadlineError` is over HTTP; `meaning` is its documentation."""

    status: HTTPStatus
    title: str
    meaning: str


PROBLEMS: Mapping[str, ProblemKind] = {
    "malformed": ProblemKind(
        HTTPStatus.BAD_REQUEST, "Malformed request", "The body is not JSON in UTF-8."
    ),
    "unauthenticated": ProblemKind(
        HTTPStatus.UNAUTHORIZED,
        "Not signed in",
        "There is no bearer token for this API, or it is not valid any more.",
    ),
    "forbidden": ProblemKind(
        HTTPStatus.FORBIDDEN, "Not allowed", "The CRM or the mailbox says no to this user."
    ),
    "not_saved": ProblemKind(
        HTTPStatus.NOT_FOUND, "Not saved", "This item is not in the CRM, or not for this user."
    ),
    "item_not_found": ProblemKind(
        HTTPStatus.NOT_FOUND, "No such item", "The mailbox has no item of this id."
    ),
    "record_not_found": ProblemKind(
        HTTPStatus.NOT_FOUND, "No such record", "The CRM has no such record for this user."
    ),
    "in_progress": ProblemKind(
        HTTPStatus.CONFLICT,
        "In progress",
        "The same is being done at this moment, or the record changed meanwhile; try again.",
    ),
    "too_large": ProblemKind(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "Too large",
        "The request or the item is more than this API or the CRM takes.",
    ),
    "invalid": ProblemKind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Can't be done as asked",
        "The request does not fit its description, the admin's choices, or this CRM.",
    ),
    "too_many_links": ProblemKind(
        HTTPStatus.UNPROCESSABLE_ENTITY, "Too many links", "One link is the most for now."
    ),
    "type_not_connectable": ProblemKind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Not connectable",
        "Records of this type take no activities, or the admin did not add the type.",
    ),
    "excluded": ProblemKind(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Excluded",
        "Someone on the admin's exclusion list takes part.",
    ),
    "throttled": ProblemKind(
        HTTPStatus.TOO_MANY_REQUESTS, "Too many requests", "Wait for `retryAfter` seconds."
    ),
    "internal": ProblemKind(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Internal error",
        "A fault of this app; give its admin the correlation id.",
    ),
    "upstream": ProblemKind(
        HTTPStatus.BAD_GATEWAY,
        "Unexpected answer from a service",
        "Trying again won't help; the admin should look.",
    ),
    "unavailable": ProblemKind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Not available now",
        "A service did not answer, or this deployment is not set up; try again after "
        "`retryAfter` seconds.",
    ),
}


def ok(shape: Answered, *, status: int = HTTPStatus.OK) -> func.HttpResponse:
    """The shape as JSON."""
    return _answer(shape.model_dump_json(), status, "application/json", {})


def activity(found: Activity, *, status: int = HTTPStatus.OK) -> func.HttpResponse:
    """A saved activity; what of it may be logged is noted."""
    telemetry.note(
        kind=found.kind,
        crm=found.crm,
        links=len(found.links),
        contacts=len(found.contacts),
        unmatched=len(found.unmatched),
        files=len(found.files),
        rejected=len(found.rejected),
        notices=",".join(notice.code for notice in found.notices),
    )
    return ok(ActivityShape.of(found), status=status)


def document(value: Mapping[str, Any]) -> func.HttpResponse:
    """Any JSON object, such as a schema."""
    return _answer(json.dumps(value), HTTPStatus.OK, "application/json", {})


def plain(text: str, *, status: int = HTTPStatus.OK) -> func.HttpResponse:
    """The text as it is."""
    return _answer(text, status, "text/plain", {})


def problem(error: ThreadlineError) -> func.HttpResponse:
    """The error as RFC 9457 problem details.

    A code that `PROBLEMS` doesn't know is a fault of ours and answered as `internal`.
    """
    if error.code not in PROBLEMS:
        return unforeseen(error)
    telemetry.note(outcome=error.code)
    shape = problem_shape(error)
    headers = {}
    if shape.retry_after is not None:
        headers["Retry-After"] = str(shape.retry_after)
    if shape.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return _answer(shape.model_dump_json(), shape.status, "application/problem+json", headers)


def problem_shape(error: ThreadlineError) -> Problem:
    """The error as problem details; its code is one of `PROBLEMS`."""
    kind = PROBLEMS[error.code]
    seconds = _wait(error)
    errors = error.errors if isinstance(error, InvalidRequest) else ()
    return Problem(
        type=problem_type(error.code),
        title=kind.title,
        status=kind.status,
        detail=error.detail,
        code=error.code,
        retry_after=None if seconds is None else max(1, ceil(seconds)),
        errors=tuple(FieldErrorShape(field=one.field, message=one.message) for one in errors),
    )


def _wait(error: ThreadlineError) -> float | None:
    if isinstance(error, Unavailable):
        return A_WHILE if error.retry_after is None else error.retry_after
    return error.retry_after if isinstance(error, Throttled) else None


def unforeseen(error: Exception) -> func.HttpResponse:
    """An error nobody foresaw: logged with its stack, told to the client by correlation id only."""
    telemetry.fault("fault", error)
    return problem(
        ThreadlineError(
            f"Something went wrong in this app. Its admin finds it as {telemetry.correlation_id()}."
        )
    )


def problem_type(code: str) -> str:
    """A reference into the OpenAPI document that this API serves, where the code is explained."""
    return f"/api/openapi.json#/x-problems/{code}"


def _answer(body: str, status: int, mimetype: str, headers: Mapping[str, str]) -> func.HttpResponse:
    return func.HttpResponse(
        body,
        status_code=int(status),
        mimetype=mimetype,
        charset="utf-8",
        headers={
            **headers,
            CORRELATION_HEADER: telemetry.correlation_id(),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
