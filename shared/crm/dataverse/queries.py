"""The paths and queries that we ask Dataverse for, percent-encoded. Pure.

Source: Microsoft Learn "Query data using the Web API". Text is quoted as OData literals, with
quotes doubled, and then percent-encoded as a whole, so that no character of it has a meaning.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import quote

from shared.crm.dataverse.tables import STANDARD, ActivityTable, Table
from shared.domain import Item, Meeting
from shared.policy import CategoryField
from shared.truncation import storable, units

LONGEST_FILTER: Final = 6000
"""Characters of an encoded filter. A request line may have 32 KB; Dataverse also limits how many
conditions a query has (500), which short addresses in three columns each would reach first."""
MOST_ADDRESSES: Final = 40

ANNOTATIONS: Final = (
    'odata.include-annotations="Microsoft.Dynamics.CRM.lookuplogicalname,'
    'OData.Community.Display.V1.FormattedValue"'
)

PARTY_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "systemuser": ("internalemailaddress",),
    "queue": ("emailaddress",),
    "contact": ("emailaddress1", "emailaddress2", "emailaddress3"),
    "lead": ("emailaddress1", "emailaddress2", "emailaddress3"),
    "account": ("emailaddress1", "emailaddress2", "emailaddress3"),
}
"""Where each table that can take part keeps its addresses, the best kind of match first."""

_ACTIVE: Final[dict[str, str]] = {
    "systemuser": "isdisabled eq false",
    "queue": "statecode eq 0",
    "contact": "statecode eq 0",
    "lead": "statecode eq 0",
    "account": "statecode eq 0",
}

_OR: Final = "%20or%20"

ORGANIZATION: Final = "organizations?$select=maxuploadfilesize,blockedattachments,orgdborgsettings"


def literal(text: str) -> str:
    """An OData string literal."""
    return "'" + storable(text).replace("'", "''") + "'"


def encoded(expression: str) -> str:
    return quote(expression, safe="")


def by_address(logical: str, addresses: Iterable[str]) -> Iterator[str]:
    """Queries for the active records of one table that carry one of the addresses."""
    table, columns = STANDARD[logical], PARTY_COLUMNS[logical]
    select = ",".join((table.id_column, table.name_column, *columns, "createdon"))
    active = encoded(f" and {_ACTIVE[logical]}")
    for chunk in _chunks(addresses, columns):
        condition = f"({chunk}){active}"
        yield f"{table.entity_set}?$select={select}&$filter={condition}&$orderby=createdon%20asc"


def _chunks(addresses: Iterable[str], columns: Sequence[str]) -> Iterator[str]:
    """Encoded conditions, each for as many addresses as one query takes."""
    conditions: list[str] = []
    length = 0
    for address in addresses:
        value = encoded(literal(address))
        condition = _OR.join(f"{column}%20eq%20{value}" for column in columns)
        full = length + len(condition) > LONGEST_FILTER or len(conditions) == MOST_ADDRESSES
        if conditions and full:
            yield _OR.join(conditions)
            conditions, length = [], 0
        conditions.append(condition)
        length += len(condition)
    if conditions:
        yield _OR.join(conditions)


def activity(
    table: ActivityTable, id_: str, categories: Sequence[CategoryField], *, body: bool = False
) -> str:
    """One activity with its parties, its maker and the list of its files; with its text too where
    asked."""
    more = ("description",) if body else ()
    return f"{table.entity_set}({id_})?{_whole(table, categories, more)}"


def copies(item: Item, table: ActivityTable, categories: Sequence[CategoryField]) -> str | None:
    """The records that carry the item's own id, oldest first, or None where it has no usable one.

    They need a look at each: `replies.is_copy`.
    """
    ids = sorted(
        {id_ for id_ in map(storable, item_ids(item)) if 0 < units(id_) <= table.item_limit}
    )
    if not ids:
        return None
    condition = " or ".join(f"{table.item_column} eq {literal(id_)}" for id_ in ids)
    whole = _whole(table, categories)
    return (
        f"{table.entity_set}?{whole}&$filter={encoded(condition)}&$orderby=createdon%20asc&$top=50"
    )


def item_ids(item: Item) -> tuple[str, ...]:
    """What other tools write into the item column. A series has no record of its own there."""
    if isinstance(item, Meeting):
        return () if item.is_series else (item.uid, item.ical_uid)
    return (item.message_id,) if item.message_id else ()


def _whole(
    table: ActivityTable, categories: Sequence[CategoryField], more: Sequence[str] = ()
) -> str:
    columns = (
        "activityid",
        "subject",
        "createdon",
        "statecode",
        "statuscode",
        "_regardingobjectid_value",
        *table.columns,
        *(column(field) for field in categories),
        *more,
    )
    expand = ",".join(
        (
            f"{table.parties}($select=addressused,participationtypemask,_partyid_value)",
            "createdby($select=fullname,internalemailaddress)",
            f"{table.attachments}($select=activitymimeattachmentid,filename,filesize)",
        )
    )
    return f"$select={','.join(columns)}&$expand={expand}"


def column(field: CategoryField) -> str:
    """The column to read a category from."""
    return f"_{field.name}_value" if field.type == "lookup" else field.name


def record(table: Table, id_: str) -> str:
    return f"{table.entity_set}({id_})?$select={table.name_column or table.id_column}"


def contact(id_: str) -> str:
    """A contact with its addresses."""
    table, columns = STANDARD["contact"], PARTY_COLUMNS["contact"]
    select = ",".join((table.id_column, table.name_column, *columns))
    return f"{table.entity_set}({id_})?$select={select}"


def table_definition(logical: str) -> str:
    """Metadata (Microsoft Learn "EntityMetadata EntityType")."""
    return (
        f"EntityDefinitions(LogicalName='{logical}')"
        "?$select=EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute,HasActivities"
    )


def lookup_definition(table: ActivityTable, attribute: str) -> str:
    """How a lookup column is written: its navigation property is spelt as in the schema."""
    condition = encoded(f"ReferencingAttribute eq {literal(attribute)}")
    return (
        f"EntityDefinitions(LogicalName='{table.logical}')/ManyToOneRelationships"
        "?$select=ReferencingEntityNavigationPropertyName,ReferencedEntity"
        f"&$filter={condition}"
    )
