"""What the CRM in memory answers about candidates, searches and forms."""

import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta

from sandbox.company import Company
from shared.domain import RecordRef, address_key
from shared.errors import InvalidRequest
from shared.policy import CategoryField, Condition
from shared.records import (
    FieldDescription,
    FoundRecord,
    KeyField,
    Option,
    Search,
    TypeDescription,
    Wanted,
)
from shared.suggestions import Account, Candidates, Clues, Contact, Filed, Record, User

Sees = Callable[[str], bool]
Row = Mapping[str, str]

_LABELS = {
    "account": {"en": ("Account", "Accounts"), "pl": ("Konto", "Konta")},
    "contact": {"en": ("Contact", "Contacts")},
    "opportunity": {"en": ("Opportunity", "Opportunities")},
    "lead": {"en": ("Lead", "Leads")},
    "case": {"en": ("Case", "Cases")},
}


def ref(type_: str, id_: str, name: str, email: str = "") -> RecordRef:
    return RecordRef(type_, id_, name, f"https://crm.example/{type_}/{id_}", email)


def candidates(
    company: Company,
    filed: Collection[Filed],
    clues: Clues,
    types: Collection[str],
    now: datetime,
    sees: Sees,
) -> Candidates:
    """`filed` are the activities of the conversation and those with the people of the clues."""
    contacts = tuple(_contacts(company, clues, sees))
    accounts = _accounts(company, clues, {c.account_id for c in contacts if c.account_id}, sees)
    ids = {account.ref.id for account in accounts}
    linked = {one.record.id for one in filed}
    deals = [
        record
        for record in (*_opportunities(company, sees), *_cases(company, sees))
        if record.ref.id in linked or (record.account_id in ids and _is_alive(record, now))
    ]
    leads = [
        record
        for record in _leads(company, sees)
        if set(record.addresses) & set(clues.addresses)
        or plain(record.person) in map(plain, clues.names)
    ]
    return Candidates(
        users=tuple(_users(company, clues)),
        contacts=contacts,
        accounts=accounts,
        records=tuple(record for record in (*leads, *deals) if record.ref.type in types),
        filed=tuple(filed),
    )


def _users(company: Company, clues: Clues) -> Iterator[User]:
    for person in company.employees:
        if person.crm_user and person.address in clues.addresses:
            yield User(ref("user", person.oid, person.name, person.address), (person.address,))
    for queue in company.queues:
        if queue.address in clues.addresses:
            yield User(ref("queue", queue.id, queue.name, queue.address), (queue.address,))


def _contacts(company: Company, clues: Clues, sees: Sees) -> Iterator[Contact]:
    names = set(map(plain, clues.names))
    visible = {account.id for account in company.accounts if sees(account.owner)}
    for one in company.contacts:
        name = f"{one.first_name} {one.last_name}".strip()
        addresses = tuple(address_key(a) for a in (one.email, one.email2) if a)
        if sees(one.owner) and (set(addresses) & set(clues.addresses) or plain(name) in names):
            account = one.account if one.account in visible else None
            yield Contact(ref("contact", one.id, name, one.email), addresses, account)


def _accounts(company: Company, clues: Clues, wanted: set[str], sees: Sees) -> tuple[Account, ...]:
    visible = {
        one.id: Account(
            ref("account", one.id, one.name, one.email),
            tuple({one.website.partition("//www.")[2], one.email.partition("@")[2]}),
            one.parent,
            (address_key(one.email),),
        )
        for one in company.accounts
        if sees(one.owner)
    }
    pointed_at = {
        account.ref.id
        for account in visible.values()
        if set(account.addresses) & set(clues.outsiders)
        or any(
            host == domain or host.endswith(f".{domain}")
            for host in account.domains
            for domain in clues.domains
        )
    }
    chosen = (wanted | pointed_at) & set(visible)
    chosen |= {parent for id_ in chosen if (parent := visible[id_].parent_id) in visible}
    return tuple(visible[id_] for id_ in sorted(chosen))


def _opportunities(company: Company, sees: Sees) -> Iterator[Record]:
    for one in company.opportunities:
        if sees(one.owner):
            yield Record(
                ref=ref("opportunity", one.id, one.name),
                description=one.description,
                account_id=one.account,
                contact_id=one.contact,
                owner_id=one.owner,
                open=one.state == "open",
                modified_at=datetime.fromisoformat(one.modified),
            )


def _cases(company: Company, sees: Sees) -> Iterator[Record]:
    for one in company.cases:
        if sees(one.owner):
            yield Record(
                ref=ref("case", one.id, one.title),
                description=one.description,
                number=one.number,
                account_id=one.account,
                contact_id=one.contact,
                owner_id=one.owner,
                open=one.state == "open",
                modified_at=datetime.fromisoformat(one.modified),
            )


