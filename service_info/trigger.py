"""GET /api/health and GET /api/openapi.json, both open to anyone."""

from functools import cache

import azure.functions as func

from service_info.logic import HealthMonitor
from service_info.payload import HEALTH, OPENAPI, HealthShape
from shared import endpoint, replies
from shared.health import checks

bp = func.Blueprint()


@cache
def _monitor() -> HealthMonitor:
    return HealthMonitor(checks())


@bp.function_name(HEALTH.name)
@bp.route(HEALTH.route, methods=[HEALTH.method], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint.answering(HEALTH.name)
async def health(req: func.HttpRequest) -> func.HttpResponse:
    found = await _monitor().health()
    shape = HealthShape(status=found.status, checks=dict(found.checks))
    return replies.ok(shape, status=503 if found.failing else 200)


@bp.function_name(OPENAPI.name)
@bp.route(OPENAPI.route, methods=[OPENAPI.method], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint.answering(OPENAPI.name)
async def openapi(req: func.HttpRequest) -> func.HttpResponse:
    from service_info.openapi import document

    return replies.document(document())
