"""The real Mailbox keeps the contract, over the wire with the sandbox's Graph."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox.running import Running
from shared.domain import ItemRef
from shared.outbound import Sender
from shared.outlook.client import GraphMailbox
from tests.contract.mailbox_contract import FILE, FORWARDED, JSON, MailboxContract
from tests.contract.mailbox_harness import ANNA
from tests.contract.mailbox_items import Appointment, Mail


class GraphHarness:
    def __init__(self, sandbox: Running, sender: Sender) -> None:
        self._sandbox = sandbox
        self._sender = sender
        self._root = f"{sandbox.url}/graph/v1.0"

    def mailbox(self, address: str) -> GraphMailbox:
        async def token() -> str:
            return self._sandbox.token(address, "graph")

        return GraphMailbox(self._sender, self._sender.errand(20), self._root, token)

    def deliver(self, address: str, mail: Mail, folder: str = "inbox") -> ItemRef:
        return ItemRef("email", "me", self._sandbox.deliver_mail(mail.source(), address, folder))

    def move(self, address: str, ref: ItemRef, folder: str) -> ItemRef:
        return replace(ref, id=self._sandbox.move_message(ref.id, folder))

    def remove(self, address: str, ref: ItemRef) -> None:
        if ref.kind == "email":
            self._sandbox.delete_message(ref.id)
        else:
            self._sandbox.delete_event(ref.id)

    def schedule(self, address: str, appointment: Appointment) -> ItemRef:
        id_ = self._sandbox.deliver_meeting(appointment.calendar(), address)
        return ItemRef("meeting", "me", id_)

    def postpone(self, address: str, ref: ItemRef, by: timedelta) -> None:
        found = self._get(address, f"me/events/{ref.id}", **{"$select": "start,end"})
        moved = {name: _later(found[name], by) for name in ("start", "end")}
        self._sandbox.change_event(ref.id, **moved)

    def occurrences(self, address: str, series: ItemRef) -> Sequence[ItemRef]:
        span = {"startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2026-12-31T00:00:00Z"}
        events = self._get(address, f"me/events/{series.id}/instances", **span)["value"]
        found = sorted(events, key=lambda one: one["start"]["dateTime"])
        return [ItemRef("meeting", "me", one["id"]) for one in found]

    def _get(self, address: str, path: str, **options: str) -> dict[str, Any]:
        headers = {
            "Authorization": f"Bearer {self._sandbox.token(address, 'graph')}",
            "Prefer": 'IdType="ImmutableId"',
        }
        answer = httpx.get(f"{self._root}/{path}", params=options, headers=headers)
        content: dict[str, Any] = answer.raise_for_status().json()
        return content


def _later(moment: dict[str, str], by: timedelta) -> dict[str, str]:
    when = datetime.fromisoformat(moment["dateTime"]) + by
    return {"dateTime": when.isoformat(), "timeZone": moment["timeZone"]}


class TestGraphMailbox(MailboxContract):
    @pytest.fixture
    def harness(self, fresh_sandbox: Running) -> GraphHarness:
        return GraphHarness(fresh_sandbox, Sender())


@pytest.fixture
def graph(fresh_sandbox: Running) -> GraphHarness:
    return GraphHarness(fresh_sandbox, Sender())


async def test_an_email_with_small_attachments_takes_two_calls(
    fresh_sandbox: Running, graph: GraphHarness
) -> None:
    ref = graph.deliver(ANNA, Mail(enclosures=(FILE, JSON, FORWARDED)))
    mailbox = graph.mailbox(ANNA)
    item = await mailbox.fetch(ref)
    assert None not in await mailbox.read_files(ref, item.attachments)
    calls = [(c["method"], c["status"]) for c in fresh_sandbox.requests("graph")]
    assert calls == [("GET", 200), ("POST", 200)]


async def test_the_id_that_comes_back_is_the_one_that_lasts(graph: GraphHarness) -> None:
    ref = graph.deliver(ANNA, Mail())
    mailbox = graph.mailbox(ANNA)
    lasting = (await mailbox.fetch(ref)).ref
    assert (await mailbox.fetch(lasting)).ref == lasting
