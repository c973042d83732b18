"""What the rooms need from outside, and what whoever provides it promises.

Every method may raise `Unauthenticated`, `Forbidden`, `Throttled`, `Unavailable` or `Upstream`;
a docstring names only what comes on top. All objects are bound to one caller: what that person
may not do, the port refuses.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from shared.domain import (
    Activity,
    ActivityKind,
    Attachment,
    Change,
    Deletion,
    File,
    Filing,
    Item,
    ItemRef,
    LookUp,
    Meeting,
    RecordRef,
    Saved,
)
from shared.following import (
    ChangeKind,
    Changes,
    FollowedDraft,
    FollowedMeeting,
    FollowedThread,
    Origin,
    Subscription,
)
from shared.receipts import Receipt

if TYPE_CHECKING:
    from shared.contacts import Acquaintance, Added, NewContact, Stranger
    from shared.records import Description, FoundRecord, Search, Wanted
    from shared.suggestions import Candidates, Clues


class Mailbox(Protocol):
    """Outlook items. Nothing here ever writes to a mailbox or a calendar.

    All of it raises `Forbidden` where the mailbox may not be read, and `NoMailbox`.
    """

    async def fetch(self, ref: ItemRef) -> Item:
        """The whole item and the list of its attachments, in one round trip.

        Raises `NotFound` (item_not_found).
        """
        ...

    async def identify(self, ref: ItemRef) -> Item:
        """The item with what `identity` needs; its body and attachments may be left empty.

        Raises `NotFound` (item_not_found).
        """
        ...

    async def read_files(
        self, ref: ItemRef, attachments: Sequence[Attachment]
    ) -> Sequence[bytes | None]:
        """The contents, in the order asked; None where one is gone or can't be read.

        Meant for small ones: all of them are held in memory, and come in as few round trips as the
        service allows. An item attachment comes as RFC 822 bytes, a reference as the bytes of an
        Internet shortcut (.url).
        """
        ...

    async def read_source(self, ref: ItemRef) -> bytes:
        """The whole message as RFC 822 bytes. Raises `NotFound` (item_not_found)."""
        ...

    async def conversation(self, ref: ItemRef, most: int) -> Sequence[ItemRef]:
        """The messages of that e-mail's conversation in that mailbox, oldest first, by the ids that
        last; where there are more than `most`, the newest of them.

        All folders but Deleted Items and Junk Email; drafts are left out. Raises `NotFound`
        (item_not_found).
        """
        ...

    async def occurrences(
        self, ref: ItemRef, start: datetime, end: datetime, most: int
    ) -> Sequence[Meeting]:
        """The occurrences of that series, exceptions among them, that begin in the span (`end` left
        out), each as `fetch` gives it, in order of their start; the first `most` of them.

        `ref` names the series, or one of its occurrences. Raises `NotFound` (item_not_found) where
        there is no such series.
        """
        ...

    async def is_junk(self, ref: ItemRef) -> bool:
        """Whether that e-mail lies in Junk Email. Raises `NotFound` (item_not_found)."""
        ...

    async def is_discarded(self, ref: ItemRef) -> bool:
        """Whether that e-mail is a draft that was thrown away: one in Deleted Items.

        Raises `NotFound` (item_not_found) where it is nowhere.
        """
        ...


class Crm(Protocol):
    """One CRM, as one user sees it."""

    @property
    def name(self) -> str:
        """`dataverse`, `salesforce`, …: the word that `Activity.crm` carries."""
        ...

    async def look_up(self, item: Item, link: RecordRef | None) -> LookUp:
        """Is it saved, who are the participants, what may be attached, does the link exist.

        Raises `NotFound` (record_not_found) for a link that this user can't see, and
        `InvalidRequest` (type_not_connectable) for a type that takes no activities.
        """
        ...

    async def save(self, item: Item, filing: Filing, known: LookUp, files: Sequence[File]) -> Saved:
        """Makes the one record of this item, whole, or finishes an interrupted save of it.

        Exactly one record exists afterwards, however often and from wherever this is called; a
        failure leaves no record, or one that the next call finishes. `files` were chosen within
        `known.limits`. Where `known.existing` was made by another tool, it is adopted: the chosen
        link and categories fill what it lacks, and nothing it has is overwritten.

        Raises `InvalidRequest` (invalid) where the CRM refuses a value, `Forbidden` where a record
        of this item exists that the user may not see.
        """
        ...

    async def find(self, item: Item) -> Activity | None:
        """The complete record of this item, whoever saved it, with whatever tool."""
        ...

    async def edit(self, kind: ActivityKind, id: str, change: Change) -> Activity:
        """Changes link, categories or related contacts, all or nothing.

        The id may differ afterwards. Raises `NotFound` (record_not_found), `InvalidRequest`.
        """
        ...

    async def delete(self, kind: ActivityKind, id: str) -> Deletion:
        """Removes the record; never cancels a meeting in anyone's calendar.

        Raises `NotFound` (record_not_found).
        """
        ...

    async def refresh(self, meeting: Meeting, known: LookUp) -> Activity:
        """Brings the record that `look_up` just found in line with the meeting as it is now, all or
        nothing: subject, times, place, body, attendees, and whether it is cancelled.

        Link, categories, files and who saved it stay. An attendee who stays keeps the record that
        the address was related to, whoever chose it; new ones are related as by a save, others
        leave. A contact that an edit added and who takes no part stays. What people did to the
        record's state in the CRM stays too, unless the meeting was cancelled. Where nothing
        changed, nothing is written. One round trip; repeating it is harmless.

        Raises `NotFound` (record_not_found) where there is no record, or none any more; `Conflict`
        where it changed since it was looked up, or is still being saved; `InvalidRequest` as
        `cancel` does.
        """
        ...

    async def cancel(self, id: str) -> None:
        """Marks a meeting's record as cancelled; never cancels it in anyone's calendar. Repeating
        it is harmless.

        Raises `NotFound` (record_not_found), and `InvalidRequest` for another tool's record where
        that could cancel the meeting for everybody.
        """
        ...

    async def candidates(
        self, clues: "Clues", types: Collection[str], now: datetime
    ) -> "Candidates":
        """All that is known of the clues, as `shared.suggestions` says, in at most two round trips
        once the CRM's tables are known.

        Leads, opportunities, cases and records of other types are there only if `types` names
        theirs; `now` is the moment that ages are counted from.
        """
        ...

    async def search(self, search: "Search") -> "Sequence[FoundRecord]":
        """Records by their name, their key fields and what else people look them up by, at most
        `search.limit`, the best of each type first.

        Only what the caller may see; types that the CRM doesn't have bring nothing. No character
        of the text has a meaning of its own. Case never counts, and diacritics don't where the CRM
        can look so. Raises `InvalidRequest` where a condition doesn't fit its field.
        """
        ...

    async def describe(
        self, kind: ActivityKind, wanted: "Sequence[Wanted]", language: str
    ) -> "Description":
        """These record types, the category fields of this kind that this object was made with, and
        the limits; labels in `language` (a BCP 47 tag) where the CRM has them, else in its own.

        May be up to five minutes old.
        """
        ...

    async def acquaintance(self, stranger: "Stranger") -> "Acquaintance":
        """What is known of somebody, as `shared.contacts` says, in one round trip."""
        ...

    async def add_contact(self, contact: "NewContact") -> "Added":
        """Makes the contact, owned by the caller, in one round trip; meant for one whom
        `acquaintance` did not find.

        However often and by however many it is called for one address, one contact is made, as far
        as the CRM can be made to see to it: its adapter's README tells how far. One that was made
        so before and still carries the address is returned instead. What is longer than its field
        is cut, and a notice says so (`contact_truncated`).

        Raises `NotFound` (record_not_found) for an account that this user can't see,
        `InvalidRequest` where the CRM refuses a value or takes the contact for a duplicate of
        another, `Forbidden` where such a contact exists that the user may not see.
        """
        ...

    async def check(self) -> str | None:
        """Raises if the CRM can't be reached or doesn't let this app in. What it gives is a remark
        for the admin: it works, and could work better."""
        ...


class Ledger(Protocol):
    """Receipts of all people, kept outside of any CRM. A receipt is for its owner alone: whoever
    asks in somebody's name has made sure of that person."""

    async def add(self, receipt: Receipt) -> Receipt:
        """Keeps a new receipt; gives it with its version. Raises `TooLarge`."""
        ...

    async def find(self, owner: str, id: str) -> Receipt | None:
        """That owner's receipt as it is now; None for an id that is not theirs."""
        ...

    async def replace(self, receipt: Receipt) -> Receipt:
        """Puts it in the place of the version that it was made from; gives it with its new one.

        Raises `Conflict` where the receipt has changed or gone meanwhile: of two who replace the
        same version, one succeeds. Raises `TooLarge`.
        """
        ...

    async def waiting(self, before: datetime) -> Sequence[Receipt]:
        """The receipts of all owners made before that moment that are still `queued`."""
        ...

    async def forget(self, before: datetime) -> int:
        """Removes the receipts of all owners made before that moment; how many there were."""
        ...


