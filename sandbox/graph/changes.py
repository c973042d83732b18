"""What may be written to messages and events, checked.

Which message properties only a draft lets change: microsoft-graph-docs-contrib
api/message-update.md.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.alias_generators import to_camel

from sandbox.graph.errors import GraphError, bad_request

_Model = TypeVar("_Model", bound=BaseModel)
DRAFT_ONLY = frozenset(
    {
        "subject",
        "body",
        "toRecipients",
        "ccRecipients",
        "bccRecipients",
        "replyTo",
        "from",
        "sender",
        "internetMessageId",
        "isReadReceiptRequested",
        "isDeliveryReceiptRequested",
    }
)


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)


class _Body(_Shape):
    content_type: Literal["text", "html"] = "text"
    content: str = ""

    @field_validator("content_type", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value


class _Address(_Shape):
    address: str
    name: str | None = None


class _Recipient(_Shape):
    email_address: _Address


class ExtendedProperty(_Shape):
    id: str = Field(pattern=r"^\S+ \S.*$")
    value: str | None


class _Flag(_Shape):
    flag_status: Literal["notFlagged", "flagged", "complete"]


class MessageChange(_Shape):
    """Only what the request names is changed; the defaults say what a property is when empty."""

    subject: str = ""
    body: _Body = _Body()
    to_recipients: list[_Recipient] = Field(default_factory=list)
    cc_recipients: list[_Recipient] = Field(default_factory=list)
    bcc_recipients: list[_Recipient] = Field(default_factory=list)
    reply_to: list[_Recipient] = Field(default_factory=list)
    from_: _Recipient | None = Field(None, alias="from")
    sender: _Recipient | None = None
    internet_message_id: str = ""
    importance: Literal["low", "normal", "high"] = "normal"
    categories: list[str] = Field(default_factory=list)
    is_read: bool = False
    is_read_receipt_requested: bool = False
    is_delivery_receipt_requested: bool = False
    inference_classification: Literal["focused", "other"] = "focused"
    flag: _Flag = _Flag(flag_status="notFlagged")
    single_value_extended_properties: list[ExtendedProperty] = Field(default_factory=list)


class FileUpload(BaseModel):
    """A fileAttachment of at most 3 MB, as a draft takes it."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)

    odata_type: Literal["#microsoft.graph.fileAttachment"] = Field(alias="@odata.type")
    name: str
    content_bytes: str
    content_type: str | None = None
    content_id: str | None = None
    is_inline: bool = False


class NewMessage(MessageChange):
    attachments: list[FileUpload] = Field(default_factory=list)


class EventChange(_Shape):
    """What the stand-in lets change in an event; a meeting itself changes by delivery."""

    categories: list[str] = Field(default_factory=list)
    importance: Literal["low", "normal", "high"] = "normal"
    sensitivity: Literal["normal", "personal", "private", "confidential"] = "normal"
    show_as: Literal["free", "tentative", "busy", "oof", "workingElsewhere"] = "busy"
    single_value_extended_properties: list[ExtendedProperty] = Field(default_factory=list)


class _Moment(_Shape):
    date_time: datetime
    time_zone: str = "UTC"


class _Place(_Shape):
    display_name: str


class _Attendee(_Recipient):
    type: Literal["required", "optional", "resource"] = "required"


class EventRevision(EventChange):
    """What its organizer may change in a meeting; the sandbox's handle alone takes it."""

    subject: str = ""
    body: _Body = _Body()
    location: _Place = _Place(display_name="")
    attendees: list[_Attendee] = Field(default_factory=list)
    start: _Moment | None = None
    end: _Moment | None = None


def read(model: type[_Model], body: Mapping[str, Any]) -> _Model:
    """Raises GraphError 400 that names what is wrong."""
    try:
        return model.model_validate(
            {name: value for name, value in body.items() if _is_property(name)}
        )
    except ValidationError as error:
        raise _refused(error) from error


def changed_fields(change: BaseModel) -> dict[str, Any]:
    """The plain properties that the request set, as the row keeps them."""
    given = change.model_fields_set - {"single_value_extended_properties", "attachments"}
    fields = change.model_dump(by_alias=True, include=given)
    for name, value in fields.items():
        if name.endswith("Recipients") or name == "replyTo":
            fields[name] = [_named(person) for person in value]
        elif name in ("from", "sender") and value:
            fields[name] = _named(value)
    return fields


def changed_stamps(old: Mapping[str, str], properties: list[ExtendedProperty]) -> dict[str, str]:
    """A null value removes a property."""
    stamps = dict(old)
    for given in properties:
        stamps.pop(given.id, None)
        if given.value is not None:
            stamps[given.id] = given.value
    return stamps


def _named(person: dict[str, Any]) -> dict[str, Any]:
    address = person["emailAddress"]
    name = address.get("name") or address["address"]
    return {"emailAddress": {"name": name, "address": address["address"]}}


def _is_property(name: str) -> bool:
    """OData annotations may come along; `@odata.type` means something for attachments only."""
    return "@odata." not in name or name == "@odata.type"


def _refused(error: ValidationError) -> GraphError:
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return bad_request(
            f"The property '{path}' does not exist on this type or can't be written. Make sure to "
            "only use property names that are defined by the type.",
            "RequestBodyRead",
        )
    return bad_request(f"The property '{path}' has an invalid value.", "RequestBodyRead")
