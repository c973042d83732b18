"""A page for people at `/sandbox/`: what lies in the mailboxes and the CRM, and what was called.

It asks the services the same way as any client does, so it shows what they would answer.
"""

from collections.abc import Iterable, Sequence
from html import escape
from string import Template
from typing import Any

import httpx
from starlette.types import ASGIApp

from sandbox import salesforce
from sandbox.entra import tokens
from sandbox.faults import Wire
from sandbox.world import World

_ROWS = 50
_CALLS = 100
_GRAPH = "/graph/v1.0/users"
_SUBSCRIPTIONS = "/graph/v1.0/subscriptions"
_DATAVERSE = "/dataverse/api/data/v9.2"
_SALESFORCE = "/services/data/v64.0/query"
_SALESFORCE_SAVED = (
    (
        "EmailMessage",
        "RelatedTo",
        "SELECT Id, Subject, CreatedDate, RelatedTo.Name FROM EmailMessage "
        "ORDER BY CreatedDate DESC LIMIT 50",
    ),
    (
        "Event",
        "What",
        "SELECT Id, Subject, CreatedDate, What.Name FROM Event ORDER BY CreatedDate DESC LIMIT 50",
    ),
    (
        "Task",
        "What",
        "SELECT Id, Subject, CreatedDate, What.Name FROM Task ORDER BY CreatedDate DESC LIMIT 50",
    ),
)

_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Threadline sandbox</title>
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #ccc; padding: .2rem .6rem .2rem 0; text-align: left;
  vertical-align: top; overflow-wrap: anywhere }
