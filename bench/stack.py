"""The sandbox and a function app in processes of their own, for the time of a measurement."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.deployed import Deployed
from sandbox import azurite
from sandbox.app_settings import app_settings
from sandbox.client import Handles

ROOT = Path(__file__).parents[1]
_START_LIMIT = 60.0


@dataclass(frozen=True, slots=True)
class App:
    """A running function app. `api` ends in `/api`; `pid` is that of its process."""

    api: str
    pid: int


@contextmanager
def sandbox() -> Iterator[Handles]:
    """A sandbox on a free port with fresh sample data; SSL_CERT_FILE here then trusts it."""
    with tempfile.TemporaryDirectory(prefix="threadline-bench-") as folder:
        port, data = _free_port(), Path(folder)
        command = [sys.executable, "-m", "sandbox", "--port", str(port), "--data", folder]
        with _process(command, os.environ) as process:
            ca = data / "ca.pem"
            _until(lambda: ca.exists() and _listens(port), process)
            os.environ["SSL_CERT_FILE"] = os.environ["REQUESTS_CA_BUNDLE"] = str(ca)
            handles = Handles(f"https://localhost:{port}", ca)
            try:
                yield handles
            finally:
                handles.close()


@contextmanager
def storage() -> Iterator[str]:
    """The connection string of a fresh Azurite."""
    ports = {service: _free_port() for service in azurite.SERVICES}
    with (
        tempfile.TemporaryDirectory(prefix="threadline-bench-") as folder,
        _process(azurite.command(ports, Path(folder)), os.environ) as process,
    ):
        _until(lambda: all(map(_listens, ports.values())), process)
        yield azurite.connection_string(ports)


@contextmanager
def app(
    handles: Handles | None,
    *,
    crm: str = "dataverse",
    folder: Path = ROOT,
    on: Deployed | None = None,
    wait: bool = True,
    storage: str = "",
    settings: Mapping[str, str] | None = None,
) -> Iterator[App]:
    """The function app in `folder` on the small host, in the environment of development, or `on`
    the Python and the libraries of the deployed package. `wait` False returns while it starts.

    With `storage`, a connection string, it follows what is saved. `settings` go before all others.
    """
    port = _free_port()
    env = dict(os.environ)
    if handles is not None:
        env |= app_settings(
            crm=crm,
            sandbox_url=handles.url,
            ca=handles.ca,
            storage=storage or "UseDevelopmentStorage=true",
            api_url=f"http://127.0.0.1:{port}/api" if storage else "",
        )
    env |= settings or {}
    # Azure gets byte code with the package; without it the first start here would compile it all.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    env["PYTHONPATH"] = str(ROOT) if on is None else f"{on.libraries}{os.pathsep}{ROOT}"
    with tempfile.TemporaryDirectory(prefix="threadline-host-") as state:
        command = [on.python if on else sys.executable, "-m", "sandbox.host", "--app", str(folder)]
        command += ["--port", str(port), "--state", state, "--listener-python", sys.executable]
        with _process(command, env) as process:
            if wait:
                _until(lambda: _listens(port), process)
            yield App(f"http://127.0.0.1:{port}/api", process.pid)


def when_listening(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """Asks until something listens and answers, as fast as it can be noticed."""
    deadline = time.monotonic() + _START_LIMIT
    while True:
        try:
            return ask()
        except httpx.ConnectError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.002)


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has spent so far (proc(5), fields utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _process(command: list[str], env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603  # our own modules
            command, cwd=ROOT, env=dict(env), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield process
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read()[-4000:].decode(errors="replace"))
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _until(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_LIMIT
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("A process of the measurement did not start.")
        time.sleep(0.02)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
