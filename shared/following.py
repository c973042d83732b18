"""What is followed in a mailbox: threads, drafts and meetings. Frozen values, no I/O.

A mailbox is named by its `path`: the Entra object id of its owner for a person's own, the address,
trimmed and case-folded, for a shared or delegate mailbox. Ids of messages and addresses of people
are kept as digests only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal

from shared.domain import CategoryValue, RecordRef, Scope, address_key

THREAD_FOLLOWED = timedelta(days=180)
"""How long after its last saved message a thread is followed."""

MEETING_FOLLOWED = timedelta(days=7)
"""How long after its end a meeting is followed."""

SERIES_AHEAD = timedelta(days=90)
"""How far ahead the occurrences of a series are saved."""

SERIES_MOST = 100
"""How many occurrences of a series are saved at most, the next ones."""

PROLONGED = timedelta(days=1)
"""What is followed for less than that longer is not written again for it."""

MOST_PEOPLE = 1_000
"""How many people of a thread are kept."""

MOST_NEWCOMERS = 200
"""How many newcomers of a thread are kept, the first ones."""

MOST_WAITING = 50
"""How many messages of a thread wait for somebody to come in, the last ones."""

MOST_KNOWN_AT_ONCE = 100
"""How many messages can be made known in one call."""


@dataclass(frozen=True, slots=True)
class Filed:
    """Where what follows goes and with what: the choices of the save that began it.

    `attachments` are the policy's default where `default_files`, else none. Of the link, type and
    id are kept.
    """

    link: RecordRef | None = None
    categories: Mapping[str, CategoryValue] = field(default_factory=dict)
    default_files: bool = True


@dataclass(frozen=True, slots=True)
class FollowedThread:
    """A conversation in one mailbox, saved from then on in `owner`'s name (an Entra object id).

    `id` is `thread_id` of its conversation. `people` are the digests (`people_of`) of those who
    took part in what people saved; `newcomers` came in by an answer, at that moment. `waiting` are
    the ids of messages that were left out because nobody from outside had taken part before:
    somebody may turn out to have. `record` is the id of the CRM's record that it began with; an
    edit of that one's link changes `filed`. A stopped one stays until `until`, so that nothing but
    a person starts it again.
    """

    mailbox: str
    id: str
    owner: str
    filed: Filed
    people: frozenset[str]
    record: str
    since: datetime
    until: datetime
    stopped: bool = False
    newcomers: Mapping[str, datetime] = field(default_factory=dict)
    waiting: tuple[str, ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True)
class FollowedDraft:
    """A draft whose record is made once it is sent, for the receipt that says so.

    `missing_since` is when it was first looked for in vain: while it is being sent, a message is
    nowhere for a moment.
    """

    mailbox: str
    item: str
    owner: str
    receipt: str
    until: datetime
    missing_since: datetime | None = None
    version: str = ""


@dataclass(frozen=True, slots=True)
class FollowedMeeting:
    """A meeting whose changes reach its record.

    `item` is the id it is read by; `watched` the one that changes are told of: the series' for an
    occurrence, else the same. `record` is the CRM's id of it, empty for a whole series, whose
    occurrences are followed one by one besides. `organizer` says that the mailbox's owner organises
    it, so that its vanishing from there is its cancellation. `identity` is the meeting's
    `domain.identity`. `until` lies beyond its end. `seen` are, for a whole series, the digests of
    the identities of those occurrences that were saved: what people did away with since is not
    made again.
    """

    mailbox: str
    item: str
    watched: str
    scope: Scope
    identity: str
    owner: str
    record: str
    organizer: bool
    filed: Filed
    until: datetime
    seen: frozenset[str] = frozenset()
    version: str = ""


Followed = FollowedThread | FollowedDraft | FollowedMeeting


Reason = Literal["followed_thread", "draft_sent", "conversation", "series", "asked"]


@dataclass(frozen=True, slots=True)
class Origin:
    """How a record came to be, where that isn't plain: saved by itself, or from a mailbox that is
    not the actor's own. `actor` is an Entra object id, `mailbox` a path, `identity` the item's
    `domain.identity`."""

    identity: str
    reason: Reason
    actor: str
    mailbox: str


ChangeKind = Literal["email", "meeting"]


@dataclass(frozen=True, slots=True)
class Subscription:
    """What we are told of a mailbox, and how far we know it.

    `secret` comes with every notification. `id` is empty and `expires` past until the service has
    taken it. `address` is where the service tells it, as `ChangeFeed.address`. `position` is what
    the service wants to be asked with for what changed since; all that changed before `since` has
    been queued. `ahead` is the next position, which takes its place once what lies before it is on
    the queue for certain.
    """

    mailbox: str
    kind: ChangeKind
    secret: str
    id: str
    expires: datetime
    since: datetime
    position: Mapping[str, str] = field(default_factory=dict)
    ahead: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """`items` are ids, each one once, whatever happened to it. `anew` says that no earlier position
    was gone on from, so that what was removed before isn't told: whoever follows something looks at
    it. `more` says that the service has more to tell at once: ask again from `position`, with the
    same `since`.
    """

    items: tuple[str, ...]
    position: Mapping[str, str]
    anew: bool = False
    more: bool = False


def mailbox_path(named: str, owner: str) -> str:
    """The path of a mailbox that a person, by their object id, named "me" or by its address."""
    return owner if named == "me" else address_key(named)


def digest(text: str) -> str:
    """32 hex digits, the same for the same text."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def thread_id(conversation_id: str | None, message_id: str | None) -> str:
    """A message without a conversation is one of its own."""
    return digest(f"conversation:{conversation_id or message_id or ''}")


def people_of(addresses: Iterable[str]) -> frozenset[str]:
    """Digests of the addresses, and of the domains that they are in."""
    keys = {address_key(address) for address in addresses}
    return frozenset(digest(key) for key in keys | {domain_of(key) for key in keys if "@" in key})


def domain_of(address: str) -> str:
    """With its @, so that it is no address itself."""
    return f"@{address_key(address).rpartition('@')[2]}"


def bounded(people: frozenset[str]) -> frozenset[str]:
    """At most `MOST_PEOPLE` of them, and always the same ones of the same people: the first in
    alphabetical order. Digests have no age, and a thread of so many is known by any of them."""
    return people if len(people) <= MOST_PEOPLE else frozenset(sorted(people)[:MOST_PEOPLE])