class Followings(Protocol):
    """What is followed, by mailbox path, kept outside of any CRM.

    Each `put_…` makes or replaces: with a version it raises `Conflict` where that one has changed
    or gone meanwhile, without one where there is one already; it gives the value with its new
    version. Each `remove` leaves alone what has changed since.
    """

    async def threads_of(self, mailbox: str, message_ids: Sequence[str]) -> Mapping[str, str]:
        """The thread id of each of these Message-IDs that is known in the mailbox."""
        ...

    async def know_messages(self, mailbox: str, thread: str, message_ids: Sequence[str]) -> None:
        """From now on they are known to belong to that thread; at most 100."""
        ...

    async def thread(self, mailbox: str, id: str) -> FollowedThread | None: ...

    async def put_thread(self, thread: FollowedThread) -> FollowedThread: ...

    async def draft(self, mailbox: str, item: str) -> FollowedDraft | None: ...

    async def put_draft(self, draft: FollowedDraft) -> FollowedDraft: ...

    async def meetings(self, mailbox: str, event: str) -> Sequence[FollowedMeeting]:
        """Those whose `item` or `watched` that event is."""
        ...

    async def put_meeting(self, meeting: FollowedMeeting) -> FollowedMeeting: ...

    async def remove(self, followed: FollowedThread | FollowedDraft | FollowedMeeting) -> None: ...

    async def of_record(self, record: str) -> Sequence[FollowedThread | FollowedMeeting]:
        """All that has that CRM record, in whichever mailbox."""
        ...

    async def of_mailbox(
        self, mailbox: str
    ) -> Sequence[FollowedThread | FollowedDraft | FollowedMeeting]:
        """All that is followed there. Reads a partition: for the timer's work, not for a
        request."""
        ...

    async def forget(self, mailbox: str, before: datetime) -> int:
        """Removes what was followed until before that moment, and the messages known of threads
        that are gone; how much there was."""
        ...


