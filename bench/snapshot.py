"""A CRM snapshot that answers clues the way a CRM's queries do; see `shared.suggestions`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from shared.domain import (
    Body,
    Email,
    Item,
    ItemRef,
    Meeting,
    Participant,
    RecordRef,
    Role,
    address_key,
)
from shared.domains import is_at
from shared.suggestions import Account, Candidates, Clues, Contact, Filed, Record, User

Row = Mapping[str, Any]

_CLOSED_WITHIN = timedelta(days=90)
_MAX_RECORDS = 500


class Snapshot:
    """Holds a snapshot's rows by what they are looked up by. Ids and names as in the file."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.own_domains: frozenset[str] = frozenset(data["our_domains"])
        self._users = [_user(row) for row in data["users"]]
        self._accounts = {row["id"]: _account(row) for row in data["accounts"]}
        self._contacts = [_contact(row) for row in data["contacts"]]
        self._leads = [_lead(row) for row in data["leads"]]
        self._records: dict[str, Record] = {}
        self._by_account: dict[str, list[Record]] = defaultdict(list)
        for kind, rows in (("opportunity", data["opportunities"]), ("case", data["cases"])):
            for row in rows:
                record = _record(kind, row)
                self._records[record.ref.id] = record
                self._by_account[record.account_id or ""].append(record)
        self._filed: dict[str, list[Filed]] = defaultdict(list)
        for row in data["activities"]:
            self._filed[row["conversation_id"]].append(_filed(row))

    def candidates(self, clues: Clues, now: datetime) -> Candidates:
        """What the CRM's queries would bring. The snapshot's activities name no participants, so
        that only those of the same conversation can be found."""
        addresses, names = set(clues.addresses), {name.casefold() for name in clues.names}
        contacts = [
            contact
            for contact in self._contacts
            if addresses.intersection(contact.addresses) or contact.ref.name.casefold() in names
        ]
        leads = [
            lead
            for lead in self._leads
            if addresses.intersection(lead.addresses) or lead.person.casefold() in names
        ]
        accounts = self._accounts_of(contacts, clues.domains)
        filed = self._filed.get(clues.conversation_id or "", [])
        records = {r.ref.id: r for r in leads}
        records |= {r.ref.id: r for r in self._deals(accounts, now)}
        for known in filed:
            if known.record.id in self._records:
                records[known.record.id] = self._records[known.record.id]
        return Candidates(
            users=tuple(u for u in self._users if addresses.intersection(u.addresses)),
            contacts=tuple(contacts),
            accounts=tuple(accounts),
            records=tuple(records.values()),
            filed=tuple(filed),
        )

    def _accounts_of(self, contacts: Iterable[Contact], domains: Iterable[str]) -> list[Account]:
        wanted = tuple(domains)
        ids = {contact.account_id for contact in contacts if contact.account_id}
        ids |= {
            account.ref.id
            for account in self._accounts.values()
            if any(is_at(host, domain) for host in account.domains for domain in wanted)
        }
        ids |= {parent for i in ids if (parent := self._accounts[i].parent_id)}
        return [self._accounts[i] for i in sorted(ids)]

    def _deals(self, accounts: Iterable[Account], now: datetime) -> list[Record]:
        found = [
            record
            for account in accounts
            for record in self._by_account[account.ref.id]
            if record.open or (record.modified_at and record.modified_at > now - _CLOSED_WITHIN)
        ]
        found.sort(key=lambda r: r.modified_at or now, reverse=True)
        return found[:_MAX_RECORDS]


def item_of(message: Row) -> Item:
    """The message of an evaluation case as Outlook would give it."""
    meeting = message["kind"] == "meeting"
    roles = (
        (Role.ORGANIZER, Role.REQUIRED, Role.OPTIONAL)
        if meeting
        else (Role.SENDER, Role.TO, Role.CC)
    )
    people = tuple(
        Participant(address=p["email"], name=p["name"], role=role)
        for role, part in zip(roles, ([message["from"]], message["to"], message["cc"]), strict=True)
        for p in part
    )
    ref = ItemRef(kind=message["kind"], mailbox="me", id="")
    body = Body(content=message["body"], html=False)
    sent = _time(message["sent"])
    if meeting:
        return Meeting(
            ref=ref,
            uid=message["conversation_id"],
            ical_uid=message["conversation_id"],
            subject=message["subject"],
            body=body,
            participants=people,
            start=_time(message.get("start") or message["sent"]),
            end=_time(message.get("end") or message["sent"]),
        )
    return Email(
        ref=ref,
        message_id=None,
        conversation_id=message["conversation_id"],
        subject=message["subject"],
        body=body,
        participants=people,
        sent_at=sent,
        received_at=sent,
        is_draft=False,
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _user(row: Row) -> User:
    return User(RecordRef("user", row["id"], row["name"]), (address_key(row["email"]),))


def _account(row: Row) -> Account:
    host = (urlsplit(row["website"] or "").hostname or "").removeprefix("www.")
    ref = RecordRef("account", row["id"], row["name"])
    return Account(ref, (host,) if host else (), row["parent_account_id"])


def _contact(row: Row) -> Contact:
    ref = RecordRef("contact", row["id"], row["fullname"])
    return Contact(ref, (address_key(row["email"]),), row["account_id"])


def _record(kind: str, row: Row) -> Record:
    return Record(
        ref=RecordRef(kind, row["id"], row["name"]),
        description=row["description"],
        number=row.get("ticketnumber") or "",
        account_id=row["account_id"],
        contact_id=row["contact_id"],
        owner_id=row["owner_id"],
        open=row["state"] == "open",
        modified_at=_time(row["modifiedon"]),
    )


def _lead(row: Row) -> Record:
    return Record(
        ref=RecordRef("lead", row["id"], row["topic"]),
        open=row["state"] == "open",
        owner_id=row.get("owner_id"),
        modified_at=_time(row["modifiedon"]),
        addresses=(address_key(row["email"]),),
        person=row["fullname"],
        company=row["company"],
    )


def _filed(row: Row) -> Filed:
    ref = RecordRef(row["regarding"]["type"], row["regarding"]["id"])
    return Filed(record=ref, at=_time(row["sent"]), same_conversation=True)
