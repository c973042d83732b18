"""A stand-in for the Dataverse Web API, v9.2."""

from sandbox.dataverse.sample import seed
from sandbox.dataverse.web import routes

__all__ = ["routes", "seed"]
