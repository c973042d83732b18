"""DELETE /api/activities/{kind}/{id}"""

import azure.functions as func

from delete_activity import logic
from delete_activity.payload import DELETE, DeletionShape
from shared import composition, endpoint, replies, telemetry
from shared.wire import ActivityKey

bp = func.Blueprint()


@bp.function_name(DELETE.name)
@bp.route(DELETE.route, methods=[DELETE.method], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint.answering(DELETE.name)
async def delete_activity(req: func.HttpRequest) -> func.HttpResponse:
    caller = await composition.caller(req.headers.get("Authorization"))
    policy = await composition.policy()
    key = endpoint.path(req, ActivityKey)
    deletion = await logic.delete(
        key.kind,
        key.id,
        crm=composition.crm_for(caller, policy),
        followings=composition.followings() if composition.follows() else None,
    )
    telemetry.note(kind=deletion.kind)
    return replies.ok(DeletionShape.of(deletion))
