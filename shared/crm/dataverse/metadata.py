"""What the organisation's tables and columns are called, and what they take. Pure.

Microsoft Learn, "Query table definitions using the Web API", "EntityMetadata" and
"AttributeMetadata EntityType". Options hang on the derived type only, so they are asked for by a
cast.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shared.crm.dataverse.batch import Reply
from shared.crm.dataverse.faults import fault
from shared.crm.dataverse.queries import encoded, literal
from shared.crm.dataverse.tables import Table

ENGLISH: Final = 1033
_LCIDS: Final[Mapping[str, int]] = {
    "ar": 1025,
    "bg": 1026,
    "ca": 1027,
    "cs": 1029,
    "da": 1030,
    "de": 1031,
    "el": 1032,
    "en": ENGLISH,
    "es": 3082,
    "et": 1061,
    "eu": 1069,
    "fi": 1035,
    "fr": 1036,
    "gl": 1110,
    "he": 1037,
    "hi": 1081,
    "hr": 1050,
    "hu": 1038,
    "id": 1057,
    "it": 1040,
    "ja": 1041,
    "kk": 1087,
    "ko": 1042,
    "lt": 1063,
    "lv": 1062,
    "ms": 1086,
    "nb": 1044,
    "nl": 1043,
    "no": 1044,
    "pl": 1045,
    "pt": 2070,
    "pt-br": 1046,
    "ro": 1048,
    "ru": 1049,
    "sk": 1051,
    "sl": 1060,
    "sr": 9242,
    "sv": 1053,
    "th": 1054,
    "tr": 1055,
    "uk": 1058,
    "vi": 1066,
    "zh": 2052,
    "zh-cn": 2052,
    "zh-hk": 3076,
    "zh-tw": 1028,
}
"""The languages that Dataverse comes in, as Learn lists them ("Available language packs")."""

_DEFINITION: Final = (
    "$select=LogicalName,EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute,HasActivities,"
    "DisplayName,DisplayCollectionName"
)
_PICKLIST: Final = "Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
_BOOLEAN: Final = "Microsoft.Dynamics.CRM.BooleanAttributeMetadata"


@dataclass(frozen=True, slots=True)
class Label:
    """A wording by language id."""

    texts: Mapping[int, str]

    def text(self, language: str, otherwise: str) -> str:
        """In that language (a BCP 47 tag), else in English, else in whichever there is."""
        tag = language.casefold()
        for lcid in (_LCIDS.get(tag, 0), _LCIDS.get(tag.partition("-")[0], 0), ENGLISH):
            if lcid in self.texts:
                return self.texts[lcid]
        return next(iter(self.texts.values()), otherwise)


@dataclass(frozen=True, slots=True)
class Column:
    """`type` is Dataverse's AttributeType; `options` map the value of a choice to its label."""

    name: str
    type: str
    label: Label
    required: bool = False
    max_length: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    targets: tuple[str, ...] = ()
    options: Mapping[int, Label] = field(default_factory=dict)

    @property
    def property(self) -> str:
        """The property of a row that holds the value."""
        return f"_{self.name}_value" if self.type in LOOKUPS else self.name


LOOKUPS: Final = frozenset({"Lookup", "Customer", "Owner"})
TEXTS: Final = frozenset({"String", "Memo"})


@dataclass(frozen=True, slots=True)
class TableMetadata:
    """`columns` are those of the ones asked for that there are."""

    table: Table
    label: Label
    plural: Label
    columns: Mapping[str, Column]


def paths(logical: str, names: Sequence[str], *, options: bool) -> tuple[str, ...]:
    """The queries for a table and these of its columns; `options` for those of its choices."""
    root = f"EntityDefinitions(LogicalName='{logical}')"
    if not names:
        return (f"{root}?{_DEFINITION}",)
    condition = encoded(" or ".join(f"LogicalName eq {literal(name)}" for name in names))
    found = [f"{root}?{_DEFINITION}", f"{root}/Attributes?$filter={condition}"]
    if options:
        expand = "$expand=OptionSet,GlobalOptionSet"
        for kind, parts in ((_PICKLIST, expand), (_BOOLEAN, "$expand=OptionSet")):
            found.append(
                f"{root}/Attributes/{kind}?$select=LogicalName&$filter={condition}&{parts}"
            )
    return tuple(found)


def read(answers: Sequence[Reply]) -> TableMetadata | None:
    """From the replies to `paths`, in their order; None where there is no such table."""
    for reply in answers:
        if not reply.ok and reply.status not in (400, 404):
            raise fault(reply)
    definition, *lists = answers
    if not definition.ok:
        return None
    attributes, *optional = [reply.json.get("value", ()) for reply in lists] or [()]
    options = {row["LogicalName"]: _options(row) for rows in optional for row in rows}
    row = definition.json
    logical = str(row["LogicalName"])
    columns = (_column(one, options.get(one["LogicalName"], {})) for one in attributes)
    return TableMetadata(
        table=Table(
            logical,
            str(row["EntitySetName"]),
            str(row["PrimaryIdAttribute"]),
            str(row.get("PrimaryNameAttribute") or ""),
            bool(row.get("HasActivities")),
        ),
        label=_label(row.get("DisplayName")),
        plural=_label(row.get("DisplayCollectionName")),
        columns={column.name: column for column in columns},
    )


def _column(row: Mapping[str, Any], options: Mapping[int, Label]) -> Column:
    required = row.get("RequiredLevel") or {}
    return Column(
        name=str(row["LogicalName"]),
        type=str(row.get("AttributeType") or ""),
        label=_label(row.get("DisplayName")),
        required=required.get("Value") in ("ApplicationRequired", "SystemRequired"),
        max_length=row.get("MaxLength"),
        minimum=row.get("MinValue"),
        maximum=row.get("MaxValue"),
        targets=tuple(row.get("Targets") or ()),
        options=options,
    )


def _options(row: Mapping[str, Any]) -> dict[int, Label]:
    """A global choice comes as `GlobalOptionSet`, and in some versions as `OptionSet` too."""
    given = row.get("OptionSet") or row.get("GlobalOptionSet") or {}
    both = (given.get("TrueOption"), given.get("FalseOption"))
    listed: Iterable[Mapping[str, Any]] = given.get("Options") or filter(None, both)
    return {int(one["Value"]): _label(one.get("Label")) for one in listed}


def _label(value: Mapping[str, Any] | None) -> Label:
    rows = (value or {}).get("LocalizedLabels") or ()
    return Label({int(one["LanguageCode"]): str(one["Label"]) for one in rows if one.get("Label")})
