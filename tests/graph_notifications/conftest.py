"""The running app for the tests of this folder."""

from pathlib import Path

import pytest

from sandbox.running import Running
from tests.following.running_app import CRMS, App, clean


@pytest.fixture(params=CRMS)
def app(
    request: pytest.FixtureRequest, fresh_sandbox: Running, storage: str, tmp_path: Path
) -> App:
    """No host runs yet."""
    clean(storage)
    return App(fresh_sandbox, storage, request.param, tmp_path)
