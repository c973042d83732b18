"""The tables' rows in the world's store, with versions and with indexes for what is asked often.

A row is a JSON object of the columns that have a value, plus `versionnumber`. A lookup's value is
`[table, id]`; ids are lower-case GUIDs; times are `2026-01-05T09:00:00Z`.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

from sandbox.dataverse.schema import SCHEMA
from sandbox.dataverse.schema.model import Collection, Column
from sandbox.store import Row, Store
from sandbox.world import World

SERVICE = "dataverse"
ACTIVITY_TABLES = tuple(t.name for t in SCHEMA.tables.values() if t.is_activity)
POINTER = "activitypointer"
INDEXED_TEXTS = frozenset({("email", "messageid"), ("appointment", "globalobjectid")})
_FIRST_VERSION = 1_000_000

_Index = dict[str, dict[str, None]]


class Rows:
    """Reads and writes rows by table name; `activitypointer` means all activity tables.

    An index may know rows that no longer match (after an update, a deletion or a rollback) but
    lacks none, since nothing is ever taken out; so what it offers is checked again.
    """

    def __init__(self, world: World) -> None:
        self._store = world.store
        self._clock = world.clock
        self._version = _FIRST_VERSION
        self._indexes: dict[str, dict[str, _Index]] = {}
        for table in SCHEMA.tables.values():
            indexes = {
                c.name: _Index() for c in table.columns.values() if is_indexed(table.name, c)
            }
            self._indexes[table.name] = indexes
            for row in self._store.all(SERVICE, table.name):
                self._version = max(self._version, row["versionnumber"])
                _note(indexes, row, row[table.key])

    def now(self) -> str:
        return stamp(self._clock())

    def get(self, table: str, id_: str) -> Row | None:
        if table != POINTER:
            return self._store.get(SERVICE, table, id_)
        return next((r for t in ACTIVITY_TABLES if (r := self.get(t, id_)) is not None), None)

    def where(self, table: str, id_: str) -> str | None:
        """The table that really holds the row, or None."""
        tables = ACTIVITY_TABLES if table == POINTER else (table,)
        return next((t for t in tables if self._store.get(SERVICE, t, id_) is not None), None)

    def all(self, table: str) -> list[Row]:
        if table != POINTER:
            return self._store.all(SERVICE, table)
        return [row for name in ACTIVITY_TABLES for row in self._store.all(SERVICE, name)]

    def put(self, table: str, id_: str, row: Mapping[str, Any]) -> Row:
        self._version += 1
        kept = {name: value for name, value in row.items() if value is not None}
        kept["versionnumber"] = self._version
        self._store.put(SERVICE, table, id_, kept)
        _note(self._indexes[table], kept, id_)
        return kept

    def delete(self, table: str, id_: str) -> None:
        self._store.delete(SERVICE, table, id_)

    def children(self, collection: Collection, id_: str) -> list[Row]:
        return list(self.pointing(collection.table, collection.column, (id_,)))

    def pointing(self, table: str, column: str, ids: Iterable[str]) -> Iterator[Row]:
        """The rows of `table` whose lookup `column` holds one of `ids`."""
        wanted = set(ids)
        for name in ACTIVITY_TABLES if table == POINTER else (table,):
            for row in self.known(name, column, wanted):
                if row.get(column, (None, None))[1] in wanted:
                    yield row

    def known(self, table: str, column: str, values: Iterable[str]) -> Iterator[Row]:
        """Rows that the index of a lookup or an indexed text offers; a superset of the matches."""
        index = self._indexes[table][column]
        seen: dict[str, None] = {}
        for value in values:
            seen.update(index.get(value, {}))
        for id_ in seen:
            row = self._store.get(SERVICE, table, id_)
            if row is not None:
                yield row


def _note(indexes: Mapping[str, _Index], row: Row, id_: str) -> None:
    for column, index in indexes.items():
        value = row.get(column)
        if value is not None:
            key = value.casefold() if isinstance(value, str) else value[1]
            index.setdefault(key, {})[id_] = None


def is_indexed(table: str, column: Column) -> bool:
    return column.kind == "lookup" or (table, column.name) in INDEXED_TEXTS


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_OPEN: WeakKeyDictionary[Store, Rows] = WeakKeyDictionary()


def rows_of(world: World) -> Rows:
    """The one `Rows` of a world's store."""
    found = _OPEN.get(world.store)
    if found is None:
        found = _OPEN[world.store] = Rows(world)
    return found


def forget(world: World) -> None:
    """To be called when the store's rows were replaced behind the indexes' back."""
    _OPEN.pop(world.store, None)
