"""The sample mailboxes: `sample/` holds them as files, `manifest.json` says where each lies.

Item keys come from the aliases, so an item keeps its id over resets, restarts and machines.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from sandbox.graph import events, messages
from sandbox.graph.generated import BUILDERS
from sandbox.graph.ids import ItemKey
from sandbox.graph.people import Mailbox, mailboxes
from sandbox.store import Row, Store
from sandbox.world import World

_FOLDER = Path(__file__).parent / "sample"
_SEEDED = datetime(2026, 2, 16, 8, 0, tzinfo=UTC)
"""When the samples count as delivered that do not tell it themselves."""

Entry = Mapping[str, str]


def fill(world: World) -> None:
    """Puts every sample item into the world's store."""
    store = world.store
    with store.transaction():
        for table, id_, row in _rows(tuple(mailboxes(world))):
            store.put(messages.SERVICE, table, id_, row)


def aliases() -> list[str]:
    """The names of the sample items, in the order of the manifest."""
    return [alias for alias, entry in manifest().items() if entry["kind"] != "change"]


def find(alias: str) -> tuple[Entry, ItemKey]:
    """An item's entry in the manifest, and its key. Raises KeyError for an unknown alias.

    The entry of an occurrence is that of its series. A `change` is a later delivery of another
    item, and no item itself.
    """
    entry = manifest()[alias]
    if entry["kind"] == "change":
        raise KeyError(alias)
    if entry["kind"] == "occurrence":
        start = datetime.fromisoformat(entry["start"])
        return manifest()[entry["of"]], ItemKey(_key(entry["of"]), int(start.timestamp()))
    return entry, ItemKey(_key(alias))


@cache
def manifest() -> dict[str, Entry]:
    entries: list[dict[str, str]] = json.loads((_FOLDER / "manifest.json").read_text("utf-8"))
    return {entry["alias"]: entry for entry in entries}


@lru_cache(maxsize=1)
def _rows(owners: tuple[Mailbox, ...]) -> tuple[tuple[str, str, Row], ...]:
    """All rows of the filled mailboxes; parsing them takes longer than a reset may."""
    store = Store(None)
    by_address = {owner.address: owner for owner in owners}
    for alias, entry in manifest().items():
        if entry["kind"] == "occurrence":
            continue
        owner, raw = by_address[entry["mailbox"]], _content(entry)
        if entry["kind"] == "mail":
            messages.deliver(store, owner, entry["folder"], raw, _SEEDED, _key(alias))
        else:
            events.deliver(store, owner, raw, _SEEDED, _key(alias))
    return tuple(_all_rows(store))


def _all_rows(store: Store) -> Iterator[tuple[str, str, Row]]:
    for table in (*messages.TABLES, *events.TABLES):
        for id_, row in store.items(messages.SERVICE, table):
            yield table, id_, row


def _content(entry: Entry) -> bytes:
    """Mail and calendars travel with CRLF, whatever line ends the files have."""
    raw = (_FOLDER / entry["file"]).read_bytes() if "file" in entry else BUILDERS[entry["build"]]()
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _key(alias: str) -> str:
    return uuid5(NAMESPACE_URL, f"sample item {alias}").hex
