"""Mailboxes in memory that keep every promise of `shared.ports.Mailbox`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from shared.domain import Attachment, Email, Item, ItemRef, Meeting
from shared.errors import Forbidden, NotFound, ThreadlineError, Unsupported

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass
class MailboxWorld:
    """Every mailbox of the company, and who may open whose besides their own.

    `failure` is raised by every call while it is set. `calls` counts what was asked, by method.
    """

    delegates: Mapping[str, frozenset[str]] = field(default_factory=dict)
    failure: ThreadlineError | None = None
    calls: list[str] = field(default_factory=list)
    _items: dict[tuple[str, str], Item] = field(default_factory=dict)
    _files: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    _sources: dict[tuple[str, str], bytes] = field(default_factory=dict)
    _folders: dict[tuple[str, str], str] = field(default_factory=dict)

    def put(
        self,
        address: str,
        item: Item,
        files: Mapping[str, bytes] | None = None,
        source: bytes = b"",
    ) -> ItemRef:
        """Puts an item into that mailbox under its own id, or replaces it.

        `files` are the contents of its attachments by attachment id; one that is missing can't be
        read. The answer names the item as its owner does.
        """
        key = (address.casefold(), item.ref.id)
        self._items[key] = item
        self._sources[key] = source
        self._folders.pop(key, None)
        for id_, content in (files or {}).items():
            self._files[(*key, id_)] = content
        return ItemRef(item.kind, "me", item.ref.id)

    def remove(self, address: str, id_: str) -> None:
        """Deletes an item from that mailbox, for good."""
        del self._items[(address.casefold(), id_)]

    def move(self, address: str, id_: str, folder: str) -> None:
        """Into that folder, by its well-known name; putting it again takes it out of there."""
        self._folders[(address.casefold(), id_)] = folder

    def throw_away(self, address: str, id_: str) -> None:
        self.move(address, id_, "deleteditems")

    def item(self, owner: str, ref: ItemRef) -> Item:
        found = self._items.get((owner, ref.id))
        if found is None or found.kind != ref.kind:
            raise NotFound("No such item.", code="item_not_found")
        return replace(found, ref=ref)

    def items(self, owner: str) -> Sequence[Item]:
        return [item for (address, _), item in self._items.items() if address == owner]

    def folder(self, owner: str, id_: str) -> str:
        return self._folders.get((owner, id_), "inbox")

    def content(self, owner: str, ref: ItemRef, attachment: Attachment) -> bytes | None:
        return self._files.get((owner, ref.id, attachment.id))

    def source(self, owner: str, ref: ItemRef) -> bytes:
        return self._sources[(owner, ref.id)]


class FakeMailbox:
    """Outlook as one person sees it."""

    def __init__(self, world: MailboxWorld, address: str) -> None:
        self._world = world
        self._me = address.casefold()

    async def fetch(self, ref: ItemRef) -> Item:
        return self._world.item(self._opened("fetch", ref), ref)

    async def identify(self, ref: ItemRef) -> Item:
        return self._world.item(self._opened("identify", ref), ref)

    async def read_files(
        self, ref: ItemRef, attachments: Sequence[Attachment]
    ) -> Sequence[bytes | None]:
        owner = self._opened("read_files", ref)
        return [self._world.content(owner, ref, attachment) for attachment in attachments]

    async def read_source(self, ref: ItemRef) -> bytes:
        owner = self._opened("read_source", ref)
        if not isinstance(self._world.item(owner, ref), Email):
            raise Unsupported("Only an e-mail has a source.")
        return self._world.source(owner, ref)

    async def conversation(self, ref: ItemRef, most: int) -> Sequence[ItemRef]:
        owner = self._opened("conversation", ref)
        asked = self._world.item(owner, ref)
        if not isinstance(asked, Email):
            raise Unsupported("Only an e-mail has a conversation.")
        found = [
            item
            for item in self._world.items(owner)
            if isinstance(item, Email) and not item.is_draft
            if item.ref.id == ref.id or (item.conversation_id or "") == asked.conversation_id
            if self._world.folder(owner, item.ref.id) not in ("deleteditems", "junkemail")
        ]
        found.sort(key=lambda item: (item.received_at or item.sent_at or _NEVER, item.ref.id))
        return [
            replace(item.ref, mailbox=ref.mailbox) for item in found[max(0, len(found) - most) :]
        ]

    async def occurrences(
        self, ref: ItemRef, start: datetime, end: datetime, most: int
    ) -> Sequence[Meeting]:
        owner = self._opened("occurrences", ref)
        asked = self._world.item(owner, ref)
        series = (asked.series_master_id or ref.id) if isinstance(asked, Meeting) else ref.id
        master = self._world.item(owner, replace(ref, id=series))
        if not isinstance(master, Meeting) or not master.is_series:
            raise NotFound("This is no series.", code="item_not_found")
        found = [
            replace(item, ref=replace(item.ref, mailbox=ref.mailbox))
            for item in self._world.items(owner)
            if isinstance(item, Meeting) and item.series_master_id == series
            if start <= item.start < end
        ]
        return sorted(found, key=lambda item: item.start)[:most]

    async def is_junk(self, ref: ItemRef) -> bool:
        owner = self._opened("is_junk", ref)
        self._world.item(owner, ref)
        return ref.kind == "email" and self._world.folder(owner, ref.id) == "junkemail"

    async def is_discarded(self, ref: ItemRef) -> bool:
        owner = self._opened("is_discarded", ref)
        item = self._world.item(owner, ref)
        draft = isinstance(item, Email) and item.is_draft
        return draft and self._world.folder(owner, ref.id) == "deleteditems"

    def _opened(self, method: str, ref: ItemRef) -> str:
        self._world.calls.append(method)
        if self._world.failure:
            raise self._world.failure
        owner = self._me if ref.mailbox == "me" else ref.mailbox.casefold()
        if owner != self._me and owner not in self._world.delegates.get(self._me, frozenset()):
            raise Forbidden("This mailbox is another person's.")
        return owner
