"""What we ask Salesforce in SOQL. Pure.

SOQL and SOSL Reference. Every text of somebody else's goes through simple-salesforce's
`format_soql`, which quotes and escapes it; names of fields come from describes or the policy and
are checked to be names.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from simple_salesforce.format import format_soql

from shared.crm.salesforce import keys
from shared.crm.salesforce.knowledge import Shape
from shared.crm.salesforce.moments import exact, moment, read, times
from shared.crm.salesforce.objects import (
    EMAIL_MESSAGE,
    ITEM_ID,
    KEY,
    LINK,
    NAME_FIELDS,
    SAVED_AT,
    TASK,
    ActivityObject,
)
from shared.domain import Item, Meeting
from shared.policy import CategoryField
from shared.truncation import cut_text, one_line, storable

LONGEST: Final = 8_000
"""Characters of a list of addresses in a query; a statement may have 100,000."""

QUEUES: Final = (
    "SELECT Id, Name, Email FROM Group WHERE Type = 'Queue' AND Email != null LIMIT 2000"
)
PARTIES: Final = ("User", "Contact", "Lead", "Account")
"""The objects to look for addresses in, the best kind of match first."""

_ACTIVE: Final = {"User": "IsActive = true", "Lead": "IsConverted = false"}
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}\Z")
_FILES: Final = (
    "(SELECT ContentDocumentId, ContentDocument.Title, ContentDocument.FileExtension, "
    "ContentDocument.ContentSize, ContentDocument.LatestPublishedVersion.PathOnClient "
    "FROM ContentDocumentLinks)"
)
_SCHEDULE: Final = (
    "StartDateTime",
    "EndDateTime",
    "IsAllDayEvent",
    "Location",
    "ShowAs",
    "SystemModstamp",
)
_EMAIL_PEOPLE: Final = (
    "(SELECT RelationId, RelationType, RelationAddress, RelationObjectType, Relation.Name "
    "FROM EmailMessageRelations)"
)


def by_address(object_: str, fields: Sequence[str], addresses: Iterable[str]) -> Iterator[str]:
    """Queries for the active records of one object that carry one of the addresses."""
    select = ", ".join(("Id", "Name", *fields, "CreatedDate"))
    active = _ACTIVE.get(object_)
    for chunk in _chunks(addresses):
        matches = " OR ".join(format_soql(f"{field} IN {{}}", chunk) for field in fields)
        condition = f"({matches}) AND {active}" if active else matches
        yield _select(select, object_, f"WHERE {condition} ORDER BY CreatedDate")


def _chunks(addresses: Iterable[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    length = 0
    for address in addresses:
        size = len(format_soql("{}", address)) + 1
        if chunk and length + size > LONGEST:
            yield chunk
            chunk, length = [], 0
        chunk.append(address)
        length += size
    if chunk:
        yield chunk


def activity(
    object_: ActivityObject, id_: str, shape: Shape, categories: Sequence[CategoryField]
) -> str:
    """One activity with its people, its maker and the list of its files."""
    return _select(_whole(object_, shape, categories), object_.name, f"WHERE Id = '{id_}'")


def unchanged(object_: ActivityObject, id_: str, stamp: str) -> str:
    """The activity, if it is still the version with that SystemModstamp."""
    return _select(
        "Id", object_.name, f"WHERE Id = '{id_}' AND SystemModstamp = {exact(read(stamp))}"
    )


def of_key(
    object_: ActivityObject, key: str, shape: Shape, categories: Sequence[CategoryField]
) -> str:
    """The activity with that key of ours."""
    condition = format_soql(f"WHERE {KEY} = {{}}", key)
    return _select(_whole(object_, shape, categories), object_.name, condition)


def of_item(
    object_: ActivityObject, item: Item, shape: Shape, categories: Sequence[CategoryField]
) -> str | None:
    """The records of an item, whoever made them, oldest first: by our key, and by the id that any
    tool writes. They need a look at each: `replies.is_of`. None where nothing tells them."""
    conditions = [*_ours(object_, item, shape), *_anyones(object_, item, shape)]
    if not conditions:
        return None
    condition = " OR ".join(f"({one})" for one in conditions)
    return _select(
        _whole(object_, shape, categories),
        object_.name,
        f"WHERE {condition} ORDER BY CreatedDate LIMIT 50",
    )


def _select(fields: str, source: str, rest: str) -> str:
    # All three were made here: names that are checked, values that `format_soql` quoted.
    return f"SELECT {fields} FROM {source} {rest}"  # noqa: S608


def _ours(object_: ActivityObject, item: Item, shape: Shape) -> Iterator[str]:
    if shape.has(object_.name, KEY):
        yield format_soql(f"{KEY} = {{}}", keys.activity_key(item))


def _anyones(object_: ActivityObject, item: Item, shape: Shape) -> Iterator[str]:
    ids, message_id = keys.item_ids(item), keys.message_id(item)
    if object_ is EMAIL_MESSAGE:
        if message_id:
            yield format_soql("MessageIdentifier = {}", message_id)
    elif shape.has(object_.name, ITEM_ID):
        if ids:
            yield format_soql(f"{ITEM_ID} IN {{}}", list(ids))
    elif isinstance(item, Meeting):
        # The id is noted in the description, which can't be searched.
        yield f"StartDateTime = {moment(times(item)[0])}"
    else:
        subject = cut_text(one_line(item.subject), TASK.subject_limit)
        yield format_soql("TaskSubtype = 'Email' AND Subject = {}", storable(subject) or None)


def _whole(object_: ActivityObject, shape: Shape, categories: Sequence[CategoryField]) -> str:
    what = object_.what_relationship
    names = [
        "Id",
        "Subject",
        "CreatedDate",
        "CreatedBy.Name",
        "CreatedBy.Email",
        object_.what,
        f"{what}.Name",
        f"{what}.Type",
    ]
    custom = [KEY, LINK]
    if object_ is EMAIL_MESSAGE:
        names += ["Status", "MessageIdentifier"]
        names += ["FromAddress", "ToAddress", "CcAddress", "BccAddress"]
        custom.append(SAVED_AT)
        if shape.has(object_.name, SAVED_AT):
            names += ["Threadline_Saved_By__r.Name", "Threadline_Saved_By__r.Email"]
        people = _EMAIL_PEOPLE
    else:
        names += ["Description", "WhoId", "Who.Name", "Who.Email"]
        names += _SCHEDULE if object_.kind == "meeting" else ()
        custom.append(ITEM_ID)
        whos = _select("RelationId, Relation.Name, Relation.Email", object_.people, "")
        people = f"({whos.strip()})"
    names += [name for name in custom if shape.has(object_.name, name)]
    names += [field.name for field in categories if _is_there(object_, field, shape)]
    parts = [*names, _FILES]
    if object_ is EMAIL_MESSAGE or shape.lists(object_):
        parts.append(people)
    return ", ".join(parts)


def _is_there(object_: ActivityObject, field: CategoryField, shape: Shape) -> bool:
    return bool(_NAME.match(field.name)) and shape.has(object_.name, field.name)


def link_fields(object_: str) -> tuple[str, ...]:
    return tuple(filter(None, ("Id", NAME_FIELDS.get(object_, ""))))


def username_of(oid: str) -> str:
    """The user whose Federation ID is that."""
    return format_soql(
        "SELECT Username FROM User WHERE FederationIdentifier = {} AND IsActive = true LIMIT 2",
        storable(oid),
    )
