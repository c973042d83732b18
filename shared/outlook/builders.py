"""The templates of Graph's calls, made by msgraph-sdk's request builders.

`python -m shared.outlook.builders` writes them to `templates.json`, which is all that a worker
loads: importing the builders takes some 80 ms of a cold start (docs/adr/0002). A test fails where
the file is not what this SDK builds.
"""

import json
from pathlib import Path
from typing import Any

import httpx
from kiota_abstractions.authentication import AnonymousAuthenticationProvider
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_http.httpx_request_adapter import HttpxRequestAdapter
from msgraph.generated.subscriptions.item.subscription_item_request_builder import (
    SubscriptionItemRequestBuilder,
)
from msgraph.generated.subscriptions.subscriptions_request_builder import (
    SubscriptionsRequestBuilder,
)
from msgraph.generated.users.item.calendar_view.delta.delta_request_builder import (
    DeltaRequestBuilder as CalendarDelta,
)
from msgraph.generated.users.item.events.item.event_item_request_builder import (
    EventItemRequestBuilder,
)
from msgraph.generated.users.item.events.item.instances.instances_request_builder import (
    InstancesRequestBuilder,
)
from msgraph.generated.users.item.mail_folders.item.mail_folder_item_request_builder import (
    MailFolderItemRequestBuilder,
)
from msgraph.generated.users.item.mail_folders.item.messages.delta.delta_request_builder import (
    DeltaRequestBuilder as MessagesDelta,
)
from msgraph.generated.users.item.messages.item.message_item_request_builder import (
    MessageItemRequestBuilder,
)
from msgraph.generated.users.item.messages.messages_request_builder import MessagesRequestBuilder

from shared.outlook import wire
from shared.outlook.paths import TEMPLATES

_IDS = 500
_WHOLE_ONES = 50
"""Rows of a page: ids alone, and events with their bodies. Graph takes up to 1,000."""

_OWNER = {"baseurl": "", "user%2Did": "0user0"}
_PARTS = ("item", "attachment", "folder", "conversation", "since", "start", "end", "subscription")
"""What is filled in later. The names stand for themselves between zeros while the SDK builds, so
that no character of them is ever encoded."""


def templates() -> dict[str, str]:
    """By name; relative to Graph's root, with `{owner}` and `_PARTS` to fill in."""
    adapter = _adapter()
    return {**_of_items(adapter), **_of_lists(adapter), **_of_changes(adapter)}


def _of_items(adapter: HttpxRequestAdapter) -> dict[str, str]:
    message = MessageItemRequestBuilder(adapter, {**_OWNER, "message%2Did": "0item0"})
    event = EventItemRequestBuilder(adapter, {**_OWNER, "event%2Did": "0item0"})
    folder = MailFolderItemRequestBuilder(adapter, {**_OWNER, "mailFolder%2Did": "0folder0"})
    of_message = MessageItemRequestBuilder.MessageItemRequestBuilderGetQueryParameters
    of_event = EventItemRequestBuilder.EventItemRequestBuilderGetQueryParameters
    of_folder = MailFolderItemRequestBuilder.MailFolderItemRequestBuilderGetQueryParameters
    attachment = "0attachment0"
    return {
        "email key": _asked(message, of_message(select=wire.MESSAGE_KEY)),
        "email whole": _asked(message, of_message(select=wire.MESSAGE, expand=wire.MESSAGE_PARTS)),
        "email place": _asked(message, of_message(select=wire.LISTED_MESSAGE)),
        "email source": _asked(message.content),
        "email attachment": _asked(message.attachments.by_attachment_id(attachment)),
        "folder": _asked(folder, of_folder(select=["id"])),
        "meeting key": _asked(event, of_event(select=wire.EVENT_KEY)),
        "meeting whole": _asked(event, of_event(select=wire.EVENT, expand=wire.EVENT_PARTS)),
        "meeting series": _asked(event, of_event(select=wire.SERIES)),
        "meeting attachment": _asked(event.attachments.by_attachment_id(attachment)),
    }


def _of_lists(adapter: HttpxRequestAdapter) -> dict[str, str]:
    messages = MessagesRequestBuilder(adapter, _OWNER)
    instances = InstancesRequestBuilder(adapter, {**_OWNER, "event%2Did": "0item0"})
    of_messages = MessagesRequestBuilder.MessagesRequestBuilderGetQueryParameters
    conversation = of_messages(
        filter="conversationId eq '0conversation0'", select=wire.LISTED_MESSAGE, top=_IDS
    )
    since = of_messages(filter="receivedDateTime ge 0since0", select=["id"], top=_IDS)
    occurrences = InstancesRequestBuilder.InstancesRequestBuilderGetQueryParameters(
        start_date_time="0start0", end_date_time="0end0", select=wire.LISTED_EVENT, top=_WHOLE_ONES
    )
    return {
        "conversation": _asked(messages, conversation),
        "emails since": _asked(messages, since),
        "occurrences": _asked(instances, occurrences),
    }


def _of_changes(adapter: HttpxRequestAdapter) -> dict[str, str]:
    messages = MessagesDelta(adapter, {**_OWNER, "mailFolder%2Did": "0folder0"})
    new = MessagesDelta.DeltaRequestBuilderGetQueryParameters(
        change_type="created", filter="receivedDateTime ge 0since0", select=["id"]
    )
    span = CalendarDelta.DeltaRequestBuilderGetQueryParameters(
        start_date_time="0start0", end_date_time="0end0"
    )
    root = {"baseurl": ""}
    one = SubscriptionItemRequestBuilder(adapter, {**root, "subscription%2Did": "0subscription0"})
    return {
        "new emails": _asked(messages, new),
        "calendar changes": _asked(CalendarDelta(adapter, _OWNER), span),
        "subscriptions": _asked(SubscriptionsRequestBuilder(adapter, root)),
        "subscription": _asked(one),
    }


def _asked(builder: Any, query: Any = None) -> str:
    """The URL of the builder's GET; `query` holds its own query parameters."""
    options = query and RequestConfiguration(query_parameters=query)
    return _plain(builder.to_get_request_information(options).url)


def _adapter() -> HttpxRequestAdapter:
    """The builders want an adapter, and never use it: its transport can't send anything."""
    silent = httpx.AsyncClient(transport=httpx.AsyncBaseTransport(), trust_env=False)
    return HttpxRequestAdapter(AnonymousAuthenticationProvider(), http_client=silent)


def _plain(url: str) -> str:
    """`$` as it is in parameter names, as the SDK's own middleware does it before sending."""
    plain = url.replace("?%24", "?$").replace("&%24", "&$").replace("/users/0user0", "{owner}")
    for part in _PARTS:
        plain = plain.replace(f"0{part}0", f"{{{part}}}")
    return plain


def main(file: Path = TEMPLATES) -> None:
    file.write_text(json.dumps(templates(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
