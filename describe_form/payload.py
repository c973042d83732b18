"""The wire shapes of the save form."""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field

from shared import domain
from shared.policy import AttachmentMode, Policy
from shared.wire import Answered, Asked, Example, LanguageTag, NoticeShape, Operation

if TYPE_CHECKING:
    from describe_form.logic import Form, FormType
    from shared.records import FieldDescription


class FormQuery(Asked):
    """Which form, in the query string."""

    kind: domain.ActivityKind
    language: LanguageTag = Field("", description="Of the labels; else by Accept-Language.")


class NamedField(Answered):
    name: str
    label: str


class RecordTypeShape(Answered):
    type: str
    label: str
    plural_label: str
    key_fields: tuple[NamedField, ...]
    filters: tuple[str, ...] = Field(description="Names that a search may give as `filter`.")

    @classmethod
    def of(cls, one: "FormType") -> Self:
        return cls(
            type=one.described.type,
            label=one.described.label,
            plural_label=one.described.plural,
            key_fields=tuple(
                NamedField(name=field.name, label=field.label) for field in one.described.key_fields
            ),
            filters=one.filters,
        )


class OptionShape(Answered):
    value: int | str
    label: str


class CategoryShape(Answered):
    """A field of the form; its value goes into `categories` of a save under `name`."""

    name: str
    label: str
    type: Literal["choice", "lookup", "text", "multiline", "boolean", "integer", "other"]
    required: bool
    options: tuple[OptionShape, ...] = Field(description="Of a choice or a yes/no field.")
    lookup_types: tuple[str, ...] = Field(description="Types to search for a lookup's value.")
    max_length: int | None = Field(None, exclude_if=lambda value: value is None)
    minimum: int | None = Field(None, exclude_if=lambda value: value is None)
    maximum: int | None = Field(None, exclude_if=lambda value: value is None)

    @classmethod
    def of(cls, field: "FieldDescription") -> Self:
        return cls(
            name=field.name,
            label=field.label,
            type=field.type,
            required=field.required,
            options=tuple(OptionShape(value=o.value, label=o.label) for o in field.options),
            lookup_types=field.lookup_types,
            max_length=field.max_length,
            minimum=field.minimum,
            maximum=field.maximum,
        )


class AttachmentsShape(Answered):
    mode: AttachmentMode = Field(
        description="Not saved; saved with none preselected; saved with all preselected."
    )
    max_bytes: int
    blocked_extensions: tuple[str, ...]


class BannerShape(Answered):
    enabled: bool
    max_per_day: int


class FormShape(Answered):
    """What the save form of one kind of item shows."""

    kind: domain.ActivityKind
    enabled: bool = Field(description="Whether the admin lets items of this kind be saved.")
    crm: str
    crm_name: str = Field(description="For people.")
    record_types: tuple[RecordTypeShape, ...] = Field(description="In the admin's order.")
    categories: tuple[CategoryShape, ...]
    attachments: AttachmentsShape
    banner: BannerShape
    follow_replies: bool = Field(description="Whether following is preselected.")
    languages: tuple[str, ...] = Field(
        description="Those that users may choose from; empty for every one that the client has."
    )
    notices: tuple[NoticeShape, ...] = Field(
        description="What of the admin's choices does not fit the CRM and was left out."
    )

    @classmethod
    def of(cls, form: "Form", policy: Policy) -> Self:
        return cls(
            kind=form.kind,
            enabled=policy.saves(form.kind),
            crm=form.crm,
            crm_name=form.product,
            record_types=tuple(map(RecordTypeShape.of, form.types)),
            categories=tuple(map(CategoryShape.of, form.categories)),
            attachments=AttachmentsShape(
                mode=policy.attachments,
                max_bytes=form.limits.max_bytes,
                blocked_extensions=tuple(sorted(form.limits.blocked_extensions)),
            ),
            banner=BannerShape(
                enabled=policy.banner.enabled, max_per_day=policy.banner.max_per_day
            ),
            follow_replies=policy.follow_replies,
            languages=policy.languages,
            notices=tuple(map(NoticeShape.of, form.notices)),
        )


FORM = Operation(
    name="describe_form",
    method="GET",
    route="form",
    summary="What the save form shows",
    description="The admin's choices with the labels, types and options that the CRM has for them, "
    "at most five minutes old.",
    query=FormQuery,
    answers={200: FormShape},
    problems=("forbidden",),
    example=Example(
        answer={
            "kind": "email",
            "enabled": True,
            "crm": "dataverse",
            "crmName": "Dynamics 365",
            "recordTypes": [
                {
                    "type": "opportunity",
                    "label": "Opportunity",
                    "pluralLabel": "Opportunities",
                    "keyFields": [{"name": "parentaccountid", "label": "Account"}],
                    "filters": ["Open deals"],
                }
            ],
            "categories": [
                {
                    "name": "new_topic",
                    "label": "Topic",
                    "type": "choice",
                    "required": True,
                    "options": [{"value": 100000001, "label": "Support"}],
                    "lookupTypes": [],
                }
            ],
            "attachments": {"mode": "all", "maxBytes": 3932160, "blockedExtensions": ["exe"]},
            "banner": {"enabled": True, "maxPerDay": 2},
            "followReplies": True,
            "languages": ["en", "de"],
            "notices": [],
        }
    ),
)
