"""Rows of JSON in memory, written through to one SQLite file.

The sandbox runs on one event loop and no transaction awaits anything, so a transaction is
serializable by construction. Rows are never changed in place: put a new dict.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

Row = Mapping[str, Any]
_Change = tuple[tuple[str, str], str, Row | None]
"""A table, an id in it, and the row that was there before."""

_metadata = sa.MetaData()
_rows = sa.Table(
    "rows",
    _metadata,
    sa.Column("service", sa.String, primary_key=True),
    sa.Column("tbl", sa.String, primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("json", sa.Text, nullable=False),
)

_delete = sa.delete(_rows).where(
    _rows.c.service == sa.bindparam("gone_service"),
    _rows.c.tbl == sa.bindparam("gone_tbl"),
    _rows.c.id == sa.bindparam("gone_id"),
)
_insert = sqlite.insert(_rows)
_upsert = _insert.on_conflict_do_update(
    index_elements=[_rows.c.service, _rows.c.tbl, _rows.c.id],
    set_={"json": _insert.excluded.json},
)


class Store:
    """`path` None keeps everything in memory only."""

    def __init__(self, path: Path | None) -> None:
        self._engine = _open(path) if path else None
        self._tables: dict[tuple[str, str], dict[str, Row]] = {}
        self._undo: list[_Change] | None = None
        self._watchers: list[tuple[tuple[str, str], Callable[[], None]]] = []
        if self._engine:
            with self._engine.connect() as connection:
                stored = connection.execute(sa.select(_rows).order_by(sa.text("rowid")))
                for service, table, id_, text in stored:
                    self._tables.setdefault((service, table), {})[id_] = json.loads(text)

    def get(self, service: str, table: str, id_: str) -> Row | None:
        return self._tables.get((service, table), {}).get(id_)

    def all(self, service: str, table: str) -> list[Row]:
        """Every row, in the order of their first insertion."""
        return list(self._tables.get((service, table), {}).values())

    def items(self, service: str, table: str) -> list[tuple[str, Row]]:
        """As `all`, each row with its id."""
        return list(self._tables.get((service, table), {}).items())

    def empty(self, service: str) -> bool:
        return not any(rows for (owner, _), rows in self._tables.items() if owner == service)

    def put(self, service: str, table: str, id_: str, row: Row) -> None:
        """Inserts or replaces. Outside a transaction it is one of its own."""
        self._set((service, table), id_, dict(row))

    def delete(self, service: str, table: str, id_: str) -> None:
        self._set((service, table), id_, None)

    def clear(self, service: str) -> None:
        with self.transaction():
            for (owner, table), rows in self._tables.items():
                if owner == service:
                    for id_ in list(rows):
                        self.delete(owner, table, id_)

    def watch(self, service: str, table: str, heard: Callable[[], None]) -> Callable[[], None]:
        """Calls `heard` after every transaction that wrote to the table, until the function given
        back is called."""
        watcher = ((service, table), heard)
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing; a nested transaction joins the outer one, which may go on where
        the nested one failed and was undone."""
        if self._undo is not None:
            start = len(self._undo)
            try:
                yield
            except BaseException:
                self._roll_back(start)
                raise
            return
        changed: list[_Change] = []
        self._undo = changed
        try:
            yield
            self._commit(changed)
        except BaseException:
            self._roll_back(0)
            raise
        finally:
            self._undo = None
        written = {key for key, _, _ in changed}
        for key, heard in list(self._watchers):
            if key in written:
                heard()

    def _roll_back(self, start: int) -> None:
        undo = self._undo or []
        for key, id_, old in reversed(undo[start:]):
            self._apply(key, id_, old)
        del undo[start:]

    def _set(self, key: tuple[str, str], id_: str, row: Row | None) -> None:
        if self._undo is None:
            with self.transaction():
                self._set(key, id_, row)
            return
        self._undo.append((key, id_, self._tables.get(key, {}).get(id_)))
        self._apply(key, id_, row)

    def _apply(self, key: tuple[str, str], id_: str, row: Row | None) -> None:
        rows = self._tables.setdefault(key, {})
        if row is None:
            rows.pop(id_, None)
        else:
            rows[id_] = row

    def _commit(self, changed: list[_Change]) -> None:
        if self._engine is None or not changed:
            return
        gone, kept = [], []
        for (service, table), id_ in dict.fromkeys((key, id_) for key, id_, _ in changed):
            name = {"service": service, "tbl": table, "id": id_}
            row = self._tables.get((service, table), {}).get(id_)
            if row is None:
                gone.append({f"gone_{column}": value for column, value in name.items()})
            else:
                kept.append({**name, "json": json.dumps(row, ensure_ascii=True)})
        with self._engine.begin() as connection:
            if gone:
                connection.execute(_delete, gone)
            if kept:
                connection.execute(_upsert, kept)


def _open(path: Path) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        # A killed process loses nothing this way; only a power cut may lose the last commits.
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    sa.event.listen(engine, "connect", _relax)
    _metadata.create_all(engine)
    return engine


def _relax(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")
