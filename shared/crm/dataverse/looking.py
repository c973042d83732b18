"""Finding what is there: the item's record, its people, the link, the limits."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from shared.crm.dataverse import keys, parties, payloads, queries, replies
from shared.crm.dataverse.batch import Reply
from shared.crm.dataverse.faults import fault
from shared.crm.dataverse.knowledge import DEFAULTS
from shared.crm.dataverse.queries import PARTY_COLUMNS
from shared.crm.dataverse.replies import Organization, Record
from shared.crm.dataverse.session import Session, not_there
from shared.crm.dataverse.tables import ActivityTable, Table, activity_table
from shared.domain import Activity, Existing, Item, LookUp, RecordRef
from shared.errors import Forbidden

_HELD_BACK = (403, 404)
_LONG_BODY = 65_536


class _Questions:
    """Queries by purpose, to be asked together."""

    def __init__(self) -> None:
        self._asked: list[tuple[str, str]] = []

    def add(self, purpose: str, path: str | None) -> None:
        if path is not None:
            self._asked.append((purpose, path))

    async def ask(self, session: Session) -> dict[str, list[Reply]]:
        answered: dict[str, list[Reply]] = {}
        answers = await session.wire.ask([path for _, path in self._asked])
        for (purpose, _), reply in zip(self._asked, answers, strict=True):
            answered.setdefault(purpose, []).append(reply)
        return answered


async def look_up(session: Session, item: Item, link: RecordRef | None) -> LookUp:
    """One round trip; one more for a type of link that this worker never met before."""
    table = activity_table(item.kind)
    target = None if link is None else await _target(session, link)
    # Only who looks a meeting up may want to bring its record in line: that needs its text.
    questions = _item_questions(session, item, table, body=item.kind == "meeting")
    if target is not None:
        questions.add("link", queries.record(*target))
    if session.knowledge.organization is None:
        questions.add("organization", queries.ORGANIZATION)
    asked = parties.addresses(item)
    for logical in PARTY_COLUMNS:
        for path in queries.by_address(logical, asked):
            questions.add(logical, path)
    answers = await questions.ask(session)
    return LookUp(
        existing=await _existing(session, item, table, answers),
        parties=replies.party_matches(
            {logical: rows_of(answers.get(logical, ())) for logical in PARTY_COLUMNS},
            asked,
            session.knowledge.root,
        ),
        limits=organization(session, answers.get("organization", ())).limits,
        link=None if target is None else _link(session, target, answers["link"][0]),
        body_cut=await _cuts_body(item),
    )


async def find(session: Session, item: Item) -> Activity | None:
    """The complete record of the item."""
    table = activity_table(item.kind)
    answers = await _item_questions(session, item, table).ask(session)
    existing = await _existing(session, item, table, answers)
    return existing.activity if existing is not None and existing.complete else None


def organization(session: Session, answers: Sequence[Reply]) -> Organization:
    """What is remembered of it, or what it just answered."""
    known = session.knowledge.organization
    if known is not None:
        return known
    rows = rows_of(answers)
    if not rows:
        return DEFAULTS
    learnt = replies.organization(rows[0])
    session.knowledge.learn(learnt)
    return learnt


async def _cuts_body(item: Item) -> bool:
    """A long body takes its time to make safe, and holds nobody else up meanwhile."""
    if len(item.body.content) > _LONG_BODY:
        return await asyncio.to_thread(payloads.cuts_body, item)
    return payloads.cuts_body(item)


def _item_questions(
    session: Session, item: Item, table: ActivityTable, *, body: bool = False
) -> _Questions:
    questions = _Questions()
    questions.add("own", session.activity_path(table, keys.activity_id(item), body=body))
    questions.add("copies", queries.copies(item, table, session.fields(table)))
    return questions


async def _target(session: Session, link: RecordRef) -> tuple[Table, str]:
    table = await session.connectable(link.type)
    id_ = keys.guid(link.id)
    if id_ is None:
        raise not_there()
    return table, id_


def _link(session: Session, target: tuple[Table, str], reply: Reply) -> RecordRef:
    table, id_ = target
    if reply.status in _HELD_BACK:
        raise not_there()
    if not reply.ok:
        raise fault(reply)
    return replies.reference(reply.json, table, session.knowledge.root, id_=id_)


async def _existing(
    session: Session, item: Item, table: ActivityTable, answers: Mapping[str, Sequence[Reply]]
) -> Existing | None:
    """Our own record comes first, then the oldest copy that another tool made."""
    own = answers["own"][0]
    if own.ok:
        record = session.record(own.json, table)
        return Existing(record.activity, record.whole, adopted=False, seen=record)
    if own.status != 404:
        raise (
            Forbidden("It is in Dynamics 365 already, and you may not see it.")
            if (own.status == 403)
            else fault(own)
        )
    for row in rows_of(answers.get("copies", ())):
        if replies.is_copy(row, item):
            record = await _copy(session, row, table)
            if record.whole:
                return Existing(record.activity, complete=True, adopted=True, seen=record)
    return None


async def _copy(session: Session, row: Mapping[str, Any], table: ActivityTable) -> Record:
    """Older versions of Dataverse leave the expanded collections of a list to further queries
    (Microsoft Learn "Join tables", nested expand of collections)."""
    if any(f"{name}@odata.nextLink" in row for name in (table.parties, table.attachments)):
        reply = await session.wire.get(session.activity_path(table, row["activityid"]))
        return session.read(reply, table)
    return session.record(row, table)


def rows_of(answers: Sequence[Reply]) -> list[Mapping[str, Any]]:
    """All rows; none from a table that is held back from the caller."""
    rows: list[Mapping[str, Any]] = []
    for reply in answers:
        if reply.ok:
            rows += reply.json.get("value", ())
        elif reply.status not in _HELD_BACK:
            raise fault(reply)
    return rows
