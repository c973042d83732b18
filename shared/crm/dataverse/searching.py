"""Finding records by what a person types.

The columns of quick find are searched, which finds parts of words and the customer's records; and
side by side with it Dataverse search, where it is on for all the tables and has a place for
another request, which finds what resembles the words, in more columns. What is shown is read from
the tables either way: the index may be minutes old.

Case never counts. Diacritics don't count in the tables of an organisation whose language has an
accent-insensitive collation: all six languages that we test, but not, say, Swedish or Romanian
(Learn, "Language collations"). What the index does with them is not documented.
"""

import asyncio
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from shared.crm.dataverse import search_queries
from shared.crm.dataverse.describing import learn
from shared.crm.dataverse.knowledge import FRESH
from shared.crm.dataverse.looking import rows_of
from shared.crm.dataverse.metadata import LOOKUPS, Column, TableMetadata
from shared.crm.dataverse.replies import SHOWN, reference
from shared.crm.dataverse.session import Session
from shared.crm.dataverse.tables import logical_name
from shared.errors import Throttled, Unavailable, Upstream
from shared.nearness import distance
from shared.records import FoundRecord, KeyField, Search, Wanted
from shared.truncation import storable

_MOST_WORDS: Final = 8
_LONGEST_TERM: Final = 100
_WORD: Final = re.compile(r"[^\W_]+")
_PLAIN: Final = re.compile(r"[^\W_][\w.'’@&/-]*(?: [^\W_][\w.'’@&/-]*)*\Z")
"""What the index, which drops all signs, can be asked for without finding something else."""
_PART: Final = re.compile(r"\S+")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scope:
    """One record type of a search with what the organisation says of it."""

    wanted: Wanted
    known: TableMetadata


async def search(session: Session, asked: Search) -> tuple[FoundRecord, ...]:
    """As `Crm.search` promises. One round trip once the tables are known; one more where the index
    finds records that quick find doesn't."""
    scopes = await _scopes(session, asked.wanted)
    if not scopes or asked.limit < 1:
        return ()
    text = " ".join(storable(asked.text).split())
    quick, ids = await asyncio.gather(
        _quick(session, scopes, text, asked.limit), _indexed(session, scopes, text, asked.limit)
    )
    rows = await _with_indexed(session, scopes, quick, ids)
    sorted_rows = [
        [(scope, row) for row in _best_first(scope, rows.get(_logical(scope), ()), text)]
        for scope in scopes
    ]
    ranks = (one for rank in zip_longest(*sorted_rows) for one in rank if one is not None)
    found = (_found(scope, row, session.knowledge.root, asked.language) for scope, row in ranks)
    return tuple(found)[: asked.limit]


async def _scopes(session: Session, wanted: Sequence[Wanted]) -> list[Scope]:
    by_name = {logical: one for one in wanted if (logical := logical_name(one.type))}
    columns = {
        logical: {
            *one.key_fields,
            *(condition.field for condition in one.conditions),
            *((one.order.field,) if one.order else ()),
        }
        for logical, one in by_name.items()
    }
    known = await learn(session, columns)
    return [Scope(one, known[logical]) for logical, one in by_name.items() if logical in known]


def _logical(scope: Scope) -> str:
    return scope.known.table.logical


async def _indexed(
    session: Session, scopes: Sequence[Scope], text: str, limit: int
) -> Mapping[str, list[str]]:
    """Ids by table, the most relevant first; none where the index can't be asked, nor of tables
    that the admin wants in another order."""
    knowledge = session.knowledge
    tables = frozenset(_logical(scope) for scope in scopes if scope.wanted.order is None)
    failed = knowledge.unindexed.get(tables)
    words = [
        word
        for word in (_WORD.findall(text) if _PLAIN.match(text) else ())
        if len(word) > 1 or not word.isascii()
    ]
    term = search_queries.term(words[:_MOST_WORDS], _LONGEST_TERM)
    if not tables or not term or (failed is not None and knowledge.clock() - failed < FRESH):
        return {}
    try:
        reply = await session.wire.search(search_queries.index_request(term, sorted(tables), limit))
        if reply.ok:
            return _hits(json.loads(str(reply.json.get("response"))))
    except (Throttled, Unavailable, Upstream):
        return {}
    except (ValueError, LookupError, TypeError):
        pass  # an answer of another shape than documented is as good as none
    knowledge.unindexed[tables] = knowledge.clock()
    return {}


def _hits(response: Mapping[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for hit in response["Value"]:
        found.setdefault(hit["EntityName"], []).append(hit["Id"])
    return found


async def _with_indexed(
    session: Session,
    scopes: Sequence[Scope],
    quick: Mapping[str, Mapping[str, Row]],
    ids: Mapping[str, list[str]],
) -> dict[str, list[Row]]:
    """The rows by table: what the index found, in its order, then what quick find did beyond."""
    missing = {
        logical: [id_ for id_ in ids.get(logical, ()) if id_ not in quick.get(logical, {})]
        for logical in map(_logical, scopes)
    }
    asked = [scope for scope in scopes if missing[_logical(scope)]]
    paths = [
        search_queries.by_ids(scope.wanted, scope.known, missing[_logical(scope)])
        for scope in asked
    ]
    found = {logical: dict(rows) for logical, rows in quick.items()}
    answers = await session.wire.ask(paths) if paths else ()
    for scope, reply in zip(asked, answers, strict=True):
        rows = found.setdefault(_logical(scope), {})
        rows |= {row[scope.known.table.id_column]: row for row in rows_of([reply])}
    return {
        logical: [
            *(rows[id_] for id_ in ids.get(logical, ()) if id_ in rows),
            *(row for id_, row in rows.items() if id_ not in ids.get(logical, ())),
        ]
        for logical, rows in found.items()
    }


async def _quick(
    session: Session, scopes: Sequence[Scope], text: str, limit: int
) -> dict[str, dict[str, Row]]:
    """Rows by table and id."""
    words = _PART.findall(text)[:_MOST_WORDS]
    asked = [
        (scope, path)
        for scope in scopes
        for path in search_queries.quick(scope.wanted, scope.known, text, words, limit)
    ]
    answers = await session.wire.ask([path for _, path in asked])
    found: dict[str, dict[str, Row]] = {}
    for (scope, _), reply in zip(asked, answers, strict=True):
        rows = found.setdefault(_logical(scope), {})
        for row in rows_of([reply]):
            rows.setdefault(row[scope.known.table.id_column], row)
    return found


def _best_first(scope: Scope, rows: Iterable[Row], text: str) -> list[Row]:
    """Names that are the text, then those that begin with it, then those with a word that does;
    the rest as it came. An order of the admin's stays as it is."""
    if scope.wanted.order is not None or not text:
        return list(rows)
    column = scope.known.table.name_column
    return sorted(rows, key=lambda row: distance(row.get(column) or "", text))


def _found(scope: Scope, row: Row, root: str, language: str) -> FoundRecord:
    fields = (scope.known.columns.get(name) for name in scope.wanted.key_fields)
    return FoundRecord(
        record=reference(row, scope.known.table, root),
        key_fields=tuple(
            KeyField(column.label.text(language, column.name), _shown(row, column))
            for column in fields
            if column is not None
        ),
    )


def _shown(row: Row, column: Column) -> str:
    """As Dataverse words it for the caller, which it does for all but plain text and ids."""
    value = row.get(f"{column.property}{SHOWN}")
    if value is None and column.type not in LOOKUPS:
        value = row.get(column.property)
    return "" if value is None else str(value)