class Subscriptions(Protocol):
    """What we keep of our subscriptions to changes, one for each mailbox and kind."""

    async def begin(self, mailbox: str, kind: ChangeKind, since: datetime) -> Subscription:
        """The one that is kept; where there is none, a new one that the service has not taken yet,
        with a secret of at most 128 characters that nobody can guess."""
        ...

    async def find(self, mailbox: str, kind: ChangeKind) -> Subscription | None: ...

    async def of_secret(self, secret: str) -> Subscription | None:
        """The one with that secret, of however hostile a text; the comparison takes the same time
        whatever is wrong with it."""
        ...

    async def replace(self, subscription: Subscription) -> Subscription:
        """Puts it in the place of the version that it was made from; gives it with its new one.
        Raises `Conflict` where that has changed or gone meanwhile."""
        ...

    async def remove(self, subscription: Subscription) -> None: ...

    async def all(self) -> Sequence[Subscription]:
        """Of all mailboxes. Reads the whole table: for a timer, not for a request."""
        ...


class Origins(Protocol):
    """How records came to be, by the item's identity."""

    async def add(self, origin: Origin) -> None:
        """The first one of an identity stays."""
        ...

    async def find(self, identity: str) -> Origin | None: ...


class ChangeFeed(Protocol):
    """Tells this app of changes in mailboxes, by the app's own permissions."""

    @property
    def address(self) -> str:
        """A digest of where the service tells of what is subscribed to now: what was subscribed to
        with another one, as before this app moved, is told there still."""
        ...

    async def subscribe(
        self, mailbox: str, kind: ChangeKind, secret: str, until: datetime
    ) -> tuple[str, datetime]:
        """A new subscription's id, and when it ends, which may be earlier or later than `until`.

        Each call makes another one. After `Unavailable` there may be one that nobody knows the id
        of: it ends by itself, and what it tells is told twice. Raises `Forbidden` where the app may
        not read that mailbox, `NoMailbox`, and `Throttled` where it has as many subscriptions as it
        may.
        """
        ...

    async def renew(self, id: str, until: datetime) -> datetime:
        """When it ends now. Raises `NotFound` (record_not_found) where there is no such one."""
        ...

    async def end(self, id: str) -> None:
        """Whether it was there or not."""
        ...

    async def changes(
        self, mailbox: str, kind: ChangeKind, position: Mapping[str, str], since: datetime
    ) -> Changes:
        """What changed since the position and since `since`, and the next position.

        E-mail: messages that came to be anywhere in the mailbox; removed ones are not told.
        Meetings: those that changed or were removed; a change of one occurrence may be told as one
        of its series. `since` is a moment before the last call began whose items were all heeded;
        where the position is empty, or the service doesn't know it any more, it is all that counts.
        It may tell more than that, and the same twice. Raises `Forbidden` and `NoMailbox` as
        `subscribe` does.
        """
        ...


class Embeddings(Protocol):
    """A model that turns texts into vectors, so that texts which mean the same lie close together.

    Nobody may depend on it: whoever asks has an answer without it.
    """

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """For each text, in the order asked, a vector of finite numbers, all of one length.

        One round trip, never repeated. At most 2,048 texts, none empty. The texts are sent to the
        service, and nothing of them is logged. Gives up at once when cancelled.
        """
        ...
