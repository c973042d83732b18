"""One running sandbox for all tests of a process."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.running import Running, running
from sandbox.tls import authority

# Some HTTP clients read these when they are imported, so they are set before any test module is.
_FOLDER = tempfile.TemporaryDirectory(prefix="threadline-tests-")
authority(Path(_FOLDER.name))
os.environ["SSL_CERT_FILE"] = os.environ["REQUESTS_CA_BUNDLE"] = str(Path(_FOLDER.name, "ca.pem"))


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Running]:
    with running(Path(_FOLDER.name)) as started:
        yield started


@pytest.fixture
def fresh_sandbox(sandbox: Running) -> Running:
    """The same sandbox with its sample data as new, no faults and an empty log."""
    sandbox.reset()
    return sandbox
