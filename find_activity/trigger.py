"""GET /api/activities"""

from datetime import UTC, datetime

import azure.functions as func

from find_activity import logic
from find_activity.payload import FIND
from shared import composition, endpoint, replies
from shared.following import mailbox_path
from shared.wire import ItemQuery

bp = func.Blueprint()


@bp.function_name(FIND.name)
@bp.route(FIND.route, methods=[FIND.method], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint.answering(FIND.name)
async def find_activity(req: func.HttpRequest) -> func.HttpResponse:
    caller = await composition.caller(req.headers.get("Authorization"))
    policy = await composition.policy()
    query = endpoint.query(req, ItemQuery)
    activity = await logic.find(
        query.ref(),
        mailbox_path(query.mailbox, caller.oid),
        crm=composition.crm_for(caller, policy),
        mailbox=composition.mailbox_for(caller),
        books=composition.books(),
        now=datetime.now(UTC),
    )
    return replies.activity(activity)
