"""The running app for the tests of this folder."""

from tests.following.running_app import app

__all__ = ["app"]
