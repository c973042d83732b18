"""What we ask of Microsoft Graph and the shapes it answers in, only as far as we use them.

Shapes: https://learn.microsoft.com/en-us/graph/api/resources/message and …/event; Graph leaves
out or nulls what is empty.
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from shared.outlook.cleaning import mail_address, one_line, whole_text

SENSITIVITY = "Integer 0x36"
IN_REPLY_TO = "String 0x1042"
REFERENCES = "String 0x1039"
"""PidTagSensitivity, PidTagInReplyToId, PidTagInternetReferences. The last two also exist on sent
messages, which have no internetMessageHeaders
(https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-oxprops)."""

_ATTACHMENT_LIST = "attachments($select=id,name,contentType,size,isInline)"
_PROPERTIES = " or ".join(f"id eq '{id_}'" for id_ in (SENSITIVITY, IN_REPLY_TO, REFERENCES))

_PEOPLE = ["from", "sender", "toRecipients", "ccRecipients", "bccRecipients"]
MESSAGE_KEY = [
    *("id", "internetMessageId", "conversationId", "subject", "sentDateTime", "isDraft"),
    *_PEOPLE,
]
MESSAGE = [*MESSAGE_KEY, "receivedDateTime", "body", "internetMessageHeaders"]
MESSAGE_PARTS = [_ATTACHMENT_LIST, f"singleValueExtendedProperties($filter={_PROPERTIES})"]

EVENT_KEY = [
    *("id", "iCalUId", "type", "seriesMasterId", "originalStart", "originalStartTimeZone"),
    *("subject", "start", "end", "isAllDay", "isDraft", "isCancelled", "isOrganizer"),
]
EVENT = [*EVENT_KEY, "body", "organizer", "attendees", "location", "sensitivity"]
EVENT_PARTS = [_ATTACHMENT_LIST]

SERIES = ["id", "type", "seriesMasterId"]
LISTED_EVENT = [*EVENT, "hasAttachments"]
LISTED_MESSAGE = ["id", "conversationId", "receivedDateTime", "isDraft", "parentFolderId"]


def _cleaned_by(clean: Any) -> BeforeValidator:
    return BeforeValidator(lambda value: clean(value) if isinstance(value, str) else value)


Line = Annotated[str, _cleaned_by(one_line)]
Text = Annotated[str, _cleaned_by(whole_text)]
Address = Annotated[str, _cleaned_by(mail_address)]


class _Shape(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        defer_build=True,  # a worker builds what it reads, when it does
    )


class EmailAddress(_Shape):
    name: Line | None = None
    address: Address | None = None


class Recipient(_Shape):
    email_address: EmailAddress | None = None


class Attendee(Recipient):
    type: Line | None = None


class Body(_Shape):
    content_type: Line | None = None
    content: Text | None = None


class Header(_Shape):
    name: Line
    value: Line | None = None


class Property(_Shape):
    id: Line
    value: Line | None = None


class Attachment(_Shape):
    """`name` is as sent: `shared.file_names` cleans it."""

    odata_type: Line | None = Field(None, alias="@odata.type")
    id: Line
    name: Text | None = None
    content_type: Line | None = None
    size: int | None = None
    is_inline: bool | None = None


class Content(_Shape):
    """An attachment with what it holds: base64 for a file, a web address for a reference.

    `sourceUrl` is there in Graph's beta version only.
    """

    content_bytes: str | None = None
    source_url: Text | None = None


class Message(_Shape):
    odata_type: Line | None = Field(None, alias="@odata.type")
    id: Line
    internet_message_id: Line | None = None
    conversation_id: Line | None = None
    subject: Line | None = None
    body: Body | None = None
    from_: Recipient | None = Field(None, alias="from")
    sender: Recipient | None = None
    to_recipients: tuple[Recipient, ...] | None = None
    cc_recipients: tuple[Recipient, ...] | None = None
    bcc_recipients: tuple[Recipient, ...] | None = None
    sent_date_time: datetime | None = None
    received_date_time: datetime | None = None
    is_draft: bool | None = None
    internet_message_headers: tuple[Header, ...] | None = None
    single_value_extended_properties: tuple[Property, ...] | None = None
    attachments: tuple[Attachment, ...] | None = None


class ZonedTime(_Shape):
    date_time: datetime
    time_zone: Line | None = None


class Location(_Shape):
    display_name: Line | None = None


class Event(_Shape):
    id: Line
    i_cal_u_id: Line | None = Field(None, alias="iCalUId")
    type: Line | None = None
    series_master_id: Line | None = None
    original_start: datetime | None = None
    original_start_time_zone: Line | None = None
    subject: Line | None = None
    body: Body | None = None
    start: ZonedTime
    end: ZonedTime
    is_all_day: bool | None = None
    is_draft: bool | None = None
    is_cancelled: bool | None = None
    is_organizer: bool | None = None
    organizer: Recipient | None = None
    attendees: tuple[Attendee, ...] | None = None
    location: Location | None = None
    sensitivity: Line | None = None
    has_attachments: bool | None = None
    attachments: tuple[Attachment, ...] | None = None


class ListedMessage(_Shape):
    """As much of a message as a list tells."""

    id: Line
    conversation_id: str | None = None
    received_date_time: datetime | None = None
    is_draft: bool | None = None
    parent_folder_id: str | None = None


class Folder(_Shape):
    id: str


class Series(_Shape):
    """What tells an event's part in a series."""

    id: Line
    type: Line | None = None
    series_master_id: Line | None = None


class Change(_Shape):
    """One item of a delta round; `removed` where it is not there any more. Of an occurrence that
    is like its series, little more than the ids is told."""

    id: Line
    removed: Any = Field(None, alias="@removed")
    series_master_id: Line | None = None
    last_modified_date_time: datetime | None = None


class Page(_Shape):
    """A part of a list, or of a delta round."""

    value: tuple[Any, ...]
    next_link: str | None = Field(None, alias="@odata.nextLink")
    delta_link: str | None = Field(None, alias="@odata.deltaLink")


class Subscription(_Shape):
    id: str
    expiration_date_time: datetime


class BatchReply(_Shape):
    """One answer within a JSON batch; `body` is base64 text where it is no JSON
    (https://learn.microsoft.com/en-us/graph/json-batching)."""

    id: str
    status: int
    headers: dict[str, str] | None = None
    body: Any = None


class BatchReplies(_Shape):
    responses: tuple[BatchReply, ...]
