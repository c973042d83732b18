"""The document is found again when it changes, and a bad one takes nothing down."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from shared.errors import Unavailable, Upstream
from shared.outbound import Errand, Limits, Sender
from shared.policy import Policy
from shared.policy_source import FRESH, BlobStore, FileStore, PolicySource

URL = "https://store.example/threadline/policy.json"
GOOD = b'{"attachments": "none"}'
BAD = b'{"attachments": "s3cret"}'


class Blobs(httpx.AsyncBaseTransport):
    """Enough of a blob service: bearer tokens, ETags, blocks of blobs; `down` for an outage."""

    def __init__(self, content: bytes | None = None) -> None:
        self.held: dict[str, bytes] = {} if content is None else {URL: content}
        self.calls: list[tuple[str, str, int]] = []
        self.down = False
        self.writable = True

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        response = self._answer(request)
        self.calls.append((request.method, str(request.url), response.status_code))
        return response

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            return httpx.Response(503)
        if request.headers.get("authorization") != "Bearer storage":
            return httpx.Response(401)
        if request.headers.get("x-ms-version", "") < "2017-11-09":
            return httpx.Response(400)
        url = str(request.url)
        if request.method == "PUT":
            if not self.writable or request.headers.get("x-ms-blob-type") != "BlockBlob":
                return httpx.Response(403)
            self.held[url] = request.content
            return httpx.Response(201)
        if url not in self.held:
            return httpx.Response(404)
        etag = f'"{hash(self.held[url])}"'
        if request.headers.get("if-none-match") == etag:
            return httpx.Response(304)
        return httpx.Response(200, content=self.held[url], headers={"ETag": etag})

    def reads(self) -> list[int]:
        return [status for method, url, status in self.calls if (method, url) == ("GET", URL)]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def token(scope: str, errand: Errand) -> str:
    assert scope == "https://storage.azure.com/.default"
    return "storage"


async def at_once(seconds: float) -> None:
    await asyncio.sleep(0)


def source(blobs: Blobs, clock: Clock) -> PolicySource:
    """That of a worker that just started."""
    sender = Sender(Limits(attempts=2), transport=blobs, sleep=at_once)
    return PolicySource(BlobStore(URL, sender, token), clock=clock)


async def test_a_blob_is_asked_for_at_most_once_a_minute_and_by_its_etag() -> None:
    blobs, clock = Blobs(GOOD), Clock()
    policies = source(blobs, clock)
    found = await asyncio.gather(*(policies.policy() for _ in range(20)))
    assert {policy.attachments for policy in found} == {"none"}
    clock.now += FRESH - 1
    await policies.policy()
    assert blobs.reads() == [200]
    clock.now += 1
    assert await policies.policy() is found[0]
    assert blobs.reads() == [200, 304]
    blobs.held[URL] = b'{"attachments": "off"}'
    clock.now += FRESH
    assert (await policies.policy()).attachments == "off"
    assert policies.problem == ""


@pytest.mark.parametrize("bad", [BAD, b"", b"\xff", b"[]", b'{"a":1}', b" " * 2_000_000])
async def test_the_last_good_document_stays_and_the_problem_is_told(
    bad: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    blobs, clock = Blobs(GOOD), Clock()
    policies = source(blobs, clock)
    good = await policies.policy()
    blobs.held[URL] = bad
    for _ in range(3):
        clock.now += FRESH
        assert await policies.policy() is good
        assert "policy document is" in policies.problem
    told = [record for record in caplog.records if "policy_refused" in record.getMessage()]
    assert len(told) == 1
    assert "s3cret" not in policies.problem + told[0].getMessage()
    blobs.held[URL] = GOOD
    clock.now += FRESH
    await policies.policy()
    assert policies.problem == ""


async def test_a_worker_that_starts_later_finds_the_last_good_one_too() -> None:
    blobs, clock = Blobs(GOOD), Clock()
    await source(blobs, clock).policy()
    blobs.held[URL] = BAD
    late = source(blobs, clock)
    assert (await late.policy()).attachments == "none"
    assert "attachments" in late.problem


async def test_without_the_right_to_write_all_else_works() -> None:
    blobs, clock = Blobs(GOOD), Clock()
    blobs.writable = False
    policies = source(blobs, clock)
    assert (await policies.policy()).attachments == "none"
    assert policies.problem == ""


async def test_an_outage_of_the_store_changes_nothing() -> None:
    blobs, clock = Blobs(GOOD), Clock()
    policies = source(blobs, clock)
    good = await policies.policy()
    blobs.down = True
    clock.now += FRESH
    assert await policies.policy() is good
    assert policies.problem
    blobs.down = False
    clock.now += FRESH
    assert await policies.policy() is good
    assert policies.problem == ""


async def test_where_the_admin_never_wrote_one_the_defaults_hold() -> None:
    blobs, clock = Blobs(), Clock()
    policies = source(blobs, clock)
    assert await policies.policy() == Policy()
    assert policies.problem == ""
    clock.now += FRESH
    assert await policies.policy() == Policy()
    assert policies.problem == ""
    blobs.held[URL] = GOOD
    clock.now += FRESH
    assert (await policies.policy()).attachments == "none"


async def test_a_document_that_was_removed_stays_in_force() -> None:
    blobs, clock = Blobs(GOOD), Clock()
    await source(blobs, clock).policy()
    del blobs.held[URL]
    late = source(blobs, clock)
    assert (await late.policy()).attachments == "none"
    assert late.problem


async def test_where_there_never_was_a_good_one_nothing_is_saved() -> None:
    """Nobody could tell then whom the admin excluded."""
    blobs, clock = Blobs(BAD), Clock()
    policies = source(blobs, clock)
    with pytest.raises(Unavailable) as told:
        await policies.policy()
    assert "policy document" in told.value.detail
    blobs.held[URL] = GOOD
    clock.now += 10
    assert (await policies.policy()).attachments == "none"


async def test_an_identity_without_a_token_is_a_problem_like_others() -> None:
    async def refused(scope: str, errand: Errand) -> str:
        raise Upstream("The managed identity of this app got no token.")

    store = BlobStore(URL, Sender(transport=Blobs(GOOD)), refused)
    with pytest.raises(Unavailable) as told:
        await PolicySource(store).policy()
    assert "managed identity" in told.value.detail


async def test_a_file_is_looked_at_each_time(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_bytes(GOOD)
    policies = PolicySource(FileStore(file))
    assert (await policies.policy()).attachments == "none"
    file.write_text(json.dumps({"attachments": "off", "saveMeetings": False}))
    assert (await policies.policy()).attachments == "off"
    file.write_bytes(BAD)
    assert (await policies.policy()).attachments == "off"
    assert "attachments" in policies.problem
    assert (await PolicySource(FileStore(file)).policy()).attachments == "off"
    file.unlink()
    assert (await policies.policy()).attachments == "off"
    assert "can't be read" in policies.problem
