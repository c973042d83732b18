"""What the rooms need from outside, and what whoever provides it promises.

Every method may raise `Unauthenticated`, `Forbidden`, `Throttled`, `Unavailable` or `Upstream`;
a docstring names only what comes on top. All objects are bound to one caller: what that person
may not do, the port refuses.
"""

from collections.abc import Collection, Sequence
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
    RecordRef,
    Saved,
)
from shared.receipts import Receipt

if TYPE_CHECKING:
    from shared.records import Description, FoundRecord, Search, Wanted
    from shared.suggestions import Candidates, Clues


class Mailbox(Protocol):
    """Outlook items. Nothing here ever writes to a mailbox or a calendar."""

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


class Clock(Protocol):
    def now(self) -> datetime:
        """The current time in UTC."""
        ...
