"""What the CRM in memory knows of people, and how it adds one."""

from collections.abc import Mapping
from uuid import uuid4

from sandbox.company import Company, Contact, Employee
from shared.contacts import (
    Acquaintance,
    Added,
    KnownContact,
    NewContact,
    Room,
    Stranger,
    fitting,
)
from shared.domain import address_key
from shared.errors import FieldError, Forbidden, InvalidRequest
from shared.suggestions import Account
from shared.truncation import one_line
from tests.fakes.crm_records import Sees, ref

Phones = Mapping[str, str]
"""By contact id; the sample company knows none."""

ROOM = Room(first_name=40, last_name=50, job_title=100, phone=40, address=100)


def acquaintance(company: Company, phones: Phones, stranger: Stranger, sees: Sees) -> Acquaintance:
    present = set(stranger.present)
    ours = [e.address for e in company.employees if e.crm_user]
    ours += [queue.address for queue in company.queues]
    return Acquaintance(
        contacts=tuple(
            _known(company, phones, one, stranger.address)
            for one in company.contacts
            if sees(one.owner) and _carries(one, stranger.address)
        ),
        colleagues=tuple(address for address in ours if address in present),
        accounts=_accounts(company, stranger, sees),
    )


def added(company: Company, phones: Phones, contact: NewContact, sees: Sees) -> Added:
    if len(contact.address) > ROOM.address:
        raise InvalidRequest("Too long.", errors=(FieldError("address", "Too long."),))
    there = [one for one in company.contacts if _carries(one, contact.address)]
    if there and not any(sees(one.owner) for one in there):
        raise Forbidden("This contact is in the CRM, where you may not see it.")
    for one in there:
        if sees(one.owner):
            return Added(_known(company, phones, one, contact.address), created=False)
    kept, notices = fitting(contact, ROOM)
    account = next((a for a in company.accounts if kept.account and a.id == kept.account.id), None)
    known = KnownContact(
        ref=ref(
            "contact", str(uuid4()), f"{kept.first_name} {kept.last_name}".strip(), kept.address
        ),
        first_name=kept.first_name,
        last_name=kept.last_name,
        job_title=kept.job_title,
        phone=kept.phone,
        account=ref("account", account.id, account.name) if account else None,
    )
    return Added(known, created=True, notices=notices)


def row(contact: KnownContact, owner: Employee) -> Contact:
    return Contact(
        id=contact.ref.id,
        first_name=contact.first_name,
        last_name=contact.last_name,
        email=one_line(contact.ref.email),
        account=contact.account.id if contact.account else "",
        owner=owner.oid,
        job_title=contact.job_title,
    )


def _known(company: Company, phones: Phones, one: Contact, address: str) -> KnownContact:
    account = next((a for a in company.accounts if a.id == one.account), None)
    return KnownContact(
        ref=ref("contact", one.id, f"{one.first_name} {one.last_name}".strip(), address),
        first_name=one.first_name,
        last_name=one.last_name,
        job_title=one.job_title,
        phone=phones.get(one.id, ""),
        account=ref("account", account.id, account.name) if account else None,
    )


def _carries(one: Contact, address: str) -> bool:
    return address_key(address) in {address_key(a) for a in (one.email, one.email2) if a}


def _accounts(company: Company, stranger: Stranger, sees: Sees) -> tuple[Account, ...]:
    hosts = {
        one: {one.website.partition("//www.")[2], one.email.partition("@")[2]}
        for one in company.accounts
        if sees(one.owner)
    }
    return tuple(
        Account(ref("account", one.id, one.name, one.email), tuple(known), one.parent)
        for one, known in hosts.items()
        if any(
            host == domain or host.endswith(f".{domain}")
            for host in known
            for domain in stranger.domains
        )
    )
