"""Builds what is deployed: `python -m tools.package [--extra NAME]` leaves dist/package and
dist/threadline.zip.

In it lie the app's own files, less those of .funcignore, and in .python_packages the wheels of the
libraries that these files import, for Azure's Python and Linux, in requirements.txt's versions.
What none of them imports (msgraph-sdk, which only makes URL templates beforehand) is not installed
at all. Everything is compiled by an interpreter of Azure's version, if there is one.
"""

import argparse
import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from pathspec import GitIgnoreSpec

ROOT = Path(__file__).parents[1]
PYTHON = "3.13"
"""What infra/app/functions.bicep runs."""
PLATFORM = "x86_64-manylinux_2_28"

LIBRARIES = Path(".python_packages", "lib", "site-packages")
"""Where Azure's worker looks (https://learn.microsoft.com/en-us/azure/azure-functions/python-build-options)."""

NOT_IMPORTED = frozenset({"aiohttp", "tzdata"})
"""Needed without being imported by us: by azure-core to send, and by zoneinfo."""

UNUSED_FILES = (
    *("/bin/", "tests/", "*.pyi", "*.pyx", "*.pxd", "*.pxi", "*.c", "*.h", "*.rst"),
    *("lxml/includes/", "lxml/isoschematron/", "/.lock", "RECORD"),
)
"""Of libraries: only compilers, type checkers and installers read these."""


_LARGEST = 12


class PackagingError(Exception):
    """The package can't be built; the message says why."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """Which Python the package is for; `interpreter` compiles it, None leaves that out."""

    version: str
    interpreter: str | None


def app_files(root: Path = ROOT) -> list[Path]:
    """The app's own files, relative to `root`: all that .funcignore lets through."""
    ignored = GitIgnoreSpec.from_lines((root / ".funcignore").read_text("utf-8").splitlines())
    found = []
    for folder, folders, files in os.walk(root):
        here = Path(folder).relative_to(root)
        folders[:] = [one for one in sorted(folders) if not ignored.match_file(f"{here / one}/")]
        found += [here / one for one in sorted(files) if not ignored.match_file(str(here / one))]
    return found


def requirements(root: Path = ROOT, extras: Sequence[str] = ()) -> list[str]:
    """Of pyproject's dependencies those that a file of the app imports, lazily or not; of its
    optional ones those that are asked for.

    Raises PackagingError where there is no such extra."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    imported = set(_imports(root / file for file in app_files(root) if file.suffix == ".py"))
    needed = [
        one
        for one in project["dependencies"]
        if (name := Requirement(one).name) in NOT_IMPORTED or _provides(name, imported)
    ]
    optional = project.get("optional-dependencies", {})
    if unknown := set(extras) - optional.keys():
        raise PackagingError(f"There is no extra {', '.join(sorted(unknown))}.")
    return needed + [one for extra in extras for one in optional[extra]]


def _imports(files: Iterable[Path]) -> Iterator[str]:
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _provides(name: str, imported: set[str]) -> bool:
    """Whether an installed distribution has one of these modules."""
    files = {str(file) for file in metadata.distribution(name).files or ()}
    paths = (module.replace(".", "/") for module in imported)
    return any(f"{path}.py" in files or f"{path}/__init__.py" in files for path in paths)


def azures() -> Runtime:
    """Azure's Python; its interpreter from PATH or pyenv, if it is there."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))  # noqa: TID251
    candidates = [
        sys.executable,
        shutil.which(f"python{PYTHON}"),
        *(str(path) for path in sorted(pyenv.glob(f"versions/{PYTHON}.*/bin/python"))),
    ]
    return Runtime(PYTHON, next((one for one in candidates if one and _is_azures(one)), None))


def _is_azures(python: str) -> bool:
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    ended = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)  # noqa: S603
    return ended.returncode == 0 and ended.stdout.strip() == PYTHON


def libraries(
    wanted: list[str], cache: Path, runtime: Runtime, constraints: Path = ROOT / "requirements.txt"
) -> Path:
    """The folder of installed, pruned and compiled libraries; made once for each set of them.

    Raises PackagingError."""
    recipe = [wanted, PLATFORM, runtime.version, runtime.interpreter, UNUSED_FILES]
    key = hashlib.sha256(json.dumps(recipe).encode() + constraints.read_bytes()).hexdigest()
    folder = cache / key[:16]
    if not folder.exists():
        building = folder.with_suffix(f".{os.getpid()}")
        shutil.rmtree(building, ignore_errors=True)
        _install(wanted, building, runtime, constraints)
        prune(building)
        if runtime.interpreter:
            compile_all(runtime.interpreter, building)
        building.rename(folder)
    return folder


