"""What an item may be linked to: asks mailbox and CRM, and orders what they know."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain import Item, ItemRef, RecordRef, address_key
from shared.domains import is_at
from shared.mail_domains import host_of, is_free, organisation
from shared.policy import Policy
from shared.ports import Crm, Embeddings, Mailbox
from shared.rules import check_exclusions
from shared.suggestions import Candidates, Clues, Record, Suggestion
from suggest_links.clues import find_clues
from suggest_links.logic import MOST, rank
from suggest_links.meaning import POOL, by_meaning
from suggest_links.reading import Reading, read

MOST_RELATED = 25
"""Records of one type."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """`related` holds what belongs to the people of the item, by type in the admin's order;
    `contacts` those who take part, `unmatched` the addresses of outsiders that no record has.
    `by_meaning` tells, for the log, what came of asking a model (`Weighed.outcome`)."""

    suggestions: tuple[Suggestion, ...]
    related: Mapping[str, tuple[RecordRef, ...]]
    contacts: tuple[RecordRef, ...]
    unmatched: tuple[str, ...]
    by_meaning: str


async def suggest(
    ref: ItemRef,
    *,
    crm: Crm,
    mailbox: Mailbox,
    policy: Policy,
    own_addresses: Iterable[str],
    now: datetime,
    embeddings: Embeddings | None = None,
) -> Suggested:
    """`own_addresses` are the caller's and that of a shared mailbox: their domains are ours.

    Raises `NotFound` (item_not_found), `InvalidRequest` (excluded).
    """
    item = await mailbox.fetch(ref)
    check_exclusions(item, policy.exclusions)
    reading, types = read(item), [one.type for one in policy.record_types]
    own = _organisations(own_addresses)
    clues, candidates, own = await _look_around(item, reading, own, types, crm, now)
    most = MOST if embeddings is None else POOL
    ranked = rank(item, reading, clues, candidates, now, most=most)
    weighed = await by_meaning(ranked, reading, candidates, embeddings)
    suggestions = tuple(one for one in weighed.ranked[:MOST] if one.record.type in types)
    return Suggested(
        suggestions=suggestions,
        related={type_: _related(type_, candidates, suggestions) for type_ in types},
        contacts=_contacts(item, candidates),
        unmatched=_unmatched(item, clues, candidates, own),
        by_meaning=weighed.outcome,
    )


async def _look_around(
    item: Item,
    reading: Reading,
    own: frozenset[str],
    types: Sequence[str],
    crm: Crm,
    now: datetime,
) -> tuple[Clues, Candidates, frozenset[str]]:
    """The users of the CRM who take part tell more domains of ours. Where someone turns out to be
    a colleague because of that, others may be meant, and the CRM is asked once more."""
    clues = find_clues(item, reading, own)
    candidates = await crm.candidates(clues, types, now)
    ours = own | _organisations(one for user in candidates.users for one in user.addresses)
    if ours != own:
        clearer = find_clues(item, reading, ours)
        if not set(clearer.addresses) <= set(clues.addresses):
            candidates = await crm.candidates(clearer, types, now)
        clues = clearer
    return clues, candidates, ours


def _organisations(addresses: Iterable[str]) -> frozenset[str]:
    hosts = {host_of(address) for address in addresses}
    return frozenset(organisation(host) or host for host in hosts if host and not is_free(host))


def _related(
    type_: str, candidates: Candidates, suggestions: Sequence[Suggestion]
) -> tuple[RecordRef, ...]:
    """Suggested ones first, then open ones, the latest changed first."""
    if type_ == "contact":
        refs = [contact.ref for contact in candidates.contacts]
    elif type_ == "account":
        refs = [account.ref for account in candidates.accounts]
    else:
        records = sorted(candidates.records, key=_staleness)
        refs = [record.ref for record in records if record.ref.type == type_]
    place = {one.record.id: rank for rank, one in enumerate(suggestions)}
    refs.sort(key=lambda ref: place.get(ref.id, len(place)))
    return tuple(refs[:MOST_RELATED])


def _staleness(record: Record) -> tuple[bool, float]:
    return not record.open, -record.modified_at.timestamp() if record.modified_at else 0.0


def _contacts(item: Item, candidates: Candidates) -> tuple[RecordRef, ...]:
    by_address = {
        address: contact.ref
        for contact in reversed(candidates.contacts)
        for address in contact.addresses
    }
    found: dict[str, RecordRef] = {}
    for participant in item.participants:
        ref = by_address.get(address_key(participant.address))
        if ref is not None:
            found.setdefault(ref.id, replace(ref, email=participant.address))
    return tuple(found.values())


def _unmatched(
    item: Item, clues: Clues, candidates: Candidates, own: frozenset[str]
) -> tuple[str, ...]:
    """Of the addresses that were looked for."""
    carriers = (candidates.contacts, candidates.users, candidates.accounts, candidates.records)
    known = {address for group in carriers for one in group for address in one.addresses}
    strangers = set(clues.addresses) - known
    found = {
        key: participant.address.strip()
        for participant in item.participants
        if (key := address_key(participant.address)) in strangers
        and not any(is_at(host_of(key), domain) for domain in own)
    }
    return tuple(found.values())
