"""The running app for the tests of this folder, and a company in memory."""

import pytest

from tests.following.running_app import app
from tests.graph_notifications.office import Office

__all__ = ["app"]


@pytest.fixture
def office() -> Office:
    return Office()
