"""What suggesting links talks about: the clues an item gives, what a CRM finds by them, and the
suggestions made of it. Frozen values, no I/O, no vendor.

The way of a suggestion: `clues(item)` (suggest_links) → a CRM fills `Candidates` in at most two
round trips → `rank` (suggest_links) orders them.

A CRM fills `Candidates` so:

first round trip, all by what `Clues` names:
- `users`: users and queues that carry one of `addresses`;
- `contacts`: contacts that carry one of `addresses` in any of their address fields, and contacts
  whose full name equals one of `names` (case and diacritics ignored where the CRM can);
- `records`: leads that carry one of `addresses`, or whose full name equals one of `names`;
- `accounts`: those of these contacts; those that carry one of `outsiders`; those with a website or
  e-mail address at one of `domains` or below it; and the parents of all these, one level up;
- `filed`: activities of the conversation (`conversation_id`, `message_ids`), and the latest ones
  (at most 100, at most a year old) in which one of `outsiders` took part or an address at one of
  `domains`, each with the record it is linked to;

second round trip:
- `records`: opportunities and cases of all these accounts, open ones and those closed within 90
  days, the latest modified first and at most 500 together; opportunities and cases of contacts
  that have no account; and the records that `filed` points at.

Records that the caller may not see, and types that the admin has not enabled, are simply absent.
"""

from dataclasses import dataclass
from datetime import datetime

from shared.domain import RecordRef


@dataclass(frozen=True, slots=True)
class Clues:
    """What to look for in the CRM.

    `addresses` are the `address_key`s of everyone who takes part, and of the people inside a
    forwarded message. `outsiders` is the part of them outside our own domains. `names` are full
    names of outsiders that write from free mail, or that a forwarded message speaks of.
    `domains` are mail domains of outsiders, each host with its parents down to the registrable
    domain; never a free-mail provider's, never our own. `message_ids` are those that the item
    answers (In-Reply-To, References) and its own.
    """

    addresses: tuple[str, ...] = ()
    outsiders: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    conversation_id: str | None = None
    message_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """A user or queue of the CRM; `addresses` are `address_key`s."""

    ref: RecordRef
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contact:
    """`ref.name` is the full name; `addresses` are `address_key`s."""

    ref: RecordRef
    addresses: tuple[str, ...]
    account_id: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """`domains` are the hosts of its website and its e-mail addresses, lower case, no `www.`;
    `addresses` are its `address_key`s."""

    ref: RecordRef
    domains: tuple[str, ...] = ()
    parent_id: str | None = None
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """An opportunity, a case or a lead: something to link to.

    `ref.name` is the name, title or topic. `number` is what people quote it by (ticket number,
    quote number), empty where it has none. `addresses` are a lead's `address_key`s and `person`
    its full name. A lead's `company` is its company's name. `open` is False once it is won,
    lost, resolved, qualified or cancelled.
    """

    ref: RecordRef
    description: str = ""
    number: str = ""
    account_id: str | None = None
    contact_id: str | None = None
    owner_id: str | None = None
    open: bool = True
    modified_at: datetime | None = None
    addresses: tuple[str, ...] = ()
    person: str = ""
    company: str = ""


@dataclass(frozen=True, slots=True)
class Filed:
    """A saved activity and what it is linked to. `addresses` are its parties' `address_key`s.

    `same_conversation` says that it belongs to the conversation asked for.
    """

    record: RecordRef
    at: datetime
    same_conversation: bool
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidates:
    """All that a CRM knows of `Clues`; the module's docstring says what belongs into each part.

    The order within a part carries no meaning.
    """

    users: tuple[User, ...] = ()
    contacts: tuple[Contact, ...] = ()
    accounts: tuple[Account, ...] = ()
    records: tuple[Record, ...] = ()
    filed: tuple[Filed, ...] = ()


REASONS = {
    "same_conversation": "An earlier message of this conversation was saved here",
    "reference_number": "Its number is mentioned in the message",
    "contact_on_record": "A participant is the contact of this record",
    "known_contact": "A participant is a contact of this customer",
    "name_match": "A participant has the name of a contact of this customer",
    "company_domain": "A participant's address is at this customer's domain",
    "parent_company": "It belongs to the parent company of the customer",
    "similar_title": "The message speaks of what its name says",
    "similar_text": "Its name and description resemble the message",
    "similar_meaning": "It seems to be about the same, in other words",
    "chosen_before": "Messages with these people were saved here before",
    "owner": "Its owner takes part in the conversation",
    "recent": "It was changed recently",
    "only_open": "It is the customer's only open record",
    "no_matching_record": "No open record of this customer seems to be about this",
}
"""Every code that a `Reason` can carry, and its English wording."""


@dataclass(frozen=True, slots=True)
class Reason:
    """`code` is a key of `REASONS`, stable, for a client to word in the user's language."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`score` lies in [0, 1] and is the chance that this is the right record to link to."""

    record: RecordRef
    score: float
    reasons: tuple[Reason, ...] = ()
