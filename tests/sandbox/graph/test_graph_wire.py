"""Over a real connection: Microsoft's own client with its typed models, and the busy mailbox."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from azure.core.credentials import AccessToken
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from kiota_http.httpx_request_adapter import HttpxRequestAdapter
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.file_attachment import FileAttachment
from msgraph.generated.models.item_attachment import ItemAttachment
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.reference_attachment import ReferenceAttachment
from msgraph.generated.models.subscription import Subscription

from sandbox import graph
from sandbox.running import Running
from tests.sandbox.graph.graph_world import ANNA, mime
from tests.sandbox.graph.receiver import Receiver

_IMMUTABLE = 'IdType="ImmutableId"'


class _Credential:
    def __init__(self, token: str) -> None:
        self._token = token

    async def get_token(self, *scopes: str, **kwargs: object) -> AccessToken:
        return AccessToken(self._token, 2**40)

    async def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def client(fresh_sandbox: Running) -> GraphServiceClient:
    credential = _Credential(fresh_sandbox.token(ANNA, "graph"))
    allowed = AzureIdentityAuthenticationProvider(credential, allowed_hosts=["localhost"])
    adapter: HttpxRequestAdapter = GraphRequestAdapter(allowed)
    adapter.base_url = f"{fresh_sandbox.url}/graph/v1.0"
    return GraphServiceClient(request_adapter=adapter)


async def test_the_official_client_reads_messages(
    fresh_sandbox: Running, client: GraphServiceClient
) -> None:
    id_ = graph.sample_id(fresh_sandbox.world, "quote-reply-en")
    wanted: RequestConfiguration = RequestConfiguration()
    wanted.headers.add("Prefer", _IMMUTABLE)

    message = await client.me.messages.by_message_id(id_).get(wanted)

    assert message is not None
    assert message.subject == "RE: Handheld scanners for the Felixstowe hub: request for quote"
    assert message.sent_date_time is not None
    assert message.sent_date_time.isoformat() == "2026-01-13T14:40:00+00:00"
    assert message.to_recipients is not None
    assert message.to_recipients[0].email_address.name == "Margaret Ellison"
    assert message.id is not None
    assert message.id.startswith("AAkA")
    again = await client.me.messages.by_message_id(message.id).get()
    assert again is not None
    assert again.id == id_
    page = (
        await client.users.by_user_id(ANNA).mail_folders.by_mail_folder_id("inbox").messages.get()
    )
    assert page is not None
    assert len(page.value) == 10
    assert page.odata_next_link is not None


async def test_the_official_client_tells_attachments_apart(
    fresh_sandbox: Running, client: GraphServiceClient
) -> None:
    async def attachments(alias: str) -> list[object]:
        message = client.me.messages.by_message_id(graph.sample_id(fresh_sandbox.world, alias))
        listed = await message.attachments.get()
        return list(listed.value)

    file, _ = await attachments("quote-reply-en")
    assert isinstance(file, FileAttachment)
    assert file.content_bytes is not None
    reference, _ = await attachments("reference-attachment")
    assert isinstance(reference, ReferenceAttachment)
    nested = b"Subject: FW\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx"
    id_ = fresh_sandbox.deliver_mail(nested, ANNA)
    listed = await client.me.messages.by_message_id(id_).attachments.get()
    assert isinstance(listed.value[0], ItemAttachment)


async def test_the_official_client_reads_events(
    fresh_sandbox: Running, client: GraphServiceClient
) -> None:
    id_ = graph.sample_id(fresh_sandbox.world, "weekly-review-pl-moved")

    event = await client.me.events.by_event_id(id_).get()

    assert event is not None
    assert event.type is not None
    assert (event.type.value, event.is_all_day) == ("exception", False)
    assert event.start.date_time == "2026-03-30T12:00:00.0000000"
    assert event.original_start.isoformat() == "2026-03-30T08:00:00+00:00"
    master = await client.me.events.by_event_id(event.series_master_id).get()
    assert master.recurrence.pattern.days_of_week[0].value == "monday"


async def test_the_official_client_understands_a_refusal(client: GraphServiceClient) -> None:
    with pytest.raises(ODataError) as refused:
        await client.me.messages.by_message_id("nonsense").get()
    assert refused.value.error.code == "ErrorInvalidIdMalformed"
    assert refused.value.error.inner_error.request_id


async def test_the_official_client_tracks_a_folder(
    fresh_sandbox: Running, client: GraphServiceClient
) -> None:
    delta = client.users.by_user_id(ANNA).mail_folders.by_mail_folder_id("inbox").messages.delta
    wanted: RequestConfiguration = RequestConfiguration()
    wanted.headers.add("Prefer", "odata.maxpagesize=500")
    page = await delta.get(wanted)
    assert page is not None
    assert page.odata_delta_link is not None
    new = fresh_sandbox.deliver_mail(mime(), ANNA)
    page = await delta.with_url(page.odata_delta_link).get()
    assert page is not None
    assert [message.id for message in page.value] == [new]
    fresh_sandbox.delete_message(new)
    page = await delta.with_url(page.odata_delta_link).get()
    assert page is not None
    assert page.value[0].additional_data["@removed"] == {"reason": "deleted"}


async def test_the_official_client_subscribes(
    fresh_sandbox: Running, client: GraphServiceClient, receiver: Receiver
) -> None:
    made = await client.subscriptions.post(
        Subscription(
            change_type="created,updated",
            notification_url=f"{receiver.url}/told",
            resource="me/messages",
            expiration_date_time=datetime.now(UTC) + timedelta(days=2),
            client_state="secret",
        )
    )
    assert made is not None
    assert made.id is not None
    later = datetime.now(UTC) + timedelta(days=3)
    one = client.subscriptions.by_subscription_id(made.id)
    renewed = await one.patch(Subscription(expiration_date_time=later))
    assert renewed is not None
    assert renewed.expiration_date_time == later
    await one.reauthorize.post()
    fresh_sandbox.deliver_mail(mime(), ANNA)
    assert fresh_sandbox.notifications(5)["sent"] == 1
    assert receiver.told[0]["clientState"] == "secret"
    await one.delete()
    listed = await client.subscriptions.get()
    assert listed is not None
    assert listed.value == []


async def test_a_mailbox_serves_four_requests_at_a_time(fresh_sandbox: Running) -> None:
    """Four uploads that don't end keep the mailbox busy; another mailbox is not."""
    trust = ssl.create_default_context(cafile=str(fresh_sandbox.ca))
    token = fresh_sandbox.token(ANNA, "graph")
    go_on = asyncio.Event()

    async def slow_body() -> AsyncIterator[bytes]:
        yield b'{"subject": '
        await go_on.wait()
        yield b'"done"}'

    async with httpx.AsyncClient(
        base_url=f"{fresh_sandbox.url}/graph/v1.0/",
        verify=trust,
        headers={"Authorization": f"Bearer {token}"},
    ) as http:
        slow = [
            asyncio.create_task(http.post("me/messages", content=slow_body())) for _ in range(4)
        ]
        refused = await _until_refused(http)
        assert refused.headers["Retry-After"] == "1"
        assert refused.json()["error"]["code"] == "ApplicationThrottled"
        assert "MailboxConcurrency" in refused.json()["error"]["message"]
        other = await http.get("users/sales@contoso.example/messages?$top=1")
        assert other.status_code == 200
        go_on.set()
        assert [answer.status_code for answer in await asyncio.gather(*slow)] == [201] * 4
        assert (await http.get("me/messages?$top=1")).status_code == 200


async def _until_refused(http: httpx.AsyncClient) -> httpx.Response:
    for _ in range(6000):
        answer = await http.get("me/messages?$top=1")
        if answer.status_code == 429:
            return answer
        await asyncio.sleep(0.01)
    raise AssertionError("never refused")
