"""`python -m sandbox.run` and `python -m sandbox.demo`, as `make run` and `make demo` call them."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.client import Handles
from sandbox.stack import free_ports

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
Start = Callable[..., "Run"]


@dataclass(frozen=True)
class Run:
    process: subprocess.Popen[str]
    api: str
    sandbox: str
    data: Path
    said: list[str]

    def children(self) -> dict[str, int]:
        """The process ids of what it has started, by the module or script that each runs."""
        listed = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
        )
        rows = [line.split(None, 1) for line in listed.stdout.splitlines()]
        return {args: int(pid) for pid, args in rows}

    def child(self, word: str) -> int:
        return next(pid for args, pid in self.children().items() if word in args)

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(40)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts everything and waits for `ready`, or gives up when the process ends."""
    started: list[Run] = []

    def begin(
        data: Path | None = None, ports: list[int] | None = None, *, refused: bool = False
    ) -> Run:
        data = data or tmp_path_factory.mktemp("stack")
        port, sandbox_port = ports or free_ports(2)
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.run", "--data", str(data)],
            cwd=ROOT,
            env={**os.environ, "CRM": "", "PORT": str(port), "SANDBOX_PORT": str(sandbox_port)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        url = f"https://localhost:{sandbox_port}"
        run = Run(process, f"http://localhost:{port}/api", url, data, [])
        started.append(run)
        assert process.stdout is not None
        for line in process.stdout:
            run.said.append(line.rstrip())
            if line.startswith("Ctrl-C stops"):
                break
        assert ("ready" in run.said) is not refused, "\n".join(run.said)
        if refused:
            process.wait(10)
        return run

    yield begin
    for run in started:
        if run.process.poll() is None:
            run.end(signal.SIGTERM)


@pytest.fixture(scope="module")
def run(start: Start) -> Run:
    return start()


def test_it_says_ready_when_everything_answers(run: Run) -> None:
    assert "ready" in run.said
    assert run.api in "\n".join(run.said)
    assert run.sandbox in "\n".join(run.said)
    assert httpx.get(f"{run.api}/health").json()["status"] == "ok"
    handles = Handles(run.sandbox, run.data / "ca.pem")
    user = handles.users()["users"][0]["address"]
    bearer = {"Authorization": f"Bearer {handles.token(user)}"}
    query = {"kind": "email", "mailbox": "me", "item": "AAMkAGI2TG93AAA="}
    answer = httpx.get(f"{run.api}/activities", params=query, headers=bearer)
    assert answer.status_code == 404
    assert httpx.get(f"{run.api}/activities", params=query).status_code == 401


def typed(run: Run, *blocks: str) -> list[dict[str, Any]]:
    """What README's blocks answer, one after the other in one shell."""
    whole = "".join(blocks)
    for theirs, ours in (
        ("http://localhost:7071/api", run.api),
        ("https://localhost:7443", run.sandbox),
        (".sandbox/ca.pem", str(run.data / "ca.pem")),
        (".venv/bin/python", sys.executable),
    ):
        assert theirs in whole
        whole = whole.replace(theirs, ours)
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", whole],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines() if line]


def readme() -> tuple[str, str]:
    """What to type by hand: at the click, and what happens after it."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (first,) = (place for place, block in enumerate(blocks) if "API=" in block)
    return blocks[first], blocks[first + 1]


def test_what_readme_says_to_type_works(run: Run) -> None:
    found, changed, deleted = typed(run, readme()[0])
    assert found["links"] == []
    assert found["attachments"]["saved"][0]["name"] == "driver-app.log"
    assert changed["links"][0]["name"] == "Meridian Freight Services LLC"
    assert deleted["deleted"] is True
    assert deleted["id"] == found["id"]


def test_what_readme_says_of_what_happens_after_the_click_works(run: Run) -> None:
    saved, reply, meeting, moved, receipt, stopped = typed(run, *readme())[3:]
    assert "following" in {notice["code"] for notice in saved["notices"]}
    assert "followed_thread" in {notice["code"] for notice in reply["notices"]}
    assert reply["links"] == saved["links"]
    assert (moved["id"], moved["subject"]) == (meeting["id"], "Keg tracking: moved to May")
    assert (receipt["status"], receipt["activity"]["status"]) == ("saved", "saved")
    assert stopped == {"following": False}


def demo(run: Run, *arguments: str) -> "subprocess.CompletedProcess[str]":
    port, sandbox_port = run.api.split(":")[-1].split("/")[0], run.sandbox.split(":")[-1]
    return subprocess.run(
        [sys.executable, "-m", "sandbox.demo", "--data", str(run.data), *arguments],
        cwd=ROOT,
        env={**os.environ, "PORT": port, "SANDBOX_PORT": sandbox_port, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_demo_takes_both_files_all_the_way(run: Run) -> None:
    ended = demo(run)
    assert ended.returncode == 0, ended.stdout
    assert "using the stack that runs" in ended.stdout
    assert ended.stdout.count("✓ Seeing that it is gone") == 2
    assert "blocked type" in ended.stdout


def test_the_demo_shows_what_happens_after_a_save(run: Run) -> None:
    ended = demo(run, "--follow")
    assert ended.returncode == 0, ended.stdout
    assert "✓ The CRM is away while the customer writes again" in ended.stdout
    assert ended.stdout.count("It was saved by itself") == 2
    assert "✓ Sending it: the record appears" in ended.stdout


def test_the_demo_fails_where_the_app_answers_wrongly(run: Run) -> None:
    handles = Handles(run.sandbox, run.data / "ca.pem")
    handles.fault(service="dataverse", status=500, times=50)
    ended = demo(run)
    handles.clear_faults()
    assert ended.returncode == 1
    assert "✗" in ended.stdout


def test_a_second_stack_on_the_same_folder_or_port_is_refused(run: Run, start: Start) -> None:
    same_folder = start(data=run.data, refused=True)
    assert same_folder.process.returncode == 1
    assert "Another stack runs" in same_folder.said[-1]
    ports = [int(run.api.split(":")[-1].split("/")[0]), free_ports(1)[0]]
    same_port = start(ports=ports, refused=True)
    assert same_port.process.returncode == 1
    assert "choose another with PORT=" in same_port.said[-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_leaves_nothing_behind(start: Start, number: int) -> None:
    run = start()
    children = list(run.children().values())
    assert len(children) == 3
    assert run.end(number) == 0
    assert not any(alive(pid) for pid in children)


def test_a_signal_during_the_start_leaves_nothing_behind(tmp_path: Path) -> None:
    port, sandbox_port = free_ports(2)
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.run", "--data", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PORT": str(port), "SANDBOX_PORT": str(sandbox_port)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    run = Run(process, "", "", tmp_path, [])
    while len(children := list(run.children().values())) < 2:
        assert process.poll() is None
    assert run.end(signal.SIGTERM) == 0
    assert not any(alive(pid) for pid in children)


def test_a_child_that_dies_is_named_and_takes_the_rest_along(start: Start) -> None:
    run = start()
    children = list(run.children().values())
    os.kill(run.child("sandbox.host"), signal.SIGKILL)
    assert run.process.stdout is not None
    said = run.process.stdout.read()
    assert run.process.wait(30) == 1
    assert "app ended with status -9" in said
    assert "Listening on" in said
    assert not any(alive(pid) for pid in children)


def test_what_was_stored_is_there_after_a_restart(start: Start) -> None:
    first = start()
    handles = Handles(first.sandbox, first.data / "ca.pem")
    mail = b"From: a@b.example\r\nTo: anna.kowalska@contoso.example\r\nSubject: kept\r\n\r\nx\r\n"
    item = handles.deliver_mail(mail, "anna.kowalska@contoso.example")
    first.end(signal.SIGTERM)
    again = start(data=first.data)
    handles = Handles(again.sandbox, again.data / "ca.pem")
    bearer = {"Authorization": f"Bearer {handles.token('anna.kowalska@contoso.example')}"}
    body = {"item": {"kind": "email", "mailbox": "me", "id": item}}
    answer = httpx.post(f"{again.api}/activities", json=body, headers=bearer, timeout=120)
    assert answer.status_code == 201
    assert answer.json()["subject"] == "kept"
