"""The app as it runs, for the tests of this folder: hosts that can be killed, real queues and
tables, one sandbox."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueServiceClient

from sandbox.app_settings import app_settings
from sandbox.running import Running
from shared.following import digest
from shared.notifications import QUEUE, LookAfter
from shared.saving.queueing import QUEUE as SAVES
from tests.contract.mailbox_items import Mail
from tests.sandbox.host.host_process import ROOT, answers, free_port, wait_until

ANNA = "anna.kowalska@contoso.example"
BERND = "bernd.schaefer@contoso.example"
CLAIRE = "claire.dubois@contoso.example"
SALES = "sales@contoso.example"
CRMS = ("dataverse", "salesforce")
_EMAILS = {"dataverse": ("email", "messageid"), "salesforce": ("EmailMessage", "MessageIdentifier")}
_MEETINGS = {"dataverse": "appointment", "salesforce": "Event"}
_TIMER = "renew_subscriptions"
_MINUTE = timedelta(minutes=7)
"""Of the hour, at which the timer runs."""

_LEASE = 3
"""Seconds after which the messages of a killed host come back."""


_SPARING = re.compile(r"/(\$batch|subscriptions(/[^/]+)?)$")
"""What is asked of Graph with another method than GET; batches are made of GETs alone."""


@dataclass
class App:
    """One deployment of the app with as many hosts as a test starts. Graph tells the first one, and
    the people's calls go there too."""

    sandbox: Running
    storage: str
    crm: str
    state: Path
    settings: dict[str, str] = field(default_factory=dict)
    ports: list[int] = field(default_factory=lambda: [free_port() for _ in range(2)])
    hosts: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    @contextmanager
    def running(self, hosts: int = 1, **settings: str) -> Iterator["App"]:
        """Those hosts, killed at the end."""
        try:
            for number in range(hosts):
                self.start(number, wait=False, **settings)
            self.wait_for_hosts()
            yield self
        finally:
            for number in list(self.hosts):
                self.kill(number)

    def start(self, number: int = 0, *, wait: bool = True, **settings: str) -> None:
        env = (
            dict(os.environ)
            | app_settings(
                crm=self.crm,
                sandbox_url=self.sandbox.url,
                ca=self.sandbox.ca,
                storage=self.storage,
                api_url=f"http://127.0.0.1:{self.ports[0]}/api",
            )
            | {"AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:01"}
            | {"THREADLINE_PATIENCE": "3"}
            | self.settings
            | settings
        )
        command = [sys.executable, "-m", "sandbox.host", "--port", str(self.ports[number])]
        command += ["--state", str(self._state(number)), "--lease", str(_LEASE)]
        with (self.state / f"host{number}.log").open("ab") as log:
            self.hosts[number] = subprocess.Popen(
                command, cwd=ROOT, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        if wait:
            self.wait_for_hosts()

    def wait_for_hosts(self) -> None:
        """Until all of them listen."""
        wait_until(lambda: all(answers(self.ports[number]) for number in self.hosts))

    def kill(self, number: int = 0) -> None:
        """As if the plug were pulled."""
        host = self.hosts.pop(number)
        host.send_signal(signal.SIGKILL)
        host.wait()

    def run_timer(self) -> None:
        """The first host starts anew, and finds the timer past due; returns when it has run."""
        if 0 in self.hosts:
            self.kill(0)
        kept = self._state(0) / "timers" / f"{_TIMER}.json"
        kept.parent.mkdir(parents=True, exist_ok=True)
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        due = hour - timedelta(hours=1) + _MINUTE
        kept.write_text(json.dumps({"Last": None, "Next": due.isoformat()}))
        ran = f"Executed 'Functions.{_TIMER}' (Succeeded"
        before = self.log.count(ran)
        self.start(0)
        wait_until(lambda: self.log.count(ran) > before)

    @property
    def log(self) -> str:
        """What the hosts have said so far."""
        return "".join(path.read_text() for path in sorted(self.state.glob("host*.log")))

    def call(
        self, method: str, path: str, who: str = ANNA, body: Any = None, **query: str
    ) -> httpx.Response:
        return httpx.request(
            method,
            f"http://127.0.0.1:{self.ports[0]}/api/{path}",
            json=body,
            params=query,
            headers={"Authorization": f"Bearer {self.sandbox.token(who)}"},
            timeout=60,
        )

    def save(self, item: dict[str, str], who: str = ANNA, **fields: Any) -> dict[str, Any]:
        """The activity, or the receipt."""
        answer = self.call("POST", "activities", who, {"item": item, **fields})
        assert answer.status_code in (200, 201, 202), answer.text
        told: dict[str, Any] = answer.json()
        return told

    def find(self, item: dict[str, str], who: str = ANNA) -> dict[str, Any] | None:
        """The activity, None where nothing was saved."""
        query = {"kind": item["kind"], "mailbox": item["mailbox"], "item": item["id"]}
        answer = self.call("GET", "activities", who, **query)
        assert answer.status_code in (200, 404), answer.text
        told: dict[str, Any] = answer.json()
        return told if answer.status_code == 200 else None

    def receipt(self, id_: str, who: str = ANNA) -> dict[str, Any]:
        answer = self.call("GET", f"receipts/{id_}", who)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def outcome(self, id_: str, who: str = ANNA) -> dict[str, Any]:
        """The receipt once it has an outcome."""
        told: dict[str, Any] = {}

        def over() -> bool:
            told.update(self.receipt(id_, who))
            return told["status"] in ("saved", "failed")

        wait_until(over)
        return told

    def emails(self) -> dict[str, Any]:
        """The CRM's e-mails by Message-ID. No two of them have the same one."""
        table, name = _EMAILS[self.crm]
        rows = [row for row in self.sandbox.world.store.all(self.crm, table) if row.get(name)]
        found = {row[name]: row for row in rows}
        assert len(found) == len(rows), "there are two records of one message"
        return found

    def meetings(self) -> list[Any]:
        return self.sandbox.world.store.all(self.crm, _MEETINGS[self.crm])

    def origins(self) -> dict[str, str]:
        """Why each record was made that made itself, by the digest of its item's identity."""
        return {row["PartitionKey"]: row["Reason"] for row in self.rows("origins")}

    def reason(self, message_id: str) -> str | None:
        return self.origins().get(digest(f"email:{message_id}"))

    def rows(self, table: str) -> list[dict[str, Any]]:
        with TableServiceClient.from_connection_string(self.storage) as service:
            with suppress(ResourceNotFoundError):
                return [dict(row) for row in service.get_table_client(table).list_entities()]
            return []

    def every_row(self) -> str:
        """All that the tables hold, as text."""
        with TableServiceClient.from_connection_string(self.storage) as service:
            names = [table.name for table in service.list_tables()]
        return "\n".join(repr(row) for name in names for row in self.rows(name))

    def look_after(self, mailbox: str, kind: str = "email", **fields: Any) -> None:
        """What the timer does for each subscription; `mailbox` is a path."""
        now = datetime.now(UTC)
        message = LookAfter.model_validate({"mailbox": mailbox, "kind": kind, "at": now, **fields})
        self.put(QUEUE, message.model_dump_json())

    def put(self, queue: str, *bodies: str) -> None:
        with QueueServiceClient.from_connection_string(self.storage) as service:
            client = service.get_queue_client(queue)
            for body in bodies:
                text = base64.b64encode(body.encode()).decode()
                try:
                    client.send_message(text)
                except ResourceNotFoundError:
                    client.create_queue()
                    client.send_message(text)

    def waiting(self, *queues: str) -> int:
        """How many messages are in these queues, hidden ones and all; none named is all of them."""
        with QueueServiceClient.from_connection_string(self.storage) as service:
            return sum(_length(service, name) for name in queues or (QUEUE, SAVES))

    def peek(self, queue: str) -> list[str]:
        """What the queue shows, in the clear."""
        with QueueServiceClient.from_connection_string(self.storage) as service:
            with suppress(ResourceNotFoundError):
                found = service.get_queue_client(queue).peek_messages(max_messages=32)
                return [base64.b64decode(one.content).decode() for one in found]
            return []

    def settle(self, seconds: float = 120) -> None:
        """Returns when everything that was told is done with."""
        end = time.monotonic() + seconds
        calm = 0
        while calm < 2:
            left = max(0.0, end - time.monotonic())
            counts = self.sandbox.notifications(wait=min(left, 20))
            waiting = self.waiting()
            calm = calm + 1 if not (counts["pending"] or waiting) else 0
            assert left, f"not settled: {counts}, {waiting} on the queues\n{self.log[-3000:]}"
            time.sleep(0.1)

    def is_told(self, mailbox: str, kind: str = "messages") -> bool:
        """Whether Graph has a subscription of ours to that mailbox, of `messages` or `events`."""
        return bool(self.subscriptions(mailbox, kind))

    def subscriptions(self, mailbox: str, kind: str = "messages") -> list[Any]:
        now = self.sandbox.world.clock()
        return [
            row
            for row in self.sandbox.world.store.all("graph", "subscriptions")
            if (row["mailbox"], row["kind"]) == (mailbox, kind)
            if datetime.fromisoformat(row["expires"]) > now
        ]

    def follow(self, item: dict[str, str], who: str = ANNA, **fields: Any) -> dict[str, Any]:
        """Saves and follows it, and waits until Graph tells of that mailbox."""
        told = self.save(item, who, follow=True, **fields)
        address = who if item["mailbox"] == "me" else item["mailbox"]
        kind = "messages" if item["kind"] == "email" else "events"
        wait_until(lambda: self.is_told(address, kind))
        return told

    def _state(self, number: int) -> Path:
        return self.state / f"host{number}"


@pytest.fixture(params=CRMS)
def app(
    request: pytest.FixtureRequest, fresh_sandbox: Running, storage: str, tmp_path: Path
) -> Iterator[App]:
    """For a folder's conftest.py. No host runs yet. Whatever happens, nothing may be written to a
    mailbox or a calendar."""
    clean(storage)
    yield App(fresh_sandbox, storage, request.param, tmp_path)
    asked = fresh_sandbox.requests("graph")
    assert [
        call for call in asked if call["method"] != "GET" and not _SPARING.search(call["path"])
    ] == []


def clean(storage: str) -> None:
    """Nothing is on the queues, nothing in the tables."""
    with QueueServiceClient.from_connection_string(storage) as queues:
        for queue in list(queues.list_queues()):
            queues.get_queue_client(queue.name).clear_messages()
    with TableServiceClient.from_connection_string(storage) as tables:
        for table in list(tables.list_tables()):
            tables.delete_table(table.name)


def path_of(address: str, sandbox: Running) -> str:
    """The path of a mailbox in the ledger."""
    found = (one.oid for one in sandbox.world.company.employees if one.address == address)
    return next(found, address)


def email(id_: str, mailbox: str = "me") -> dict[str, str]:
    return {"kind": "email", "mailbox": mailbox, "id": id_}


def arriving(mail: Mail) -> bytes:
    """That mail as it arrives now, whenever it was written."""
    return f"Received: from mx.example; {format_datetime(datetime.now(UTC))}\r\n".encode() + (
        mail.source()
    )


def meeting(id_: str, mailbox: str = "me") -> dict[str, str]:
    return {"kind": "meeting", "mailbox": mailbox, "id": id_}


def codes(activity: dict[str, Any]) -> set[str]:
    return {notice["code"] for notice in activity["notices"]}


def _length(service: QueueServiceClient, queue: str) -> int:
    try:
        properties = service.get_queue_client(queue).get_queue_properties()
    except ResourceNotFoundError:
        return 0
    return properties.approximate_message_count or 0
