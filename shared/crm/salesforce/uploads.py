"""Storing files that don't go along with their record.

REST API Developer Guide, "Insert or Update Blob Data": a multipart body takes files of up to 2 GB,
base64 in JSON only 37.5 MB.
"""

import json

from shared.crm.salesforce import payloads
from shared.crm.salesforce.channel import Request
from shared.crm.salesforce.faults import DUPLICATE_VALUE, code, fault
from shared.crm.salesforce.knowledge import Shape
from shared.crm.salesforce.objects import KEY
from shared.crm.salesforce.session import Session
from shared.domain import File


async def store(session: Session, file: File, activity: str, shape: Shape) -> None:
    """Stores one file on an activity. One that is there already is left as it is."""
    head = json.dumps(payloads.file_row(file, activity, shape)).encode()
    parts = {
        "entity_content": (None, head, "application/json"),
        "VersionData": ("content", await file.read(), "application/octet-stream"),
    }
    request = Request("POST", "sobjects/ContentVersion", parts=parts)
    reply, _ = await session.wire.send(request, once=not shape.has("ContentVersion", KEY))
    if not reply.ok and code(reply) != DUPLICATE_VALUE:
        raise fault(reply)
