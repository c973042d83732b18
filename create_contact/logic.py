"""Adding somebody whom one corresponds with to the CRM as a contact."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from create_contact.names import name_of
from create_contact.signature import Signed, signed
from shared.contacts import Acquaintance, Added, KnownContact, NewContact, Stranger
from shared.domain import Item, ItemRef, Participant, RecordRef, Role
from shared.domains import is_at
from shared.errors import FieldError, InvalidRequest
from shared.mail_domains import host_of, is_free, lineage, organisation
from shared.participants import distinct, party_key
from shared.policy import Policy
from shared.ports import Crm, Mailbox
from shared.rules import check_exclusions
from shared.suggestions import Account
from shared.truncation import one_line

_MOST_PRESENT = 60
_MOST_COMPANIES = 10
_LONGEST_ADDRESS = 254
"""RFC 5321 4.5.3.1.3, as corrected by erratum 1690."""

Edit = Callable[[NewContact], NewContact]
"""From what is proposed to what is wanted."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be made. `companies` are the accounts to choose from, the likeliest first;
    `existing` is the contact that there is already."""

    contact: NewContact
    companies: tuple[RecordRef, ...]
    existing: KnownContact | None


async def propose(
    ref: ItemRef,
    address: str,
    *,
    crm: Crm,
    mailbox: Mailbox,
    policy: Policy,
    own_addresses: Iterable[str],
) -> Proposal:
    """What the item tells of the person with that address, and what the CRM knows of them.

    `own_addresses` are the caller's and that of a shared mailbox: their domains are ours. Raises
    `NotFound` (item_not_found), and `InvalidRequest`: `excluded`, or `invalid` for an address that
    takes no part or is one of ours.
    """
    item = await mailbox.fetch(ref)
    check_exclusions(item, policy.exclusions)
    person = _participant(item, address)
    _check_stranger(person, own_addresses)
    host = host_of(person.address)
    known = await crm.acquaintance(
        Stranger(
            address=person.address,
            present=_present(item, person),
            domains=() if is_free(host) else lineage(host),
        )
    )
    _check_stranger(person, known.colleagues)
    companies = _companies(known, host)
    return Proposal(
        contact=_proposed(item, person, companies),
        companies=tuple(account.ref for account in companies[:_MOST_COMPANIES]),
        existing=known.contacts[0] if known.contacts else None,
    )


async def add(
    ref: ItemRef,
    address: str,
    edit: Edit,
    *,
    crm: Crm,
    mailbox: Mailbox,
    policy: Policy,
    own_addresses: Iterable[str],
) -> Added:
    """Makes the contact as proposed and edited; one that is there already stays as it is.

    Raises what `propose` and `Crm.add_contact` do.
    """
    proposal = await propose(
        ref, address, crm=crm, mailbox=mailbox, policy=policy, own_addresses=own_addresses
    )
    if proposal.existing is not None:
        return Added(proposal.existing, created=False)
    return await crm.add_contact(edit(proposal.contact))


def _participant(item: Item, address: str) -> Participant:
    """The person, under the address as it is written in the item; as sender or organiser first,
    who chose that name themselves."""
    wanted = one_line(address).casefold()
    for one in distinct(item):
        if party_key(one) == wanted and one.role is not Role.RESOURCE:
            return Participant(one_line(one.address), one.name or _named(item, wanted), one.role)
    raise _refused("Only somebody who takes part in this item can be added.", "Takes no part.")


def _present(item: Item, person: Participant) -> tuple[str, ...]:
    """That person first, then the others as far as there are not too many."""
    keys = dict.fromkeys((party_key(person), *map(party_key, distinct(item))))
    return tuple(key for key in keys if len(key) <= _LONGEST_ADDRESS)[:_MOST_PRESENT]


def _named(item: Item, key: str) -> str:
    """The first name that the item has for the address."""
    return next((p.name for p in distinct(item) if party_key(p) == key and p.name.strip()), "")


def _check_stranger(person: Participant, own: Iterable[str]) -> None:
    """Neither one of ours nor in a domain of ours; a free-mail provider's is nobody's own."""
    host, key = host_of(person.address), party_key(person)
    for ours in own:
        domain = host_of(ours)
        shared = domain and not is_free(domain) and is_at(host, organisation(domain) or domain)
        if shared or one_line(ours).casefold() == key:
            raise _refused(
                "This is one of your own company's addresses; only people outside of it can be "
                "added.",
                "Is one of your own company's.",
            )


def _refused(detail: str, message: str) -> InvalidRequest:
    return InvalidRequest(detail, errors=(FieldError("address", message),))


def _proposed(item: Item, person: Participant, companies: Sequence[Account]) -> NewContact:
    name = name_of(person.name, person.address)
    told = Signed()
    # A meeting's text is full of dial-in numbers, and only e-mail says who wrote it.
    if item.kind == "email" and person.role is Role.SENDER:
        told = signed(item.body, name, person.address)
    return NewContact(
        address=person.address,
        last_name=name.last,
        first_name=name.first,
        job_title=told.job_title,
        phone=told.phone,
        account=_certain(companies, host_of(person.address)),
    )


def _companies(known: Acquaintance, host: str) -> list[Account]:
    return sorted(known.accounts, key=lambda account: (*_nearness(account, host), account.ref.name))


def _certain(companies: Sequence[Account], host: str) -> RecordRef | None:
    """The nearest one, unless another one is as near."""
    if not companies:
        return None
    first, *others = companies
    if others and _nearness(others[0], host) == _nearness(first, host):
        return None
    return first.ref


def _nearness(account: Account, host: str) -> tuple[int, bool]:
    """Smaller for an account whose own host shares more with that of the address; for the same
    one first."""
    shared = [
        (-len(domain), one != domain)
        for domain in lineage(host)
        for one in account.domains
        if is_at(one, domain)
    ]
    return min(shared, default=(0, True))
