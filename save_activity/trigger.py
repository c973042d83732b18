"""POST /api/activities"""

import azure.functions as func

from save_activity import logic
from save_activity.payload import SAVE, SaveRequest
from shared import composition, endpoint, replies

bp = func.Blueprint()


@bp.function_name(SAVE.name)
@bp.route(SAVE.route, methods=[SAVE.method], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint.answering(SAVE.name)
async def save_activity(req: func.HttpRequest) -> func.HttpResponse:
    caller = await composition.caller(req.headers.get("Authorization"))
    policy = await composition.policy()
    request = endpoint.body(req, SaveRequest)
    saved = await logic.save(
        request,
        crm=composition.crm_for(caller, policy),
        mailbox=composition.mailbox_for(caller),
        policy=policy,
    )
    return replies.activity(saved.activity, status=201 if saved.created else 200)
