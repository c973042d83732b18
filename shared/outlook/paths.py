"""The URLs of Graph's mail and calendar calls, built by msgraph-sdk's request builders.

Importing this loads the builders and nothing of the SDK's models (docs/adr/0002).
"""

import re
from functools import cache
from typing import Literal
from urllib.parse import quote

import httpx
from kiota_abstractions.authentication import AnonymousAuthenticationProvider
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_http.httpx_request_adapter import HttpxRequestAdapter
from msgraph.generated.users.item.events.item.event_item_request_builder import (
    EventItemRequestBuilder,
)
from msgraph.generated.users.item.messages.item.message_item_request_builder import (
    MessageItemRequestBuilder,
)

from shared.domain import ActivityKind, ItemRef
from shared.outlook import wire

Detail = Literal["key", "whole"]

# Stand for the values while a template is made; no character of them is ever encoded.
_USER, _ITEM, _ATTACHMENT = "0user0", "0item0", "0attachment0"
_PLACES = re.compile(f"/users/{_USER}|{_ITEM}|{_ATTACHMENT}")


def item_path(ref: ItemRef, detail: Detail) -> str:
    """The call for an item, relative to Graph's root: all of it, or what tells it from others."""
    return _filled(_item_template(ref.kind, detail), ref)


def source_path(ref: ItemRef) -> str:
    """The call for a message as RFC 822 bytes."""
    return _filled(_source_template(), ref)


def attachment_path(ref: ItemRef, attachment_id: str) -> str:
    """The call for what Graph knows of an attachment; `/$value` behind it gives the content."""
    return _filled(_attachment_template(ref.kind), ref, attachment_id)


def _filled(template: str, ref: ItemRef, attachment_id: str = "") -> str:
    values = {
        f"/users/{_USER}": "/me"
        if ref.mailbox == "me"
        else f"/users/{quote(ref.mailbox, safe='@')}",
        _ITEM: quote(ref.id, safe=""),
        _ATTACHMENT: quote(attachment_id, safe=""),
    }
    # in one pass, so that a value which looks like a place is left alone
    return _PLACES.sub(lambda place: values[place[0]], template)


@cache
def _item_template(kind: ActivityKind, detail: Detail) -> str:
    """Expanding the SDK's URI template takes 0.3 ms, so it is done once for each shape."""
    whole = detail == "whole"
    if kind == "email":
        message = MessageItemRequestBuilder.MessageItemRequestBuilderGetQueryParameters(
            select=wire.MESSAGE if whole else wire.MESSAGE_KEY,
            expand=wire.MESSAGE_PARTS if whole else None,
        )
        of_message = RequestConfiguration(query_parameters=message)
        return _plain(_message().to_get_request_information(of_message).url)
    event = EventItemRequestBuilder.EventItemRequestBuilderGetQueryParameters(
        select=wire.EVENT if whole else wire.EVENT_KEY,
        expand=wire.EVENT_PARTS if whole else None,
    )
    of_event = RequestConfiguration(query_parameters=event)
    return _plain(_event().to_get_request_information(of_event).url)


@cache
def _source_template() -> str:
    return _plain(_message().content.to_get_request_information().url)


@cache
def _attachment_template(kind: ActivityKind) -> str:
    attachments = _message().attachments if kind == "email" else _event().attachments
    one = attachments.by_attachment_id(_ATTACHMENT)
    return _plain(one.to_get_request_information().url)


def _message() -> MessageItemRequestBuilder:
    return MessageItemRequestBuilder(_adapter(), {**_OWNER, "message%2Did": _ITEM})


def _event() -> EventItemRequestBuilder:
    return EventItemRequestBuilder(_adapter(), {**_OWNER, "event%2Did": _ITEM})


_OWNER = {"baseurl": "", "user%2Did": _USER}


@cache
def _adapter() -> HttpxRequestAdapter:
    """The builders want an adapter, and never use it: its transport can't send anything."""
    silent = httpx.AsyncClient(transport=httpx.AsyncBaseTransport(), trust_env=False)
    return HttpxRequestAdapter(AnonymousAuthenticationProvider(), http_client=silent)


def _plain(url: str) -> str:
    """`$` as it is in parameter names, as the SDK's own middleware does it before sending."""
    return url.replace("?%24", "?$").replace("&%24", "&$")
