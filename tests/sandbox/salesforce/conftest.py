"""Fixtures for the tests of the Salesforce stand-in."""

from collections.abc import Iterator

import pytest

from sandbox.running import Running
from tests.sandbox.salesforce.client import Api


@pytest.fixture
def api(fresh_sandbox: Running) -> Iterator[Api]:
    """As someone who may read and write everything."""
    api = Api(fresh_sandbox)
    with api.http:
        yield api
