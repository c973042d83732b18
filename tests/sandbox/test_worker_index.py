"""The library that Azure itself runs accepts the app, where a Python new enough for it is found.

It needs Python 3.13; without one this is reported as skipped, with the reason, and nothing else
in the project depends on it.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("worker_index.py")
ENVIRONMENT = ROOT / ".sandbox" / "worker"
RUNTIME = "azure-functions-runtime==1.3.0"


def interpreters() -> Iterator[str]:
    names = ("python3.13", "python3.14", "python3.15", "python3")
    yield sys.executable
    yield from (path for name in names if (path := shutil.which(name)))
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from (str(path) for path in sorted(pyenv.glob("versions/3.*/bin/python"), reverse=True))


def new_enough(python: str) -> bool:
    check = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 13))"
    return subprocess.run([python, "-c", check], capture_output=True, timeout=120).returncode == 0


@pytest.fixture(scope="module")
def worker_python() -> str:
    """A Python with Azure's worker library and the app's requirements; made once, then kept."""
    base = next((python for python in interpreters() if new_enough(python)), None)
    if base is None:
        pytest.skip("no Python 3.13 or newer is found here, which azure-functions-runtime needs")
    requirements = ROOT / "requirements.txt"
    wanted = hashlib.sha256(f"{base} {RUNTIME}".encode() + requirements.read_bytes()).hexdigest()
    python, stamp = ENVIRONMENT / "bin" / "python", ENVIRONMENT / "made-from"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        subprocess.run([base, "-m", "venv", str(ENVIRONMENT)], check=True, timeout=120)
        install(python, [RUNTIME, "-r", str(requirements)])
        stamp.write_text(wanted)
    return str(python)


def install(python: Path, what: list[str]) -> None:
    uv = shutil.which("uv", path=f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}")
    quick = [uv, "pip", "install", "--quiet", "--python", str(python), *what]
    if uv and subprocess.run(quick, capture_output=True, timeout=300).returncode == 0:
        return
    plain = [str(python), "-m", "pip", "install", "--quiet", *what]
    subprocess.run(plain, check=True, timeout=600)


def indexed(python: str, folder: Path, function: str, path: str) -> Any:
    command = [python, str(SCRIPT), str(folder), function, f"http://localhost:7071/api/{path}"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


def host_sees(folder: Path) -> dict[str, list[str]]:
    """The functions that the sandbox's host finds, in a process of its own."""
    program = (
        "import json; from pathlib import Path; from sandbox.host.functions import load\n"
        f"print(json.dumps({{f.name: sorted([f.trigger.type] + [o.type for o in f.outputs])"
        f" for f in load(Path({str(folder)!r}))}}))"
    )
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, list[str]] = json.loads(ended.stdout)
    return found


def test_azures_worker_finds_and_runs_every_function_of_the_app(worker_python: str) -> None:
    seen = indexed(worker_python, ROOT, "openapi", "openapi.json")
    assert seen["functions"] == host_sees(ROOT)
    assert seen["status"] == "200"
    assert json.loads(seen["body"])["openapi"].startswith("3.")


def test_the_host_reads_queue_and_timer_bindings_as_azures_worker_does(worker_python: str) -> None:
    folder = Path(__file__).parent / "host" / "app"
    seen = indexed(worker_python, folder, "newest_item", "items/newest")
    assert seen["functions"] == host_sees(folder)
    assert json.loads(seen["body"]) == {"by": "newest"}
