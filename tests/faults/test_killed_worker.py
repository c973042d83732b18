"""The plug is pulled in the middle of a save, at each call that it makes in turn.

A real worker process gets SIGKILL; the next save, by a new worker, must find or make one whole
record, and say so.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.app_settings import app_settings
from sandbox.running import Running
from tests.contract.mailbox_items import Enclosure, Mail
from tests.sandbox.host.host_process import answers, free_port, wait_until

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
ANNA = "anna.kowalska@contoso.example"
LARGE = Enclosure("plan.bin", bytes(range(256)) * 14_000)  # 3.4 MiB: goes up in blocks of its own
SMALL = Enclosure("note.txt", b"small", "text/plain")
MORE_CALLS_THAN_A_SAVE_MAKES = 20


@contextmanager
def worker(sandbox: Running, state: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = free_port()
    env = dict(os.environ) | app_settings(
        crm="dataverse",
        sandbox_url=sandbox.url,
        ca=sandbox.ca,
        storage="UseDevelopmentStorage=true",
    )
    command = [sys.executable, "-m", "sandbox.host", "--port", str(port), "--state", str(state)]
    with (state / "host.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
    try:
        wait_until(lambda: answers(port))
        yield f"http://127.0.0.1:{port}/api/activities", process
    finally:
        process.kill()
        process.wait()


def save(url: str, token: str, item: str) -> httpx.Response:
    body = {"item": {"kind": "email", "mailbox": "me", "id": item}}
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(url, json=body, headers=headers, timeout=120)


def save_until_killed(url: str, token: str, item: str, answered: list[int]) -> None:
    with suppress(httpx.TransportError):
        answered.append(save(url, token, item).status_code)


def emails(sandbox: Running) -> list[Any]:
    return sandbox.world.store.all("dataverse", "email")


def files(sandbox: Running) -> list[str]:
    rows = sandbox.world.store.all("dataverse", "activitymimeattachment")
    return sorted(row["filename"] for row in rows)


@pytest.mark.parametrize("enclosures", [(SMALL,), (SMALL, LARGE)], ids=["small", "large"])
def test_a_save_killed_at_any_call_is_finished_by_the_next(
    fresh_sandbox: Running, tmp_path: Path, enclosures: tuple[Enclosure, ...]
) -> None:
    killed_at = 0
    for calls in range(1, MORE_CALLS_THAN_A_SAVE_MAKES):
        fresh_sandbox.reset()
        mail = Mail(message_id=f"<{calls}@customer.example>", enclosures=enclosures)
        item = fresh_sandbox.deliver_mail(mail.source(), ANNA)
        token = fresh_sandbox.token(ANNA)
        before = len(emails(fresh_sandbox)), len(files(fresh_sandbox))
        answered: list[int] = []
        with worker(fresh_sandbox, tmp_path) as (url, process):
            for service in ("entra", "graph", "dataverse"):
                fresh_sandbox.fault(service=service, delayMs=60)
            saving = threading.Thread(
                target=save_until_killed, args=(url, token, item, answered), daemon=True
            )
            saving.start()
            end = time.monotonic() + 120
            while len(fresh_sandbox.requests()) < calls and not answered:
                assert time.monotonic() < end
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            saving.join(10)
        fresh_sandbox.clear_faults()
        if answered:
            break
        killed_at = calls
        with worker(fresh_sandbox, tmp_path) as (url, _):
            time.sleep(0.1)  # what the dead worker had sent is still being done
            again = save(url, token, item)
        assert again.status_code in (200, 201), again.text
        found = emails(fresh_sandbox)
        assert len(found) == before[0] + 1
        saved = [row for row in found if row["activityid"] == again.json()["id"]]
        assert [row["statecode"] for row in saved] == [1]
        names = sorted(file["name"] for file in again.json()["attachments"]["saved"])
        assert names == sorted(enclosure.name for enclosure in enclosures)
        assert len(files(fresh_sandbox)) == before[1] + len(enclosures)
    assert answered == [201], "the last round must have been left to end by itself"
    assert killed_at >= 6
