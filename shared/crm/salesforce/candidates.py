"""All that the organisation knows of an item's clues, in two round trips.

Each is one composite or several side by side, since one takes five queries only; beside those of
the first goes a search in the index, for strangers in other people's e-mail and meetings.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from shared.crm.salesforce import candidate_queries, candidate_rows, composite, keys, queries
from shared.crm.salesforce.candidate_rows import Row
from shared.crm.salesforce.described import Described
from shared.crm.salesforce.faults import fault
from shared.crm.salesforce.index import search_index
from shared.crm.salesforce.knowledge import Shape
from shared.crm.salesforce.metadata import learn
from shared.crm.salesforce.objects import (
    EVENT,
    PEOPLE,
    ActivityObject,
    object_name,
)
from shared.crm.salesforce.people import LONGEST
from shared.crm.salesforce.session import Session
from shared.domain import address_key
from shared.suggestions import Account, Candidates, Clues, Filed, Record, User
from shared.truncation import storable, units

_CLOSED_WITHIN: Final = timedelta(days=90)
_REMEMBERED: Final = timedelta(days=365)
_HIDDEN: Final = (403, 404)
_LONGEST_DOMAIN: Final = 253
_LONGEST_ID: Final = 765
_CROWD: Final = 100
"""Domains to look for: more of them say nothing of any one."""
_DEALS: Final[Mapping[str, Sequence[str]]] = {
    "Opportunity": candidate_queries.OPPORTUNITY,
    "Case": candidate_queries.CASE,
}
_STANDARD: Final = frozenset({*_DEALS, *PEOPLE, "Account", "User", "Group"})

Questions = Iterable[tuple[str, str]]
"""Purpose and statement of each query."""
Answers = Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Sight:
    """What the caller sees: the objects of activities and people, and those of the admin's record
    types that are something else."""

    shape: Shape
    described: Mapping[str, Described]
    types: frozenset[str]

    def activities(self) -> tuple[ActivityObject, ...]:
        return tuple(one for one in (self.shape.email, EVENT) if one.name in self.shape.objects)

    def columns(self, object_: str) -> list[str]:
        """What is asked of opportunities or cases."""
        known = [name for name in _DEALS[object_] if name in self.described[object_].fields]
        return [*known, candidate_queries.ROLES] if object_ == "Opportunity" else known


async def find(session: Session, clues: Clues, types: Collection[str], now: datetime) -> Candidates:
    """As `Crm.candidates` promises. An object that the caller may not read is an empty one."""
    sight = await _look(session, types)
    clues = _askable(clues)
    root = session.knowledge.root
    strangers = candidate_queries.strangers(
        sight.activities(), sight.shape, clues, now - _REMEMBERED
    )
    first, mentions = await asyncio.gather(
        _ask(session, _first(sight, clues, now)), search_index(session, strangers)
    )
    contacts = candidate_rows.contacts(first["Contact"], sight.shape.of("Contact").addresses, root)
    filed = _filed(first, mentions, sight, clues, root)
    meant = _meant(first["Account"], sight.shape, clues, root)
    hosts = candidate_rows.staffed(
        first["staff"], sight.shape.of("Contact").addresses, clues.domains
    )
    related = _related(first, meant, hosts)
    alone = [contact.ref.id for contact in contacts if contact.account_id is None]
    second = await _ask(
        session,
        (
            *_about_accounts(sight, related, meant),
            *_deals(sight, related, alone, now - _CLOSED_WITHIN),
            *_linked(sight, filed),
        ),
    )
    accounts = _accounts(second["Account"], meant, hosts, sight.shape, root)
    return Candidates(
        users=_users(session, first["User"], clues),
        contacts=contacts,
        accounts=accounts,
        records=_distinct(_records(first, second, sight, root)),
        filed=filed,
    )


async def _look(session: Session, types: Collection[str]) -> Sight:
    """One round trip, or none where all is remembered."""
    objects = frozenset(name for type_ in types if (name := object_name(type_)))
    asked = {name: columns for name, columns in _DEALS.items() if name in objects}
    others = dict.fromkeys(objects - _STANDARD, ())
    shape, described = await asyncio.gather(session.shape(), learn(session, {**asked, **others}))
    return Sight(shape, described, objects)


def _first(sight: Sight, clues: Clues, now: datetime) -> Questions:
    shape, since = sight.shape, now - _REMEMBERED
    yield from _each("User", queries.by_address("User", ("Email",), clues.addresses))
    if "Contact" in shape.objects:
        asked = candidate_queries.contacts(shape, clues.addresses, clues.names)
        yield from _each("Contact", asked)
        yield from _each("staff", candidate_queries.staff(shape, clues.domains))
    if "Lead" in shape.objects and "Lead" in sight.types:
        yield from _each("Lead", candidate_queries.leads(shape, clues.addresses, clues.names))
    if "Account" in shape.objects:
        yield from _each("Account", candidate_queries.accounts(shape, clues))
    for object_ in sight.activities():
        if (object_ is EVENT) is not bool(clues.message_ids):
            asked = candidate_queries.conversation(object_, shape, clues)
            yield from _each(f"conversation {object_.name}", asked)
        for person in sorted(PEOPLE & shape.objects.keys()):
            asked = candidate_queries.habits(object_, person, shape, clues, since)
            yield from _each(f"habits {object_.name}", asked)


def _each(purpose: str, statements: Iterable[str]) -> Questions:
    return ((purpose, statement) for statement in statements)


def _about_accounts(
    sight: Sight, related: Iterable[str], meant: Mapping[str, Account]
) -> Questions:
    """After those that are known by their id alone."""
    if "Account" not in sight.shape.objects:
        return ()
    unread = [id_ for id_ in related if id_ not in meant]
    return _each("Account", candidate_queries.accounts_by_id(sight.shape, unread))


def _deals(
    sight: Sight, accounts: Sequence[str], alone: Sequence[str], since: datetime
) -> Questions:
    if "Opportunity" in sight.described:
        columns = sight.columns("Opportunity")
        asked = candidate_queries.opportunities(columns, accounts, since)
        yield from _each("Opportunity", asked)
        asked = candidate_queries.opportunities_of_contacts(columns, alone, since)
        yield from _each("Opportunity", asked)
    if "Case" in sight.described:
        asked = candidate_queries.cases(sight.columns("Case"), accounts, alone, since)
        yield from _each("Case", asked)


def _linked(sight: Sight, filed: Iterable[Filed]) -> Questions:
    """After the records that activities are linked to, of the types that the admin enabled."""
    ids: dict[str, dict[str, None]] = defaultdict(dict)
    for one in filed:
        name, id_ = object_name(one.record.type), keys.record_id(one.record.id)
        if name in sight.types and id_:
            ids[name][id_] = None
    for name, found in ids.items():
        purpose = f"linked {name}"
        if name == "Lead" and name in sight.shape.objects:
            yield from _each(purpose, candidate_queries.leads_by_id(sight.shape, found))
        elif name in sight.described:
            columns = sight.columns(name) if name in _DEALS else _named(sight.described[name])
            yield from _each(purpose, candidate_queries.by_id(columns, name, found))


def _named(described: Described) -> list[str]:
    return list(filter(None, ("Id", described.name_field)))


async def _ask(session: Session, questions: Questions) -> Answers:
    """The rows by purpose; nothing is sent where nothing is asked."""
    asked = list(questions)
    parts = [composite.query(f"q{n}", soql) for n, (_, soql) in enumerate(asked)]
    replies = await session.wire.ask(parts) if parts else {}
    rows: defaultdict[str, list[Row]] = defaultdict(list)
    for part, (purpose, _) in zip(parts, asked, strict=True):
        reply = replies[part.name]
        if reply.ok:
            rows[purpose] += reply.rows
        elif reply.status not in _HIDDEN:
            raise fault(reply)
    return rows


def _askable(clues: Clues) -> Clues:
    """Without what no field is long enough for, and as much as is worth asking for."""
    return replace(
        clues,
        addresses=_short(clues.addresses, LONGEST),
        outsiders=_short(clues.outsiders, LONGEST),
        names=_short(clues.names, LONGEST),
        domains=_short(clues.domains, _LONGEST_DOMAIN)[:_CROWD],
        message_ids=_short(clues.message_ids, _LONGEST_ID),
    )


def _short(texts: Iterable[str], limit: int) -> tuple[str, ...]:
    return tuple(storable(text) for text in texts if 0 < units(storable(text)) <= limit)


def _meant(rows: Iterable[Row], shape: Shape, clues: Clues, root: str) -> dict[str, Account]:
    fields = shape.of("Account").addresses
    accounts = (candidate_rows.account(row, fields, root) for row in rows)
    return {one.ref.id: one for one in accounts if candidate_rows.is_meant(one, clues)}


def _related(
    first: Answers, meant: Mapping[str, Account], staffed: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """The ids of all the accounts: the people's, those that the clues mean, and their parents."""
    ours = [row for row in first["staff"] if row["AccountId"] in staffed]
    above = (one.parent_id for one in meant.values() if one.parent_id)
    found = (*meant, *above, *candidate_rows.employers((*first["Contact"], *ours)))
    return tuple(dict.fromkeys(found))


