"""Finding what is there: the item's record, its people, the link."""

import asyncio
from collections.abc import Mapping

from shared.crm.salesforce import composite, payloads, people, queries, replies
from shared.crm.salesforce.composite import Part, Reply
from shared.crm.salesforce.faults import fault
from shared.crm.salesforce.knowledge import Shape
from shared.crm.salesforce.objects import EVENT, KEY, ActivityObject
from shared.crm.salesforce.payloads import Target
from shared.crm.salesforce.queries import PARTIES
from shared.crm.salesforce.session import Session, not_there
from shared.domain import Activity, Existing, Item, LookUp, RecordRef

_HELD_BACK = (403, 404)
_LONG_BODY = 65_536


def object_for(item: Item, shape: Shape) -> ActivityObject:
    return EVENT if item.kind == "meeting" else shape.email


async def look_up(session: Session, item: Item, link: RecordRef | None) -> LookUp:
    """One round trip up to some 150 addresses, several of them side by side beyond; and one before
    where the caller is new to this worker."""
    shape = await session.shape()
    object_ = object_for(item, shape)
    target = None if link is None else session.target(link, object_, shape)
    addresses, fields = people.looked_up(item), _address_fields(shape)
    parts = _item_parts(session, item, object_, shape)
    if target is not None:
        parts.append(
            composite.row("link", target.object, target.id, queries.link_fields(target.object))
        )
    for name, columns in fields.items():
        asked = queries.by_address(name, columns, addresses)
        parts += [composite.query(f"{name}_{n}", soql) for n, soql in enumerate(asked)]
    answers = await session.wire.ask(parts) if parts else {}
    return LookUp(
        existing=_existing(session, item, object_, answers),
        parties=replies.party_matches(
            {name: _rows_of(name, answers) for name in fields},
            fields,
            session.knowledge.queues or (),
            addresses,
            session.knowledge.root,
        ),
        limits=session.knowledge.limits,
        link=None if target is None else _link(session, target, answers["link"]),
        body_cut=await _cuts_body(item, shape),
    )


async def find(session: Session, item: Item) -> Activity | None:
    """The complete record of the item."""
    shape = await session.shape()
    object_ = object_for(item, shape)
    parts = _item_parts(session, item, object_, shape)
    answers = await session.wire.ask(parts) if parts else {}
    existing = _existing(session, item, object_, answers)
    return existing.activity if existing is not None and existing.complete else None


def _address_fields(shape: Shape) -> dict[str, tuple[str, ...]]:
    """Where each object that can take part keeps its addresses; a user's own is a fixed one."""
    found = {"User": ("Email",)} | {name: shape.of(name).addresses for name in PARTIES[1:]}
    return {name: fields for name, fields in found.items() if fields}


def _item_parts(session: Session, item: Item, object_: ActivityObject, shape: Shape) -> list[Part]:
    soql = queries.of_item(object_, item, shape, session.fields(object_))
    return [] if soql is None else [composite.query("item", soql)]


def _existing(
    session: Session, item: Item, object_: ActivityObject, answers: Mapping[str, Reply]
) -> Existing | None:
    """Our own record comes first, then the oldest copy that another tool made."""
    reply = answers.get("item")
    if reply is None:
        return None
    if not reply.ok:
        raise fault(reply)
    rows = [row for row in reply.rows if replies.is_of(row, item, object_)]
    for row in sorted(rows, key=lambda row: not row.get(KEY)):
        record = session.record(row, object_)
        adopted = KEY in row and not record.key
        if record.whole or not adopted:
            return Existing(record.activity, record.whole, adopted, record)
    return None


def _rows_of(name: str, answers: Mapping[str, Reply]) -> list[Mapping[str, object]]:
    """All rows; none from an object that is held back from the caller."""
    rows: list[Mapping[str, object]] = []
    for asked, reply in answers.items():
        if asked.startswith(f"{name}_"):
            if reply.ok:
                rows += reply.rows
            elif reply.status not in _HELD_BACK:
                raise fault(reply)
    return rows


def _link(session: Session, target: Target, reply: Reply) -> RecordRef:
    if reply.status in _HELD_BACK:
        raise not_there()
    if not reply.ok:
        raise fault(reply)
    return replies.reference(reply.row, target.object, session.knowledge.root)


async def _cuts_body(item: Item, shape: Shape) -> bool:
    """A long body takes its time to make safe, and holds nobody else up meanwhile."""
    if len(item.body.content) > _LONG_BODY:
        return await asyncio.to_thread(payloads.cuts_body, item, shape)
    return payloads.cuts_body(item, shape)
