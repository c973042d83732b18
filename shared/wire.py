"""The JSON shapes that more than one room speaks: strict coming in, whole going out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from shared import domain

_NO_CONTROLS = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
_ADDRESS_PART = r'[^\s@/\\?%<>"(),:;\[\]\x00-\x1f\x7f]'

ItemId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1024, pattern=r"^[A-Za-z0-9_=-]+$"),
    Field(description="A Graph (REST) id; an EWS id must be converted to one first."),
]
RecordId = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9-]+$")
]
RecordTypeName = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
]
FieldName = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z][A-Za-z0-9_.]*$")
]
MailboxName = Annotated[
    str,
    StringConstraints(
        max_length=320,
        pattern=rf"^(me|{_ADDRESS_PART}+@{_ADDRESS_PART}+)$",
    ),
    Field(description='"me", or the address of a shared or delegate mailbox.'),
]
LanguageTag = Annotated[
    str,
    StringConstraints(max_length=35, pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*)?$"),
]
WholeNumber = Annotated[int, Field(ge=-(2**53) + 1, le=2**53 - 1)]
FieldText = Annotated[str, StringConstraints(max_length=100_000, pattern=_NO_CONTROLS)]
FieldValue = bool | WholeNumber | FieldText | None
FieldValues = Annotated[dict[FieldName, FieldValue], Field(max_length=50)]


class Asked(BaseModel):
    """The base of what a client sends: nothing is coerced, nothing unknown is let pass."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        defer_build=True,  # a worker builds the shapes of the calls that it answers, when it does
    )


class Answered(BaseModel):
    """The base of what a client gets."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        json_schema_serialization_defaults_required=True,
        defer_build=True,
    )


class ItemKey(Asked):
    """Names one Outlook item; what is in it is read from the mailbox, never from the client."""

    kind: domain.ActivityKind
    mailbox: MailboxName = "me"
    id: ItemId

    def ref(self) -> domain.ItemRef:
        return domain.ItemRef(self.kind, self.mailbox, self.id)


class ItemQuery(Asked):
    """Names the item, as `ItemKey` does, in the query string."""

    kind: domain.ActivityKind
    mailbox: MailboxName = "me"
    item: ItemId

    def ref(self) -> domain.ItemRef:
        return domain.ItemRef(self.kind, self.mailbox, self.item)


class ActivityKey(Asked):
    """The path of one saved activity."""

    kind: domain.ActivityKind
    id: RecordId


class RecordKey(Asked):
    """Points at a CRM record."""

    type: RecordTypeName
    id: RecordId

    def ref(self) -> domain.RecordRef:
        return domain.RecordRef(self.type, self.id)


class PersonShape(Answered):
    name: str
    email: str


class LinkShape(Answered):
    type: str
    id: str
    name: str
    url: str

    @classmethod
    def of(cls, ref: domain.RecordRef) -> Self:
        return cls(type=ref.type, id=ref.id, name=ref.name, url=ref.url)


class ContactShape(Answered):
    type: str
    id: str
    name: str
    email: str

    @classmethod
    def of(cls, ref: domain.RecordRef) -> Self:
        return cls(type=ref.type, id=ref.id, name=ref.name, email=ref.email)


class SavedFileShape(Answered):
    id: str
    name: str
    size: int = Field(description="Bytes.")


class RejectedFileShape(Answered):
    name: str
    reason: domain.RejectionReason
    limit: int | None = Field(
        None, description="Bytes; for too_large only.", exclude_if=lambda limit: limit is None
    )


class FilesShape(Answered):
    saved: tuple[SavedFileShape, ...]
    rejected: tuple[RejectedFileShape, ...]


class NoticeShape(Answered):
    code: str = Field(description="Stable, for programs.")
    text: str = Field(description="For people.")

    @classmethod
    def of(cls, notice: domain.Notice) -> Self:
        return cls(code=notice.code, text=notice.text)


class ActivityShape(Answered):
    """A saved e-mail or meeting as the CRM has it."""

    kind: domain.ActivityKind
    id: str
    crm: str
    url: str
    status: Literal["saved"] = "saved"
    subject: str
    saved_by: PersonShape
    saved_at: datetime
    links: tuple[LinkShape, ...]
    contacts: tuple[ContactShape, ...]
    unmatched: tuple[str, ...] = Field(description="Addresses that no CRM record carries.")
    categories: dict[str, bool | int | str | None]
    attachments: FilesShape
    notices: tuple[NoticeShape, ...]

    @classmethod
    def of(cls, activity: domain.Activity) -> Self:
        return cls(
            kind=activity.kind,
            id=activity.id,
            crm=activity.crm,
            url=activity.url,
            subject=activity.subject,
            saved_by=PersonShape(name=activity.saved_by.name, email=activity.saved_by.email),
            saved_at=activity.saved_at.astimezone(UTC).replace(microsecond=0),
            links=tuple(map(LinkShape.of, activity.links)),
            contacts=tuple(map(ContactShape.of, activity.contacts)),
            unmatched=activity.unmatched,
            categories=dict(activity.categories),
            attachments=FilesShape(
                saved=tuple(
                    SavedFileShape(id=file.id, name=file.name, size=file.size)
                    for file in activity.files
                ),
                rejected=tuple(
                    RejectedFileShape(name=one.name, reason=one.reason, limit=one.limit)
                    for one in activity.rejected
                ),
            ),
            notices=tuple(map(NoticeShape.of, activity.notices)),
        )


class FieldErrorShape(Answered):
    field: str
    message: str


class Problem(Answered):
    """RFC 9457 problem details. `type` points into this API's own OpenAPI document."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retry_after: int | None = Field(
        None, description="Seconds; also the Retry-After header.", exclude_if=lambda s: s is None
    )
    errors: tuple[FieldErrorShape, ...] = Field(default=(), exclude_if=lambda errors: not errors)


