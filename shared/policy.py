"""The admin's choices as one validated document: what may be saved, where to, and with what.

Field names are camelCase in the document, as in the HTTP API.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from shared.domain import ActivityKind


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class RecordType(_Part):
    """A record type that users may connect to, with up to two key fields shown in results."""

    type: str
    key_fields: tuple[str, ...] = Field(default=(), max_length=2)


class CategoryField(_Part):
    """A field of the CRM that the save form asks for. `name` is the CRM's own name of it."""

    name: str
    type: Literal["choice", "lookup", "text", "multiline", "boolean", "integer"]
    required: bool = False
    lookup_type: str | None = None


AttachmentMode = Literal["off", "none", "all"]


class Exclusions(_Part):
    """Never saved: items where one of these takes part. A domain covers its subdomains."""

    domains: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


class Policy(_Part):
    """The defaults are what a company gets that has not chosen anything yet."""

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
    exclusions: Exclusions = Exclusions()

    def categories(self, kind: ActivityKind) -> tuple[CategoryField, ...]:
        return self.email_categories if kind == "email" else self.meeting_categories

    def saves(self, kind: ActivityKind) -> bool:
        return self.save_emails if kind == "email" else self.save_meetings