def _accounts(
    rows: Iterable[Row],
    meant: Mapping[str, Account],
    hosts: Mapping[str, Sequence[str]],
    shape: Shape,
    root: str,
) -> tuple[Account, ...]:
    fields = shape.of("Account").addresses
    read = (candidate_rows.account(row, fields, root) for row in rows)
    return tuple(
        candidate_rows.with_hosts(one, hosts.get(one.ref.id, ()))
        for one in (*meant.values(), *read)
    )


def _users(session: Session, rows: Iterable[Row], clues: Clues) -> tuple[User, ...]:
    queues = (
        User(queue, (address_key(queue.email),))
        for queue in session.knowledge.queues or ()
        if address_key(queue.email) in clues.addresses
    )
    return (*(candidate_rows.user(row, session.knowledge.root) for row in rows), *queues)


def _filed(
    first: Answers, mentions: Answers, sight: Sight, clues: Clues, root: str
) -> tuple[Filed, ...]:
    """Each activity once, the conversation's first, then the latest."""
    found: dict[str, Filed] = {}
    others: dict[str, Filed] = {}
    for object_ in sight.activities():
        for row in first[f"conversation {object_.name}"]:
            _note(found, candidate_rows.filed(row, object_, root, same_conversation=True))
        for row in (*first[f"habits {object_.name}"], *mentions.get(object_.name, ())):
            _note(others, candidate_rows.filed(row, object_, root, same_conversation=False))
    apart = [
        one
        for id_, one in others.items()
        if id_ not in found and candidate_rows.takes_part(one, clues)
    ]
    apart.sort(key=lambda one: one.at, reverse=True)
    return (*found.values(), *apart[: candidate_queries.MOST_FILED])


