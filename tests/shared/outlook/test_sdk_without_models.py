"""msgraph-sdk's 1,200 model modules cost seconds; a worker that reads mail must never load them."""

import subprocess
import sys

SCRIPT = """
import asyncio, sys
import httpx
from shared.domain import Attachment, AttachmentKind, ItemRef
from shared.outbound import Sender
from shared.outlook.client import GraphMailbox

ANSWERS = {
    "GET": {"id": "A=", "start": {"dateTime": "2026-01-01T00:00:00", "timeZone": "UTC"},
            "end": {"dateTime": "2026-01-01T01:00:00", "timeZone": "Pacific Standard Time"}},
    "POST": {"responses": [{"id": str(n), "status": 404} for n in range(2)]},
}

async def token():
    return "t"

async def main():
    transport = httpx.MockTransport(lambda r: httpx.Response(200, json=ANSWERS[r.method]))
    sender = Sender(transport=transport)
    mailbox = GraphMailbox(sender, sender.errand(5), "https://graph.example/v1.0", token)
    file = Attachment("x", "x", "text/plain", 1, AttachmentKind.FILE)
    for kind in ("email", "meeting"):
        ref = ItemRef(kind, "me", "A=")
        await mailbox.fetch(ref)
        await mailbox.identify(ref)
        await mailbox.read_files(ref, [file, file])
        await mailbox.read_files(ref, [file])
    await mailbox.read_source(ItemRef("email", "me", "A="))

asyncio.run(main())
builders = [m for m in sys.modules if m.startswith("msgraph.generated.users")]
models = [m for m in sys.modules if m.startswith("msgraph.generated.models")]
print(bool(builders), models, "aiohttp" in sys.modules, "azure.identity" in sys.modules)
"""


def test_all_calls_of_a_mailbox_load_no_model() -> None:
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "[]", "False", "False"]
