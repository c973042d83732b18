"""GET /api/form

What answers it is imported when it is asked for, so that a worker which saves starts faster.
"""

import azure.functions as func

from describe_form.payload import FORM, FormQuery, FormShape
from shared import composition, endpoint, languages, replies, telemetry

bp = func.Blueprint()


@bp.function_name(FORM.name)
@bp.route(FORM.route, methods=[FORM.method], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint.answering(FORM.name)
async def describe_form(req: func.HttpRequest) -> func.HttpResponse:
    caller = await composition.caller(req.headers.get("Authorization"))
    query = endpoint.query(req, FormQuery)
    policy = await composition.policy()
    from describe_form import logic

    form = await logic.describe(
        query.kind,
        language=languages.chosen(
            query.language, req.headers.get("Accept-Language"), policy.languages
        ),
        crm=composition.crm_for(caller, policy),
        policy=policy,
    )
    telemetry.note(kind=form.kind, crm=form.crm, notices=len(form.notices))
    return replies.ok(FormShape.of(form, policy))
