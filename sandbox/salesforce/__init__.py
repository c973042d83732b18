"""A stand-in for Salesforce's REST API, v64.0, and its token endpoint."""

from typing import Any

from sandbox.salesforce import org
from sandbox.salesforce.access import INTEGRATION_ADDRESS, issue_token, user_id
from sandbox.salesforce.keys import FILE_NAME, private_key, write_private_key
from sandbox.salesforce.oauth import CONSUMER_KEY
from sandbox.salesforce.org import Org
from sandbox.salesforce.sample import apply, campaign_id, project_id, record_id, seed
from sandbox.salesforce.web import routes
from sandbox.world import World

__all__ = [
    "CONSUMER_KEY",
    "FILE_NAME",
    "INTEGRATION_ADDRESS",
    "Org",
    "campaign_id",
    "configure",
    "issue_token",
    "private_key",
    "project_id",
    "record_id",
    "routes",
    "seed",
    "user_id",
    "write_private_key",
]


def configure(world: World, **switches: Any) -> Org:
    """Changes what is different about this organisation; `Org` names the switches.

    Raises pydantic's ValidationError for names or values that make no sense.
    """
    with world.store.transaction():
        changed = org.configure(world, **switches)
        apply(world)
    return changed
