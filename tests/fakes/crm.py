"""A CRM in memory that keeps every promise of `shared.ports.Crm`; see test_fake_crm.py."""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sandbox.company import Company, Employee
from sandbox.sample import company as sample_company
from shared.contacts import Acquaintance, Added, NewContact, Stranger
from shared.domain import (
    Activity,
    ActivityKind,
    CategoryValue,
    Change,
    Deletion,
    Existing,
    File,
    Filing,
    Item,
    Limits,
    LookUp,
    Meeting,
    Notice,
    RecordRef,
    Saved,
    SavedFile,
    address_key,
    identity,
)
from shared.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    ThreadlineError,
    Unavailable,
    Unsupported,
)
from shared.policy import CategoryField
from shared.records import Description, FoundRecord, Search, Wanted
from shared.suggestions import Candidates, Clues, Filed
from tests.fakes import crm_contacts, crm_records
from tests.fakes.crm_activities import (
    Party,
    Record,
    activity,
    appointment,
    body,
    cancelled,
    notices,
    parties,
    plain,
    refreshed,
)

STEPS = 3
"""Pieces of work of a save: the open record with its files up to `LARGE`, the others, closing."""
LARGE = 4_000_000
CONNECTABLE = frozenset({"account", "contact", "opportunity", "case", "lead"})


@dataclass
class CrmWorld:
    """What the CRM holds. Tests may look into all of it.

    `calls` names the port's methods in the order they were called. `failures` are raised by the
    next call of the method they are filed under. `breaks_after` ends a save with `Unavailable`
    after that piece of work. `written` are the ids of the records that a refresh changed, `phones`
    those of added contacts by id.
    """

    company: Company = field(default_factory=sample_company)
    limits: Limits = field(default_factory=lambda: Limits(5_000_000, frozenset({"exe", "js"})))
    categories: Mapping[ActivityKind, tuple[CategoryField, ...]] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    failures: dict[str, ThreadlineError] = field(default_factory=dict)
    breaks_after: int | None = None
    phones: dict[str, str] = field(default_factory=dict)

    def of_item(self, item: Item) -> Record | None:
        key = identity(item)
        return next((record for record in self.records.values() if record.identity == key), None)

    def plant(self, item: Item, owner: Employee, link: RecordRef | None = None) -> str:
        """Saves the item as another tool would; the id of that record."""
        record = Record(
            id=str(uuid4()),
            kind=item.kind,
            identity=identity(item),
            subject=item.subject,
            body=body(item),
            appointment=appointment(item),
            thread=_thread(item),
            owner=owner,
            saved_at=datetime(2026, 1, 5, 8, tzinfo=UTC),
            ours=False,
            complete=True,
            link=link,
        )
        self.records[record.id] = record
        return record.id

    def directory(self) -> list[tuple[RecordRef, tuple[str, ...], str]]:
        """Every record that is someone or something: its reference, addresses and owner."""
        base = self.company
        users = [
            (_ref("user", e.oid, e.name, e.address), (e.address,), "")
            for e in base.employees
            if e.crm_user
        ]
        queues = [(_ref("queue", q.id, q.name, q.address), (q.address,), "") for q in base.queues]
        contacts = [
            (
                _ref("contact", c.id, f"{c.first_name} {c.last_name}", c.email),
                tuple(address for address in (c.email, c.email2) if address),
                c.owner,
            )
            for c in base.contacts
        ]
        leads = [
            (_ref("lead", n.id, f"{n.first_name} {n.last_name}", n.email), (n.email,), n.owner)
            for n in base.leads
        ]
        accounts = [
            (_ref("account", a.id, a.name, a.email), (a.email,), a.owner) for a in base.accounts
        ]
        deals = [(_ref("opportunity", o.id, o.name), (), o.owner) for o in base.opportunities]
        cases = [(_ref("case", c.id, c.title), (), c.owner) for c in base.cases]
        return [*users, *queues, *contacts, *leads, *accounts, *deals, *cases]


def _ref(type_: str, id_: str, name: str, email: str = "") -> RecordRef:
    return RecordRef(type_, id_, name, f"https://crm.example/{type_}/{id_}", email)


