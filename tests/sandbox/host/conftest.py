"""Real host processes for the tests of this folder."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.host.host_process import ROOT, RunningHost, StartHost


@pytest.fixture(scope="module")
def start_host(tmp_path_factory: pytest.TempPathFactory, storage: str) -> Iterator[StartHost]:
    """Starts `python -m sandbox.host` on an app folder and waits until it listens."""
    started: list[subprocess.Popen[str]] = []

    def start(app: Path, *arguments: str, **settings: str) -> RunningHost:
        state = tmp_path_factory.mktemp("host")
        log = state / "log"
        command = [sys.executable, "-m", "sandbox.host", "--app", str(app), "--port", "0"]
        if "--state" not in arguments:
            command += ["--state", str(state)]
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            env={**os.environ, "AzureWebJobsStorage": storage, "JOBS_QUEUE": "jobs", **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log.open("w"),
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Listening on "):
                return RunningHost(line.split()[-1], process, log)
        pytest.fail(f"the host ended with {process.wait()}: {log.read_text()}")

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.wait(30)