th, td:first-child { white-space: nowrap }
summary { cursor: pointer; padding: .2rem 0 }
</style>
<h1>Threadline sandbox</h1>
$sections
</html>
""")


async def render(world: World, wire: Wire, services: ASGIApp) -> str:
    """The page as HTML. `services` answers for Graph and the CRMs, unlogged."""
    transport = httpx.ASGITransport(services)
    async with httpx.AsyncClient(transport=transport, base_url=world.base_url) as http:
        sections = [
            _section("People", _people(world)),
            _section("Mailboxes", await _mailboxes(world, http)),
            _section("Saved in Dataverse", await _saved_in_dataverse(world, http)),
            _section("Saved in Salesforce", await _saved_in_salesforce(world, http)),
            _section("Subscriptions", await _subscriptions(world, http)),
            _section("Faults armed", _faults(wire)),
            _section("Calls received, latest first", _calls(wire)),
        ]
    return _PAGE.substitute(sections="\n".join(sections))


def _people(world: World) -> str:
    rows = (
        (
            p.name,
            p.address,
            ", ".join(p.delegates),
            f"reads {p.crm_read}, {'writes' if p.crm_write else 'writes nothing'}"
            if p.crm_user
            else "no licence",
        )
        for p in world.company.employees
    )
    return _table(("Name", "Address", "May also open", "CRM"), rows)


async def _mailboxes(world: World, http: httpx.AsyncClient) -> str:
    token = tokens.issue_app(world, "graph")
    company = world.company
    owners = [(p.name, p.address) for p in company.employees]
    owners += [(q.name, q.address) for q in company.queues]
    parts = []
    for name, address in owners:
        messages = await _list(
            http,
            token,
            f"{_GRAPH}/{address}/messages",
            {
                "$select": "subject,from,receivedDateTime,isDraft",
                "$orderby": "receivedDateTime desc",
            },
        )
        events = await _list(
            http, token, f"{_GRAPH}/{address}/events", {"$select": "subject,organizer,start"}
        )
        rows = [*map(_message, messages), *map(_event, events)]
        if rows:
            table = _table(("", "When", "Who", "Subject"), rows)
            parts.append(
                f"<details><summary>{escape(name)}, {escape(address)}: {len(messages)} "
                f"messages, {len(events)} meetings</summary>{table}</details>"
            )
    return "\n".join(parts) or _NOTHING


def _message(item: dict[str, Any]) -> Sequence[str]:
    kind = "draft" if item["isDraft"] else "e-mail"
    return kind, item["receivedDateTime"] or "", _who(item.get("from")), item["subject"] or ""


def _event(item: dict[str, Any]) -> Sequence[str]:
    start = item["start"]
    when = f"{start['dateTime'][:16]} {start['timeZone']}"
    return "meeting", when, _who(item.get("organizer")), item["subject"] or ""


def _who(party: dict[str, Any] | None) -> str:
    return str(party["emailAddress"].get("address") or "") if party else ""


async def _saved_in_dataverse(world: World, http: httpx.AsyncClient) -> str:
    rows = []
    for table in ("emails", "appointments"):
        token = tokens.issue(world, _reader(world), "dataverse")
        query = {
            "$select": "subject,createdon,statecode,_regardingobjectid_value",
            "$orderby": "createdon desc",
        }
        rows += [
            (
                table[:-1],
                record["createdon"],
                record["subject"] or "",
                str(_named(record, "statecode")),
                str(_named(record, "_regardingobjectid_value") or ""),
                record["activityid"],
            )
            for record in await _list(http, token, f"{_DATAVERSE}/{table}", query)
        ]
    return _table(("", "Created", "Subject", "State", "Regarding", "Id"), rows)


async def _saved_in_salesforce(world: World, http: httpx.AsyncClient) -> str:
    headers = {"Authorization": f"Bearer {salesforce.issue_token(world, _reader(world))}"}
    rows = []
    for kind, connected, query in _SALESFORCE_SAVED:
        answer = await http.get(_SALESFORCE, params={"q": query}, headers=headers)
        rows += [
            (
                kind,
                record["CreatedDate"],
                record["Subject"] or "",
                (record[connected] or {}).get("Name") or "",
                record["Id"],
            )
            for record in answer.raise_for_status().json()["records"]
        ]
    return _table(("", "Created", "Subject", "Connected with", "Id"), rows)


async def _subscriptions(world: World, http: httpx.AsyncClient) -> str:
    headers = {"Authorization": f"Bearer {tokens.issue_app(world, 'graph')}"}
    answer = await http.get(_SUBSCRIPTIONS, headers=headers)
    rows = (
        (one["resource"], one["changeType"], one["expirationDateTime"], one["notificationUrl"])
        for one in answer.raise_for_status().json()["value"]
    )
    return _table(("Resource", "Changes", "Until", "Told to"), rows)


def _reader(world: World) -> str:
    return next(p.address for p in world.company.employees if p.crm_user and p.crm_read == "all")


def _named(record: dict[str, Any], column: str) -> Any:
    """The column as a person would read it, else as it is."""
    formatted = f"{column}@OData.Community.Display.V1.FormattedValue"
    return record.get(formatted, record.get(column))


async def _list(
    http: httpx.AsyncClient, token: str, path: str, query: dict[str, str]
) -> list[dict[str, Any]]:
    headers = {
        "Authorization": f"Bearer {token}",
        "Prefer": 'odata.include-annotations="*"',
    }
    answer = await http.get(path, params={**query, "$top": str(_ROWS)}, headers=headers)
    found: list[dict[str, Any]] = answer.raise_for_status().json()["value"]
    return found


def _faults(wire: Wire) -> str:
    return _table(("Fault",), ((f.model_dump_json(exclude_defaults=True),) for f in wire.faults))


def _calls(wire: Wire) -> str:
    rows = (
        (
            f"{call.at:%H:%M:%S}",
            call.service,
            call.method,
            call.path,
            str(call.status or "no answer"),
        )
        for call in wire.calls[: -_CALLS - 1 : -1]
    )
    return _table(("At", "Service", "Method", "Path", "Status"), rows)


_NOTHING = "<p>Nothing.</p>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = "\n".join(f"<tr>{_cells('td', row)}</tr>" for row in rows)
    if not body:
        return _NOTHING
    return f"<table>\n<tr>{_cells('th', heads)}</tr>\n{body}\n</table>"


def _cells(tag: str, texts: Sequence[str]) -> str:
    return "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts)


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{content}"
