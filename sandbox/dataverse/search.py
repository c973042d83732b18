"""Dataverse search: `POST /api/search/v2.0/query`.

Learn, "Dataverse search query": a term of at most 100 characters, one request a second and user.
Of its simple syntax only words, all of which must occur, and a star at a word's end.
"""

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from sandbox.dataverse import errors
from sandbox.dataverse.answers import json_reply
from sandbox.dataverse.filters import compiled
from sandbox.dataverse.represent import value_of
from sandbox.dataverse.schema import SCHEMA
from sandbox.dataverse.schema.model import Column, Table
from sandbox.dataverse.security import may_read
from sandbox.dataverse.session import Reply, Session
from sandbox.store import Row

MAX_TERM = 100
MAX_TOP = 100
_KNOWN = frozenset({"search", "entities", "top", "skip", "count", "options"})
_OPTIONS = '{"searchmode": "all"}'
_TABLES = ("account", "contact", "lead", "opportunity", "incident", "new_project")
_SEARCHED = (
    "name",
    "fullname",
    "title",
    "subject",
    "new_name",
    "emailaddress1",
    "emailaddress2",
    "companyname",
    "ticketnumber",
    "description",
)
_OPERATOR = re.compile(r'(?<!\\)[+|()"!{}\[\]^~?:/]|(?<!\\)(?<!\S)-')
_WORD = re.compile(r"[^\W_]+\*?")


Scope = tuple[Table, list[Column], list[Column], Iterable[Row]]
"""A table, the columns to search and to show, and the rows to look at."""


def query(session: Session, body: Mapping[str, Any]) -> Reply:
    """The answer to a search; its `response` is JSON in a string, as the service has it."""
    unknown = sorted(set(body) - _KNOWN)
    if unknown:
        raise errors.unsupported(f"the search parameter '{unknown[0]}'")
    _check_options(body.get("options"))
    words = _words(body.get("search"))
    hits = [
        hit
        for scope in _scopes(session, body.get("entities"))
        for hit in _hits(session, scope, words)
    ]
    hits.sort(key=lambda hit: -hit["Score"])
    top, skip = min(int(body.get("top") or 50), MAX_TOP), int(body.get("skip") or 0)
    response: dict[str, Any] = {
        "Error": None,
        "Value": hits[skip : skip + top],
        "Facets": {},
        "QueryContext": None,
        "Count": len(hits) if body.get("count") else -1,
    }
    return json_reply({"response": json.dumps(response, ensure_ascii=False)})


def _check_options(options: object) -> None:
    """`options` is JSON in a string too. Here all words must occur, so `any` can't be asked for."""
    try:
        given = json.loads(options) if isinstance(options, str) else options
    except ValueError:
        given = ()
    if given not in (None, {}, json.loads(_OPTIONS)):
        raise errors.unsupported(f"search options other than {_OPTIONS}")


def _words(term: object) -> list[str]:
    if not isinstance(term, str) or not term.strip():
        raise errors.invalid_argument("Required parameter 'search' is missing.")
    if len(term) > MAX_TERM:
        raise errors.invalid_argument(f"The search term exceeds {MAX_TERM} characters.")
    if _OPERATOR.search(term):
        raise errors.unsupported("search operators; escape them with a backslash")
    words = _WORD.findall(term.casefold())
    if not words:
        raise errors.invalid_argument("The search term holds no word.")
    return words


def _scopes(session: Session, entities: object) -> Iterable[Scope]:
    """`entities` is JSON in a string: a list of tables with their columns and filter."""
    if entities is None:
        for name in _TABLES:
            yield _scope(session, {"name": name})
        return
    try:
        listed = json.loads(entities) if isinstance(entities, str) else None
    except ValueError:
        listed = None
    if not isinstance(listed, list) or not all(isinstance(e, Mapping) for e in listed):
        raise errors.invalid_argument("'entities' must be a JSON list in a string.")
    for entity in listed:
        yield _scope(session, entity)


def _scope(session: Session, entity: Mapping[str, Any]) -> Scope:
    table = SCHEMA.tables.get(str(entity.get("name")))
    if table is None or table.name not in _TABLES:
        raise errors.invalid_argument(f"'{entity.get('name')}' is not enabled for search.")
    default = [name for name in _SEARCHED if name in table.columns]
    searched = _columns(table, entity.get("searchColumns") or default)
    shown = _columns(table, entity.get("selectColumns") or [table.title])
    rows: Iterable[Row] = session.rows.all(table.name)
    if entity.get("filter"):
        kept = compiled(table.name, str(entity["filter"])).matches
        rows = [row for row in rows if kept(session.rows, row)]
    return table, searched, shown, rows


def _columns(table: Table, names: Iterable[str]) -> list[Column]:
    for name in names:
        if name not in table.columns:
            raise errors.unknown_property(table.name, name)
    return [table.columns[name] for name in names]


def _hits(session: Session, scope: Scope, words: list[str]) -> Iterable[dict[str, Any]]:
    table, searched, shown, rows = scope
    for row in rows:
        highlights = _highlights(row, searched, words)
        if highlights and may_read(session, table.name, row):
            yield {
                "Id": row[table.key],
                "EntityName": table.name,
                "ObjectTypeCode": table.object_type,
                "Attributes": {c.name: value_of(c, row) for c in shown},
                "Highlights": highlights,
                "Score": float(sum(text.count("{crmhit}") for [text] in highlights.values())),
            }


def _highlights(row: Row, searched: list[Column], words: list[str]) -> dict[str, list[str]]:
    """The columns with a hit, the words marked; empty where a word occurs in none of them."""
    missing, found = set(words), {}
    for column in searched:
        value = row.get(column.name)
        hits = {word for word in words if isinstance(value, str) and _pattern(word).search(value)}
        if hits:
            missing -= hits
            marked = str(value)
            for word in hits:
                marked = _pattern(word).sub(r"{crmhit}\g<0>{/crmhit}", marked)
            found[column.name] = [marked]
    return {} if missing else found


@lru_cache(maxsize=256)
def _pattern(word: str) -> re.Pattern[str]:
    stem = re.escape(word.removesuffix("*"))
    end = r"[^\W_]*" if word.endswith("*") else r"(?![^\W_])"
    return re.compile(rf"(?<![^\W_]){stem}{end}", re.IGNORECASE)
