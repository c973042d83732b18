"""The templates of Graph's calls, made by msgraph-sdk's request builders.

`python -m shared.outlook.builders` writes them to `templates.json`, which is all that a worker
loads: importing the builders takes some 80 ms of a cold start (docs/adr/0002). A test fails where
the file is not what this SDK builds.
"""

import json
from pathlib import Path

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

from shared.outlook import wire
from shared.outlook.paths import TEMPLATES

# Stand for the values while the SDK builds; no character of them is ever encoded.
_USER, _ITEM, _ATTACHMENT = "0user0", "0item0", "0attachment0"
_OWNER = {"baseurl": "", "user%2Did": _USER}


def templates() -> dict[str, str]:
    """By name; relative to Graph's root, with `{owner}`, `{item}` and `{attachment}` to fill in."""
    adapter = _adapter()
    message = MessageItemRequestBuilder(adapter, {**_OWNER, "message%2Did": _ITEM})
    event = EventItemRequestBuilder(adapter, {**_OWNER, "event%2Did": _ITEM})
    return {
        "email key": _message(message, wire.MESSAGE_KEY, None),
        "email whole": _message(message, wire.MESSAGE, wire.MESSAGE_PARTS),
        "email source": _plain(message.content.to_get_request_information().url),
        "email attachment": _plain(
            message.attachments.by_attachment_id(_ATTACHMENT).to_get_request_information().url
        ),
        "meeting key": _event(event, wire.EVENT_KEY, None),
        "meeting whole": _event(event, wire.EVENT, wire.EVENT_PARTS),
        "meeting attachment": _plain(
            event.attachments.by_attachment_id(_ATTACHMENT).to_get_request_information().url
        ),
    }


def _message(
    builder: MessageItemRequestBuilder, select: list[str], expand: list[str] | None
) -> str:
    query = MessageItemRequestBuilder.MessageItemRequestBuilderGetQueryParameters(
        select=select, expand=expand
    )
    asked = RequestConfiguration(query_parameters=query)
    return _plain(builder.to_get_request_information(asked).url)


def _event(builder: EventItemRequestBuilder, select: list[str], expand: list[str] | None) -> str:
    query = EventItemRequestBuilder.EventItemRequestBuilderGetQueryParameters(
        select=select, expand=expand
    )
    asked = RequestConfiguration(query_parameters=query)
    return _plain(builder.to_get_request_information(asked).url)


def _adapter() -> HttpxRequestAdapter:
    """The builders want an adapter, and never use it: its transport can't send anything."""
    silent = httpx.AsyncClient(transport=httpx.AsyncBaseTransport(), trust_env=False)
    return HttpxRequestAdapter(AnonymousAuthenticationProvider(), http_client=silent)


def _plain(url: str) -> str:
    """`$` as it is in parameter names, as the SDK's own middleware does it before sending."""
    plain = url.replace("?%24", "?$").replace("&%24", "&$")
    plain = plain.replace(f"/users/{_USER}", "{owner}")
    return plain.replace(_ITEM, "{item}").replace(_ATTACHMENT, "{attachment}")


def main(file: Path = TEMPLATES) -> None:
    file.write_text(json.dumps(templates(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
