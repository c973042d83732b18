"""Entra's errors, in its own words and form.

Codes and texts follow Microsoft Learn, "Microsoft Entra authentication and authorization error
codes"; the form is that of OAuth 2.0 (RFC 6749 section 5.2) with Entra's additions.
"""

import uuid
from dataclasses import dataclass

from starlette.responses import JSONResponse

from sandbox.world import World


@dataclass(frozen=True)
class Refusal(Exception):
    """A token request that is refused. `code` is the AADSTS number."""

    error: str
    code: int
    text: str
    status: int = 400
    suberror: str = ""


def respond(world: World, refusal: Refusal) -> JSONResponse:
    now = f"{world.clock():%Y-%m-%d %H:%M:%SZ}"
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    body = {
        "error": refusal.error,
        "error_description": (
            f"AADSTS{refusal.code}: {refusal.text} "
            f"Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}"
        ),
        "error_codes": [refusal.code],
        "timestamp": now,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"{world.base_url}/entra/error?code={refusal.code}",
    }
    if refusal.suberror:
        body["suberror"] = refusal.suberror
    return JSONResponse(body, refusal.status, headers={"Cache-Control": "no-store"})


def missing(parameter: str) -> Refusal:
    return Refusal(
        "invalid_request",
        900144,
        f"The request body must contain the following parameter: '{parameter}'.",
    )


def unknown_tenant(tenant: str) -> Refusal:
    return Refusal(
        "invalid_request",
        90002,
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are "
        "signing into the correct cloud.",
    )
