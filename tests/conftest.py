"""One running sandbox, and where asked for one Azurite, for all tests of a process."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import azurite
from sandbox.running import Running, running
from sandbox.tls import authority
from tests.sandbox.host.host_process import answers, free_port, wait_until

# Some HTTP clients read these when they are imported, so they are set before any test module is.
_FOLDER = tempfile.TemporaryDirectory(prefix="threadline-tests-")
authority(Path(_FOLDER.name))
os.environ["SSL_CERT_FILE"] = os.environ["REQUESTS_CA_BUNDLE"] = str(Path(_FOLDER.name, "ca.pem"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the long ones, so that no process is left alone with one in the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Running]:
    with running(Path(_FOLDER.name)) as started:
        yield started


@pytest.fixture
def fresh_sandbox(sandbox: Running) -> Running:
    """The same sandbox with its sample data as new, no faults and an empty log."""
    sandbox.reset()
    return sandbox


@pytest.fixture(scope="session")
def storage() -> Iterator[str]:
    """The connection string of a fresh Azurite."""
    ports = {service: free_port() for service in azurite.SERVICES}
    command = azurite.command(ports, Path(_FOLDER.name) / "azurite")
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: all(answers(port) for port in ports.values()))
        yield azurite.connection_string(ports)
    finally:
        process.terminate()
        process.wait(10)
