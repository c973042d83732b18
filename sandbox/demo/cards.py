"""The demo's output: an activity as a card, a timeline as a table."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sandbox.demo.records import Entry, Record

_UNITS = ((1 << 20, "MB"), (1 << 10, "kB"))


def card(activity: dict[str, Any]) -> Panel:
    """`activity` is an Activity of the HTTP API."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, lines in _rows(activity):
        for first, line in zip([label, *[""] * len(lines)], lines, strict=False):
            grid.add_row(first, Text(line))
    return Panel(grid, title=Text(activity["subject"] or "(no subject)"), title_align="left")


def _rows(activity: dict[str, Any]) -> Iterable[tuple[str, list[str]]]:
    files = activity["attachments"]
    saved_by = activity["savedBy"]
    yield "record", [f"{activity['kind']} {activity['id']} in {activity['crm']}"]
    yield "saved", [f"{activity['savedAt']} by {saved_by['name'] or saved_by['email']}"]
    yield "linked to", [_record(link) for link in activity["links"]] or ["nothing"]
    yield "contacts", [f"{_record(c)} <{c['email']}>" for c in activity["contacts"]] or ["none"]
    yield "not in the CRM", activity["unmatched"]
    yield "categories", [f"{name} = {value}" for name, value in activity["categories"].items()]
    yield "attachments", [f"{file['name']}, {_size(file['size'])}" for file in files["saved"]]
    yield "left out", [_rejected(file) for file in files["rejected"]]
    yield "notices", [notice["text"] for notice in activity["notices"]]
    yield "open it", [activity["url"]]


def _record(record: dict[str, Any]) -> str:
    return f"{record['name'] or record['id']} ({record['type']})"


def _rejected(file: dict[str, Any]) -> str:
    limit = f", the limit is {_size(file['limit'])}" if file.get("limit") else ""
    return f"{file['name']}: {file['reason'].replace('_', ' ')}{limit}"


def _size(count: int) -> str:
    for unit, name in _UNITS:
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} bytes"


def timeline(record: Record, entries: Sequence[Entry], highlighted: str) -> Table:
    table = Table(title=Text(f"Timeline of {record.name} ({record.type}), read from the CRM"))
    for column in ("created", "type", "subject", "state"):
        table.add_column(column, overflow="fold")
    for entry in entries:
        table.add_row(
            entry.created,
            entry.type,
            Text(entry.subject),
            "completed" if entry.completed else "open",
            style="bold" if entry.id == highlighted else "",
        )
    return table
