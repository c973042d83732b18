"""What can be different about an organisation; kept in the store, and back to normal on a reset."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from sandbox.salesforce.schema import schema
from sandbox.salesforce.schema.model import Schema
from sandbox.world import World

SERVICE = "salesforce"
_TABLE, _KEY = "org", "switches"
_GIGABYTE = 1024**3


class Org(BaseModel):
    """`enhanced_email` False: no EmailMessage. `key_installed` False: our package's fields are
    missing. `validation_rule`: activities need a New_Topic__c. `update_email_messages`: everyone
    has the permission of that name. `consumer_approved` False: nobody may use the connected app.
    `inactive_users` are addresses; `usernames` maps addresses to names that differ from them,
    `languages` to what those users chose instead of English.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    enhanced_email: bool = True
    key_installed: bool = True
    validation_rule: bool = False
    storage_full: bool = False
    update_email_messages: bool = False
    consumer_approved: bool = True
    inactive_users: tuple[str, ...] = ()
    usernames: dict[str, str] = Field(default_factory=dict)
    languages: dict[str, str] = Field(default_factory=dict)
    blocked_extensions: tuple[str, ...] = ()
    max_file_bytes: int = 2 * _GIGABYTE

    @property
    def schema_(self) -> Schema:
        switches = {"enhanced_email": self.enhanced_email, "key_installed": self.key_installed}
        return schema(frozenset(name for name, on in switches.items() if on))


def org_of(world: World) -> Org:
    return Org.model_validate(world.store.get(SERVICE, _TABLE, _KEY) or {})


def configure(world: World, **switches: Any) -> Org:
    """Changes the switches named. Raises pydantic's ValidationError for names or values that make
    no sense."""
    changed = Org.model_validate({**org_of(world).model_dump(), **switches})
    world.store.put(SERVICE, _TABLE, _KEY, changed.model_dump(mode="json"))
    return changed
