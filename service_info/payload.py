"""The wire shapes of what the service says of itself."""

from typing import Literal

from pydantic import Field

from shared.wire import Answered, Example, Operation


class HealthShape(Answered):
    status: Literal["ok", "degraded", "failing"]
    checks: dict[str, str] = Field(
        description='What was looked at, by name: "ok", or what is wrong, for the admin.'
    )


HEALTH = Operation(
    name="health",
    method="GET",
    route="health",
    summary="Does this deployment work",
    description="503 where a check fails; `degraded`, still with 200, where the app works but its "
    "admin has something to mend. Looks again after some seconds at the earliest.",
    answers={200: HealthShape, 503: HealthShape},
    example=Example(
        answer={"status": "ok", "checks": {"settings": "ok", "policy": "ok", "crm": "ok"}}
    ),
    public=True,
)

OPENAPI = Operation(
    name="openapi",
    method="GET",
    route="openapi.json",
    summary="This document",
    description="OpenAPI 3.1; `x-problems` explains the codes of the problems.",
    answers={200: None},
    example=Example(answer={"openapi": "3.1.0"}),
    public=True,
)
