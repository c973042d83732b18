"""How attachments are read in few round trips: which ones together, and what came back. Pure.

Limits: 20 requests in one JSON batch, which takes as many of a mailbox's places (`places`) as it
has steps (https://learn.microsoft.com/en-us/graph/json-batching).
"""

import json
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from shared.domain import Attachment, AttachmentKind
from shared.errors import Upstream
from shared.outlook import wire
from shared.outlook.contents import as_message, shortcut
from shared.outlook.places import AT_ONCE

MAX_STEPS = 20
MAX_BYTES = 3 * 1024 * 1024
"""Of one batch: base64 in JSON is held in memory three times over while it is parsed."""


@dataclass(frozen=True, slots=True)
class Step:
    """One attachment to read; `place` is where its content belongs in the answer."""

    place: int
    attachment: Attachment


Group = tuple[Step, ...]


def groups(steps: Sequence[Step]) -> list[Group]:
    """Those to be read by one call each. References come apart from the rest, as only Graph's beta
    version tells where they point to."""
    found: list[Group] = []
    for reference in (False, True):
        chosen = [
            step
            for step in steps
            if (step.attachment.kind is AttachmentKind.REFERENCE) is reference
        ]
        found.extend(_filled(chosen))
    return found


def _filled(steps: Sequence[Step]) -> Iterator[Group]:
    group: list[Step] = []
    size = 0
    for step in steps:
        if group and (len(group) == MAX_STEPS or size + step.attachment.size > MAX_BYTES):
            yield tuple(group)
            group, size = [], 0
        group.append(step)
        size += step.attachment.size
    if group:
        yield tuple(group)


def waves(found: Sequence[Group]) -> Iterator[tuple[Group, ...]]:
    """Groups that may be on their way at the same time without more than 4 requests at work."""
    wave: list[Group] = []
    for group in found:
        if wave and sum(len(one) for one in wave) + len(group) > AT_ONCE:
            yield tuple(wave)
            wave = []
        wave.append(group)
    if wave:
        yield tuple(wave)


def batch_body(paths: Mapping[int, str], headers: Mapping[str, str]) -> bytes:
    """The batch that GETs those paths; the step's place is the request's id."""
    requests = [
        {"id": str(place), "method": "GET", "url": path, "headers": dict(headers)}
        for place, path in paths.items()
    ]
    return json.dumps({"requests": requests}, separators=(",", ":")).encode()


def batch_replies(content: Any) -> dict[int, wire.BatchReply]:
    """By place. Raises `Upstream` for what is no batch answer."""
    try:
        replies = wire.BatchReplies.model_validate(content)
        return {int(reply.id): reply for reply in replies.responses}
    except ValueError:
        raise Upstream("Outlook's answer could not be read.") from None


def content_of(attachment: Attachment, body: Any) -> bytes | None:
    """The file in the body of one good answer: base64 text for an item, else an attachment entity.

    None where a reference points to no web address. Raises `Upstream`.
    """
    if attachment.kind is AttachmentKind.ITEM:
        return as_message(_decoded(body))
    try:
        content = wire.Content.model_validate(body)
    except ValidationError:
        raise Upstream("Outlook's answer could not be read.") from None
    if attachment.kind is AttachmentKind.REFERENCE:
        return shortcut(content.source_url)
    return _decoded(content.content_bytes)


def _decoded(text: Any) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (NotBase64, TypeError, ValueError):
        raise Upstream("Outlook's answer could not be read.") from None
