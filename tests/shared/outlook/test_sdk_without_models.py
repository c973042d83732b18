"""msgraph-sdk builds our calls beforehand; a worker that reads mail loads nothing of it."""

import json
import subprocess
import sys

from shared.outlook.builders import templates
from shared.outlook.paths import TEMPLATES

SCRIPT = """
import asyncio, sys
from datetime import UTC, datetime
import httpx
from shared.domain import Attachment, AttachmentKind, ItemRef
from shared.outbound import Sender
from shared.outlook.client import GraphMailbox
from shared.outlook.subscriptions import GraphChangeFeed

ROOT = "https://graph.example/v1.0"
ANSWERS = {
    "GET": {"id": "A=", "type": "seriesMaster", "value": [], "@odata.deltaLink": ROOT + "/d",
            "start": {"dateTime": "2026-01-01T00:00:00", "timeZone": "UTC"},
            "end": {"dateTime": "2026-01-01T01:00:00", "timeZone": "Pacific Standard Time"}},
    "PATCH": {"id": "s", "expirationDateTime": "2026-01-01T00:00:00Z"},
    "POST": {"responses": [{"id": str(n), "status": 404} for n in range(2)]},
}

async def token():
    return "t"

async def main():
    transport = httpx.MockTransport(lambda r: httpx.Response(200, json=ANSWERS[r.method]))
    sender = Sender(transport=transport)
    mailbox = GraphMailbox(sender, sender.errand(5), ROOT, token)
    feed = GraphChangeFeed(sender, sender.errand(5), ROOT, token, "https://app.example/api")
    now = datetime.now(UTC)
    file = Attachment("x", "x", "text/plain", 1, AttachmentKind.FILE)
    for kind in ("email", "meeting"):
        ref = ItemRef(kind, "me", "A=")
        await mailbox.fetch(ref)
        await mailbox.identify(ref)
        await mailbox.read_files(ref, [file, file])
        await mailbox.read_files(ref, [file])
        await feed.changes("A", kind, {}, now)
    await mailbox.read_source(ItemRef("email", "me", "A="))
    await mailbox.conversation(ItemRef("email", "me", "A="), 1)
    await mailbox.occurrences(ItemRef("meeting", "me", "A="), now, now, 1)
    await feed.renew("s", now)

asyncio.run(main())
print([m for m in sys.modules if m.partition(".")[0] in ("msgraph", "aiohttp", "azure")])
"""


def test_all_calls_load_nothing_of_the_sdk() -> None:
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["[]"]


def test_the_templates_are_what_the_sdk_builds() -> None:
    """`python -m shared.outlook.builders` writes them anew after an update of the SDK."""
    assert json.loads(TEMPLATES.read_text(encoding="utf-8")) == templates()


def test_building_the_templates_loads_no_model_of_the_sdk() -> None:
    script = (
        "import sys; from shared.outlook.builders import templates; templates();"
        "print([m for m in sys.modules if m.startswith('msgraph.generated.models')])"
    )
    command = [sys.executable, "-W", "ignore", "-c", script]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["[]"]
