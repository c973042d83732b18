"""`python -m sandbox` as a process: it starts, stops, is killed, and still knows everything."""

import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx

from sandbox.client import Handles
from sandbox.server import listen

ANNA = "anna.kowalska@contoso.example"


@contextmanager
def process(*arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process once it is ready, and the address that it printed."""
    started = subprocess.Popen(
        [sys.executable, "-m", "sandbox", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        assert started.stdout
        line = started.stdout.readline()
        yield started, line.split(",")[0].rpartition(" ")[2] if "ready" in line else ""
    finally:
        started.kill()
        started.communicate()


def get(url: str, ca: Path, token: str = "") -> Any:
    context = ssl.create_default_context(cafile=str(ca))
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.get(url, verify=context, headers=headers).raise_for_status().json()


def signing_key(url: str, ca: Path) -> str:
    key: str = get(f"{url}/entra/common/discovery/v2.0/keys", ca)["keys"][0]["n"]
    return key


def test_a_killed_sandbox_goes_on_where_it_was(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    arguments = ("--port", "0", "--data", str(tmp_path))
    with process(*arguments) as (running, url):
        trusted, key = ca.read_bytes(), signing_key(url, ca)
        with closing(Handles(url, ca)) as handles:
            mail = handles.deliver_mail(b"Subject: Still here?\r\n\r\nYes.", ANNA)
            token = handles.token(ANNA, "graph")
            running.send_signal(signal.SIGKILL)
            running.wait(5)
    port = url.rpartition(":")[2]
    with process("--port", port, "--data", str(tmp_path)) as (running, url):
        assert ca.read_bytes() == trusted
        assert signing_key(url, ca) == key
        answer = get(f"{url}/graph/v1.0/me/messages/{mail}", ca, token)
        assert answer["subject"] == "Still here?"
        running.send_signal(signal.SIGTERM)
        assert running.wait(5) in (0, -signal.SIGTERM)
        assert running.stderr
        assert running.stderr.read() == ""


def test_ctrl_c_stops_it_without_a_word(tmp_path: Path) -> None:
    with process("--port", "0", "--data", str(tmp_path)) as (running, url):
        handles = Handles(url, tmp_path / "ca.pem")
        assert handles.users()["users"]
        handles.close()
        running.send_signal(signal.SIGINT)
        assert running.wait(5) == 0
        assert running.stderr
        assert running.stderr.read() == ""


def test_a_port_in_use_is_said_plainly(tmp_path: Path) -> None:
    with listen(0) as taken:
        port = str(taken.getsockname()[1])
        with process("--data", str(tmp_path), SANDBOX_PORT=port) as (running, _):
            assert running.wait(10) == 1
            assert running.stderr
            assert running.stderr.read() == f"Port {port} can't be used: Address already in use.\n"