class FakeCrm:
    """The world as the employee with `address` sees it."""

    def __init__(self, world: CrmWorld, address: str) -> None:
        self._world = world
        self._me = next(e for e in world.company.employees if e.address == address)

    @property
    def name(self) -> str:
        return "fake"

    async def look_up(self, item: Item, link: RecordRef | None) -> LookUp:
        await self._called("look_up")
        _refuse_series(item)
        found = self._world.of_item(item)
        return LookUp(
            existing=(
                Existing(activity(found), found.complete, adopted=not found.ours, seen=found)
                if found and self._sees(found.owner.oid)
                else None
            ),
            parties=self._parties(item),
            limits=self._world.limits,
            link=self._connectable(link) if link else None,
        )

    async def save(self, item: Item, filing: Filing, known: LookUp, files: Sequence[File]) -> Saved:
        await self._called("save")
        self._must_write()
        _refuse_series(item)
        self._check_categories(item.kind, filing.categories)
        record = self._world.of_item(item)
        if record and not self._sees(record.owner.oid):
            raise Forbidden("This item is in the CRM, where you may not see it.")
        if record and not record.ours:
            return self._adopt(record, filing)
        created = record is None
        if record is None:
            record = self._new(item, filing)
        if not record.complete:
            record = await self._fill(record, files)
        return Saved(replace(activity(record), notices=notices(item)), created=created)

    async def find(self, item: Item) -> Activity | None:
        await self._called("find")
        record = self._world.of_item(item)
        if record is None or not record.complete or not self._sees(record.owner.oid):
            return None
        return activity(record)

    async def edit(self, kind: ActivityKind, id: str, change: Change) -> Activity:
        await self._called("edit")
        record = self._record(kind, id)
        self._must_write()
        if change.links is not None:
            if len(change.links) > 1:
                raise InvalidRequest("One link at most.", code="too_many_links")
            link = self._connectable(change.links[0]) if change.links else None
            record = replace(record, link=link)
        if change.categories is not None:
            self._check_categories(kind, change.categories)
            record = replace(record, categories={**record.categories, **change.categories})
        if change.contacts is not None:
            record = replace(record, parties=self._related(record.parties, change.contacts))
        self._world.records[id] = record
        return activity(record)

    async def delete(self, kind: ActivityKind, id: str) -> Deletion:
        await self._called("delete")
        self._record(kind, id)
        self._must_write()
        del self._world.records[id]
        return Deletion(kind, id, "It was removed from the CRM.")

    async def refresh(self, meeting: Meeting, known: LookUp) -> Activity:
        await self._called("refresh")
        if known.existing is None:
            raise NotFound("There is no such record.", code="record_not_found")
        record = self._record("meeting", known.existing.activity.id)
        self._must_write()
        now = refreshed(record, meeting, known.parties)
        if not record.complete or (record != known.existing.seen and record != now):
            raise Conflict("The record was changed meanwhile.")
        if now != record:
            self._world.records[record.id] = now
            self._world.written.append(record.id)
        return replace(activity(now), notices=notices(meeting))

    async def cancel(self, id: str) -> None:
        await self._called("cancel")
        record = self._record("meeting", id)
        self._must_write()
        self._world.records[id] = cancelled(record)

    async def candidates(self, clues: Clues, types: Collection[str], now: datetime) -> Candidates:
        await self._called("candidates")
        filed = tuple(self._filed(clues, now))
        return crm_records.candidates(self._world.company, filed, clues, types, now, self._sees)

    async def search(self, search: Search) -> Sequence[FoundRecord]:
        await self._called("search")
        return crm_records.search(self._world.company, search, self._sees)

    async def describe(
        self, kind: ActivityKind, wanted: Sequence[Wanted], language: str
    ) -> Description:
        await self._called("describe")
        types = (crm_records.type_description(one, language) for one in wanted)
        return Description(
            product="Fake CRM",
            types=tuple(one for one in types if one is not None),
            fields=tuple(
                crm_records.field_description(field, language)
                for field in self._world.categories.get(kind, ())
            ),
            limits=self._world.limits,
        )

    def _filed(self, clues: Clues, now: datetime) -> Iterator[Filed]:
        for record in self._world.records.values():
            if record.link is None or not self._sees(record.owner.oid):
                continue
            same = bool(set(record.thread) & {*clues.message_ids, clues.conversation_id or ""})
            people = {address_key(party.address) for party in record.parties}
            at_home = any(
                address.endswith((f"@{domain}", f".{domain}"))
                for address in people
                for domain in clues.domains
            )
            if same or people & set(clues.outsiders) or at_home:
                yield Filed(record.link, record.saved_at, same, tuple(sorted(people)))

    async def acquaintance(self, stranger: Stranger) -> Acquaintance:
        await self._called("acquaintance")
        return crm_contacts.acquaintance(
            self._world.company, self._world.phones, stranger, self._sees
        )

    async def add_contact(self, contact: NewContact) -> Added:
        await self._called("add_contact")
        self._must_write()
        if contact.account is not None:
            self._seen(contact.account)
        added = crm_contacts.added(self._world.company, self._world.phones, contact, self._sees)
        if added.created:
            made = crm_contacts.row(added.contact, self._me)
            company = self._world.company
            self._world.company = replace(company, contacts=(*company.contacts, made))
            self._world.phones[made.id] = added.contact.phone
        return added

    async def check(self) -> None:
        await self._called("check")

    async def _called(self, method: str) -> None:
        self._world.calls.append(method)
        await asyncio.sleep(0)
        if method in self._world.failures:
            raise self._world.failures.pop(method)
        if not self._me.crm_user:
            raise Forbidden("You have no licence for this CRM.")

    def _must_write(self) -> None:
        if not self._me.crm_write:
            raise Forbidden("You may not write to this CRM.")

    def _sees(self, owner: str) -> bool:
        everything = self._me.crm_read == "all" or owner == ""
        return everything or owner in (self._me.oid, self._me.address)

    def _record(self, kind: ActivityKind, id_: str) -> Record:
        record = self._world.records.get(id_)
        if record is None or record.kind != kind or not self._sees(record.owner.oid):
            raise NotFound("There is no such record.", code="record_not_found")
        return record

    def _seen(self, wanted: RecordRef) -> tuple[RecordRef, tuple[str, ...]]:
        for ref, addresses, owner in self._world.directory():
            if (ref.type, ref.id) == (wanted.type, wanted.id) and self._sees(owner):
                return ref, addresses
        raise NotFound("There is no such record.", code="record_not_found")

    def _connectable(self, link: RecordRef) -> RecordRef:
        if link.type not in CONNECTABLE:
            raise InvalidRequest("It takes no activities.", code="type_not_connectable")
        return self._seen(link)[0]

    def _check_categories(self, kind: ActivityKind, values: Mapping[str, CategoryValue]) -> None:
        there = {category.name for category in self._world.categories.get(kind, ())}
        if not set(values) <= there:
            raise InvalidRequest("There is no such field.")

    def _parties(self, item: Item) -> dict[str, tuple[RecordRef, ...]]:
        wanted = {address_key(participant.address) for participant in item.participants}
        found: dict[str, tuple[RecordRef, ...]] = {}
        for ref, addresses, owner in self._world.directory():
            for key in {address_key(address) for address in addresses} & wanted:
                if self._sees(owner):
                    found[key] = (*found.get(key, ()), ref)
        return found

    def _new(self, item: Item, filing: Filing) -> Record:
        known = self._parties(item)
        record = Record(
            id=str(uuid4()),
            kind=item.kind,
            identity=identity(item),
            subject=plain(item.subject),
            body=body(item),
            appointment=appointment(item),
            thread=_thread(item),
            owner=self._me,
            saved_at=datetime(2026, 1, 5, 9, tzinfo=UTC)
            + timedelta(minutes=len(self._world.records)),
            ours=True,
            link=self._connectable(filing.link) if filing.link else None,
            categories={k: v for k, v in filing.categories.items() if v is not None},
            parties=parties(item, known),
        )
        self._world.records[record.id] = record
        return record

    async def _fill(self, record: Record, files: Sequence[File]) -> Record:
        small = [file for file in files if file.size <= LARGE]
        large = [file for file in files if file.size > LARGE]
        await self._store(record.id, small)
        self._work_done(1)
        await self._store(record.id, large)
        self._work_done(2)
        record = replace(self._world.records[record.id], complete=True)
        self._world.records[record.id] = record
        self._work_done(3)
        return record

    async def _store(self, id_: str, files: Sequence[File]) -> None:
        for file in files:
            content = await file.read()
            record = self._world.records[id_]
            if file.key not in record.files:
                saved = SavedFile(str(uuid4()), plain(file.name), len(content))
                stored = {**record.files, file.key: (saved, content)}
                self._world.records[id_] = replace(record, files=stored)

    def _work_done(self, step: int) -> None:
        if self._world.breaks_after == step:
            raise Unavailable("The CRM did not answer.")

    def _adopt(self, record: Record, filing: Filing) -> Saved:
        record = replace(
            record,
            link=record.link or (self._connectable(filing.link) if filing.link else None),
            categories={**filing.categories, **record.categories},
        )
        self._world.records[record.id] = record
        notice = Notice("adopted", "Another tool had saved it already.")
        return Saved(replace(activity(record), notices=(notice,)), created=False)

    def _related(
        self, present: tuple[Party, ...], contacts: Sequence[RecordRef]
    ) -> tuple[Party, ...]:
        """Participants carry those contacts that have their address; the others are added."""
        wanted = [self._seen(contact) for contact in contacts]
        by_address = {
            address_key(address): ref for ref, addresses in wanted for address in addresses
        }
        kept = tuple(
            replace(party, record=by_address.get(address_key(party.address)))
            if party.record is None or party.record.type == "contact"
            else party
            for party in present
            if not party.related
        )
        there = {party.record.id for party in kept if party.record}
        return kept + tuple(
            Party(ref.email, ref, related=True) for ref, _ in wanted if ref.id not in there
        )


def _refuse_series(item: Item) -> None:
    if item.kind == "meeting" and item.is_series:
        raise Unsupported("A whole series can't be saved yet.")


def _thread(item: Item) -> tuple[str, ...]:
    """What tells the conversation: the meeting, or the ids of a message and what it answers."""
    if item.kind == "meeting":
        return (item.uid,)
    return tuple(filter(None, (item.message_id, item.in_reply_to, *item.references)))
