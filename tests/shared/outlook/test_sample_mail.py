"""Every message and meeting of the sample company, odd ones included, can be read whole."""

from collections import Counter
from typing import Any

import httpx

from sandbox.running import Running
from shared.domain import ActivityKind, AttachmentKind, ItemRef, identity
from shared.outbound import Sender
from shared.outlook.client import GraphMailbox

KINDS: tuple[tuple[ActivityKind, str], ...] = (("email", "messages"), ("meeting", "events"))


def ids(sandbox: Running, address: str, what: str) -> list[str]:
    answer = httpx.get(
        f"{sandbox.url}/graph/v1.0/me/{what}",
        params={"$select": "id", "$top": "999"},
        headers={"Authorization": f"Bearer {sandbox.token(address, 'graph')}"},
    )
    found: list[dict[str, Any]] = answer.raise_for_status().json()["value"]
    return [one["id"] for one in found]


async def test_all_sample_items_are_read_with_all_their_files(fresh_sandbox: Running) -> None:
    sender, seen = Sender(), Counter[str]()
    for person in fresh_sandbox.world.company.employees:
        graph_token = fresh_sandbox.token(person.address, "graph")

        async def token(given: str = graph_token) -> str:
            return given

        root = f"{fresh_sandbox.url}/graph/v1.0"
        mailbox = GraphMailbox(sender, sender.errand(60), root, token)
        for kind, what in KINDS:
            for id_ in ids(fresh_sandbox, person.address, what):
                ref = ItemRef(kind, "me", id_)
                item = await mailbox.fetch(ref)
                assert identity(item) == identity(await mailbox.identify(ref))
                files = await mailbox.read_files(ref, item.attachments)
                assert None not in files
                seen.update([kind, *(attachment.kind for attachment in item.attachments)])
    await sender.aclose()
    assert seen["email"] >= 40
    assert seen["meeting"] >= 15
    assert all(seen[kind] for kind in AttachmentKind)
