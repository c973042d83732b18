"""DELETE /api/following"""

import azure.functions as func

from shared import composition, endpoint, replies, telemetry
from shared.following import mailbox_path
from shared.wire import ItemQuery
from stop_following import logic
from stop_following.payload import STOP, StoppedShape

bp = func.Blueprint()


@bp.function_name(STOP.name)
@bp.route(STOP.route, methods=[STOP.method], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint.answering(STOP.name)
async def stop_following(req: func.HttpRequest) -> func.HttpResponse:
    caller = await composition.caller(req.headers.get("Authorization"))
    query = endpoint.query(req, ItemQuery)
    await logic.stop(
        query.ref(),
        mailbox_path(query.mailbox, caller.oid),
        mailbox=composition.mailbox_for(caller),
        followings=composition.followings(),
        ledger=composition.ledger(),
    )
    telemetry.note(kind=query.kind)
    return replies.ok(StoppedShape())
