"""PATCH /api/activities/{kind}/{id}"""

import azure.functions as func

from edit_activity import logic
from edit_activity.payload import EDIT, EditRequest
from shared import composition, endpoint, replies
from shared.wire import ActivityKey

bp = func.Blueprint()


@bp.function_name(EDIT.name)
@bp.route(EDIT.route, methods=[EDIT.method], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint.answering(EDIT.name)
async def edit_activity(req: func.HttpRequest) -> func.HttpResponse:
    caller = await composition.caller(req.headers.get("Authorization"))
    policy = await composition.policy()
    key = endpoint.path(req, ActivityKey)
    change = endpoint.body(req, EditRequest).change()
    activity = await logic.edit(
        key.kind,
        key.id,
        change,
        crm=composition.crm_for(caller, policy),
        policy=policy,
        followings=composition.followings() if composition.follows() else None,
    )
    return replies.activity(activity)
