"""POST /api/contacts and POST /api/contacts/propose

What answers them is imported when it is asked for, so that a worker which saves starts faster.
"""

from http import HTTPStatus

import azure.functions as func

from create_contact.payload import (
    ADD,
    PROPOSE,
    ContactCardShape,
    ContactRequest,
    ProposalRequest,
    ProposalShape,
)
from shared import composition, endpoint, replies, telemetry

bp = func.Blueprint()


@bp.function_name(ADD.name)
@bp.route(ADD.route, methods=[ADD.method], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint.answering(ADD.name)
async def create_contact(req: func.HttpRequest) -> func.HttpResponse:
    caller = await composition.caller(req.headers.get("Authorization"))
    request = endpoint.body(req, ContactRequest)
    policy = await composition.policy()
    from create_contact import logic

    added = await logic.add(
        request.item.ref(),
        request.address,
        request.edit,
        crm=composition.crm_for(caller, policy),
        mailbox=composition.mailbox_for(caller),
        policy=policy,
        own_addresses=(caller.username, request.item.mailbox),
    )
    telemetry.note(
        kind=request.item.kind,
        created=added.created,
        notices=",".join(notice.code for notice in added.notices),
    )
    return replies.ok(
        ContactCardShape.of(added.contact, added.notices),
        status=HTTPStatus.CREATED if added.created else HTTPStatus.OK,
    )


@bp.function_name(PROPOSE.name)
@bp.route(PROPOSE.route, methods=[PROPOSE.method], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint.answering(PROPOSE.name)
async def propose_contact(req: func.HttpRequest) -> func.HttpResponse:
    caller = await composition.caller(req.headers.get("Authorization"))
    request = endpoint.body(req, ProposalRequest)
    policy = await composition.policy()
    from create_contact import logic

    proposal = await logic.propose(
        request.item.ref(),
        request.address,
        crm=composition.crm_for(caller, policy),
        mailbox=composition.mailbox_for(caller),
        policy=policy,
        own_addresses=(caller.username, request.item.mailbox),
    )
    telemetry.note(kind=request.item.kind, existing=proposal.existing is not None)
    return replies.ok(ProposalShape.of(proposal))