def _note(found: dict[str, Filed], read: tuple[str, Filed] | None) -> None:
    """An activity that was found by several people has the addresses of all of them."""
    if read is None:
        return
    id_, one = read
    known = found.get(id_)
    addresses = (*known.addresses, *one.addresses) if known else one.addresses
    found[id_] = replace(one, addresses=tuple(dict.fromkeys(addresses)))


def _records(first: Answers, second: Answers, sight: Sight, root: str) -> Iterator[Record]:
    """Leads, the latest of opportunities and cases, and whatever an activity is linked to."""
    fields = sight.shape.of("Lead").addresses
    for row in (*first["Lead"], *second["linked Lead"]):
        yield candidate_rows.lead(row, fields, root)
    deals = [*_read_deals(second, "", root)]
    deals.sort(key=lambda record: str(record.modified_at or ""), reverse=True)
    yield from deals[: candidate_queries.MOST_RECORDS]
    yield from _read_deals(second, "linked ", root)
    for name, described in sight.described.items():
        if name not in _DEALS:
            for row in second[f"linked {name}"]:
                yield candidate_rows.other(row, described, root)


def _read_deals(answers: Answers, prefix: str, root: str) -> Iterator[Record]:
    for row in answers[f"{prefix}Opportunity"]:
        yield candidate_rows.opportunity(row, root)
    for row in answers[f"{prefix}Case"]:
        yield candidate_rows.case(row, root)


def _distinct(records: Iterable[Record]) -> tuple[Record, ...]:
    found: dict[str, Record] = {}
    for record in records:
        found.setdefault(record.ref.id, record)
    return tuple(found.values())
