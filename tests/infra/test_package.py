"""The package that is deployed holds what the app needs, runs on it alone, and nothing besides.

Where a Python of Azure's version is found, that one runs it; elsewhere the one that runs the tests.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from pathspec import GitIgnoreSpec

from sandbox.app_settings import app_settings
from sandbox.running import Running
from tests.sandbox.host.host_process import answers, free_port, wait_until
from tools import package
from tools.package import LIBRARIES, Runtime

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".sandbox" / "wheels"
ANNA = "anna.kowalska@contoso.example"
MAIL = ROOT / "sandbox/graph/sample/blocked-attachments.eml"
WORKER = "azure-functions-runtime==1.3.0"
HOST = ["aiohttp", "azure-storage-queue", "croniter"]
"""What sandbox/host imports."""


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    azures = package.azures()
    if azures.interpreter:
        return azures
    return Runtime("{}.{}".format(*sys.version_info), sys.executable)


@pytest.fixture(scope="module")
def unpacked(runtime: Runtime, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built, zipped and unpacked again."""
    folder = tmp_path_factory.mktemp("package")
    package.build(folder / "built", CACHE, runtime)
    package.archive(folder / "built", folder / "threadline.zip")
    with zipfile.ZipFile(folder / "threadline.zip") as packed:
        packed.extractall(folder / "unpacked")
    return folder / "unpacked"


def started(runtime: Runtime, unpacked: Path, *further: Path) -> tuple[str, dict[str, str]]:
    """The interpreter, and an environment in which it sees the package and `further` only."""
    assert runtime.interpreter
    seen = os.pathsep.join(str(path) for path in (unpacked / LIBRARIES, unpacked, *further))
    # isolated from this project's own environment, and writing no bytecode that wasn't shipped
    clean = {"PYTHONPATH": seen, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "1"}
    return _real(runtime.interpreter), {"PATH": os.environ["PATH"], **clean}


def _real(interpreter: str) -> str:
    """Outside of any virtual environment."""
    return str(Path(interpreter).resolve())


def test_it_holds_no_more_than_it_needs(unpacked: Path) -> None:
    own = {path.name for path in unpacked.iterdir()}
    assert own >= {"function_app.py", "host.json", "save_activity", "shared", ".python_packages"}
    assert not own & {
        "sandbox",
        "tests",
        "tools",
        "bench",
        "docs",
        "infra",
        ".venv",
        "node_modules",
    }
    assert not (unpacked / "shared/outlook/builders.py").exists()
    libraries = {path.name for path in (unpacked / LIBRARIES).iterdir()}
    assert libraries >= {"httpx", "pydantic", "aiohttp", "tzdata", "simple_salesforce", "lxml"}
    assert not libraries & {"msgraph", "kiota_http", "opentelemetry", "pytest", "starlette"}
    assert sum(package.sizes(unpacked).values()) < 90e6
    assert not list(unpacked.rglob("*.pyi"))


