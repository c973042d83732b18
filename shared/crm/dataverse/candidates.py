"""All that the organisation knows of an item's clues, in two round trips."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.crm.dataverse import candidate_queries, candidate_rows, keys, queries
from shared.crm.dataverse.candidate_rows import Row
from shared.crm.dataverse.looking import rows_of
from shared.crm.dataverse.parties import ADDRESS_LIMIT
from shared.crm.dataverse.replies import reference
from shared.crm.dataverse.session import Session
from shared.crm.dataverse.tables import EMAIL, STANDARD, Table, logical_name
from shared.suggestions import Account, Candidates, Clues, Contact, Filed, Record, User
from shared.truncation import units

_CLOSED_WITHIN: Final = timedelta(days=90)
_REMEMBERED: Final = timedelta(days=365)
_DEALS: Final = ("opportunity", "incident")
_LINKED: Final = ("lead", *_DEALS)

Answers = defaultdict[str, list[Row]]


async def find(session: Session, clues: Clues, types: Collection[str], now: datetime) -> Candidates:
    """As `Crm.candidates` promises. A table that the caller may not read is an empty one."""
    tables = {logical for type_ in types if (logical := logical_name(type_))}
    clues = _storable(clues)
    first = await _ask(session, _first(clues, tables, now))
    root = session.knowledge.root
    contacts = candidate_rows.contacts(first["contact"], root)
    accounts = candidate_rows.accounts(first["contact"], first["account"], clues, root)
    filed = candidate_rows.filed(first["conversation"], first["habits"], root)
    leads = candidate_rows.records(first["lead"], "lead", root)
    others = await _other_tables(session, filed, tables)
    deals = _deal_questions(contacts, accounts, tables, now)
    second = await _ask(session, (*deals, *_linked_questions(filed, tables, others)))
    return Candidates(
        users=_users(first, root),
        contacts=contacts,
        accounts=accounts,
        records=_distinct((*leads, *_deals(second, root), *_others(second, others, root))),
        filed=filed,
    )


def _first(clues: Clues, tables: Collection[str], now: datetime) -> Iterator[tuple[str, str]]:
    """Purpose and path of each query."""
    for logical in ("systemuser", "queue"):
        for path in queries.by_address(logical, clues.addresses):
            yield logical, path
    for path in candidate_queries.contacts(clues.addresses, clues.names):
        yield "contact", path
    if "lead" in tables:
        for path in candidate_queries.leads(clues.addresses, clues.names):
            yield "lead", path
    for path in candidate_queries.accounts(clues.outsiders, clues.domains):
        yield "account", path
    for path in candidate_queries.conversation(clues.message_ids, clues.conversation_id):
        yield "conversation", path
    since = now - _REMEMBERED
    for path in candidate_queries.habits(clues.outsiders, clues.domains, since):
        yield "habits", path


def _deal_questions(
    contacts: Sequence[Contact],
    accounts: Sequence[Account],
    tables: Collection[str],
    now: datetime,
) -> Iterator[tuple[str, str]]:
    known = [account.ref.id for account in accounts]
    alone = [contact.ref.id for contact in contacts if contact.account_id is None]
    for logical in _DEALS:
        if logical in tables:
            for path in candidate_queries.deals(logical, known, alone, now - _CLOSED_WITHIN):
                yield logical, path


def _linked_questions(
    filed: Sequence[Filed], tables: Collection[str], others: Iterable[Table]
) -> Iterator[tuple[str, str]]:
    """After the records that activities are linked to, of the tables that the admin enabled."""
    for logical in _LINKED:
        if logical in tables:
            for path in candidate_queries.by_id(logical, _linked_to(filed, logical)):
                yield f"linked {logical}", path
    for table in others:
        for path in candidate_queries.names(table, _linked_to(filed, table.logical)):
            yield f"linked {table.logical}", path


async def _ask(session: Session, questions: Iterable[tuple[str, str]]) -> Answers:
    """The rows by purpose; nothing is sent where nothing is asked."""
    answers: defaultdict[str, list[Row]] = defaultdict(list)
    asked = list(questions)
    if asked:
        replies = await session.wire.ask([path for _, path in asked])
        for (purpose, _), reply in zip(asked, replies, strict=True):
            answers[purpose] += rows_of([reply])
    return answers


def _storable(clues: Clues) -> Clues:
    """Without what no column is long enough for."""
    return replace(
        clues,
        addresses=tuple(one for one in clues.addresses if len(one) <= ADDRESS_LIMIT),
        outsiders=tuple(one for one in clues.outsiders if len(one) <= ADDRESS_LIMIT),
        message_ids=tuple(one for one in clues.message_ids if units(one) <= EMAIL.item_limit),
    )


def _linked_to(filed: Iterable[Filed], logical: str) -> list[str]:
    ids = (one.record.id for one in filed if logical_name(one.record.type) == logical)
    return list(dict.fromkeys(id_ for id_ in ids if keys.guid(id_)))


def _users(answers: Answers, root: str) -> tuple[User, ...]:
    return tuple(
        candidate_rows.user(row, logical, root)
        for logical in ("systemuser", "queue")
        for row in answers[logical]
    )


def _deals(answers: Answers, root: str) -> Iterator[Record]:
    """The latest of both tables, and whatever an activity is linked to."""
    listed = [
        record
        for logical in _DEALS
        for record in candidate_rows.records(answers[logical], logical, root)
    ]
    listed.sort(key=lambda record: str(record.modified_at or ""), reverse=True)
    yield from listed[: candidate_queries.MOST_RECORDS]
    for logical in _LINKED:
        yield from candidate_rows.records(answers[f"linked {logical}"], logical, root)


async def _other_tables(
    session: Session, filed: Sequence[Filed], tables: Collection[str]
) -> list[Table]:
    """The organisation's own tables that activities are linked to; a worker asks for the
    definition of each once."""
    met = {logical_name(one.record.type) for one in filed}
    wanted = [logical for logical in tables if logical in met and logical not in STANDARD]
    known = await asyncio.gather(*(session.table(logical) for logical in wanted))
    return [table for table in known if table is not None]


def _others(answers: Answers, tables: Iterable[Table], root: str) -> Iterator[Record]:
    for table in tables:
        for row in answers[f"linked {table.logical}"]:
            yield Record(ref=reference(row, table, root))


def _distinct(records: Iterable[Record]) -> tuple[Record, ...]:
    found: dict[tuple[str, str], Record] = {}
    for record in records:
        found.setdefault((record.ref.type, record.ref.id), record)
    return tuple(found.values())
