"""The objects' records in the world's store, with indexes for what is asked often.

A record is a JSON object of the fields that have a value. Ids have 18 characters, times the form
of the API's answers. Deleted records stay, as in the recycle bin, with `IsDeleted` true.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

from sandbox.salesforce.org import SERVICE
from sandbox.salesforce.schema import FEATURES, schema
from sandbox.salesforce.schema.model import Field
from sandbox.store import Row, Store
from sandbox.world import World

_ALSO_INDEXED = frozenset((("EmailMessage", "MessageIdentifier"),))
_CONTENTS = "VersionData"

_Index = dict[str, dict[str, None]]


class Rows:
    """Reads and writes records by object name.

    An index may know records that no longer match (after an update or a rollback), never fewer, so
    what it offers is checked again.
    """

    def __init__(self, world: World) -> None:
        self._store = world.store
        self._clock = world.clock
        self._indexes: dict[tuple[str, str], tuple[Field, _Index]] = {}

    def now(self) -> datetime:
        return self._clock()

    def get(self, object_: str, id_: str) -> Row | None:
        """The record, deleted or not."""
        return self._store.get(SERVICE, object_, id_)

    def live(self, object_: str, id_: str) -> Row | None:
        row = self.get(object_, id_)
        return None if row is None or row["IsDeleted"] else row

    def all(self, object_: str) -> list[Row]:
        return self._store.all(SERVICE, object_)

    def put(self, object_: str, row: Mapping[str, Any]) -> Row:
        kept = {name: value for name, value in row.items() if value is not None}
        self._store.put(SERVICE, object_, row["Id"], kept)
        for (owner, name), (field, index) in self._indexes.items():
            if owner == object_:
                _note(field, index, kept.get(name), row["Id"])
        return kept

    def pointing(self, object_: str, field: str, id_: str) -> list[Row]:
        """The live records of `object_` whose reference `field` holds `id_`."""
        found = self.known(object_, field, (id_,))
        return [row for row in found if row.get(field) == id_ and not row["IsDeleted"]]

    def known(self, object_: str, field: str, values: Iterable[str]) -> Iterator[Row]:
        """Records that the index of an indexed field offers; a superset of the matches."""
        declared, index = self._index(object_, field)
        seen: dict[str, None] = {}
        for value in values:
            seen.update(index.get(index_key(declared, value), {}))
        for id_ in seen:
            row = self._store.get(SERVICE, object_, id_)
            if row is not None:
                yield row

    def contents(self, version: str) -> str:
        """A file's content in base64."""
        row = self._store.get(SERVICE, _CONTENTS, version)
        return row["data"] if row else ""

    def put_contents(self, version: str, data: str) -> None:
        self._store.put(SERVICE, _CONTENTS, version, {"data": data})

    def _index(self, object_: str, field: str) -> tuple[Field, _Index]:
        if (object_, field) not in self._indexes:
            declared = schema(FEATURES).objects[object_].fields[field]
            index: _Index = {}
            for row in self._store.all(SERVICE, object_):
                _note(declared, index, row.get(field), row["Id"])
            self._indexes[object_, field] = (declared, index)
        return self._indexes[object_, field]


def is_indexed(object_: str, field: Field) -> bool:
    return field.indexed or (object_, field.name) in _ALSO_INDEXED


def index_key(field: Field, value: str) -> str:
    return value if field.case_sensitive or field.type == "reference" else value.casefold()


def _note(field: Field, index: _Index, value: Any, id_: str) -> None:
    if value is not None:
        index.setdefault(index_key(field, value), {})[id_] = None


def stamp(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03}+0000"


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
