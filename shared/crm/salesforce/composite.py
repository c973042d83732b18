"""Composite requests: made and read. Pure.

REST API Developer Guide, "Composite": up to 25 subrequests, of which up to 5 are queries or
collections; with `allOrNone` all of them happen or none. A later one refers to what an earlier one
answered as `@{name.field}`, in its URL or in any text of its body.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

VERSION: Final = "64.0"
ROOT: Final = f"/services/data/v{VERSION}/"
MOST: Final = 25
MOST_HEAVY: Final = 5
MOST_RECORDS: Final = 200
MADE: Final = "made"
"""The name of the subrequest that makes an activity."""
MADE_ID: Final = f"@{{{MADE}.id}}"
"""Stands for its id in later ones."""
UNCHANGED: Final = "unchanged"
UNCHANGED_ID: Final = f"@{{{UNCHANGED}.records[0].Id}}"
"""Stands for the id of the one record that the query of that name finds; a composite that refers to
it happens only if it finds one (REST API Developer Guide, "Composite Subrequest": `[]`)."""


@dataclass(frozen=True, slots=True)
class Part:
    """One subrequest; `path` is relative to the API's root, percent-encoded. `name` may hold
    letters, digits and underscores."""

    name: str
    method: str
    path: str
    body: Any = None

    @property
    def heavy(self) -> bool:
        return self.path.startswith(("query", "composite/sobjects"))


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one request, in a composite or alone. `body` is parsed JSON, None for none;
    header names are in lower case."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300 and not any(
            isinstance(one, dict) and one.get("success") is False for one in self._entries
        )

    @property
    def row(self) -> Mapping[str, Any]:
        """The JSON object in the body; empty where there is none."""
        return self.body if isinstance(self.body, dict) else {}

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """The records that a query found."""
        found = self.row.get("records")
        return found if isinstance(found, list) else ()

    @property
    def errors(self) -> Sequence[Mapping[str, Any]]:
        """What is wrong, each with `errorCode` (or `statusCode`) and `message`."""
        found: list[Mapping[str, Any]] = []
        for entry in self._entries:
            if isinstance(entry, dict):
                inner = entry.get("errors")
                found += inner if isinstance(inner, list) and inner else [entry]
        return found

    @property
    def _entries(self) -> Sequence[Any]:
        return self.body if isinstance(self.body, list) else ()


def query(name: str, soql: str) -> Part:
    return Part(name, "GET", query_path(soql))


def query_path(soql: str) -> str:
    """Percent-encoded, so that no text of the query can be taken for a reference; but for an id at
    its very end that stands for the record made in the same transaction."""
    ending = f"'{MADE_ID}'"
    if soql.endswith(ending):
        return f"query?q={quote(soql.removesuffix(ending), safe='')}%27{MADE_ID}%27"
    return f"query?q={quote(soql, safe='')}"


def row(name: str, object_: str, id_: str, fields: Iterable[str] = ()) -> Part:
    """One record; all its fields where none are named."""
    chosen = ",".join(fields)
    asked = f"?{urlencode({'fields': chosen}, safe=',')}" if chosen else ""
    return Part(name, "GET", f"sobjects/{object_}/{quote(id_, safe='')}{asked}")


def describe(name: str, object_: str) -> Part:
    return Part(name, "GET", f"sobjects/{object_}/describe")


def create(name: str, object_: str, values: Mapping[str, Any]) -> Part:
    return Part(name, "POST", f"sobjects/{object_}", values)


def update(name: str, object_: str, id_: str, values: Mapping[str, Any]) -> Part:
    return Part(name, "PATCH", f"sobjects/{object_}/{id_}", values)


def delete(name: str, object_: str, id_: str) -> Part:
    return Part(name, "DELETE", f"sobjects/{object_}/{id_}")


def creations(name: str, records: Sequence[Mapping[str, Any]]) -> list[Part]:
    """Collections that create all the records; each names its object in `attributes`."""
    chunks = [records[at : at + MOST_RECORDS] for at in range(0, len(records), MOST_RECORDS)]
    return [
        Part(
            f"{name}{number}",
            "POST",
            "composite/sobjects",
            {"allOrNone": True, "records": list(chunk)},
        )
        for number, chunk in enumerate(chunks)
    ]


def of_type(object_: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """A record of a collection."""
    return {"attributes": {"type": object_}, **values}


def unreferenced(text: str) -> str:
    """Text of somebody else's as it may stand in a body: nothing in it is a reference."""
    return text.replace("@{", "@ {")


def body(parts: Sequence[Part], *, all_or_none: bool) -> dict[str, Any]:
    return {
        "allOrNone": all_or_none,
        "compositeRequest": [
            {
                "method": part.method,
                "url": ROOT + part.path,
                "referenceId": part.name,
                **({} if part.body is None else {"body": part.body}),
            }
            for part in parts
        ],
    }


def grouped(parts: Sequence[Part]) -> list[list[Part]]:
    """As few composites as may hold the parts, which don't depend on each other."""
    groups: list[list[Part]] = [[]]
    for part in parts:
        heavy = sum(one.heavy for one in groups[-1])
        if len(groups[-1]) == MOST or (part.heavy and heavy == MOST_HEAVY):
            groups.append([])
        groups[-1].append(part)
    return groups


def read(answer: Any) -> dict[str, Reply]:
    """The replies by name. Raises ValueError for anything else than a composite's answer."""
    replies = answer.get("compositeResponse") if isinstance(answer, dict) else None
    if not isinstance(replies, list):
        raise ValueError("not a composite's answer")
    return {
        str(reply["referenceId"]): Reply(
            int(reply["httpStatusCode"]), reply.get("body"), _lower(reply.get("httpHeaders"))
        )
        for reply in replies
    }


def refusal(replies: Mapping[str, Reply]) -> Reply | None:
    """Of a composite that happened not at all, the reply that says why."""
    failed = [reply for reply in replies.values() if not reply.ok]
    return next((reply for reply in failed if not _halted(reply)), failed[0] if failed else None)


def _halted(reply: Reply) -> bool:
    return all(error.get("errorCode") == "PROCESSING_HALTED" for error in reply.errors)


def _lower(headers: Any) -> dict[str, str]:
    pairs = headers.items() if isinstance(headers, dict) else ()
    return {str(name).lower(): str(value) for name, value in pairs}
