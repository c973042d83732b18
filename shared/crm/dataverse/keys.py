"""Ids that we choose ourselves, so that doing something twice does it once. Pure.

Dataverse takes a primary key in the body of a POST and refuses a second insert of it with
"Cannot insert duplicate key" (Microsoft Learn, "Troubleshoot client errors"). All ids here are
version 5 UUIDs; Dataverse itself gives out none of that version.
"""

from typing import Final
from uuid import RFC_4122, UUID, uuid5

from shared.domain import Item, address_key, identity
from shared.truncation import storable

_NAMESPACE: Final = UUID("1f1f0c3a-6d55-4c0e-9d7e-3a1f6a2b8c40")
"""Never change it: records saved before would be saved again."""

_CONVERSATIONS: Final = UUID("8a0f3f57-91f0-4d7c-9d8b-5a1d3c0e7b52")
_CONTACTS: Final = UUID("c3c8d6d2-5b0e-4f52-9a35-0c1e6b7f4d19")


def activity_id(item: Item) -> str:
    """The `activityid` of the item's record, the same from whichever mailbox."""
    return str(uuid5(_NAMESPACE, storable(identity(item))))


def attachment_id(activity: str, file_key: str) -> str:
    """The `activitymimeattachmentid` of one file of that activity."""
    return str(uuid5(UUID(activity), storable(file_key)))


def conversation_id(first_message: str) -> str:
    """The `conversationtrackingid` of all messages of a thread, made of the Message-ID that it
    began with."""
    return str(uuid5(_CONVERSATIONS, storable(first_message)))


def contact_id(address: str, turn: int) -> str:
    """The `contactid` to make a contact of that address under. `turn` counts those made before
    that no longer are contacts of this address."""
    key = storable(address_key(address))
    return str(uuid5(_CONTACTS, f"{key}/{turn}" if turn else key))


def is_ours(activity: str) -> bool:
    """Whether an activity's id is one that we chose."""
    id_ = UUID(activity)
    return id_.variant == RFC_4122 and id_.version == 5


def guid(text: str) -> str | None:
    """The id in Dataverse's spelling, or None where the text is no GUID."""
    if len(text) != 36:
        return None
    try:
        return str(UUID(text))
    except ValueError:
        return None
