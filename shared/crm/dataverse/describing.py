"""The organisation's tables and columns, as a form shows them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from shared.crm.dataverse import looking, metadata, queries
from shared.crm.dataverse.knowledge import FRESH
from shared.crm.dataverse.metadata import LOOKUPS, Column, TableMetadata
from shared.crm.dataverse.session import Session
from shared.crm.dataverse.tables import activity_table, logical_name, neutral_name
from shared.domain import ActivityKind
from shared.records import Description, FieldDescription, FieldType, Option, TypeDescription, Wanted

PRODUCT: Final = "Dynamics 365"

_TYPES: Final[Mapping[str, FieldType]] = {
    "Picklist": "choice",
    "String": "text",
    "Memo": "multiline",
    "Boolean": "boolean",
    "Integer": "integer",
    **dict.fromkeys(LOOKUPS, "lookup"),
}


async def describe(
    session: Session, kind: ActivityKind, wanted: Sequence[Wanted], language: str
) -> Description:
    """As `Crm.describe` promises; one round trip, or none where all is remembered."""
    table = activity_table(kind)
    categories = [field.name for field in session.fields(table)]
    names = {logical: one for one in wanted if (logical := logical_name(one.type))}
    asked = {logical: one.key_fields for logical, one in names.items()}
    known = await learn(session, {**asked, table.logical: categories}, options_of=table.logical)
    columns = known[table.logical].columns if table.logical in known else {}
    return Description(
        product=PRODUCT,
        types=tuple(
            _type(known[logical], one, language)
            for logical, one in names.items()
            if logical in known
        ),
        fields=tuple(_field(columns[name], language) for name in categories if name in columns),
        limits=looking.organization(session, ()).limits,
    )


async def learn(
    session: Session, columns: Mapping[str, Collection[str]], *, options_of: str = ""
) -> Mapping[str, TableMetadata]:
    """These columns of these tables, both by logical name, as far as there are such; for the table
    `options_of`, with the options of its choices and with the organisation's limits.

    One round trip, or none where all is remembered.
    """
    knowledge = session.knowledge
    oldest = knowledge.clock() - FRESH
    keys = {
        logical: (logical, frozenset(names), logical == options_of)
        for logical, names in columns.items()
    }
    kept = {key: knowledge.metadata.get(key) for key in keys.values()}
    missing = [key for key, held in kept.items() if held is None or held[0] < oldest]
    asked = [metadata.paths(key[0], sorted(key[1]), options=key[2]) for key in missing]
    limits = options_of and knowledge.organization is None
    flat = [path for paths in asked for path in paths] + [queries.ORGANIZATION] * bool(limits)
    replies = iter(await session.wire.ask(flat) if flat else ())
    for key, paths in zip(missing, asked, strict=True):
        found = metadata.read([next(replies) for _ in paths])
        knowledge.metadata[key] = (knowledge.clock(), found)
    looking.organization(session, list(replies))
    tables = {logical: knowledge.metadata[key][1] for logical, key in keys.items()}
    return {logical: found for logical, found in tables.items() if found is not None}


def _type(known: TableMetadata, wanted: Wanted, language: str) -> TypeDescription:
    return TypeDescription(
        type=wanted.type,
        label=known.label.text(language, wanted.type),
        plural=known.plural.text(language, wanted.type),
        connectable=known.table.takes_activities,
        key_fields=tuple(
            _field(known.columns[name], language)
            for name in wanted.key_fields
            if name in known.columns
        ),
    )


def _field(column: Column, language: str) -> FieldDescription:
    return FieldDescription(
        name=column.name,
        label=column.label.text(language, column.name),
        type=_TYPES.get(column.type, "other"),
        required=column.required,
        options=tuple(
            Option(value, label.text(language, str(value)))
            for value, label in column.options.items()
        ),
        max_length=column.max_length,
        minimum=column.minimum,
        maximum=column.maximum,
        lookup_types=tuple(neutral_name(target) for target in column.targets),
    )
