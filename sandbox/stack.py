"""Everything on one machine: Azurite, the sandbox, and the app on a Functions host."""

import fcntl
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from sandbox import azurite
from sandbox.app_settings import app_settings
from sandbox.children import Children

ROOT = Path(__file__).parents[1]


class CannotStart(Exception):
    """Something in the way that the user can put right; the message says how."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack. `api` is the address of the app's HTTP API, without a trailing slash."""

    api: str
    sandbox: str
    ca: Path
    host: str
    children: Children


@contextmanager
def stack(
    data: Path,
    *,
    crm: str,
    port: int,
    sandbox_port: int,
    stopping: threading.Event,
    say: Callable[[str], None],
) -> Iterator[Stack]:
    """Runs everything until the block ends. `data` keeps what is stored, and the logs.

    `say` is told what is being started; setting `stopping` calls it off.
    Raises CannotStart, ChildDied, NotReady, Stopped.
    """
    data.mkdir(parents=True, exist_ok=True)
    with _only_one(data):
        for name, number in (("PORT", port), ("SANDBOX_PORT", sandbox_port)):
            _claim(name, number)
        children = Children(data, stopping)
        try:
            yield _started(children, data.resolve(), crm, port, sandbox_port, say)
        finally:
            children.stop()


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _started(
    children: Children,
    data: Path,
    crm: str,
    port: int,
    sandbox_port: int,
    say: Callable[[str], None],
) -> Stack:
    storage = dict(zip(azurite.SERVICES, free_ports(len(azurite.SERVICES)), strict=True))
    url, ca, api = f"https://localhost:{sandbox_port}", data / "ca.pem", f"http://localhost:{port}"
    say("storage and sandbox")
    command = azurite.command(storage, data / "azurite")
    children.start("azurite", command, folder=ROOT, settings={})
    command = [sys.executable, "-m", "sandbox", "--port", str(sandbox_port), "--data", str(data)]
    children.start("sandbox", command, folder=ROOT, settings={})
    children.wait_for("azurite", lambda: _unreachable(storage.values()))
    children.wait_for("sandbox", lambda: unanswered(f"{url}/sandbox/users", ca))
    settings = app_settings(
        crm=crm,
        sandbox_url=url,
        ca=ca,
        storage=azurite.connection_string(storage),
        api_url=f"{api}/api",
    )
    host, command = _host(port, data)
    say(f"app on {host}")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    children.start("app", command, folder=ROOT, settings={**settings, "PATH": path})
    children.wait_for("app", lambda: unanswered(f"{api}/api/health", ca))
    return Stack(f"{api}/api", url, ca, host, children)


def _host(port: int, data: Path) -> tuple[str, list[str]]:
    """Core Tools where they work (their npm wrapper may be there and fail), else our own host."""
    try:
        works = subprocess.run(["func", "--version"], capture_output=True, timeout=30)  # noqa: S607
    except (OSError, subprocess.TimeoutExpired):
        works = None
    if works is not None and works.returncode == 0:
        return "Azure Functions Core Tools", ["func", "start", "--python", "--port", str(port)]
    own = [sys.executable, "-m", "sandbox.host", "--port", str(port)]
    return "the sandbox's own host", [*own, "--state", str(data / "host"), "--drain", "5"]


def _unreachable(ports: Iterable[int]) -> str | None:
    for port in ports:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return f"nothing listens on port {port}"
    return None


def trust(ca: Path) -> ssl.SSLContext:
    """For a client that is to believe this CA and no other."""
    return ssl.create_default_context(cafile=str(ca))


def unanswered(url: str, ca: Path) -> str | None:
    """What is amiss at that address, None where it answers 200."""
    if not ca.exists():
        return "it has made no certificate yet"
    try:
        answer = httpx.get(url, verify=trust(ca), timeout=5, trust_env=False)
    except httpx.TransportError as fault:
        return type(fault).__name__
    if answer.status_code == httpx.codes.OK:
        return None
    return f"{url} answers {answer.status_code} {answer.text[:500]}"


@contextmanager
def _only_one(data: Path) -> Iterator[None]:
    """Two stacks on one folder would write the same databases."""
    with (data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(f"Another stack runs on {data}; stop it first.") from None
        yield


def _claim(name: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as fault:
            raise CannotStart(
                f"Port {port} can't be used ({fault.strerror}); choose another with {name}=."
            ) from None