def test_only_what_is_imported_is_left_out_of_the_dependencies() -> None:
    """Whoever adds a dependency that nothing imports by name learns here that it isn't shipped."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    left_out = set(project["dependencies"]) - set(package.requirements())
    assert [one.partition(">")[0] for one in left_out] == ["msgraph-sdk"]


def test_all_of_it_is_compiled_for_good(unpacked: Path, runtime: Runtime) -> None:
    tag = f"cpython-{runtime.version.replace('.', '')}"
    for source in (unpacked / "shared").rglob("*.py"):
        compiled = source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc"
        flags = compiled.read_bytes()[4:8]
        assert flags == b"\x01\0\0\0"  # PEP 552: by hash, and not looked at again


def test_the_same_sources_give_the_same_zip(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for file, when in (("one.zip", 1_000_000_000), ("two.zip", 1_500_000_000)):
        content = tmp_path / "folder" / "a.txt"
        content.write_text("a")
        os.utime(content, (when, when))
        package.archive(tmp_path / "folder", tmp_path / file)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_the_funcignore_decides(tmp_path: Path) -> None:
    for file in ("keep/a.py", "keep/secret.txt", "drop/b.py", ".hidden/c.py", "notes.md"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("")
    (tmp_path / ".funcignore").write_text(".*\n*.md\ndrop\nkeep/secret.txt\n")
    assert package.app_files(tmp_path) == [Path("keep/a.py")]


@pytest.mark.parametrize("file", ["threadline.key", "threadline.crt", "ca.pem", "policy.json"])
def test_what_an_admin_makes_on_the_way_is_neither_shipped_nor_committed(
    tmp_path: Path, file: str
) -> None:
    """docs/deploying.md and infra/salesforce/README.md have these made, wherever one stands."""
    (tmp_path / file).write_text("")
    shutil.copy(ROOT / ".funcignore", tmp_path)
    assert package.app_files(tmp_path) == []
    kept_out = GitIgnoreSpec.from_lines((ROOT / ".gitignore").read_text("utf-8").splitlines())
    assert kept_out.match_file(file)


def test_optional_libraries_are_shipped_when_asked_for(tmp_path: Path) -> None:
    (tmp_path / ".funcignore").write_text("")
    (tmp_path / "app.py").write_text("import httpx")
    (tmp_path / "pyproject.toml").write_text(
        "[project]\ndependencies = ['httpx>=0.28', 'lxml>=6', 'tzdata']\n"
        "[project.optional-dependencies]\nmore = ['nh3>=0.3']\n"
    )
    assert package.requirements(tmp_path) == ["httpx>=0.28", "tzdata"]
    assert package.requirements(tmp_path, ["more"]) == ["httpx>=0.28", "tzdata", "nh3>=0.3"]
    with pytest.raises(package.PackagingError, match="no extra other"):
        package.requirements(tmp_path, ["other"])


@contextmanager
def hosted(
    runtime: Runtime, unpacked: Path, state: Path, sandbox: Running, crm: str
) -> Iterator[str]:
    """The small host on the package; of this project it sees `sandbox` and nothing else."""
    (state / "beside").mkdir()
    (state / "beside" / "sandbox").symlink_to(ROOT / "sandbox")
    libraries = package.libraries(HOST, CACHE, runtime)
    python, env = started(runtime, unpacked, state / "beside", libraries)
    wanted = app_settings(
        crm=crm, sandbox_url=sandbox.url, ca=sandbox.ca, storage="UseDevelopmentStorage=true"
    )
    port = free_port()
    command = [python, "-s", "-m", "sandbox.host", "--app", str(unpacked), "--port", str(port)]
    with (state / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--state", str(state)], env={**env, **wanted}, stdout=log, stderr=log
        )
    try:
        wait_until(lambda: answers(port) or process.poll() is not None)
        assert process.poll() is None, (state / "log").read_text()
        yield f"http://127.0.0.1:{port}/api"
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("crm", ["dataverse", "salesforce"])
def test_the_app_starts_from_it_alone_and_saves_a_mail(
    runtime: Runtime, unpacked: Path, fresh_sandbox: Running, tmp_path: Path, crm: str
) -> None:
    item = fresh_sandbox.deliver_mail(MAIL.read_bytes(), ANNA)
    with hosted(runtime, unpacked, tmp_path, fresh_sandbox, crm) as api:
        saved = httpx.post(
            f"{api}/activities",
            json={"item": {"kind": "email", "mailbox": "me", "id": item}},
            headers={"Authorization": f"Bearer {fresh_sandbox.token(ANNA)}"},
            timeout=120,
        )
        suggested = httpx.post(
            f"{api}/links/suggest",
            json={"item": {"kind": "email", "mailbox": "me", "id": item}},
            headers={"Authorization": f"Bearer {fresh_sandbox.token(ANNA)}"},
            timeout=120,
        )
    assert (saved.status_code, suggested.status_code) == (201, 200), (saved.text, suggested.text)
    assert saved.json()["crm"] == crm


def test_azures_own_worker_finds_every_function_in_it(runtime: Runtime, unpacked: Path) -> None:
    if runtime.version < "3.13":
        pytest.skip("azure-functions-runtime needs Python 3.13, and none is found here")
    worker = package.libraries([WORKER], CACHE, runtime)
    python, env = started(runtime, unpacked, worker)
    script = ROOT / "tests/sandbox/worker_index.py"
    url = "http://localhost:7071/api/openapi.json"
    ended = subprocess.run(
        [python, "-s", str(script), str(unpacked), "openapi", url],
        cwd=unpacked,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout.splitlines()[-1])
    some = {"save_activity", "suggest_links", "health", "graph_notifications", "follow_change"}
    assert seen["functions"].keys() >= some
    assert seen["status"] == "200"