@dataclass(frozen=True, slots=True)
class Example:
    """`body` as JSON; for a call without a request body, what it answers is all there is. `others`
    are the answers of another shape, by status."""

    answer: Mapping[str, Any]
    body: Mapping[str, Any] | None = None
    others: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the HTTP API: its trigger is routed by this, and its documentation made of it.

    `route` lacks the `/api` prefix and names path parameters as `{name}`, the fields of `path`.
    `answers` maps a status to its shape, None standing for any JSON object. `problems` are the
    codes it may answer beyond those that every call may.
    """

    name: str
    method: Literal["GET", "POST", "PATCH", "DELETE"]
    route: str
    summary: str
    description: str
    answers: Mapping[int, type[Answered] | None]
    example: Example
    path: type[Asked] | None = None
    query: type[Asked] | None = None
    body: type[Asked] | None = None
    problems: tuple[str, ...] = field(default=())
    public: bool = False


EXAMPLE_ACTIVITY: Mapping[str, Any] = {
    "kind": "email",
    "id": "7f9c2ba4-1f0b-5c63-9f0b-0d5a8a0f6f11",
    "crm": "dataverse",
    "url": "https://contoso.example/main.aspx?id=7f9c2ba4-1f0b-5c63-9f0b-0d5a8a0f6f11",
    "status": "saved",
    "subject": "Offer for 40 pumps",
    "savedBy": {"name": "Ann Lee", "email": "ann.lee@contoso.example"},
    "savedAt": "2026-01-05T09:00:00Z",
    "links": [
        {
            "type": "opportunity",
            "id": "3b1f6c1e-0f5a-4f0e-9c55-2b7d7f3f9a01",
            "name": "40 pumps",
            "url": "https://contoso.example/main.aspx?id=3b1f6c1e-0f5a-4f0e-9c55-2b7d7f3f9a01",
        }
    ],
    "contacts": [
        {
            "type": "contact",
            "id": "9d3a2a60-2f37-4d0a-8d57-5a5d3d0b7c02",
            "name": "Jan Nowak",
            "email": "jan.nowak@fabrikam.example",
        }
    ],
    "unmatched": ["x@y.example"],
    "categories": {"new_topic": 100000001},
    "attachments": {
        "saved": [
            {"id": "5e0d3c52-58f1-5b6e-8d7c-3d2a1b0c9e03", "name": "offer.pdf", "size": 48213}
        ],
        "rejected": [{"name": "tool.exe", "reason": "blocked_type"}],
    },
    "notices": [],
}