def _leads(company: Company, sees: Sees) -> Iterator[Record]:
    for one in company.leads:
        if sees(one.owner):
            yield Record(
                ref=ref("lead", one.id, one.topic, one.email),
                owner_id=one.owner,
                addresses=(address_key(one.email),),
                person=f"{one.first_name} {one.last_name}".strip(),
                company=one.company,
            )


def _is_alive(record: Record, now: datetime) -> bool:
    recent = record.modified_at is not None and record.modified_at > now - timedelta(days=90)
    return record.open or recent


def rows(company: Company, sees: Sees) -> Iterator[tuple[RecordRef, str, Row]]:
    """Every record to search: its reference, when it was changed, its fields as text."""
    accounts = {one.id: one.name for one in company.accounts}
    for a in company.accounts:
        if sees(a.owner):
            yield ref("account", a.id, a.name), "", {"website": a.website, "language": a.language}
    for c in company.contacts:
        if sees(c.owner):
            name = f"{c.first_name} {c.last_name}".strip()
            fields = {"title": c.job_title, "account": accounts.get(c.account, "")}
            yield ref("contact", c.id, name, c.email), "", fields
    for o in company.opportunities:
        if sees(o.owner):
            fields = {"account": accounts.get(o.account, ""), "state": o.state}
            yield ref("opportunity", o.id, o.name), o.modified, fields
    for k in company.cases:
        if sees(k.owner):
            fields = {"number": k.number, "state": k.state}
            yield ref("case", k.id, k.title), k.modified, fields
    for n in company.leads:
        if sees(n.owner):
            name = f"{n.first_name} {n.last_name}".strip()
            yield ref("lead", n.id, name, n.email), "", {"topic": n.topic, "company": n.company}


def search(company: Company, asked: Search, sees: Sees) -> tuple[FoundRecord, ...]:
    words = plain(asked.text).split()
    lists = [_found(company, wanted, words, sees) for wanted in asked.wanted]
    ranks = range(max(map(len, lists), default=0))
    return tuple(one[rank] for rank in ranks for one in lists if rank < len(one))[: asked.limit]


def _found(company: Company, wanted: Wanted, words: list[str], sees: Sees) -> list[FoundRecord]:
    found = [
        (record, changed, fields)
        for record, changed, fields in rows(company, sees)
        if record.type == wanted.type
        and all(word in plain(" ".join((record.name, *fields.values()))) for word in words)
        and all(_holds(condition, fields) for condition in wanted.conditions)
    ]
    found.sort(key=lambda one: one[1], reverse=True)
    if wanted.order:
        name = wanted.order.field
        found.sort(
            key=lambda one: one[0].name if name == "name" else one[2].get(name, ""),
            reverse=wanted.order.descending,
        )
    else:
        found.sort(key=lambda one: not plain(one[0].name).startswith(" ".join(words)))
    return [
        FoundRecord(
            record,
            tuple(KeyField(n.capitalize(), fields[n]) for n in wanted.key_fields if n in fields),
        )
        for record, _, fields in found
    ]


def _holds(condition: Condition, fields: Row) -> bool:
    if condition.field not in fields:
        raise InvalidRequest("There is no such field.")
    value, wanted = fields[condition.field], str(condition.value)
    return {
        "equals": value == wanted,
        "notEquals": value != wanted,
        "contains": plain(wanted) in plain(value),
        "atLeast": value >= wanted,
        "atMost": value <= wanted,
        "empty": not value,
        "notEmpty": bool(value),
    }[condition.operator]


def type_description(wanted: Wanted, language: str) -> TypeDescription | None:
    labels = _LABELS.get(wanted.type)
    if labels is None:
        return None
    label, plural = labels.get(language.partition("-")[0], labels["en"])
    known = {
        "account": ("website", "language"),
        "contact": ("title", "account"),
        "opportunity": ("account", "state"),
        "case": ("number", "state"),
        "lead": ("topic", "company"),
    }[wanted.type]
    return TypeDescription(
        type=wanted.type,
        label=label,
        plural=plural,
        connectable=True,
        key_fields=tuple(
            FieldDescription(name, name.capitalize(), "text")
            for name in wanted.key_fields
            if name in known
        ),
    )


def field_description(field: CategoryField, language: str) -> FieldDescription:
    one, two = ("Jeden", "Dwa") if language.startswith("pl") else ("One", "Two")
    return FieldDescription(
        name=field.name,
        label=field.name.capitalize(),
        type=field.type,
        options=(Option(1, one), Option(2, two)) if field.type == "choice" else (),
        max_length=100 if field.type == "text" else None,
        lookup_types=(field.lookup_type,) if field.lookup_type else (),
    )


def plain(text: str) -> str:
    """Without case and diacritics."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in parts if not unicodedata.combining(one))
