"""POST /api/links/suggest and GET /api/records

What answers them is imported when it is asked for: its tables and parsers take some 40 to 100 ms
that a worker which saves need not wait for.
"""

from datetime import UTC, datetime

import azure.functions as func

from shared import composition, endpoint, languages, replies, telemetry
from suggest_links.payload import (
    RECORDS,
    SUGGEST,
    RecordShape,
    RecordsQuery,
    RecordsShape,
    SuggestedShape,
    SuggestRequest,
)

bp = func.Blueprint()


@bp.function_name(SUGGEST.name)
@bp.route(SUGGEST.route, methods=[SUGGEST.method], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint.answering(SUGGEST.name)
async def suggest_links(req: func.HttpRequest) -> func.HttpResponse:
    caller = await composition.caller(req.headers.get("Authorization"))
    request = endpoint.body(req, SuggestRequest)
    policy = await composition.policy()
    from suggest_links import suggesting

    found = await suggesting.suggest(
        request.item.ref(),
        crm=composition.crm_for(caller, policy),
        mailbox=composition.mailbox_for(caller),
        policy=policy,
        own_addresses=(caller.username, request.item.mailbox),
        now=datetime.now(UTC),
        embeddings=composition.embeddings(),
    )
    telemetry.note(
        kind=request.item.kind,
        by_meaning=found.by_meaning,
        suggestions=len(found.suggestions),
        contacts=len(found.contacts),
        unmatched=len(found.unmatched),
    )
    return replies.ok(
        SuggestedShape.of(found.suggestions, found.related, found.contacts, found.unmatched)
    )


@bp.function_name(RECORDS.name)
@bp.route(RECORDS.route, methods=[RECORDS.method], auth_level=func.AuthLevel.ANONYMOUS)
@endpoint.answering(RECORDS.name)
async def search_records(req: func.HttpRequest) -> func.HttpResponse:
    caller = await composition.caller(req.headers.get("Authorization"))
    query = endpoint.query(req, RecordsQuery)
    policy = await composition.policy()
    from suggest_links import searching

    found = await searching.search(
        query.q,
        query.type_names,
        query.limit,
        view=query.filter,
        language=languages.chosen(
            query.language, req.headers.get("Accept-Language"), policy.languages
        ),
        crm=composition.crm_for(caller, policy),
        policy=policy,
    )
    telemetry.note(records=len(found))
    return replies.ok(RecordsShape(records=tuple(map(RecordShape.of, found))))
