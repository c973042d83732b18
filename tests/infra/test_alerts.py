"""The alerts ask for what is really logged: a query's fields, events and words are looked up in the
lines that the app's own functions write, and in the events that its source tells apart."""

import ast
import json
import logging
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import azure.functions as func
import pytest

from shared import endpoint, errors, notifications, replies
from tests.deployment import FUNCTIONS, clear_settings
from tests.infra.rules import infrastructure

ROOT = Path(__file__).parents[2]
QUERIES = ROOT / "infra" / "app" / "queries"
_FIELD = re.compile(r"\bcall\.(\w+)")
_EVENT = re.compile(r'tostring\(call\.event\) (?:[=!]= "(\w+)"|in \(([^)]*)\))')
_WHAT = re.compile(r'tostring\(call\.what\) == "(\w+)"')
_WHATS = {
    one.model_fields["what"].default
    for one in (notifications.ItemChanged, notifications.LookAfter, notifications.CaughtUp)
}
_CODES = re.compile(r"tostring\(call\.(?:outcome|code)\) in \(([^)]*)\)")


@pytest.fixture
async def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    """Of one call that goes well and one that doesn't, as the app logs them."""

    @endpoint.answering("save_activity")
    async def well(req: func.HttpRequest) -> func.HttpResponse:
        return replies.document({})

    @endpoint.answering("save_activity")
    async def badly(req: func.HttpRequest) -> func.HttpResponse:
        raise errors.Unavailable("The CRM does not answer.")

    caplog.set_level(logging.INFO, logger="threadline")
    for handler in (well, badly):
        await handler(func.HttpRequest("POST", "http://localhost/", body=b""))
    return [json.loads(record.getMessage()) for record in caplog.records]


def source(*folders: str) -> Iterator[ast.AST]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield from ast.walk(ast.parse(path.read_text("utf-8")))


def told() -> tuple[set[str], set[str]]:
    """The names of the events that the app logs as lines of their own, and the fields of all lines
    that it writes itself."""
    events, fields = set(), set()
    rooms = (path.parent.name for path in ROOT.glob("*/trigger.py"))
    for node in source("shared", *rooms):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name("telemetry"), attr=how), args=args, keywords=given
            ):
                if how in ("event", "warning", "fault") and isinstance(args[0], ast.Constant):
                    events.add(str(args[0].value))
                fields |= {one.arg for one in given if one.arg}
    return events, fields


def outcomes() -> set[str]:
    """What a line's `outcome` or `code` may be: a problem's, or how work on a change ended."""
    words = (node.value for node in source("graph_notifications") if isinstance(node, ast.Constant))
    return replies.PROBLEMS.keys() | {word for word in words if isinstance(word, str)}


def queries() -> dict[str, str]:
    return {path.stem: path.read_text("utf-8") for path in sorted(QUERIES.glob("*.kql"))}


def problems(
    query: str, fields: set[str], events: set[str], lines: list[dict[str, object]]
) -> list[str]:
    named = {w for groups in _EVENT.findall(query) for w in re.findall(r"\w+", " ".join(groups))}
    codes = {word for group in _CODES.findall(query) for word in re.findall(r"\w+", group)}
    found = [f"no line has {field}" for field in set(_FIELD.findall(query)) - fields]
    found += [f"nothing logs {event}" for event in named - events]
    found += [f"nothing ends as {word}" for word in codes - outcomes()]
    found += [f"no message is {word}" for word in set(_WHAT.findall(query)) - _WHATS]
    if "AppTraces" in query:
        prefix = re.search(r"startswith '([^']*)'", query)
        if prefix is None or not all(json.dumps(line).startswith(prefix[1]) for line in lines):
            found.append("the lines begin otherwise")
    return found


@pytest.fixture
def known(
    lines: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> tuple[set[str], set[str]]:
    """The fields of all lines, and the names of all events."""
    clear_settings(monkeypatch)
    names = {function.get_function_name() for function in FUNCTIONS}
    events, fields = told()
    return fields | {field for line in lines for field in line}, names | events


def test_every_query_asks_for_what_is_logged(
    lines: list[dict[str, object]], known: tuple[set[str], set[str]]
) -> None:
    asked = queries() | told_on_pages()
    found = {name: problems(text, *known, lines) for name, text in asked.items()}
    assert found == {name: [] for name in asked}


@pytest.mark.parametrize(
    ("query", "old", "new", "expected"),
    [
        ("save-duration", "call.duration_ms", "call.duration", "no line has duration"),
        ("save-failures", '"save_activity"', '"save"', "nothing logs save"),
        ("crm-unavailable", '"unavailable"', '"down"', "nothing ends as down"),
        ("crm-unavailable", '{"event"', '{"name"', "the lines begin otherwise"),
        ("deferred-saves", '"deferred_save_failed"', '"save_failed"', "nothing logs save_failed"),
        ("deferred-saves", '"upstream"', '"broken"', "nothing ends as broken"),
        ("subscription-renewal", '"look_after"', '"look"', "no message is look"),
        ("changes-lost", "call.what", "call.which", "no line has which"),
    ],
)
def test_a_query_that_drifts_is_found_out(
    lines: list[dict[str, object]],
    known: tuple[set[str], set[str]],
    query: str,
    old: str,
    new: str,
    expected: str,
) -> None:
    broken = queries()[query].replace(old, new)
    assert problems(broken, *known, lines) == [expected]


def misread(*files: Path) -> dict[str, list[str]]:
    """What Microsoft's own parser has against each of these queries."""
    command = ["node", str(Path(__file__).with_name("kql.js")), *map(str, files)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, list[str]] = json.loads(ended.stdout)
    return found


def told_on_pages() -> dict[str, str]:
    """The queries that docs/ tells people to ask."""
    return {
        f"{page.stem}-{place}": block
        for page in sorted((ROOT / "docs").glob("*.md"))
        for place, block in enumerate(
            re.findall(r"```kusto\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
        )
    }


def test_every_query_is_good_kql(tmp_path: Path) -> None:
    broken = queries()["save-duration"].replace("ItemCount, 95", "Count")
    pages = told_on_pages()
    assert len(pages) >= 4
    for name, text in (pages | {"broken": broken}).items():
        (tmp_path / f"{name}.kql").write_text(text, "utf-8")
    found = misread(*QUERIES.glob("*.kql"), *tmp_path.glob("*.kql"))
    assert "The function 'percentilew' expects 3 arguments." in found.pop("broken.kql")
    assert found == {f"{name}.kql": [] for name in queries() | pages}


def test_each_query_is_an_alert_and_each_alert_a_query() -> None:
    alerts = infrastructure(ROOT / "infra").templates["app/alerts.bicep"]
    rules = alerts.variables["rules"]
    used = [re.findall(r"queries/([\w-]+)\.kql", rule["query"].text) for rule in rules]
    assert [[rule["name"]] for rule in rules] == used
    assert sorted(rule["name"] for rule in rules) == sorted(queries())


def test_a_failing_save_counts_as_failed(lines: list[dict[str, object]]) -> None:
    """What the queries lean on: a status as a number, and an outcome only where one failed."""
    well, badly = lines
    assert (well["status"], "outcome" in well) == (200, False)
    assert (badly["status"], badly["outcome"]) == (503, "unavailable")
    assert isinstance(badly["duration_ms"], float)
