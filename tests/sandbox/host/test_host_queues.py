"""Queue triggers and queue outputs of a running host, against Azurite."""

import base64
import json
import signal
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueServiceClient

from tests.sandbox.host.host_process import HERE, RunningHost, StartHost, wait_until

APP = HERE / "app"


class Account:
    """The storage account as the test sees it."""

    def __init__(self, connection: str, jobs: str) -> None:
        self._service = QueueServiceClient.from_connection_string(connection)
        self.jobs = jobs

    def send(self, body: bytes | str, *, queue: str = "") -> None:
        client = self._service.get_queue_client(queue or self.jobs)
        text = body if isinstance(body, str) else base64.b64encode(body).decode()
        client.send_message(text)

    def create(self) -> None:
        self._service.create_queue(self.jobs)

    def count(self, queue: str) -> int:
        try:
            properties = self._service.get_queue_client(queue).get_queue_properties()
        except ResourceNotFoundError:
            return 0
        return properties.approximate_message_count or 0

    def take(self, name: str, queue: str = "done") -> list[dict[str, Any]]:
        """The messages on `queue` about the job `name`; others stay."""
        found = []
        client = self._service.get_queue_client(queue)
        try:
            for message in client.receive_messages(max_messages=200, visibility_timeout=1):
                body = json.loads(base64.b64decode(message.content))
                if body["name"] == name:
                    found.append(body)
                    client.delete_message(message)
        except ResourceNotFoundError:
            return []
        return found

    def wait(self, name: str, queue: str = "done", *, seconds: float = 15) -> dict[str, Any]:
        found: list[dict[str, Any]] = []
        wait_until(lambda: found.extend(self.take(name, queue)) or found, seconds)
        return found[0]


@pytest.fixture(scope="module")
def account(storage: str) -> Account:
    account = Account(storage, f"jobs-{uuid.uuid4().hex[:8]}")
    account.create()
    return account


@pytest.fixture(scope="module")
def host(start_host: StartHost, account: Account) -> RunningHost:
    return start_host(APP, JOBS_QUEUE=account.jobs)


@pytest.fixture
def client(host: RunningHost) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{host.url}/api") as client:
        yield client


def job(name: str, **order: object) -> bytes:
    return json.dumps({"name": name, **order}).encode()


def test_a_message_runs_the_function_and_its_return_value_goes_on(
    host: RunningHost, account: Account
) -> None:
    account.send(job("grüße"))
    assert account.wait("grüße")["tries"] == 1
    wait_until(lambda: account.count(account.jobs) == 0)


def test_an_http_function_puts_messages_on_a_queue(client: httpx.Client, account: Account) -> None:
    assert client.post("/enqueue/jobs?times=3", content=job("sent")).status_code == 202
    found: list[dict[str, Any]] = []
    wait_until(lambda: found.extend(account.take("sent")) or len(found) == 3)
    assert len({one["id"] for one in found}) == 3


def test_an_output_that_cannot_be_written_fails_the_http_function(client: httpx.Client) -> None:
    assert client.post("/enqueue/refused").status_code == 500


def test_a_failed_message_is_tried_again(host: RunningHost, account: Account) -> None:
    account.send(job("third time", fail_until=3))
    assert account.wait("third time")["tries"] == 3


def test_after_five_tries_a_message_goes_to_the_poison_queue(
    host: RunningHost, account: Account
) -> None:
    account.send(job("never", fail_until=99))
    assert account.wait("never", f"{account.jobs}-poison")["fail_until"] == 99
    assert account.take("never") == []
    assert host.log.read_text().count("RuntimeError: not yet") >= 5
    wait_until(lambda: account.count(account.jobs) == 0)


def test_an_output_that_cannot_be_written_fails_the_queue_function(
    host: RunningHost, account: Account
) -> None:
    account.send(job("bad output", bad_output=True))
    account.wait("bad output", f"{account.jobs}-poison")


def test_a_message_that_is_not_base64_goes_to_the_poison_queue_unread(
    host: RunningHost, account: Account
) -> None:
    before = account.count(f"{account.jobs}-poison")
    account.send("{not base64}")
    wait_until(lambda: account.count(f"{account.jobs}-poison") == before + 1)


def test_messages_are_worked_on_side_by_side(host: RunningHost, account: Account) -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: account.send(job("one of many", sleep=0.5)), range(40)))
    found: list[dict[str, Any]] = []
    wait_until(lambda: found.extend(account.take("one of many")) or len(found) == 40)
    assert time.monotonic() - started < 40 * 0.5


def test_two_hosts_never_run_one_message_twice(
    host: RunningHost, start_host: StartHost, account: Account
) -> None:
    start_host(APP, JOBS_QUEUE=account.jobs)
    for _ in range(30):
        account.send(job("shared", sleep=0.05))
    found: list[dict[str, Any]] = []
    wait_until(lambda: found.extend(account.take("shared")) or len(found) >= 30)
    time.sleep(0.5)
    assert account.take("shared") == []
    assert {one["tries"] for one in found} == {1}


def test_a_stop_lets_the_message_in_work_be_finished(start_host: StartHost, storage: str) -> None:
    own = Account(storage, f"jobs-{uuid.uuid4().hex[:8]}")
    own.create()
    host = start_host(APP, JOBS_QUEUE=own.jobs)
    own.send(job(own.jobs, sleep=1))
    wait_until(lambda: "Executing 'Functions.work'" in host.log.read_text())
    assert host.stop() == 0
    assert own.take(own.jobs)[0]["tries"] == 1
    assert own.count(own.jobs) == 0


def test_what_a_killed_host_worked_on_comes_back_when_its_lease_ends(
    start_host: StartHost, storage: str
) -> None:
    own = Account(storage, f"jobs-{uuid.uuid4().hex[:8]}")
    own.create()
    host = start_host(APP, "--lease", "2", JOBS_QUEUE=own.jobs)
    own.send(job(own.jobs, sleep=60))
    wait_until(lambda: "Executing 'Functions.work'" in host.log.read_text())
    host.stop(signal.SIGKILL)
    other = start_host(APP, JOBS_QUEUE=own.jobs)
    wait_until(lambda: "Executing 'Functions.work'" in other.log.read_text())
    other.stop(signal.SIGKILL)


def test_output_queues_are_made_once_however_many_write_first(
    start_host: StartHost, storage: str
) -> None:
    own = Account(storage, f"jobs-{uuid.uuid4().hex[:8]}")
    host = start_host(APP, JOBS_QUEUE=own.jobs)

    def post(_: int) -> int:
        return httpx.post(f"{host.url}/api/enqueue/jobs", content=job(own.jobs)).status_code

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(post, range(16))) == {202}
    found: list[dict[str, Any]] = []
    wait_until(lambda: found.extend(own.take(own.jobs)) or len(found) == 16)


def test_storage_that_is_away_is_waited_for(start_host: StartHost) -> None:
    host = start_host(
        APP,
        AzureWebJobsStorage=(
            "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;"
            "QueueEndpoint=http://127.0.0.1:9/a;"
        ),
    )
    wait_until(lambda: "can't be read" in host.log.read_text())
    assert httpx.get(f"{host.url}/api/items/newest").status_code == 200
