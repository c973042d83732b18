"""Microsoft's own client subscribes and tracks changes over a real connection."""

from datetime import UTC, datetime, timedelta

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph import GraphServiceClient
from msgraph.generated.models.subscription import Subscription

from sandbox.running import Running
from tests.sandbox.graph.graph_world import ANNA, mime
from tests.sandbox.graph.receiver import Receiver
from tests.sandbox.graph.test_graph_wire import client

__all__ = ["client"]


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
