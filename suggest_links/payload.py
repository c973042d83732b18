"""The wire shapes of suggestions and of the search for records."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, StringConstraints

from shared.domain import RecordRef
from shared.wire import (
    Answered,
    Asked,
    ContactShape,
    Example,
    ItemKey,
    LanguageTag,
    LinkShape,
    Operation,
)

if TYPE_CHECKING:
    from shared.records import FoundRecord
    from shared.suggestions import Suggestion

MOST_RECORDS = 50

SearchText = Annotated[str, StringConstraints(max_length=400, pattern=r"^[^\x00-\x1f\x7f]*$")]
TypeNames = Annotated[
    str,
    StringConstraints(
        max_length=1000, pattern=r"^([A-Za-z][A-Za-z0-9_]*(,[A-Za-z][A-Za-z0-9_]*)*)?$"
    ),
]
FilterName = Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]


class SuggestRequest(Asked):
    """The item to find records for."""

    item: ItemKey


def _codes(schema: dict[str, Any]) -> None:
    from shared.suggestions import REASONS

    schema["enum"] = list(REASONS)


class ReasonShape(Answered):
    code: str = Field(description="Stable, for a client to word.", json_schema_extra=_codes)
    text: str = Field(description="For people, in English.")


class SuggestionShape(Answered):
    type: str
    id: str
    name: str
    url: str
    score: float = Field(ge=0, le=1, description="The chance that this is the right record.")
    reasons: tuple[ReasonShape, ...]

    @classmethod
    def of(cls, one: "Suggestion") -> Self:
        return cls(
            type=one.record.type,
            id=one.record.id,
            name=one.record.name,
            url=one.record.url,
            score=round(min(1.0, max(0.0, one.score)), 4),
            reasons=tuple(ReasonShape(code=r.code, text=r.text) for r in one.reasons),
        )


class SuggestedShape(Answered):
    """All that the pane shows of an item's people and what belongs to them."""

    suggestions: tuple[SuggestionShape, ...] = Field(
        description="The likeliest first; empty where nothing fits."
    )
    related: dict[str, tuple[LinkShape, ...]] = Field(
        description="Records of the people who take part, by type, in the admin's order."
    )
    contacts: tuple[ContactShape, ...] = Field(description="The contacts who take part.")
    unmatched: tuple[str, ...] = Field(
        description="Addresses of outsiders that no CRM record carries."
    )

    @classmethod
    def of(
        cls,
        suggestions: "Sequence[Suggestion]",
        related: Mapping[str, Sequence[RecordRef]],
        contacts: Sequence[RecordRef],
        unmatched: Sequence[str],
    ) -> Self:
        return cls(
            suggestions=tuple(map(SuggestionShape.of, suggestions)),
            related={type_: tuple(map(LinkShape.of, refs)) for type_, refs in related.items()},
            contacts=tuple(map(ContactShape.of, contacts)),
            unmatched=tuple(unmatched),
        )


class RecordsQuery(Asked):
    """What to search for, in the query string."""

    q: SearchText = Field("", description="All its words must occur; empty: changed last.")
    types: TypeNames = Field(
        "", description="Record types with commas between; empty: all that the admin enabled."
    )
    limit: int = Field(20, ge=1, le=MOST_RECORDS)
    filter: FilterName = Field("", description="The name of one of the admin's filters.")
    language: LanguageTag = Field("", description="Of the labels; else by Accept-Language.")

    @property
    def type_names(self) -> tuple[str, ...]:
        return tuple(filter(None, self.types.split(",")))


class KeyFieldShape(Answered):
    label: str
    value: str = Field(description="As people read it; empty where the record has none.")


class RecordShape(Answered):
    type: str
    id: str
    name: str
    url: str
    key_fields: tuple[KeyFieldShape, ...] = Field(description="Those that the admin chose.")

    @classmethod
    def of(cls, found: "FoundRecord") -> Self:
        return cls(
            type=found.record.type,
            id=found.record.id,
            name=found.record.name,
            url=found.record.url,
            key_fields=tuple(
                KeyFieldShape(label=one.label, value=one.value) for one in found.key_fields
            ),
        )


class RecordsShape(Answered):
    records: tuple[RecordShape, ...] = Field(description="The best of each type first.")


_URL = "https://contoso.example/main.aspx?id="
_DEAL = "3b1f6c1e-0f5a-4f0e-9c55-2b7d7f3f9a01"
_EXAMPLE_LINK: Mapping[str, Any] = {
    "type": "opportunity",
    "id": _DEAL,
    "name": "40 pumps",
    "url": f"{_URL}{_DEAL}",
}

SUGGEST = Operation(
    name="suggest_links",
    method="POST",
    route="links/suggest",
    summary="What may this item be linked to",
    description="Also tells what belongs to the item's people, and who of them the CRM does not "
    "know, so that one answer feeds the whole pane. Only what the caller may see is told.",
    body=SuggestRequest,
    answers={200: SuggestedShape},
    problems=("forbidden", "item_not_found", "excluded"),
    example=Example(
        body={"item": {"kind": "email", "mailbox": "me", "id": "AAMkAGI2TG93AAA="}},
        answer={
            "suggestions": [
                {
                    **_EXAMPLE_LINK,
                    "score": 0.87,
                    "reasons": [
                        {
                            "code": "similar_title",
                            "text": "The message speaks of what its name says",
                        },
                    ],
                }
            ],
            "related": {"opportunity": [_EXAMPLE_LINK], "lead": []},
            "contacts": [
                {
                    "type": "contact",
                    "id": "9d3a2a60-2f37-4d0a-8d57-5a5d3d0b7c02",
                    "name": "Jan Nowak",
                    "email": "jan.nowak@fabrikam.example",
                }
            ],
            "unmatched": ["x@y.example"],
        },
    ),
)

RECORDS = Operation(
    name="search_records",
    method="GET",
    route="records",
    summary="Search for records to link to",
    description="By name, key fields, and what else people look records up by. Every character "
    "stands for itself. Types that a lookup category takes can be searched as well.",
    query=RecordsQuery,
    answers={200: RecordsShape},
    problems=("forbidden", "type_not_connectable"),
    example=Example(
        answer={
            "records": [
                {**_EXAMPLE_LINK, "keyFields": [{"label": "Account", "value": "Fabrikam"}]},
            ]
        }
    ),
)
