"""How the people of an item are tied to the companies the CRM knows."""

from dataclasses import dataclass
from enum import StrEnum

from shared.domains import is_at
from shared.letters import bare
from shared.suggestions import Account, Candidates, Clues, Contact


class Tie(StrEnum):
    """From the firmest to the loosest."""

    CONTACT = "contact"
    NAME = "name"
    DOMAIN = "domain"
    PARENT = "parent"


@dataclass(frozen=True, slots=True)
class Relations:
    """`present` are the contacts that take part, by id, tied by address or only by name. `ties`
    gives each related account its firmest tie. `users` are the ids of our people who take part."""

    present: dict[str, Tie]
    ties: dict[str, Tie]
    users: frozenset[str]
    accounts: dict[str, Account]
    homeless: tuple[Contact, ...]


def relate(clues: Clues, candidates: Candidates) -> Relations:
    accounts = {account.ref.id: account for account in candidates.accounts}
    present = _present(clues, candidates)
    ties: dict[str, Tie] = {}
    for tie in (Tie.CONTACT, Tie.NAME):
        for contact in candidates.contacts:
            if present.get(contact.ref.id) is tie and contact.account_id in accounts:
                ties.setdefault(contact.account_id, tie)
    for account in candidates.accounts:
        if any(is_at(host, domain) for host in account.domains for domain in clues.domains):
            ties.setdefault(account.ref.id, Tie.DOMAIN)
    for key in list(ties):
        parent = accounts[key].parent_id
        if parent in accounts:
            ties.setdefault(parent, Tie.PARENT)
    homeless = (
        c for c in candidates.contacts if c.ref.id in present and c.account_id not in accounts
    )
    return Relations(
        present=present,
        ties=ties,
        users=frozenset(user.ref.id for user in candidates.users),
        accounts=accounts,
        homeless=tuple(homeless),
    )


def _present(clues: Clues, candidates: Candidates) -> dict[str, Tie]:
    addresses = set(clues.addresses)
    names = {_comparable(name) for name in clues.names}
    present: dict[str, Tie] = {}
    for contact in candidates.contacts:
        if addresses.intersection(contact.addresses):
            present[contact.ref.id] = Tie.CONTACT
        elif _comparable(contact.ref.name) in names:
            present[contact.ref.id] = Tie.NAME
    return present


def _comparable(name: str) -> str:
    return " ".join(bare(name.casefold()).split())
