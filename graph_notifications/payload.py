"""What Microsoft Graph sends to this app, as far as the app needs it.

https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks and, of lifecycle
events, https://learn.microsoft.com/en-us/graph/change-notifications-lifecycle-events. More fields
than these come, and new ones may.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

LARGEST_BODY = 4 * 1024 * 1024
"""Bytes. Graph's own batches are far smaller."""

MOST = 10_000
"""Notifications that are read of one body."""

LONGEST_HANDSHAKE = 2048
"""Characters of a validation token; Graph's have about a hundred."""

_Secret = Annotated[str, Field(min_length=1, max_length=128)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, extra="ignore")


class ResourceData(_Part):
    """The item's id, its case kept: the path in `resource` is written in more than one way."""

    id: Annotated[str, Field(min_length=1, max_length=1024)]


class Notification(_Part):
    """Something happened to one item: what, is looked at."""

    client_state: _Secret
    resource_data: ResourceData


class LifecycleEvent(_Part):
    """Something happened to a subscription."""

    client_state: _Secret
    lifecycle_event: Annotated[str, Field(max_length=100)]


class _Body(_Part):
    value: list[Any]


_BODY = TypeAdapter(_Body)


def parts(body: bytes) -> list[Any]:
    """The single notifications, not yet looked at. Raises pydantic's ValidationError."""
    return _BODY.validate_json(body).value