def _install(wanted: list[str], target: Path, runtime: Runtime, constraints: Path) -> None:
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}")
    if uv is None:
        raise PackagingError("uv is needed; `make setup` installs it.")
    target.mkdir(parents=True)
    command = [uv, "pip", "install", "--quiet", "--no-compile-bytecode", "--target", str(target)]
    command += ["--python-version", runtime.version, "--python-platform", PLATFORM]
    command += ["--only-binary", ":all:", "--link-mode", "copy"]
    command += ["--constraint", str(constraints), *wanted]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if ended.returncode:
        raise PackagingError(ended.stderr)


def prune(folder: Path) -> None:
    """Removes what a running app never reads."""
    unused = GitIgnoreSpec.from_lines(UNUSED_FILES)
    for path in sorted(folder.rglob("*"), reverse=True):
        relative = str(path.relative_to(folder))
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif unused.match_file(relative):
            path.unlink()


def compile_all(python: str, folder: Path) -> None:
    """Unchecked, since unpacking changes the files' times, which else make the .pyc stale.

    Raises PackagingError."""
    command = [python, "-m", "compileall", "-q", "-j", "0", "-s", str(folder)]
    command += ["--invalidation-mode", "unchecked-hash", str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if ended.returncode:
        raise PackagingError(ended.stdout + ended.stderr)


def build(target: Path, cache: Path, runtime: Runtime, extras: Sequence[str] = ()) -> None:
    """The package as a folder, in place of any that is there. Raises PackagingError."""
    # optional libraries are locked with those for development
    lock = ROOT / ("requirements-dev.txt" if extras else "requirements.txt")
    ready = libraries(requirements(extras=extras), cache, runtime, lock)
    shutil.rmtree(target, ignore_errors=True)
    for file in app_files():
        copy = target / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, copy)
    if runtime.interpreter:
        compile_all(runtime.interpreter, target)
    shutil.copytree(ready, target / LIBRARIES)
    # `azd deploy` leaves out __pycache__, except of a folder that says itself what to leave out
    (target / ".funcignore").write_text("# nothing\n", "utf-8")


def archive(folder: Path, file: Path) -> None:
    """The folder as a zip; the same content gives the same bytes."""
    file.unlink(missing_ok=True)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(str(path.relative_to(folder)), (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, path.read_bytes())


def sizes(folder: Path) -> Counter[str]:
    """Bytes by group: our own files, and each library's, by kind of file."""
    found: Counter[str] = Counter()
    for path in folder.rglob("*"):
        if path.is_file():
            found[_group(path.relative_to(folder))] += path.stat().st_size
    return found


def _group(path: Path) -> str:
    kind = {".py": "source", ".pyc": "bytecode", ".so": "native"}.get(path.suffix, "data")
    library = path.is_relative_to(LIBRARIES)
    return f"{path.relative_to(LIBRARIES).parts[0] if library else 'threadline'} {kind}"


def _report(folder: Path, packed: Path) -> None:
    by_group = sizes(folder)
    by_kind: Counter[str] = Counter()
    for group, size in by_group.items():
        by_kind[group.rpartition(" ")[2]] += size
    for lines in (by_group.most_common(_LARGEST), by_kind.most_common()):
        for name, size in lines:
            print(f"{size / 1e6:8.2f} MB  {name}")
        print()
    print(f"{by_group.total() / 1e6:8.2f} MB  {folder}")
    print(f"{packed.stat().st_size / 1e6:8.2f} MB  {packed}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds what is deployed.")
    parser.add_argument("--into", type=Path, default=ROOT / "dist")
    parser.add_argument("--extra", action="append", default=[], help="optional dependencies")
    given = parser.parse_args()
    into: Path = given.into
    runtime = azures()
    if runtime.interpreter is None:
        print(f"No Python {PYTHON} is found: the package has no bytecode, and starts slower.")
    try:
        build(into / "package", ROOT / ".sandbox" / "wheels", runtime, given.extra)
    except PackagingError as error:
        sys.exit(str(error))
    archive(into / "package", into / "threadline.zip")
    _report(into / "package", into / "threadline.zip")


if __name__ == "__main__":
    main()
