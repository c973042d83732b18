"""The admin's choices as one validated document: what may be saved, where to, and with what.

Field names are camelCase in the document, as in the HTTP API. Names of fields and types of the
CRM are plain identifiers, so that none of them can carry a query into it.
`docs/policy.schema.json` is the JSON Schema of the document, made by `python -m shared.policy`.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from shared.domain import ActivityKind, Sensitivity

TypeName = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
]
FieldName = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z][A-Za-z0-9_.]*$")
]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Domain = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=253, pattern=r"^@?[^@\s/]+$")
]
Address = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=320, pattern=r"^[^@\s]+@[^@\s]+$")
]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


def _no_duplicates(names: Iterable[str], where: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{where}: an entry comes twice")
        seen.add(name)


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class Condition(_Part):
    """One thing that a record must fulfil. `value` is left out for `empty` and `notEmpty`."""

    field: FieldName
    operator: Literal[
        "equals", "notEquals", "contains", "atLeast", "atMost", "empty", "notEmpty"
    ] = "equals"
    value: bool | int | Annotated[str, StringConstraints(max_length=400)] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.value is None) != (self.operator in ("empty", "notEmpty")):
            raise ValueError("empty and notEmpty take no value, the other operators need one")
        return self


class ViewFilter(_Part):
    """A choice of records by a name that users know, such as "Open deals": all conditions hold."""

    name: Label
    conditions: tuple[Condition, ...] = Field(min_length=1, max_length=10)


class Order(_Part):
    field: FieldName
    descending: bool = False


class RecordType(_Part):
    """A record type that users may connect to, with up to two key fields shown in results, the
    filters that users may choose from, and the order of the results (else: the best match)."""

    type: TypeName
    key_fields: tuple[FieldName, ...] = Field(default=(), max_length=2)
    filters: tuple[ViewFilter, ...] = Field(default=(), max_length=20)
    order: Order | None = None

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        _no_duplicates((view.name.casefold() for view in self.filters), "filters")
        return self


class CategoryField(_Part):
    """A field of the CRM that the save form asks for. `name` is the CRM's own name of it."""

    name: FieldName
    type: Literal["choice", "lookup", "text", "multiline", "boolean", "integer"]
    required: bool = False
    lookup_type: TypeName | None = None


AttachmentMode = Literal["off", "none", "all"]


class Exclusions(_Part):
    """Never saved: items where one of these takes part. A domain covers its subdomains.

    `never_auto_saved` are the labels of items that only a person may save.
    """

    domains: tuple[Domain, ...] = ()
    addresses: tuple[Address, ...] = ()
    never_auto_saved: tuple[Sensitivity, ...] = (Sensitivity.PRIVATE, Sensitivity.CONFIDENTIAL)


class Banner(_Part):
    """What offers to save an e-mail, or to add a contact, at most so often a day."""

    enabled: bool = True
    max_per_day: int = Field(2, ge=0, le=100)


class Policy(_Part):
    """The defaults are what a company gets that has not chosen anything yet.

    The order of the record types is the one in which they are shown. `attachments`: not saved at
    all, saved with none preselected, or with all preselected. `languages` are those that users may
    choose from, the first one standing in for all others; empty for every language there is.
    """

    record_types: tuple[RecordType, ...] = (
        RecordType(type="account"),
        RecordType(type="contact"),
        RecordType(type="opportunity"),
        RecordType(type="lead"),
        RecordType(type="case"),
    )
    save_emails: bool = True
    save_meetings: bool = True
    email_categories: tuple[CategoryField, ...] = ()
    meeting_categories: tuple[CategoryField, ...] = ()
    attachments: AttachmentMode = "all"
    banner: Banner = Banner()
    exclusions: Exclusions = Exclusions()
    follow_replies: bool = True
    languages: tuple[Language, ...] = ()

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        _no_duplicates((one.type for one in self.record_types), "recordTypes")
        _no_duplicates((one.name for one in self.email_categories), "emailCategories")
        _no_duplicates((one.name for one in self.meeting_categories), "meetingCategories")
        return self

    def categories(self, kind: ActivityKind) -> tuple[CategoryField, ...]:
        return self.email_categories if kind == "email" else self.meeting_categories

    def saves(self, kind: ActivityKind) -> bool:
        return self.save_emails if kind == "email" else self.save_meetings


def schema() -> dict[str, Any]:
    """The JSON Schema of the document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Policy.model_json_schema(),
        "title": "Threadline policy",
    }


if __name__ == "__main__":
    import json
    from pathlib import Path

    target = Path(__file__).parents[1] / "docs" / "policy.schema.json"
    target.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")
