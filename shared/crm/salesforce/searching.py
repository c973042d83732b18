"""Finding records by what a person types.

The names and key fields are searched by queries, which find parts of words and the customer's
records; and side by side with them the search index, which knows all fields of a record and words
alone. Both give what is shown at once.

Case never counts. Salesforce says of neither whether diacritics do, so a further query looks for
the letters that often bear some as for any letter, and what comes back is compared here.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from shared.crm.salesforce import composite, search_queries
from shared.crm.salesforce.described import Described, Field
from shared.crm.salesforce.describing import label
from shared.crm.salesforce.faults import fault
from shared.crm.salesforce.index import search_index
from shared.crm.salesforce.metadata import learn
from shared.crm.salesforce.objects import object_name
from shared.crm.salesforce.replies import url
from shared.crm.salesforce.session import Session
from shared.crm.salesforce.yes_no import yes_no
from shared.domain import RecordRef
from shared.nearness import bare, distance
from shared.records import FoundRecord, KeyField, Search, Wanted
from shared.truncation import storable

_MOST_WORDS: Final = 8
_LONGEST_WORD: Final = 255
_LONGEST_STATEMENT: Final = 400
_SHORTEST_STATEMENT: Final = 2
"""Salesforce takes no search for a single letter (SOSL Reference, "FIND")."""
_WORD: Final = re.compile(r"[^\W_]+")
_PLAIN: Final = re.compile(r"[^\W_][\w.'’@&/-]*(?: [^\W_][\w.'’@&/-]*)*\Z")
"""What the index, which parts words at all signs, can be asked for without finding something
else."""
_HIDDEN: Final = (403, 404)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scope:
    """One record type of a search with what the organisation says of it."""

    wanted: Wanted
    known: Described


async def search(session: Session, asked: Search) -> tuple[FoundRecord, ...]:
    """As `Crm.search` promises. One round trip once the objects are known."""
    scopes = await _scopes(session, asked.wanted)
    text = " ".join(storable(asked.text).split())
    words = text.split(" ")[:_MOST_WORDS] if text else []
    if not scopes or asked.limit < 1 or any(len(word) > _LONGEST_WORD for word in words):
        return ()
    statement = _statement(scopes, text, asked.limit)
    quick, hits = await asyncio.gather(
        _quick(session, scopes, text, words, asked.limit), search_index(session, statement)
    )
    columns = [
        [
            (scope, row)
            for row in _best_first(
                scope, (*hits.get(scope.known.name, ()), *quick[scope.known.name]), text
            )
        ]
        for scope in scopes
    ]
    ranks = (one for rank in zip_longest(*columns) for one in rank if one is not None)
    found = (_found(scope, row, session.knowledge.root, asked.language) for scope, row in ranks)
    return tuple(found)[: asked.limit]


async def _scopes(session: Session, wanted: Sequence[Wanted]) -> list[Scope]:
    by_name = {name: one for one in wanted if (name := object_name(one.type))}
    fields = {name: search_queries.wanted_fields(one, name) for name, one in by_name.items()}
    known = await learn(session, fields)
    return [Scope(one, known[name]) for name, one in by_name.items() if name in known]


def _statement(scopes: Sequence[Scope], text: str, limit: int) -> str:
    """Of the types that the admin wants in no other order than the index's."""
    words = _WORD.findall(text) if _PLAIN.match(text) else []
    whole = all(len(word) > 1 or not word.isascii() for word in words)
    if not whole or sum(map(len, words)) < _SHORTEST_STATEMENT:
        return ""
    term = search_queries.statement(words[:_MOST_WORDS], _LONGEST_STATEMENT)
    searched = [
        (scope.wanted, scope.known)
        for scope in scopes
        if scope.known.searched and scope.wanted.order is None
    ]
    return search_queries.indexed(term, searched, limit)


async def _quick(
    session: Session, scopes: Sequence[Scope], text: str, words: Sequence[str], limit: int
) -> dict[str, list[Row]]:
    """The rows by object."""
    asked = [
        (scope, soql)
        for scope in scopes
        for soql in search_queries.quick(scope.wanted, scope.known, text, words, limit)
    ]
    parts = [composite.query(f"q{n}", soql) for n, (_, soql) in enumerate(asked)]
    replies = await session.wire.ask(parts)
    found: dict[str, list[Row]] = {scope.known.name: [] for scope in scopes}
    sought = [bare(word) for word in words]
    for part, (scope, _) in zip(parts, asked, strict=True):
        reply = replies[part.name]
        if reply.ok and scope.wanted.order is not None and found[scope.known.name]:
            continue  # what only resembles the words would stand beside the order
        if reply.ok:
            paths = search_queries.searched_paths(scope.wanted, scope.known)
            rows = (row for row in reply.rows if _has_all(row, paths, sought))
            found[scope.known.name] += rows
        elif reply.status not in _HIDDEN:
            raise fault(reply)
    return found


def _has_all(row: Row, paths: Iterable[str], sought: Sequence[str]) -> bool:
    text = "\n".join(bare(_at(row, path)) for path in paths)
    return all(word in text for word in sought)


def _best_first(scope: Scope, rows: Iterable[Row], text: str) -> list[Row]:
    """Each record once; names that are the text, then those that begin with it, then those with a
    word that does; the rest as it came. An order of the admin's stays as it is."""
    once = list({row["Id"]: row for row in reversed(list(rows))}.values())[::-1]
    if scope.wanted.order is not None or not text:
        return once
    return sorted(once, key=lambda row: distance(_name(scope, row), text))


def _name(scope: Scope, row: Row) -> str:
    return _at(row, search_queries.title(scope.known)) or _at(row, scope.known.name_field)


def _found(scope: Scope, row: Row, root: str, language: str) -> FoundRecord:
    id_ = str(row["Id"])
    fields = (scope.known.fields.get(name) for name in scope.wanted.key_fields)
    return FoundRecord(
        record=RecordRef(
            scope.wanted.type, id_, _name(scope, row), url(root, scope.known.name, id_)
        ),
        key_fields=tuple(
            KeyField(label(field), _shown(row, field, language))
            for field in fields
            if field is not None
        ),
    )


def _shown(row: Row, field: Field, language: str) -> str:
    """As Salesforce words it for the caller."""
    if field.type in search_queries.FORMATTED:
        return _at(row, search_queries.alias(field))
    if field.type == "boolean":
        return yes_no(language)[0 if row.get(field.name) else 1]
    text = _at(row, field.parent_name or field.name)
    if field.options:
        return "; ".join(field.options.get(value, value) for value in text.split(";") if value)
    return text


def _at(row: Row, path: str) -> str:
    """The value at a path of names, as text; empty where there is none."""
    value: Any = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return "" if value is None else str(value)
