"""Who may import whom, and what a worker may load before anyone calls it."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.app_settings import app_settings

ROOT = Path(__file__).parents[1]
ROOMS = sorted(path.parent.name for path in ROOT.glob("*/trigger.py"))
HEAVY = (
    "msgraph",
    "azure.identity",
    "azure.core",
    "httpx",
    "aiohttp",
    "simple_salesforce",
    "jwt",
    "openai",
)
REAL_PARTS = {"shared.composition", "shared.worker", "shared.health"}
SPEAK_AZURE = {
    "function_app.py",
    "shared/endpoint.py",
    "shared/replies.py",
    "shared/caller.py",
    *(f"{room}/trigger.py" for room in ROOMS),
}


def sources() -> Iterator[Path]:
    yield ROOT / "function_app.py"
    for folder in ("shared", *ROOMS):
        yield from (ROOT / folder).rglob("*.py")


def imported(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_the_import_contracts_are_kept() -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_only_the_edge_speaks_azure_functions() -> None:
    speaking = {
        source.relative_to(ROOT).as_posix()
        for source in sources()
        if any(name.startswith("azure.functions") for name in imported(source))
    }
    assert speaking <= SPEAK_AZURE


@pytest.mark.parametrize("room", ROOMS)
def test_only_a_trigger_sees_the_real_parts(room: str) -> None:
    seeing = {
        source.name
        for source in (ROOT / room).rglob("*.py")
        if source.name != "trigger.py"
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if {node.module, f"{node.module}.{alias.name}"} & REAL_PARTS
    }
    assert seeing == set()


def test_loading_the_app_loads_nothing_heavy() -> None:
    script = "import sys, function_app; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(run.stdout.split())
    assert "save_activity.trigger" in loaded
    assert loaded.isdisjoint(HEAVY)


CRM_ONLY = {
    "dataverse": ("shared.crm.dataverse",),
    "salesforce": ("shared.crm.salesforce", "simple_salesforce", "requests", "zeep"),
}
"""What a worker loads for one CRM alone."""


def printed(script: str, folder: Path, crm: str = "dataverse") -> list[str]:
    """The words that a script prints, run with the app's settings; nobody answers it."""
    settings = app_settings(
        crm=crm, sandbox_url="https://localhost:1", ca=folder / "ca.pem", storage=""
    )
    ours = {name: value for name, value in settings.items() if name.startswith("THREADLINE_")}
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=dict(os.environ) | ours,
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.split()


@pytest.mark.parametrize("crm", CRM_ONLY)
def test_a_worker_loads_its_own_crm_only(crm: str, tmp_path: Path) -> None:
    """The CRM is opened as a caller's first request does, and Outlook with it."""
    script = (
        "import sys, function_app\n"
        "from shared.crm import open_crm\n"
        f"open_crm({crm!r})\n"
        "import shared.outlook.client, shared.on_behalf_of\n"
        "print(*sys.modules)"
    )
    loaded = set(printed(script, tmp_path, crm))
    assert CRM_ONLY[crm][0] in loaded
    others = (names for other, names in CRM_ONLY.items() if other != crm)
    assert loaded.isdisjoint(name for names in others for name in names)


def test_a_worker_goes_on_loading_while_it_waits_for_the_sign_in_service(tmp_path: Path) -> None:
    script = (
        "import asyncio, contextlib, sys\n"
        "from shared import composition, errors\n"
        "async def first_call():\n"
        "    with contextlib.suppress(errors.Unauthenticated):\n"
        "        await composition.caller(None)\n"
        "    print('azure.identity' in sys.modules)\n"
        "    for _ in range(9): await asyncio.sleep(0)\n"
        "    print('azure.identity' in sys.modules)\n"
        "asyncio.run(first_call())"
    )
    assert printed(script, tmp_path) == ["False", "True"]
